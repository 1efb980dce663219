//! Many windows that are nearly literals: looked up by what stands at every second or fourth place.

use super::slots::{Entry, Slots, word_at};
use super::{Places, WindowId};
use crate::compile::window::{Window, folded};

/// Values that the folded bytes of a window may have for it to be looked up by them, all together.
const VALUES_MAX: usize = 16;

/// Sets the bit that tells the cases of a letter apart, in each byte.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// A set of hashes, one bit each.
#[derive(Debug)]
struct Bitmap {
    words: Vec<u64>,
    shift: u32,
}

impl Bitmap {
    /// With `1 << bits` bits, which are at least 64.
    fn new(bits: u32, keys: impl Iterator<Item = u64>) -> Bitmap {
        let mut bitmap = Bitmap { words: vec![0; 1 << (bits - 6)], shift: 64 - bits };
        for key in keys {
            let bit = bitmap.bit(key);
            bitmap.words[bit >> 6] |= 1 << (bit & 63);
        }
        bitmap
    }

    /// Multiplicative hashing with the golden ratio (Knuth, TAOCP vol. 3, 6.4).
    #[inline]
    fn bit(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// 1 if the key may be in the set.
    #[inline]
    fn may_have(&self, key: u64) -> usize {
        let bit = self.bit(key);
        (self.words[bit >> 6] >> (bit & 63) & 1) as usize
    }
}

/// Finds windows of at least `stride + 3` bytes: whatever the place at which one begins, four of its bytes stand at a
/// multiple of the stride. So only these are looked up; where they are known, all of the bytes are, for each place at which
/// the window may begin.
#[derive(Debug)]
pub(super) struct Grams {
    stride: usize,
    /// The four bytes at each of the first `stride` places of each window.
    fours: Bitmap,
    /// The first `stride + 3` bytes of each window.
    wholes: Bitmap,
    slots: Slots,
}

impl Grams {
    /// Whether a window can be found with a stride.
    pub(super) fn suits(window: &Window, stride: usize) -> bool {
        let bytes = stride + 3;
        let values = window.sets.iter().take(bytes).map(|set| folded(set).len());
        bytes <= usize::from(window.len) && values.product::<usize>() <= VALUES_MAX
    }

    /// # Panics
    /// If the stride suits some window not.
    pub(super) fn new(windows: &[(WindowId, Window)], stride: usize) -> Grams {
        let mut keyed = Vec::new();
        for (id, window) in windows {
            assert!(Grams::suits(window, stride), "windows are chosen by that");
            keyed.extend(values(window, stride + 3).into_iter().map(|value| (value, Entry::new(*id, window))));
        }
        let fours = || {
            keyed.iter().flat_map(|(value, _)| (0..stride).map(move |at| value >> (8 * at) & 0xffff_ffff))
        };
        let bits = |keys: usize, few: u32, many: u32| keys.next_power_of_two().ilog2().clamp(few, many);
        Grams {
            stride,
            // One bit in 32 is set, unless the bitmap would leave the second-level cache.
            fours: Bitmap::new(bits(32 * stride * keyed.len(), 15, 20), fours()),
            wholes: Bitmap::new(bits(16 * keyed.len(), 14, 19), keyed.iter().map(|(value, _)| *value)),
            slots: Slots::new(&keyed),
        }
    }

    /// Tells `sink` each window that may begin at one of the first `places` bytes.
    #[inline]
    pub(super) fn look(
        &self,
        bytes: &[u8],
        places: usize,
        [fours, wholes]: [&mut Places; 2],
        sink: &mut impl FnMut(WindowId, usize),
    ) {
        let mut count = 0;
        // Windows that begin at the last places have their four bytes behind these.
        for at in (0..places + self.stride - 1).step_by(self.stride) {
            fours[count] = at as u16;
            count += self.fours.may_have((word_at(bytes, at) | FOLD) & 0xffff_ffff);
        }
        let mask = u64::MAX >> (8 * (5 - self.stride));
        let mut known = 0;
        for at in &fours[..count] {
            for before in 0..self.stride {
                let place = usize::from(*at).wrapping_sub(before);
                if place < places {
                    wholes[known] = place as u16;
                    known += self.wholes.may_have((word_at(bytes, place) | FOLD) & mask);
                }
            }
        }
        for place in &wholes[..known] {
            let place = usize::from(*place);
            let word = word_at(bytes, place);
            self.slots.look_up((word | FOLD) & mask, word, |window| sink(window, place));
        }
    }

    pub(super) fn bytes(&self) -> usize {
        [&self.fours, &self.wholes].map(|bitmap| size_of_val(bitmap.words.as_slice())).iter().sum::<usize>()
            + self.slots.bytes()
    }
}

/// What the first bytes of a window may be, folded.
fn values(window: &Window, bytes: usize) -> Vec<u64> {
    let mut values = vec![0];
    for (at, set) in window.sets.iter().take(bytes).enumerate() {
        let bytes: Vec<u64> = folded(set).iter().map(|byte| u64::from(byte) << (8 * at)).collect();
        values = values.into_iter().flat_map(|value| bytes.iter().map(move |byte| value | byte)).collect();
    }
    values
}
