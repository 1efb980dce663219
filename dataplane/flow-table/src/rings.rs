//! Slots in rings, each in one at most, and each ring in the order in which its slots came.

/// Rings of slots: to add one as the newest, to take one out from wherever it stands and to name the oldest costs a few
/// stores, whatever there is.
pub(crate) struct Rings {
    /// The anchor of each ring, by its number, then one place for each slot.
    places: Vec<Place>,
    rings: u32,
}

/// The neighbours in a ring; of a slot in none, itself on both sides. In one cache line.
#[repr(align(16))]
#[derive(Clone, Copy)]
struct Place {
    next: u32,
    previous: u32,
    /// A slot's ring.
    ring: u32,
    /// How many slots the ring of an anchor has.
    len: u32,
}

impl Place {
    fn alone(place: u32) -> Place {
        Place { next: place, previous: place, ring: 0, len: 0 }
    }
}

impl Rings {
    /// So many empty rings, one at least, for up to `capacity` slots.
    pub(crate) fn with_capacity(rings: usize, capacity: usize) -> Rings {
        let mut places = Vec::with_capacity(rings + capacity);
        places.extend((0..rings as u32).map(Place::alone));
        Rings { places, rings: rings as u32 }
    }

    /// Admits the next slot.
    pub(crate) fn add_slot(&mut self) {
        let place = self.places.len() as u32;
        self.places.push(Place::alone(place));
    }

    /// Puts a slot, which is in no ring, into one as its newest.
    #[inline]
    pub(crate) fn insert(&mut self, slot: u32, ring: u32) {
        debug_assert!(!self.contains(slot), "a slot is in one ring");
        let place = self.place_of(slot);
        let anchor = &mut self.places[ring as usize];
        let newest = anchor.previous;
        (anchor.previous, anchor.len) = (place, anchor.len + 1);
        self.places[place as usize] = Place { next: ring, previous: newest, ring, len: 0 };
        self.places[newest as usize].next = place;
    }

    /// Takes a slot out of its ring, and says whether it was in one.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        let place = self.place_of(slot);
        let Place { next, previous, ring, .. } = self.places[place as usize];
        if next == place {
            return false;
        }
        self.places[previous as usize].next = next;
        self.places[next as usize].previous = previous;
        self.places[place as usize] = Place::alone(place);
        self.places[ring as usize].len -= 1;
        true
    }

    #[inline]
    pub(crate) fn contains(&self, slot: u32) -> bool {
        let place = self.place_of(slot);
        self.places[place as usize].next != place
    }

    /// The slot that has been in a ring for the longest.
    #[inline]
    pub(crate) fn oldest(&self, ring: u32) -> Option<u32> {
        self.places[ring as usize].next.checked_sub(self.rings)
    }

    /// How many slots are in a ring.
    #[inline]
    pub(crate) fn len(&self, ring: u32) -> usize {
        self.places[ring as usize].len as usize
    }

    /// How many rings there are.
    #[inline]
    pub(crate) fn rings(&self) -> u32 {
        self.rings
    }

    #[inline]
    fn place_of(&self, slot: u32) -> u32 {
        slot + self.rings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rings: &mut Rings, ring: u32) -> Vec<u32> {
        let oldest = || rings.oldest(ring).inspect(|slot| assert!(rings.remove(*slot)));
        std::iter::from_fn(oldest).collect()
    }

    #[test]
    fn the_oldest_of_a_ring_comes_first_whoever_leaves_between() {
        let mut rings = Rings::with_capacity(2, 7);
        (0..7).for_each(|_| rings.add_slot());
        for (slot, ring) in [(3, 0), (6, 1), (0, 0), (5, 0), (4, 1), (1, 0)] {
            rings.insert(slot, ring);
        }
        assert!(rings.remove(0) && !rings.remove(0) && !rings.remove(2));
        rings.insert(0, 0);
        assert_eq!((rings.len(0), rings.len(1)), (4, 2));
        assert_eq!(all(&mut rings, 0), [3, 5, 1, 0]);
        assert_eq!((rings.len(0), rings.oldest(0)), (0, None));
        assert_eq!(all(&mut rings, 1), [6, 4]);
    }
}
