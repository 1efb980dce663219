//! The matches of a chunk, before it is known which of them count.

use std::cmp::Reverse;

use crate::limits::PENDING_KEPT;
use crate::matcher::MatcherId;

/// A match, in offsets within the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) matcher: MatcherId,
    pub(super) start: u64,
    pub(super) end: u64,
    /// How many bytes had to be known to be certain; one more than all where it was the end of the field.
    pub(super) moment: u64,
}

impl Match {
    /// Smaller is better: certain sooner, then ending sooner, then beginning later. What is certain later never ends
    /// sooner, since a match is certain at its end or with the byte behind it.
    fn rank(&self) -> (u64, u64, Reverse<u64>) {
        (self.moment, self.end, Reverse(self.start))
    }
}

/// The matches of a chunk so far: the best one of each matcher, or all where each may matter.
#[derive(Debug, Default)]
pub(super) struct Pending {
    best: Vec<Match>,
    every: Vec<Match>,
}

impl Pending {
    /// Notes a match of which only the best of its matcher matters.
    pub(super) fn note_best(&mut self, found: Match) {
        match self.best.iter_mut().find(|other| other.matcher == found.matcher) {
            Some(other) if found.rank() < other.rank() => *other = found,
            Some(_) => {}
            None => self.best.push(found),
        }
    }

    /// Notes a match that may be one of many.
    pub(super) fn note(&mut self, found: Match) {
        self.every.push(found);
    }

    /// The best match of the matcher so far, if no other matters.
    #[inline]
    pub(super) fn best_of(&self, matcher: MatcherId) -> Option<&Match> {
        self.best.iter().find(|found| found.matcher == matcher)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.best.is_empty() && self.every.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.best.clear();
        self.every.clear();
    }

    /// Takes the matches out in the order in which they became certain, then by end, then by matcher. Of those that may
    /// be many, from the one that ends first on those that don't overlap the one before; `end_of` says where the last
    /// one of a matcher ended.
    pub(super) fn drain_in_order(
        &mut self,
        end_of: impl Fn(MatcherId) -> u64,
    ) -> impl Iterator<Item = Match> + '_ {
        self.every.sort_unstable_by_key(|found| (found.matcher, found.rank()));
        let mut last = None;
        for found in self.every.drain(..) {
            let end = last
                .filter(|(matcher, _)| *matcher == found.matcher)
                .map_or_else(|| end_of(found.matcher), |(_, end)| end);
            let is_behind = found.start >= end;
            last = Some((found.matcher, if is_behind { found.end } else { end }));
            self.best.extend(is_behind.then_some(found));
        }
        self.every.shrink_to(PENDING_KEPT);
        self.best.sort_unstable_by_key(|found| (found.moment, found.end, found.matcher));
        self.best.drain(..)
    }
}
