//! Whether the matches of a rule's parts make a hit: roles, counts, distance and order, without any automaton.
//!
//! The matcher yields the matches of a rule's parts one by one; this is where they are put together. Three facts about
//! that sequence carry all of it:
//!
//! 1. Ends never decrease. A match is known at its end or one byte later, and matches that are known at the same
//!    moment come in the order of their ends; so they come in the order of their ends altogether.
//! 2. Matches of one part don't overlap, so the later of two has both the later start and the later end.
//! 3. No match is empty, so one that starts at or behind the end of another comes after it.
//!
//! **Distance.** The match at hand ends last of all (1), so of the others those are best that start last; in each part
//! these are its latest (2). Whether there is a combination within the distance that ends with the match at hand thus
//! shows from the starts of the latest `count` matches of each part, and nothing else needs to be remembered. One that
//! ends earlier was found earlier.
//!
//! **Order.** A chain is one way to fulfil the parts of `all` up to some part in their order. `chain` says which of
//! them are remembered, and what happens where there are too many.
//!
//! **Evidence.** A hit is reported as the match that completed the condition. It is the one that has just been read,
//! so its bytes are at hand, while those of the others may be long gone; and it ends where the rule could first be
//! known to hit, whatever the rule's parts are.
//!
//! Everything is decided by offsets in the order of the matches, so no cutting of the field into chunks changes it.

use crate::pack::{Role, Signature};

mod chain;
mod progress;

pub use progress::Progress;

/// Where a match lies, in bytes from the begin of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first matched byte.
    pub start: u64,
    /// Offset behind the last matched byte; beyond `start`.
    pub end: u64,
}

/// A match of a part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index into [`Signature::parts`].
    pub part: usize,
    /// Offset of the first matched byte.
    pub start: u64,
    /// Offset behind the last matched byte; beyond `start`.
    pub end: u64,
}

/// What a match did to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Nothing that shows, at least not yet.
    Open,
    /// Everything is found that has to be, with this match, but a part of `none` may still come. This happens once in a
    /// field; [`Condition::finish`] will say whether it is a hit, so what is to be shown of it has to be kept.
    Held(Span),
    /// The rule hits with this match. This happens once in a field.
    Hit(Span),
}

/// What has to come together for a rule to hit.
///
/// Invariant: parts of one role stand together, `all` before `any` before `none`.
#[derive(Clone, Debug)]
pub struct Condition {
    parts: Box<[Need]>,
    /// How many parts are of `all`, and how many are of `all` or `any`.
    all: usize,
    positive: usize,
    within_bytes: Option<u64>,
    in_order: bool,
}

/// What one part contributes.
#[derive(Clone, Copy, Debug)]
struct Need {
    role: Role,
    count: u32,
}

impl Condition {
    /// The condition of a signature.
    pub fn of(signature: &Signature) -> Condition {
        let parts = signature.parts().iter().map(|part| Need { role: part.role(), count: part.count() });
        Condition::new(parts.collect(), signature.within_bytes(), signature.is_in_order())
    }

    fn new(parts: Box<[Need]>, within_bytes: Option<u64>, in_order: bool) -> Condition {
        let all = parts.iter().take_while(|need| need.role == Role::All).count();
        let positive = parts.iter().take_while(|need| need.role != Role::None).count();
        assert!(positive > 0, "a pack refuses rules that ask for nothing to be there");
        Condition { parts, all, positive, within_bytes, in_order }
    }

    /// How many parts the rule has.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Whether each match of the only part is a hit, so that there is nothing to keep account of.
    pub fn is_simple(&self) -> bool {
        matches!(self.parts[..], [Need { count: 1, .. }])
    }

    /// Whether matches of a part beyond its first in a field can matter.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn needs_every(&self, part: usize) -> bool {
        let need = self.parts[part];
        let is_near = self.within_bytes.is_some() && need.role != Role::None;
        // The first part of an order is best found as early as can be; those behind it not before it.
        let is_late = self.in_order && need.role == Role::All && part > 0;
        need.count > 1 || is_near || is_late
    }

    /// Whether a field has to be finished before the rule can hit.
    pub fn is_decided_at_end(&self) -> bool {
        self.positive < self.parts.len()
    }

    /// Takes account of a match. Matches have to come in the order in which they become known, those that become known
    /// at once in the order of their ends, and those of one part must not overlap.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn advance(&self, progress: &mut Progress, found: Found) -> Advance {
        assert!(found.part < self.parts.len(), "a part of this rule");
        debug_assert!(found.start < found.end, "no match is empty");
        progress.advance(self, found)
    }

    /// Takes account of the end of the field: the match that everything was found with, if the rule hits only now.
    pub fn finish(&self, progress: &mut Progress) -> Option<Span> {
        progress.finish()
    }

    /// How many bytes lie at least from the first begin to the last end of the matches that fulfil it, where a match of each
    /// part has at least as many as `bytes_of` says. Matches of one part don't overlap, nor do those of parts in an order.
    pub(crate) fn least_bytes(&self, bytes_of: impl Fn(usize) -> u64) -> u64 {
        let of_part = |at: usize| u64::from(self.parts[at].count).saturating_mul(bytes_of(at));
        let all = (0..self.all).map(of_part);
        let all = if self.in_order { all.fold(0, u64::saturating_add) } else { all.max().unwrap_or(0) };
        let any = (self.all..self.positive).map(of_part).min().unwrap_or(0);
        all.max(any)
    }

    /// What the progress of this condition takes on the heap at most, in bytes.
    pub fn progress_bytes_max(&self) -> usize {
        Progress::heap_bytes_max(self)
    }

    /// Whether chains have to be kept for the part behind a part.
    fn is_linked(&self, part: usize) -> bool {
        self.in_order && part + 1 < self.all
    }
}

#[cfg(test)]
mod tests;
