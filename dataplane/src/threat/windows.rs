//! [`Windows`]: what was seen of whoever traffic names (a source, or a source and what it asks for), each within a time of its own.

use std::hash::{DefaultHasher, Hasher};
use std::net::IpAddr;

/// Books by the hash of whose they are, in sets, as many in each as it has ways.
///
/// Invariant: no set holds more; the one that was silent the longest makes room, and that costs its set alone.
#[derive(Debug)]
pub(crate) struct Windows<T> {
    seed: [u64; 2],
    ways: usize,
    /// By the hash; none where nothing is kept.
    sets: Vec<Vec<Window<T>>>,
}

/// What was seen of one.
#[derive(Debug)]
pub(crate) struct Window<T> {
    hash: u64,
    pub(crate) begin_ns: u64,
    pub(crate) last_ns: u64,
    /// Whether an event has told of it.
    pub(crate) is_told: bool,
    pub(crate) books: T,
}

impl<T: Default> Windows<T> {
    /// Keeps nothing until it is [given room](Self::set_kept).
    pub(crate) fn new(seed: [u64; 2], ways: usize) -> Windows<T> {
        Windows { seed, ways, sets: Vec::new() }
    }

    /// Has it keep so many sets. What it has stays, unless their number changes.
    pub(crate) fn set_kept(&mut self, sets: usize) {
        if self.sets.len() != sets {
            self.sets = Vec::from_iter(std::iter::repeat_with(Vec::new).take(sets));
        }
    }

    /// Whether nothing is kept.
    pub(crate) fn is_off(&self) -> bool {
        self.sets.is_empty()
    }

    /// A hash that nobody outside can foresee.
    pub(crate) fn hasher(&self) -> DefaultHasher {
        hasher(self.seed)
    }

    /// What is known under a hash at `now_ns`; nothing, where that is older than `window_ns` or gave way. Of whom an event told,
    /// it is kept until as long without another. Not to be asked where nothing [is kept](Self::is_off).
    pub(crate) fn at(&mut self, hash: u64, now_ns: u64, window_ns: u64) -> &mut Window<T> {
        let place = hash as usize % self.sets.len();
        let (ways, set) = (self.ways, &mut self.sets[place]);
        let fresh =
            || Window { hash, begin_ns: now_ns, last_ns: now_ns, is_told: false, books: T::default() };
        let at = match set.iter().position(|window| window.hash == hash) {
            Some(at) => {
                if set[at].is_over(now_ns, window_ns) {
                    set[at] = fresh();
                }
                at
            }
            None if set.len() < ways => {
                set.push(fresh());
                set.len() - 1
            }
            None => {
                let oldest = (0..set.len()).min_by_key(|at| set[*at].last_ns).unwrap_or(0);
                set[oldest] = fresh();
                oldest
            }
        };
        let window = &mut set[at];
        // Captures may step back.
        window.last_ns = window.last_ns.max(now_ns);
        window.begin_ns = window.begin_ns.min(now_ns);
        window
    }
}

impl<T> Windows<T> {
    /// What is known under a hash, however old.
    pub(crate) fn known(&mut self, hash: u64) -> Option<&mut Window<T>> {
        let place = (hash as usize).checked_rem(self.sets.len())?;
        self.sets[place].iter_mut().find(|window| window.hash == hash)
    }
}

impl<T> Window<T> {
    fn is_over(&self, now_ns: u64, window_ns: u64) -> bool {
        let begin_ns = if self.is_told { self.last_ns } else { self.begin_ns };
        now_ns.saturating_sub(begin_ns) > window_ns
    }

    /// Whether this is the first time that it is told.
    pub(crate) fn tell_once(&mut self) -> bool {
        !std::mem::replace(&mut self.is_told, true)
    }
}

/// A hash that nobody who does not know the seed can foresee.
pub(crate) fn hasher(seed: [u64; 2]) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    seed.into_iter().for_each(|half| hasher.write_u64(half));
    hasher
}

/// Adds an address to a hash.
pub(crate) fn write_address(hasher: &mut impl Hasher, address: IpAddr) {
    match address {
        IpAddr::V4(address) => hasher.write_u32(address.to_bits()),
        IpAddr::V6(address) => hasher.write_u128(address.to_bits()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(sets: usize) -> Windows<u32> {
        let mut windows = Windows::new([1, 2], 2);
        windows.set_kept(sets);
        windows
    }

    /// Adds one to the books of a hash, and says how much that makes.
    fn add(windows: &mut Windows<u32>, hash: u64, now_ns: u64) -> u32 {
        let window = windows.at(hash, now_ns, 10);
        window.books += 1;
        window.books
    }

    #[test]
    fn books_are_forgotten_after_their_window_and_after_silence_once_told() {
        let mut windows = windows(1);
        assert_eq!((add(&mut windows, 7, 0), add(&mut windows, 7, 10), add(&mut windows, 7, 11)), (1, 2, 1));
        assert!(windows.at(7, 11, 10).tell_once());
        assert!(!windows.at(7, 20, 10).tell_once(), "it was");
        assert_eq!((add(&mut windows, 7, 30), add(&mut windows, 7, 41)), (2, 1));
        assert!(windows.at(7, 41, 10).tell_once(), "that was another time");
    }

    #[test]
    fn the_silent_make_room_in_their_set_alone() {
        let mut windows = windows(2);
        for (hash, now_ns) in [(1, 0), (2, 0), (4, 1), (2, 2), (6, 3)] {
            assert_eq!(add(&mut windows, hash, now_ns), if (hash, now_ns) == (2, 2) { 2 } else { 1 });
        }
        assert_eq!(add(&mut windows, 4, 4), 1, "it was silent the longest of its set");
        assert_eq!(add(&mut windows, 1, 4), 2, "and another set was left alone");
        windows.set_kept(2);
        assert_eq!(add(&mut windows, 1, 5), 3, "nothing has changed");
        windows.set_kept(0);
        assert!(windows.is_off());
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_bounded(hashes in proptest::collection::vec(any::<u64>(), 0..200)) {
            let mut windows = windows(4);
            for (now_ns, hash) in hashes.into_iter().enumerate() {
                add(&mut windows, hash, now_ns as u64);
            }
            prop_assert!(windows.sets.iter().all(|set| set.len() <= 2));
        }
    }
}
