//! The matches of a chunk, before it is known which of them is the first.

use std::cmp::Reverse;

use crate::RuleId;

/// A match, in offsets within the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) rule: RuleId,
    pub(super) start: u64,
    pub(super) end: u64,
    /// How many bytes had to be known to be certain; one more than all where it was the end of the field.
    pub(super) moment: u64,
}

impl Match {
    /// Smaller is better: certain sooner, then ending sooner, then beginning later.
    fn rank(&self) -> (u64, u64, Reverse<u64>) {
        (self.moment, self.end, Reverse(self.start))
    }
}

/// For each rule the best match of a chunk so far.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<Match>);

impl Pending {
    pub(super) fn note(&mut self, found: Match) {
        match self.0.iter_mut().find(|other| other.rule == found.rule) {
            Some(other) if found.rank() < other.rank() => *other = found,
            Some(_) => {}
            None => self.0.push(found),
        }
    }

    /// The match of the rule so far.
    #[inline]
    pub(super) fn of(&self, rule: RuleId) -> Option<&Match> {
        self.0.iter().find(|found| found.rule == rule)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the matches out in the order in which they became certain, then by end, then by rule.
    pub(super) fn drain_in_order(&mut self) -> impl Iterator<Item = Match> + '_ {
        self.0.sort_unstable_by_key(|found| (found.moment, found.end, found.rule));
        self.0.drain(..)
    }
}
