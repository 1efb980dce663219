//! The candidates within one chunk.

use std::cmp::Reverse;

use arrayvec::ArrayVec;

use super::candidate::Candidate;
use super::window::Window;
use crate::confirm::Step;
use crate::limits::{LIVE_CANDIDATES_MAX, MATCH_BYTES_MAX};
use crate::literals::Literal;
use crate::rule_set::RuleSet;
use crate::{Hit, RuleId};

pub(super) type Live = ArrayVec<Candidate, LIVE_CANDIDATES_MAX>;

/// Takes the candidates of one direction of a flow through a chunk.
///
/// Invariant: between two calls all live candidates have read exactly the first `at` bytes of the chunk, are in the
/// order of their rules, and no two of them have the same future; `hits[first_fresh..]` are those that became certain
/// with the last of these bytes.
pub(super) struct Scanner<'s> {
    rules: &'s RuleSet,
    window: Window<'s>,
    at: usize,
    live: &'s mut Live,
    hits: &'s mut Vec<Hit>,
    first_fresh: usize,
    overflows: bool,
}

impl<'s> Scanner<'s> {
    /// A scanner before the chunk. `live` is lent, since it is too large to be moved for every chunk.
    pub(super) fn new(
        rules: &'s RuleSet,
        window: Window<'s>,
        live: &'s mut Live,
        hits: &'s mut Vec<Hit>,
    ) -> Scanner<'s> {
        let first_fresh = hits.len();
        Scanner { rules, window, at: 0, live, hits, first_fresh, overflows: false }
    }

    /// Lets the candidates read up to `chunk[..end]`.
    #[inline]
    pub(super) fn advance(&mut self, end: usize) {
        while self.at < end {
            self.settle();
            if self.live.is_empty() {
                self.at = end;
                return;
            }
            self.step(self.window.chunk()[self.at]);
        }
    }

    /// Makes a candidate of a literal that ends where the scanner is.
    pub(super) fn spawn(&mut self, literal: &Literal) {
        let rule_id = RuleId(literal.rule);
        let rule = self.rules.rule(rule_id);
        let end = self.offset();
        let start = end - literal.bytes.len() as u64;
        let byte_before = start.checked_sub(1).and_then(|before| self.window.byte(before));
        if !rule.may_follow(byte_before) {
            return;
        }
        let mut state = rule.confirm().start(byte_before);
        // No match ends within the literal, for no other literal of the rule is the beginning of this one.
        for byte in self.window.bytes(start, end) {
            let step = rule.confirm().step(state, byte);
            if step.is_dead {
                return;
            }
            state = step.state;
        }
        let candidate =
            Candidate { start, rule: rule_id, state, is_echo: false, is_whole: rule.is_validated() };
        if !(rule.confirm().is_certain(state) && self.report(&candidate, end)) {
            self.keep(candidate);
        }
    }

    /// Leaves the candidates that live on, and says whether there were too many.
    pub(super) fn leave(mut self) -> bool {
        self.settle();
        self.overflows
    }

    /// Decides the candidates that wait for the next byte: there is none.
    pub(super) fn finish(mut self) {
        let end = self.offset();
        for candidate in std::mem::take(self.live) {
            let confirm = self.rules.rule(candidate.rule).confirm();
            if confirm.matches_at_end(candidate.state) {
                self.report(&candidate, end);
            }
        }
        self.settle();
    }

    /// The offset behind the last byte read.
    fn offset(&self) -> u64 {
        self.window.chunk_offset() + self.at as u64
    }

    /// Lets every candidate read one byte; those that come to agree with one before them end.
    fn step(&mut self, byte: u8) {
        let before = self.offset();
        self.at += 1;
        let mut kept = 0;
        for index in 0..self.live.len() {
            let candidate = self.live[index];
            let confirm = self.rules.rule(candidate.rule).confirm();
            let Step { state, matched_before, is_dead } = confirm.step(candidate.state, byte);
            let next = Candidate { state, is_echo: false, ..candidate };
            let ends = (matched_before && self.report(&candidate, before))
                || is_dead
                || (confirm.is_certain(state) && self.report(&next, before + 1))
                // At the longest match a candidate may still wait for the byte behind it.
                || before + 1 - candidate.start > MATCH_BYTES_MAX
                || next.joins(&mut self.live[..kept]);
            if !ends {
                self.live[kept] = next;
                kept += 1;
            }
        }
        self.live.truncate(kept);
    }

    /// Reports a match of a candidate; `false` if it is too long or not valid, so that the candidate has to go on.
    fn report(&mut self, candidate: &Candidate, end: u64) -> bool {
        if end - candidate.start > MATCH_BYTES_MAX {
            return false;
        }
        let excerpt = self.window.bytes(candidate.start, end);
        if !self.rules.rule(candidate.rule).accepts(&excerpt) {
            return false;
        }
        if !candidate.is_echo {
            self.hits.push(Hit { rule: candidate.rule, start: candidate.start, end, excerpt });
        }
        true
    }

    fn keep(&mut self, candidate: Candidate) {
        let behind = self.live.partition_point(|live| live.rule <= candidate.rule);
        if candidate.joins(&mut self.live[..behind]) {
            return;
        }
        self.overflows |= self.live.try_insert(behind, candidate).is_err();
    }

    /// Puts the hits that became certain with the last byte in order, before the next byte is read.
    #[inline]
    fn settle(&mut self) {
        let fresh_count = self.hits.len() - self.first_fresh;
        if fresh_count == 0 {
            return;
        }
        if fresh_count > 1 {
            let mut fresh = self.hits.split_off(self.first_fresh);
            fresh.sort_by_key(|hit| (hit.end, hit.rule, Reverse(hit.start)));
            fresh.dedup_by_key(|hit| (hit.end, hit.rule));
            self.hits.append(&mut fresh);
        }
        let moment = self.offset();
        let fresh = &self.hits[self.first_fresh..];
        for live in self.live.iter_mut() {
            live.is_echo = fresh.iter().any(|hit| hit.rule == live.rule && hit.end == moment);
        }
        self.first_fresh = self.hits.len();
    }
}
