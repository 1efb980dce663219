//! The ways to fulfil the parts of an order up to one of them.

use std::collections::VecDeque;

use crate::limits::{CHAINS_MAX, MATCH_BYTES_MAX};

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
/// over early. A match of the next part goes on from the latest that ended before it; as it may have begun up to
/// [`MATCH_BYTES_MAX`] bytes ago, the ones that ended since then have to be there, and one that ended before.
///
/// Where these are more than [`CHAINS_MAX`], the two oldest are taken for one that starts as late as the later
/// and ends as early as the earlier. So no combination is ever missed, whatever a sender floods the field with; but
/// then a rule may also hit where its matches are all there, near enough and ending in their order, but overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Chains {
    chains: VecDeque<Chain>,
}

impl Chains {
    /// The start of the chain that a match goes on from which begins at `at`; `None` if there is none.
    pub(super) fn before(&self, at: u64) -> Option<u64> {
        self.chains.iter().rev().find(|chain| chain.end <= at).map(|chain| chain.start)
    }

    /// Remembers a chain; it ends last of all.
    pub(super) fn push(&mut self, start: u64, end: u64) {
        if self.chains.back().is_some_and(|last| last.start >= start) {
            return;
        }
        self.chains.reserve_exact((CHAINS_MAX + 1).saturating_sub(self.chains.capacity()));
        self.chains.push_back(Chain { start, end });
        // No match that is still to come begins before that.
        let horizon = end.saturating_sub(MATCH_BYTES_MAX);
        while self.chains.get(1).is_some_and(|second| second.end <= horizon) {
            self.chains.pop_front();
        }
        if self.chains.len() > CHAINS_MAX {
            let oldest = self.chains.pop_front().expect("it is full");
            let second = self.chains.front_mut().expect("it is full");
            second.end = oldest.end;
        }
    }

    /// What it takes on the heap at most, in bytes.
    pub(super) const HEAP_BYTES_MAX: usize = (CHAINS_MAX + 1) * size_of::<Chain>();

    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.chains.capacity() * size_of::<Chain>()
    }
}
