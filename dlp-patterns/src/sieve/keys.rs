//! Windows whose first four bytes are few keys.

use super::{WindowId, buckets};
use crate::byte_set::ByteSet;
use crate::compile::window::{Window, folded};
use crate::frequency::Frequency;
use crate::limits::WINDOW_BYTES;
use crate::simd::{BucketTables, Tier};

/// Bits of a hash of the key that the bitmap is addressed by; four more come from the two bytes behind the key. Its 16 KiB
/// stay in the first-level cache.
const BITMAP_HASH_BITS: u32 = 13;
const BITMAP_WORDS: usize = 1 << (BITMAP_HASH_BITS + 4 - 6);

/// Sets the bit that tells the cases of a letter apart, in each byte of a key.
const FOLD: u32 = 0x2020_2020;

/// Where the entries are whose keys have a hash.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    first: u32,
    count: u32,
}

/// A window behind a key: it may be where `word & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    mask: u64,
    value: u64,
    window: WindowId,
    /// For each of the two bytes behind the key, what [`low_bits`] says.
    behind: [u8; 2],
}

/// Two stages that find windows: buckets, 64 places at a time, then keys of four bytes.
#[derive(Debug)]
pub(super) struct Keys {
    buckets: BucketTables,
    /// A bit for each key and what may follow it.
    bitmap: Box<[u64; BITMAP_WORDS]>,
    /// By hash; the length is a power of two.
    slots: Vec<Slot>,
    entries: Vec<Entry>,
}

impl Keys {
    pub(super) fn new(windows: &[(WindowId, Window)], tier: Tier, frequency: &Frequency) -> Keys {
        let only_windows: Vec<Window> = windows.iter().map(|(_, window)| *window).collect();
        let buckets = buckets::tables(&only_windows, tier, frequency);
        let entries_of = |(id, window): &(WindowId, Window)| {
            let entry = Entry::new(*id, window);
            keys_of(window).into_iter().map(move |key| (key, entry))
        };
        let keyed: Vec<(u32, Entry)> = windows.iter().flat_map(entries_of).collect();
        let mut bitmap = Box::new([0; BITMAP_WORDS]);
        for (key, entry) in &keyed {
            for bit in entry.bitmap_bits(*key) {
                bitmap[bit >> 6] |= 1 << (bit & 63);
            }
        }
        let mut slots = vec![Slot::default(); (2 * keyed.len()).next_power_of_two()];
        let slot = |key| slot_of(key, slots.len());
        // Keys that share a slot may share a window too.
        let mut slotted: Vec<(usize, Entry)> =
            keyed.iter().map(|(key, entry)| (slot(*key), *entry)).collect();
        slotted.sort_unstable();
        slotted.dedup();
        let mut first = 0;
        for of_slot in slotted.chunk_by(|one, other| one.0 == other.0) {
            let count = u32::try_from(of_slot.len()).expect("windows have few keys");
            slots[of_slot[0].0] = Slot { first, count };
            first += count;
        }
        Keys { buckets, bitmap, slots, entries: slotted.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// The tables of the first stage.
    #[inline]
    pub(super) fn buckets(&self) -> &BucketTables {
        &self.buckets
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
            self.look_up_at(word_at(bytes, place), |window| sink(window, place));
        }
    }

    #[inline]
    fn look_up_at(&self, word: u64, mut sink: impl FnMut(WindowId)) {
        let slot = self.slots[slot_of(word as u32 | FOLD, self.slots.len())];
        for entry in &self.entries[slot.first as usize..][..slot.count as usize] {
            if word & entry.mask == entry.value {
                sink(entry.window);
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.bitmap)
            + size_of_val(self.slots.as_slice())
            + size_of_val(self.entries.as_slice())
            + self.buckets.tables.len()
    }
}

impl Entry {
    fn new(window: WindowId, of: &Window) -> Entry {
        let (mut mask, mut value) = ([0; WINDOW_BYTES], [0; WINDOW_BYTES]);
        for (at, set) in of.sets.iter().enumerate() {
            (mask[at], value[at]) = masked(set);
        }
        Entry {
            mask: u64::from_le_bytes(mask),
            value: u64::from_le_bytes(value),
            window,
            behind: [4, 5].map(|at| low_bits(&of.sets[at])),
        }
    }

    /// The bits of the bitmap at which words have to be found that begin with the key and may be this window.
    fn bitmap_bits(&self, key: u32) -> impl Iterator<Item = usize> {
        let [fifth, sixth] = self.behind;
        (0..16_u64).filter_map(move |low| {
            let is_in = fifth >> (low >> 2) & 1 == 1 && sixth >> (low & 3) & 1 == 1;
            is_in.then(|| bitmap_bit(u64::from(key) | (low >> 2) << 32 | (low & 3) << 40))
        })
    }
}

/// Which values of the two lowest bits bytes of the set have, one bit for each.
fn low_bits(set: &ByteSet) -> u8 {
    set.iter().fold(0, |bits, byte| bits | 1 << (byte & 3))
}

/// A mask and a value such that each byte of the set is the value under the mask.
fn masked(set: &ByteSet) -> (u8, u8) {
    let (all, any) = set.iter().fold((u8::MAX, 0), |(all, any), byte| (all & byte, any | byte));
    let same = !(all ^ any);
    (same, all & same)
}

fn keys_of(window: &Window) -> Vec<u32> {
    let mut keys = vec![0];
    for (at, set) in window.sets.iter().take(4).enumerate() {
        let bytes = folded(set);
        keys = keys
            .into_iter()
            .flat_map(|key| {
                bytes.iter().map(move |byte| key | u32::from(byte) << (8 * at)).collect::<Vec<_>>()
            })
            .collect();
    }
    keys
}

#[inline]
fn word_at(bytes: &[u8], place: usize) -> u64 {
    u64::from_le_bytes(*bytes[place..].first_chunk().expect("there is slack behind the last place"))
}

/// The bit of the bitmap for a key and the two bytes behind it, of which the two lowest bits count: these don't depend on
/// case. Multiplicative hashing with the golden ratio (Knuth, TAOCP vol. 3, 6.4).
#[inline]
fn bitmap_bit(word: u64) -> usize {
    let hash = (word as u32 | FOLD).wrapping_mul(0x9e37_79b1) >> (32 - BITMAP_HASH_BITS);
    let behind = (word >> 32 & 3) << 2 | word >> 40 & 3;
    (hash as usize) << 4 | behind as usize
}

#[inline]
fn slot_of(key: u32, slots: usize) -> usize {
    // The upper bits are the well-mixed ones.
    key.wrapping_mul(0x9e37_79b1).rotate_left(17) as usize & (slots - 1)
}
