//! Windows whose first four bytes are few keys.

use serde::{Deserialize, Serialize};

use super::WindowId;
use super::slots::{Entry, Slots, word_at};
use crate::byte_set::ByteSet;
use crate::cache::table;
use crate::compile::window::{FOLD, Window};

/// Bits of a hash of the key that the bitmap is addressed by; four more come from the two bytes behind the key. Its 16 KiB
/// stay in the first-level cache.
const BITMAP_HASH_BITS: u32 = 13;
const BITMAP_WORDS: usize = 1 << (BITMAP_HASH_BITS + 4 - 6);

/// Bytes of a key.
const KEY_BYTES: usize = 4;

/// Looks at places that a first stage let through, by the key that they begin with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Keys {
    /// A bit for each key and what may follow it.
    #[serde(with = "table")]
    bitmap: Box<[u64; BITMAP_WORDS]>,
    slots: Slots,
}

impl Keys {
    pub(super) fn new(windows: &[(WindowId, Window)]) -> Keys {
        let mut bitmap = Box::new([0; BITMAP_WORDS]);
        let mut keyed = Vec::new();
        for (id, window) in windows {
            let behind = [4, 5].map(|at| low_bits(&window.sets[at]));
            for key in window.folded_values(KEY_BYTES) {
                bitmap_bits(key, behind).for_each(|bit| bitmap[bit >> 6] |= 1 << (bit & 63));
                keyed.push((key, Entry::new(*id, window)));
            }
        }
        Keys { bitmap, slots: Slots::new(&keyed) }
    }

    /// The second stage: looks at places.
    #[inline]
    pub(super) fn look_up(&self, bytes: &[u8], places: &mut [u16], sink: &mut impl FnMut(WindowId, usize)) {
        let mut known = 0;
        for at in 0..places.len() {
            let place = places[at];
            let bit = bitmap_bit(word_at(bytes, usize::from(place)));
            // Written always and kept seldom, for the sake of the branch that isn't there.
            places[known] = place;
            known += (self.bitmap[bit >> 6] >> (bit & 63) & 1) as usize;
        }
        for place in &places[..known] {
            let place = usize::from(*place);
            let word = word_at(bytes, place);
            self.slots.look_up(u64::from(key_of(word)), word, |window| sink(window, place));
        }
    }

    /// Whether it tells only windows below `windows`; it may be from a file.
    pub(super) fn is_sound(&self, windows: usize) -> bool {
        self.slots.is_sound(windows)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.bitmap) + self.slots.bytes()
    }
}

/// Which values of the two lowest bits bytes of the set have, one bit for each.
fn low_bits(set: &ByteSet) -> u8 {
    set.iter().fold(0, |bits, byte| bits | 1 << (byte & 3))
}

/// The bits at which words have to be found that begin with a key and go on with bytes of which these are the lowest bits.
fn bitmap_bits(key: u64, [fifth, sixth]: [u8; 2]) -> impl Iterator<Item = usize> {
    (0..16_u64).filter_map(move |low| {
        let is_in = fifth >> (low >> 2) & 1 == 1 && sixth >> (low & 3) & 1 == 1;
        is_in.then(|| bitmap_bit(key | (low >> 2) << 32 | (low & 3) << 40))
    })
}

/// The bit of the bitmap for a key and the two bytes behind it, of which the two lowest bits count: these don't depend on
/// case. Multiplicative hashing with the golden ratio (Knuth, TAOCP vol. 3, 6.4).
#[inline]
fn bitmap_bit(word: u64) -> usize {
    let hash = key_of(word).wrapping_mul(0x9e37_79b1) >> (32 - BITMAP_HASH_BITS);
    let behind = (word >> 32 & 3) << 2 | word >> 40 & 3;
    (hash as usize) << 4 | behind as usize
}

/// The key that a word begins with.
#[inline]
fn key_of(word: u64) -> u32 {
    (word | FOLD) as u32
}
