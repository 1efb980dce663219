//! What was seen, until that is too much to tell apart.

use std::collections::BTreeSet;

/// A set of at most `MAX`, or all there is.
///
/// It is a join-semilattice: the order in which it grows, and how often the same is put in, do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CappedSet<T, const MAX: usize> {
    /// These.
    Some(BTreeSet<T>),
    /// More than `MAX` were seen.
    All,
}

impl<T, const MAX: usize> Default for CappedSet<T, MAX> {
    fn default() -> Self {
        CappedSet::Some(BTreeSet::new())
    }
}

impl<T: Ord, const MAX: usize> CappedSet<T, MAX> {
    /// One more was seen.
    pub(super) fn insert(&mut self, value: T) {
        let CappedSet::Some(set) = self else { return };
        set.insert(value);
        if set.len() > MAX {
            *self = CappedSet::All;
        }
    }

    /// All that another one saw was seen.
    pub(super) fn join(&mut self, other: CappedSet<T, MAX>) {
        match other {
            CappedSet::All => *self = CappedSet::All,
            CappedSet::Some(set) => set.into_iter().for_each(|value| self.insert(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_all() {
        let mut set = CappedSet::<u8, 2>::default();
        for value in [1, 2, 2, 1] {
            set.insert(value);
        }
        assert_eq!(set, CappedSet::Some(BTreeSet::from([1, 2])));
        let mut other = set.clone();
        other.join(CappedSet::Some(BTreeSet::from([3])));
        set.insert(3);
        assert_eq!((&set, &other), (&CappedSet::All, &CappedSet::All));
        set.insert(1);
        assert_eq!(set, CappedSet::All);
    }
}
