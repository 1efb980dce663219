//! Which flows are half-open, since when, and of which source.

use crate::rings::Rings;

/// Slots of half-open flows, in the order in which they became so: all of them, and those of each source.
///
/// Sources whose hashes fall together are one: a count is never too low. Invariant: a slot is in a ring of `by_source` if and only
/// if it is in `all`.
pub(crate) struct HalfOpen {
    all: Rings,
    by_source: Rings,
}

/// The one ring of `all`.
const ALL: u32 = 0;

/// Rings of sources, 1 MiB: a flood of random sources adds to each no more than one for every so many flows.
const SOURCES_MAX: usize = 1 << 16;

impl HalfOpen {
    /// Slots that can be named beside the rings.
    pub(crate) const SLOTS_MAX: usize = u32::MAX as usize - SOURCES_MAX;

    pub(crate) fn with_capacity(capacity: usize) -> HalfOpen {
        let sources = capacity.max(1).next_power_of_two().min(SOURCES_MAX);
        HalfOpen {
            all: Rings::with_capacity(1, capacity),
            by_source: Rings::with_capacity(sources, capacity),
        }
    }

    /// Admits the next slot.
    pub(crate) fn add_slot(&mut self) {
        self.all.add_slot();
        self.by_source.add_slot();
    }

    /// Takes a slot in as the newest; one that is in already stays where it is.
    pub(crate) fn insert(&mut self, slot: u32, source_hash: u64) {
        if self.all.contains(slot) {
            return;
        }
        self.all.insert(slot, ALL);
        self.by_source.insert(slot, self.source(source_hash));
    }

    /// Lets a slot go, and says whether it was in.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        self.all.remove(slot) && self.by_source.remove(slot)
    }

    /// The slot that has been in for the longest.
    pub(crate) fn oldest(&self) -> Option<u32> {
        self.all.oldest(ALL)
    }

    /// Of the slots of a source, the one that has been in for the longest.
    pub(crate) fn oldest_of(&self, source_hash: u64) -> Option<u32> {
        self.by_source.oldest(self.source(source_hash))
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len(ALL)
    }

    /// How many there are of a source, or more.
    pub(crate) fn len_of(&self, source_hash: u64) -> usize {
        self.by_source.len(self.source(source_hash))
    }

    /// The ring of a source: there is a power of two of them.
    fn source(&self, hash: u64) -> u32 {
        (hash >> 32) as u32 & (self.by_source.rings() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_goes_from_both_orders() {
        let mut half_open = HalfOpen::with_capacity(8);
        (0..8).for_each(|_| half_open.add_slot());
        let hashes = [0u64, 1 << 32, 2 << 32];
        for (slot, source) in [(0, 0), (3, 1), (1, 1), (2, 1)] {
            half_open.insert(slot, hashes[source]);
        }
        half_open.insert(3, hashes[0]);
        assert_eq!(hashes.map(|hash| half_open.len_of(hash)), [1, 3, 0]);
        assert_eq!(hashes.map(|hash| half_open.oldest_of(hash)), [Some(0), Some(3), None]);
        assert!(half_open.remove(3) && half_open.remove(0) && !half_open.remove(0));
        assert_eq!((half_open.len(), half_open.oldest()), (2, Some(1)));
        assert_eq!(hashes.map(|hash| half_open.len_of(hash)), [0, 2, 0]);
        assert_eq!(hashes.map(|hash| half_open.oldest_of(hash)), [None, Some(1), None]);
    }
}
