//! Windows whose bytes are sets rather than values: numbers, long words of hexadecimal digits.

use super::{WindowId, keep_places};
use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::limits::WINDOW_BYTES;
use crate::simd::{self, BLOCK_BYTES, STRIPE_BLOCKS, SetTable, Tier};

/// A set at a position of a window.
#[derive(Clone, Copy, Debug)]
struct Test {
    /// Index into the sets of all windows.
    set: u8,
    position: u8,
}

/// A window as the tests of its positions, the one that fails most often first.
#[derive(Debug)]
struct Tests {
    window: WindowId,
    tests: Vec<Test>,
}

/// Finds windows by where the bytes of each of their sets are: one bit a byte, for each set that any of them has.
#[derive(Debug)]
pub(super) struct Wide {
    sets: Vec<SetTable>,
    windows: Vec<Tests>,
}

/// Bits of one set: those of a stripe, and those that windows reach into behind it.
type Bits = [u64; STRIPE_BLOCKS + 1];

impl Wide {
    pub(super) fn new(windows: &[(WindowId, Window)], frequency: &Frequency) -> Wide {
        let mut sets: Vec<SetTable> = Vec::new();
        let mut index_of = |set: SetTable| {
            let known = sets.iter().position(|other| *other == set);
            known.unwrap_or_else(|| {
                sets.push(set);
                sets.len() - 1
            })
        };
        let windows = windows.iter().map(|(id, window)| {
            let mut positions: Vec<usize> =
                (0..WINDOW_BYTES).filter(|position| !window.sets[*position].is_all()).collect();
            let chance = |position: &usize| frequency.of_set(&window.sets[*position]);
            positions.sort_by(|a, b| chance(a).total_cmp(&chance(b)));
            let tests = positions.into_iter().map(|position| Test {
                set: u8::try_from(index_of(SetTable::new(&window.sets[position])))
                    .expect("there are fewer sets than that: see limits"),
                position: u8::try_from(position).expect("a window has few positions"),
            });
            Tests { window: *id, tests: tests.collect() }
        });
        let windows = windows.collect();
        Wide { sets, windows }
    }

    #[inline]
    pub(super) fn look(
        &self,
        tier: Tier,
        bytes: &[u8],
        places: usize,
        sink: &mut impl FnMut(WindowId, usize),
    ) {
        let blocks = places.div_ceil(BLOCK_BYTES);
        let mut bits: [Bits; SETS_MAX] = [[0; STRIPE_BLOCKS + 1]; SETS_MAX];
        for (set, bits) in self.sets.iter().zip(&mut bits) {
            simd::set_masks(tier, set, bytes, &mut bits[..blocks]);
            // Windows reach only a few bytes into the slack.
            let slack = bytes[blocks * BLOCK_BYTES..].iter().take(WINDOW_BYTES).rev();
            bits[blocks] = slack.fold(0, |bits, byte| bits << 1 | u64::from(set.contains(*byte)));
        }
        for window in &self.windows {
            let mut masks = [0; STRIPE_BLOCKS];
            for (block, mask) in masks[..blocks].iter_mut().enumerate() {
                *mask = window.at(&bits, block);
            }
            keep_places(&mut masks, places);
            for (block, mut mask) in masks.into_iter().enumerate() {
                while mask != 0 {
                    sink(window.window, block * BLOCK_BYTES + mask.trailing_zeros() as usize);
                    mask &= mask - 1;
                }
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let tests = self.windows.iter().map(|window| size_of_val(window.tests.as_slice()));
        size_of_val(self.sets.as_slice()) + size_of_val(self.windows.as_slice()) + tests.sum::<usize>()
    }
}

/// Sets of one sieve.
pub(super) const SETS_MAX: usize = 32;

impl Tests {
    /// Where in a block the window is.
    #[inline]
    fn at(&self, bits: &[Bits; SETS_MAX], block: usize) -> u64 {
        let mut mask = u64::MAX;
        for Test { set, position } in &self.tests {
            let bits = &bits[usize::from(*set)];
            let both = u128::from(bits[block]) | u128::from(bits[block + 1]) << 64;
            mask &= (both >> position) as u64;
            if mask == 0 {
                break;
            }
        }
        mask
    }
}
