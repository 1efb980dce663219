//! Whether a match begins where a window says that it may.

use super::{Run, Start};
use crate::automaton::{Automaton, State, outcome};
use crate::compile::literal::Literal;
use crate::limits::LIVE_MAX;
use crate::scan::kept::Live;
use crate::scan::memo::{Memo, Outcome};

impl Run<'_> {
    /// Compares what stands from a place on with a literal, of which `known` bytes were compared before.
    pub(super) fn compare(&mut self, start: Start, literal: &Literal, mut known: State, mut at: isize) {
        loop {
            let left = literal.len() - usize::from(known);
            let rest = self.text.rest_of_part(at);
            let bytes = &rest[..rest.len().min(left)];
            if !self.pay(1 + bytes.len() as u64 / 8) || !literal.goes_on(usize::from(known), bytes) {
                return;
            }
            at += bytes.len() as isize;
            if bytes.len() == left {
                self.judge(start, outcome::MATCH, at);
                return;
            }
            known += bytes.len() as State;
            if at >= self.text.end() {
                let Start { matcher, branch, start } = start;
                let is_validated = self.rules.matcher(matcher).is_validated();
                let start = self.text.offset_of(start);
                self.keep(Live { matcher, branch, state: known, start }, is_validated);
                return;
            }
        }
    }

    /// Reads on from a place until it is known whether there is a match, or the chunk ends.
    pub(super) fn confirm(&mut self, start: Start, core: &Automaton, mut state: State, from: isize) {
        let is_validated = self.rules.matcher(start.matcher).is_validated();
        let mut run = None;
        let mut at = from;
        let outcome = loop {
            if core.is_special(state)
                && let Some(outcome) = self.judge(start, core.outcome(state), at)
            {
                break outcome;
            }
            if at >= self.text.end() {
                break self.keep(
                    Live {
                        matcher: start.matcher,
                        branch: start.branch,
                        state,
                        start: self.text.offset_of(start.start),
                    },
                    is_validated,
                );
            }
            let stride = Memo::stride_bytes(self.memo.as_ref());
            if at > from && at > 0 && !is_validated && (at as usize).is_multiple_of(stride) {
                let memo = self.memo.get_or_insert_with(Memo::new);
                let branch = (start.matcher, start.branch);
                if let Some(known) = memo.outcome_from(branch, state, at as usize, &mut run) {
                    self.join(start, known);
                    break known;
                }
            }
            let rest = self.text.rest_of_part(at);
            let to_note = if at < 0 { rest.len() } else { stride - at as usize % stride };
            let read = core.walk(&mut state, &rest[..rest.len().min(to_note)]);
            at += read as isize;
            if !self.pay(read as u64) {
                break Outcome::Nothing;
            }
        };
        if let (Some(run), Some(memo)) = (run, &mut self.memo) {
            memo.end(run, outcome);
        }
    }

    /// What it costs to have a match validated, in steps. A checksum is dearer than a step.
    pub(super) fn validation_steps(start: isize, end: isize) -> u64 {
        end.abs_diff(start) as u64 / 8
    }

    /// What a state that was entered before `at` says of a confirmation; `None` if it goes on.
    fn judge(&mut self, start: Start, said: u8, at: isize) -> Option<Outcome> {
        let moment = self.text.offset_of(at);
        let is_validated = self.rules.matcher(start.matcher).is_validated();
        for (bit, end) in [(outcome::MATCH_BEFORE, at - 1), (outcome::MATCH, at)] {
            if said & bit != 0 && is_validated && !self.pay(Run::validation_steps(start.start, end)) {
                return Some(Outcome::Nothing);
            }
            if said & bit != 0 && self.report(start.matcher, start.start, end, moment) {
                return Some(Outcome::Match { end: self.text.offset_of(end), moment });
            }
        }
        (said & outcome::DEAD != 0).then_some(Outcome::Nothing)
    }

    /// Another confirmation has come out the same; the start that is later speaks for both.
    fn join(&mut self, start: Start, known: Outcome) {
        let offset = self.text.offset_of(start.start);
        match known {
            Outcome::Nothing => {}
            Outcome::Match { end, moment } => {
                self.report(start.matcher, start.start, self.text.place_of(end), moment);
            }
            Outcome::Live(index) => {
                let live = self.kept.as_mut().and_then(|kept| kept.live.get_mut(index));
                let live = live.expect("what is alive stays until the chunk ends");
                live.start = live.start.max(offset);
            }
        }
    }

    /// Keeps a confirmation for the next chunk.
    fn keep(&mut self, live: Live, is_validated: bool) -> Outcome {
        let kept = self.kept.get_or_insert_default();
        let is_twin = |other: &Live| {
            (other.matcher, other.branch, other.state) == (live.matcher, live.branch, live.state)
        };
        let twin = if is_validated { None } else { kept.live.iter().position(is_twin) };
        if let Some(index) = twin {
            kept.live[index].start = kept.live[index].start.max(live.start);
            return Outcome::Live(index);
        }
        if kept.live.len() >= LIVE_MAX {
            self.is_exhausted = true;
            return Outcome::Nothing;
        }
        kept.live.push(live);
        Outcome::Live(kept.live.len() - 1)
    }
}
