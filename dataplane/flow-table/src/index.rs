//! Hash → slot, in one cache line.

use crate::prefetch::prefetch;

/// Slots by hash: a slot lies in the bucket that its hash names, or behind full buckets that count it as
/// passed on, so that a search ends at the first bucket which passed on nothing.
pub(crate) struct Index {
    buckets: Box<[Bucket]>,
}

/// Slots of a bucket. Eight 16-bit tags are compared at once.
const LANES: usize = 8;

/// Slots that a bucket has on average when the table is full. Poisson: one bucket in 15 then overflows.
const LANES_USED: usize = 5;

/// One cache line.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Bucket {
    /// Low bits of each slot's hash; [`VACANT`] where there is no slot.
    tags: [u16; LANES],
    slots: [u32; LANES],
    /// Slots that were looked for here first, or passed on to here, and lie in a later bucket.
    passed_on: u32,
}

const VACANT: u16 = 0;

fn tag_of(hash: u64) -> u16 {
    (hash as u16).max(VACANT + 1)
}

impl Bucket {
    /// A byte of 1 for each lane with that tag, the first lane's lowest: a form that vectors turn into an integer
    /// in one move.
    #[inline]
    fn lanes_with(&self, tag: u16) -> u64 {
        u64::from_le_bytes(self.tags.map(|other| u8::from(other == tag)))
    }

    /// The lane in which `slot` lies.
    #[inline]
    fn lane_of(&self, tag: u16, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let mut lanes = self.lanes_with(tag);
        while lanes != 0 {
            let lane = (lanes.trailing_zeros() / u8::BITS) as usize;
            if is_it(self.slots[lane]) {
                return Some(lane);
            }
            lanes &= lanes - 1;
        }
        None
    }
}

impl Index {
    /// Room for `capacity` slots.
    pub(crate) fn with_capacity(capacity: usize) -> Index {
        let buckets = capacity.div_ceil(LANES_USED).max(1);
        Index { buckets: vec![Bucket::default(); buckets].into() }
    }

    /// The slot with that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let bucket = &self.buckets[at];
            if let Some(lane) = bucket.lane_of(tag_of(hash), &mut is_it) {
                return Some(bucket.slots[lane]);
            }
            if bucket.passed_on == 0 {
                return None;
            }
            at = self.after(at);
        }
    }

    /// Asks for the memory in which the search for that hash begins, and in most cases ends.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(&self.buckets[self.home(hash)], size_of::<Bucket>());
    }

    /// The slot in the first bucket that the search for that hash looks at first.
    #[inline]
    pub(crate) fn candidate(&self, hash: u64) -> Option<u32> {
        let bucket = &self.buckets[self.home(hash)];
        bucket.lane_of(tag_of(hash), |_| true).map(|lane| bucket.slots[lane])
    }

    /// Adds a slot; there is always room, as there are more lanes than the capacity.
    pub(crate) fn insert(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(lane) = bucket.tags.iter().position(|&tag| tag == VACANT) {
                bucket.tags[lane] = tag_of(hash);
                bucket.slots[lane] = slot;
                return;
            }
            bucket.passed_on += 1;
            at = self.after(at);
        }
    }

    /// Takes out a slot that was inserted with that hash.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(lane) = bucket.lane_of(tag_of(hash), |other| other == slot) {
                bucket.tags[lane] = VACANT;
                return;
            }
            assert!(bucket.passed_on > 0, "a slot that is taken out was inserted");
            bucket.passed_on -= 1;
            at = self.after(at);
        }
    }

    /// The high bits of the hash, scaled to the number of buckets (Lemire 2019), which may be any.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.buckets.len() as u128) >> 64) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_one_cache_line() {
        assert_eq!(size_of::<Bucket>(), 64);
    }

    /// All slots share bucket and tag, which only the right secret could bring about.
    #[test]
    fn equal_hashes_are_told_apart_and_leave_no_trace() {
        let mut index = Index::with_capacity(40);
        for hash in [0, u64::MAX] {
            (0..40).for_each(|slot| index.insert(hash, slot));
            for slot in 0..40 {
                assert_eq!(index.find(hash, |other| other == slot), Some(slot));
            }
            assert_eq!(index.find(hash, |_| false), None);
            for slot in (0..40).rev().filter(|slot| slot % 3 != 0).chain((0..40).step_by(3)) {
                index.remove(hash, slot);
                assert_eq!(index.find(hash, |other| other == slot), None);
            }
            assert!(
                index.buckets.iter().all(|bucket| bucket.passed_on == 0 && bucket.tags == [VACANT; LANES])
            );
        }
    }
}
