//! How far a rule has come in one field.

use std::collections::VecDeque;

use super::chain::Chains;
use super::{Advance, Condition, Found, Span};
use crate::pack::Role;

/// How far one rule has come in one field. It belongs to one condition, is at the begin of a field by default, and
/// owns nothing until the first match and after the last that matters; what it takes between is bounded by
/// [`Condition::progress_bytes_max`].
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// One for each part, from the first match on.
    parts: Box<[Seen]>,
    stage: Stage,
    latest_end: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Something has to be found yet.
    #[default]
    Open,
    /// Everything was found with that match; a part of `none` would undo it.
    Held(Span),
    /// It hit, or it can't hit any more.
    Over,
}

/// What is remembered of one part.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Matches so far, up to the count of the part.
    matches: u32,
    /// Of the latest matches, up to the count of the part: where they start, or where the chain starts that they go on
    /// from. They never decrease. Empty without a distance, where one start is as good as another.
    starts: VecDeque<u64>,
    /// The latest start of what fulfils the part, together with the parts before it in an order; 0 without a distance.
    fulfilled: Option<u64>,
    /// What the next part of an order goes on from.
    chains: Chains,
}

impl Progress {
    /// Whether no match can change anything any more, so that none needs to be looked for in this field.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub(super) fn advance(&mut self, condition: &Condition, found: Found) -> Advance {
        debug_assert!(found.end >= self.latest_end, "matches come in the order of their ends");
        self.latest_end = found.end;
        if self.parts.is_empty() {
            self.parts = condition.parts.iter().map(|_| Seen::default()).collect();
        }
        let is_none = condition.parts[found.part].role == Role::None;
        match self.stage {
            Stage::Over => return Advance::Open,
            Stage::Held(_) if !is_none => return Advance::Open,
            Stage::Open | Stage::Held(_) => {}
        }
        if !self.count(condition, found) {
            return Advance::Open;
        }
        if is_none {
            self.end();
            return Advance::Open;
        }
        if !self.is_fulfilled(condition, found.end) {
            return Advance::Open;
        }
        let span = Span { start: found.start, end: found.end };
        if condition.is_decided_at_end() {
            self.stage = Stage::Held(span);
            return Advance::Held(span);
        }
        self.end();
        Advance::Hit(span)
    }

    pub(super) fn finish(&mut self) -> Option<Span> {
        let stage = self.stage;
        self.end();
        match stage {
            Stage::Held(span) => Some(span),
            Stage::Open | Stage::Over => None,
        }
    }

    fn end(&mut self) {
        *self = Progress { stage: Stage::Over, latest_end: self.latest_end, parts: Box::default() };
    }

    /// Counts a match; whether its part is fulfilled with it.
    fn count(&mut self, condition: &Condition, found: Found) -> bool {
        let need = condition.parts[found.part];
        let is_near = condition.within_bytes.is_some() && need.role != Role::None;
        let begins = match found.part.checked_sub(1).filter(|before| condition.is_linked(*before)) {
            Some(before) => self.parts[before].chains.before(found.start),
            None => Some(found.start),
        };
        // What has to stand before it isn't there.
        let Some(begins) = begins else { return false };
        let seen = &mut self.parts[found.part];
        seen.matches = need.count.min(seen.matches + 1);
        let start = if is_near { seen.nth_latest(begins, need.count) } else { 0 };
        if seen.matches < need.count {
            return false;
        }
        seen.fulfilled = Some(start);
        if condition.is_linked(found.part) {
            // What begins farther back is not near to anything that is still to come.
            let horizon =
                condition.within_bytes.map_or(0, |within_bytes| found.end.saturating_sub(within_bytes));
            seen.chains.push(start, found.end, horizon);
        }
        true
    }

    /// Whether everything is there that has to be, near enough, now that the latest match ends at `end`.
    fn is_fulfilled(&self, condition: &Condition, end: u64) -> bool {
        let (all, any) = self.parts[..condition.positive].split_at(condition.all);
        // The last part of an order speaks for those before it.
        let all = if condition.in_order { &all[condition.all - 1..] } else { all };
        let first_of_all = all.iter().map(|seen| seen.fulfilled).min().unwrap_or(Some(u64::MAX));
        let best_of_any =
            if any.is_empty() { Some(u64::MAX) } else { any.iter().filter_map(|seen| seen.fulfilled).max() };
        let (Some(all), Some(any)) = (first_of_all, best_of_any) else { return false };
        condition.within_bytes.is_none_or(|within_bytes| end - all.min(any) <= within_bytes)
    }

    pub(super) fn heap_bytes_max(condition: &Condition) -> usize {
        let starts = |(part, need): (usize, &super::Need)| {
            let is_near = condition.within_bytes.is_some() && need.role != Role::None;
            let starts = if is_near { need.count as usize * size_of::<u64>() } else { 0 };
            let chains = if condition.is_linked(part) { Chains::HEAP_BYTES_MAX } else { 0 };
            size_of::<Seen>() + starts + chains
        };
        condition.parts.iter().enumerate().map(starts).sum()
    }

    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        let of_part = |seen: &Seen| {
            size_of::<Seen>() + seen.starts.capacity() * size_of::<u64>() + seen.chains.heap_bytes()
        };
        self.parts.iter().map(of_part).sum()
    }
}

impl Seen {
    /// Remembers the start of a match, and yields the earliest of the latest `count`.
    fn nth_latest(&mut self, start: u64, count: u32) -> u64 {
        let count = count as usize;
        if self.starts.len() == count {
            self.starts.pop_front();
        }
        self.starts.reserve_exact(count.saturating_sub(self.starts.len()));
        self.starts.push_back(start);
        self.starts.front().copied().expect("one was pushed")
    }
}
