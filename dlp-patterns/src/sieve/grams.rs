//! Many windows that are nearly literals: looked up by what stands at every place, or every second or
//! fourth one.

use serde::{Deserialize, Serialize};

use super::WindowId;
use super::slots::{Entry, Slots, word_at};
use crate::compile::window::{FOLD, Window};
use crate::simd::{self, GRAMS_AT_ONCE, GramSet, Places, STRIPE_BYTES, Tier};

/// Values that the folded bytes of a window may have for it to be looked up by them, all together.
const VALUES_MAX: usize = 16;

/// Masks of a stripe's grams at every fourth place and of one behind it, as whole words.
const MASKS: usize = (STRIPE_BYTES / (4 * GRAMS_AT_ONCE) + 1).next_multiple_of(8);

/// Finds windows of at least `stride + 3` bytes: whatever the place at which one begins, four of its bytes stand at a
/// multiple of the stride. So only these are looked up; where they are known, all of the bytes are, for each place at which
/// the window may begin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Grams {
    stride: usize,
    /// The four bytes at each of the first `stride` places of each window.
    fours: GramSet,
    /// The hashes of the first `stride + 3` bytes of each window.
    wholes: GramSet,
    slots: Slots,
}

impl Grams {
    /// Whether a window can be found with a stride.
    pub(super) fn suits(window: &Window, stride: usize) -> bool {
        let bytes = stride + 3;
        let values = window.sets.iter().take(bytes).map(|set| set.folded().len());
        bytes <= usize::from(window.len) && values.product::<usize>() <= VALUES_MAX
    }

    /// # Panics
    /// If the stride suits some window not.
    pub(super) fn new(windows: &[(WindowId, Window)], stride: usize) -> Grams {
        let mut keyed = Vec::new();
        for (id, window) in windows {
            assert!(Grams::suits(window, stride), "windows are chosen by that");
            let values = window.folded_values(stride + 3).into_iter();
            keyed.extend(values.map(|value| (value, Entry::new(*id, window))));
        }
        let fours = keyed.iter().flat_map(|(value, _)| (0..stride).map(move |at| (value >> (8 * at)) as u32));
        let wholes = keyed.iter().map(|(value, _)| hash(*value));
        let bits = |keys: usize, few: u32, many: u32| keys.next_power_of_two().ilog2().clamp(few, many);
        Grams {
            stride,
            // 32 bits for each gram, which sets two, unless the set would leave the second-level cache.
            fours: GramSet::new(bits(32 * stride * keyed.len(), 15, 20), fours),
            wholes: GramSet::new(bits(16 * keyed.len(), 14, 19), wholes),
            slots: Slots::new(&keyed),
        }
    }

    /// Tells `sink` each window that may begin at one of the first `places` bytes.
    #[inline]
    pub(super) fn look(
        &self,
        tier: Tier,
        bytes: &[u8],
        places: usize,
        [grams, known]: [&mut Places; 2],
        sink: &mut impl FnMut(WindowId, usize),
    ) {
        let mut count = 0;
        let mask = u64::MAX >> (8 * (5 - self.stride));
        for first in (0..4).step_by(self.stride) {
            // Windows that begin at the last places have their four bytes behind these.
            let reach = (places + self.stride - 1).saturating_sub(first).div_ceil(4);
            let mut masks = [0; MASKS];
            simd::gram_masks(tier, &self.fours, &bytes[first..], &mut masks[..reach.div_ceil(GRAMS_AT_ONCE)]);
            let mut masks: [u64; MASKS / 8] =
                std::array::from_fn(|at| u64::from_le_bytes(masks.as_chunks().0[at]));
            super::keep_places(&mut masks, reach);
            let seen = simd::list_places(tier, &masks[..reach.div_ceil(64)], grams);
            for gram in &grams[..seen] {
                let gram = first + 4 * usize::from(*gram);
                for before in 0..self.stride {
                    // A place before the first is one behind the last, and is left out below: a branch less.
                    let place = gram.wrapping_sub(before).min(places);
                    known[count] = place as u16;
                    count += usize::from(self.wholes.may_have(hash((word_at(bytes, place) | FOLD) & mask)));
                }
            }
        }
        for place in &known[..count] {
            let place = usize::from(*place);
            if place < places {
                let word = word_at(bytes, place);
                self.slots.look_up((word | FOLD) & mask, word, |window| sink(window, place));
            }
        }
    }

    /// Whether it tells only windows below `windows`, and looks nowhere else; it may be from a file.
    pub(super) fn is_sound(&self, windows: usize) -> bool {
        [1, 2, 4].contains(&self.stride)
            && self.fours.is_sound()
            && self.wholes.is_sound()
            && self.slots.is_sound(windows)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.fours.words()) + size_of_val(self.wholes.words()) + self.slots.bytes()
    }
}

/// What stands for many bytes as a gram.
#[inline]
fn hash(value: u64) -> u32 {
    (value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
