//! Which windows a key stands for.

use serde::{Deserialize, Serialize};

use super::WindowId;
use crate::compile::window::Window;
use crate::limits::WINDOW_BYTES;

/// A window: it may be where `word & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Entry {
    mask: u64,
    value: u64,
    window: WindowId,
}

impl Entry {
    pub(super) fn new(window: WindowId, of: &Window) -> Entry {
        let (mut mask, mut value) = ([0; WINDOW_BYTES], [0; WINDOW_BYTES]);
        for (at, set) in of.sets.iter().enumerate() {
            (mask[at], value[at]) = set.masked();
        }
        Entry { mask: u64::from_le_bytes(mask), value: u64::from_le_bytes(value), window }
    }
}

/// Entries by the hash of their keys.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Slots {
    /// Where the entries of each hash are: the first one and how many. The length is a power of two.
    ranges: Vec<(u32, u32)>,
    entries: Vec<Entry>,
}

impl Slots {
    pub(super) fn new(keyed: &[(u64, Entry)]) -> Slots {
        let mut ranges = vec![(0, 0); (2 * keyed.len()).next_power_of_two()];
        // Keys that share a hash may share a window too.
        let mut hashed: Vec<(usize, Entry)> =
            keyed.iter().map(|(key, entry)| (hash(*key, ranges.len()), *entry)).collect();
        hashed.sort_unstable();
        hashed.dedup();
        let mut first = 0;
        for of_hash in hashed.chunk_by(|one, other| one.0 == other.0) {
            let count = u32::try_from(of_hash.len()).expect("windows have few keys");
            ranges[of_hash[0].0] = (first, count);
            first += count;
        }
        Slots { ranges, entries: hashed.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// Tells `sink` each window that `word` may be, by its key.
    #[inline]
    pub(super) fn look_up(&self, key: u64, word: u64, mut sink: impl FnMut(WindowId)) {
        let (first, count) = self.ranges[hash(key, self.ranges.len())];
        for entry in &self.entries[first as usize..][..count as usize] {
            if word & entry.mask == entry.value {
                sink(entry.window);
            }
        }
    }

    /// Whether it can be looked into by every key, and tells only windows below `windows`; it may be from a file.
    pub(super) fn is_sound(&self, windows: usize) -> bool {
        let is_within = |(first, count): &(u32, u32)| {
            first.checked_add(*count).is_some_and(|end| end as usize <= self.entries.len())
        };
        self.ranges.len().is_power_of_two()
            && self.ranges.iter().all(is_within)
            && self.entries.iter().all(|entry| (entry.window as usize) < windows)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.ranges.as_slice()) + size_of_val(self.entries.as_slice())
    }
}

/// Multiplicative hashing with the golden ratio (Knuth, TAOCP vol. 3, 6.4). The upper bits are the well-mixed ones.
#[inline]
fn hash(key: u64, count: usize) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (count - 1)
}

/// The eight bytes at a place.
#[inline]
pub(super) fn word_at(bytes: &[u8], place: usize) -> u64 {
    u64::from_le_bytes(*bytes[place..].first_chunk().expect("there is slack behind the last place"))
}
