//! Which flows are half-open, and since when.

/// Slots of half-open flows, in the order in which they became so, and how many of them each source has.
///
/// Sources share counters where their hashes fall together: a count is never too low.
pub(crate) struct HalfOpen {
    /// The anchor of the ring, then one place for each slot.
    places: Vec<Place>,
    sources: Box<[u32]>,
    len: usize,
}

/// A slot's neighbours in the ring; itself where it is not in it.
#[derive(Clone, Copy)]
struct Place {
    next: u32,
    previous: u32,
    /// Counter of its source.
    source: u32,
}

const ANCHOR: u32 = 0;

/// Counters of sources, 256 KiB: a flood of random sources adds to each no more than one for every so many flows.
const SOURCES_MAX: usize = 1 << 16;

fn place_of(slot: u32) -> u32 {
    slot + 1
}

impl HalfOpen {
    pub(crate) fn with_capacity(capacity: usize) -> HalfOpen {
        let mut places = Vec::with_capacity(capacity + 1);
        places.push(Place { next: ANCHOR, previous: ANCHOR, source: 0 });
        let sources = vec![0; capacity.max(1).next_power_of_two().min(SOURCES_MAX)].into();
        HalfOpen { places, sources, len: 0 }
    }

    /// Admits the next slot.
    pub(crate) fn add_slot(&mut self) {
        let place = self.places.len() as u32;
        self.places.push(Place { next: place, previous: place, source: 0 });
    }

    /// Takes a slot in as the newest; one that is in already stays where it is.
    pub(crate) fn insert(&mut self, slot: u32, source_hash: u64) {
        let place = place_of(slot);
        if self.contains(slot) {
            return;
        }
        let source = self.source(source_hash);
        self.sources[source] += 1;
        let newest = self.places[ANCHOR as usize].previous;
        self.places[place as usize] = Place { next: ANCHOR, previous: newest, source: source as u32 };
        self.places[newest as usize].next = place;
        self.places[ANCHOR as usize].previous = place;
        self.len += 1;
    }

    /// Lets a slot go, and says whether it was in.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        if !self.contains(slot) {
            return false;
        }
        let place = place_of(slot);
        let Place { next, previous, source } = self.places[place as usize];
        self.places[previous as usize].next = next;
        self.places[next as usize].previous = previous;
        self.places[place as usize] = Place { next: place, previous: place, source: 0 };
        self.sources[source as usize] -= 1;
        self.len -= 1;
        true
    }

    #[inline]
    pub(crate) fn contains(&self, slot: u32) -> bool {
        let place = place_of(slot);
        self.places[place as usize].next != place
    }

    /// The slot that has been in for the longest.
    pub(crate) fn oldest(&self) -> Option<u32> {
        self.places[ANCHOR as usize].next.checked_sub(1)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many there are of a source, or more.
    pub(crate) fn of_source(&self, source_hash: u64) -> usize {
        self.sources[self.source(source_hash)] as usize
    }

    fn source(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.sources.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut half_open: HalfOpen) -> Vec<u32> {
        std::iter::from_fn(|| half_open.oldest().inspect(|slot| assert!(half_open.remove(*slot)))).collect()
    }

    #[test]
    fn the_oldest_comes_first_whoever_leaves_between() {
        let mut half_open = HalfOpen::with_capacity(6);
        (0..6).for_each(|_| half_open.add_slot());
        [3, 0, 5, 1].iter().for_each(|slot| half_open.insert(*slot, 0));
        assert!(half_open.remove(0) && !half_open.remove(0) && !half_open.remove(2));
        half_open.insert(0, 0);
        half_open.insert(3, 0);
        assert_eq!(half_open.len(), 4);
        assert_eq!(all(half_open), [3, 5, 1, 0]);
    }

    #[test]
    fn each_source_is_counted_until_its_flows_leave() {
        let mut half_open = HalfOpen::with_capacity(8);
        (0..8).for_each(|_| half_open.add_slot());
        let hashes = [0u64, 1 << 32, 2 << 32];
        for (slot, source) in [(0, 0), (1, 1), (2, 1), (3, 1)] {
            half_open.insert(slot, hashes[source]);
        }
        assert_eq!(hashes.map(|hash| half_open.of_source(hash)), [1, 3, 0]);
        half_open.remove(2);
        half_open.remove(0);
        assert_eq!(hashes.map(|hash| half_open.of_source(hash)), [0, 2, 0]);
    }
}
