//! The matches of a chunk, before it is known which of them count.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

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

/// Up to so many matches it is faster to look through all of them than to look one up.
const FEW: usize = 16;

/// The matches of a chunk so far: the best one of each matcher, or all where each may matter.
///
/// Invariant: `index` says where in `best` each matcher is if these are more than [`FEW`], and is empty otherwise.
#[derive(Debug, Default)]
pub(super) struct Pending {
    best: Vec<Match>,
    index: FxHashMap<MatcherId, usize>,
    every: Vec<Match>,
}

impl Pending {
    /// Notes a match of which only the best of its matcher matters.
    pub(super) fn note_best(&mut self, found: Match) {
        if let Some(at) = self.position_of(found.matcher) {
            if found.rank() < self.best[at].rank() {
                self.best[at] = found;
            }
            return;
        }
        self.best.push(found);
        let unlisted = if self.best.len() <= FEW { self.best.len() } else { self.index.len() };
        let listed = self.best.iter().enumerate().skip(unlisted).map(|(at, found)| (found.matcher, at));
        self.index.extend(listed);
    }

    fn position_of(&self, matcher: MatcherId) -> Option<usize> {
        if self.best.len() > FEW {
            return self.index.get(&matcher).copied();
        }
        self.best.iter().position(|found| found.matcher == matcher)
    }

    /// Notes a match that may be one of many.
    pub(super) fn note(&mut self, found: Match) {
        self.every.push(found);
    }

    /// The best match of the matcher so far, if no other matters.
    #[inline]
    pub(super) fn best_of(&self, matcher: MatcherId) -> Option<&Match> {
        self.position_of(matcher).map(|at| &self.best[at])
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.best.is_empty() && self.every.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.best.clear();
        self.index.clear();
        self.every.clear();
    }

    /// Takes the matches out in the order in which they became certain, then by end, then by matcher. Of those that may
    /// be many, from the one that ends first on those that don't overlap the one before; `end_of` says where the last
    /// one of a matcher ended.
    pub(super) fn drain_in_order(
        &mut self,
        end_of: impl Fn(MatcherId) -> u64,
    ) -> impl Iterator<Item = Match> + '_ {
        self.index.clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_each_is_known_however_many_they_are() {
        for count in [1, FEW as u32, FEW as u32 + 1, 500] {
            let mut pending = Pending::default();
            for (round, matcher) in (0..3).flat_map(|round| (0..count).map(move |matcher| (round, matcher))) {
                let end = 1000 - 10 * round + u64::from(matcher);
                pending.note_best(Match { matcher: MatcherId(matcher), start: 1, end, moment: end });
            }
            for matcher in 0..count {
                let end = 980 + u64::from(matcher);
                assert_eq!(pending.best_of(MatcherId(matcher)).map(|found| found.end), Some(end));
            }
            assert_eq!(pending.best_of(MatcherId(count)), None);
            assert_eq!(pending.drain_in_order(|_| 0).count(), count as usize);
            assert!(pending.is_empty() && pending.best_of(MatcherId(0)).is_none());
        }
    }
}
