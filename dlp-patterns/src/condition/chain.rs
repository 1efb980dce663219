//! The ways to fulfil the parts of an order up to one of them.

use std::collections::VecDeque;

use crate::limits::CHAINS_MAX;

/// One way to fulfil the parts of an order up to some part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chain {
    /// Where its first match starts.
    start: u64,
    /// Where its last match ends.
    end: u64,
}

/// The chains up to one part that the next part may go on from.
///
/// Invariant: both starts and ends increase, so that none is better than another both for being near and for being
/// over early. A match of the next part goes on from the latest that ended before it; as it may have begun long ago,
/// but not longer than the distance allows, the ones that ended since then have to be there, and one that ended before.
///
/// Where these are more than [`CHAINS_MAX`], the two oldest are taken for one that starts as late as the later and
/// ends as early as the earlier. So no combination is ever missed, whatever a sender floods the field with; but then a
/// rule may also hit where its matches are all there, near enough and ending in their order, but overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Chains {
    chains: VecDeque<Chain>,
}

impl Chains {
    /// The start of the chain that a match goes on from which begins at `at`; `None` if there is none.
    pub(super) fn before(&self, at: u64) -> Option<u64> {
        self.chains.iter().rev().find(|chain| chain.end <= at).map(|chain| chain.start)
    }

    /// Remembers a chain; it ends last of all. No match that begins before `horizon` will go on from one.
    pub(super) fn push(&mut self, start: u64, end: u64, horizon: u64) {
        if self.chains.back().is_some_and(|last| last.start >= start) {
            return;
        }
        while self.chains.get(1).is_some_and(|second| second.end <= horizon) {
            self.chains.pop_front();
        }
        if self.chains.len() == CHAINS_MAX {
            let oldest = self.chains.pop_front().expect("it is full");
            let second = self.chains.front_mut().expect("it was full");
            second.end = oldest.end;
        }
        self.chains.push_back(Chain { start, end });
    }

    /// What it takes on the heap at most, in bytes.
    pub(super) const HEAP_BYTES_MAX: usize = CHAINS_MAX * size_of::<Chain>();

    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.chains.capacity() * size_of::<Chain>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_goes_on_from_the_latest_chain_that_ended_before_it() {
        let mut chains = Chains::default();
        assert_eq!(chains.before(100), None);
        chains.push(3, 10, 0);
        chains.push(3, 12, 0);
        chains.push(5, 14, 0);
        assert_eq!(chains.chains.len(), 2, "what starts no later and ends later is worse");
        assert_eq!([9, 10, 13, 14].map(|at| chains.before(at)), [None, Some(3), Some(3), Some(5)]);
        chains.push(6, 99, 14);
        assert_eq!(chains.chains.front(), Some(&Chain { start: 5, end: 14 }), "no match begins before 14");
    }

    #[test]
    fn a_full_memory_makes_the_oldest_generous() {
        let mut chains = Chains::default();
        let begins = (0..).step_by(10).take(CHAINS_MAX + 1);
        begins.for_each(|start| chains.push(start, start + 2, 0));
        assert_eq!(chains.chains.len(), CHAINS_MAX);
        assert_eq!([1, 2, 11, 12].map(|at| chains.before(at)), [None, Some(10), Some(10), Some(10)]);
        assert_eq!([22, 23, 32].map(|at| chains.before(at)), [Some(20), Some(20), Some(30)]);
    }
}
