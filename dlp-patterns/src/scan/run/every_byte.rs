//! Automata that read every byte of a chunk, and where their matches begin.
//!
//! That they read costs no steps, since it takes as long whatever is there. What is paid for is to look where matches begin
//! that end at a place, and to have them validated. In a batch automata of several flows read by turns; so that it doesn't
//! matter when whose turn is, each of them may spend what the flow has, and what they have spent together is paid when all
//! have read.

use super::{Run, everywhere_of};
use crate::Hit;
use crate::automaton::{State, outcome};
use crate::matcher::{MatcherId, Matches};
use crate::scan::begins::Begins;
use crate::scan::lanes::{Lanes, Reader};

impl Run<'_> {
    /// Lets the automata that read every byte read the chunk.
    pub(super) fn read_every_byte(&mut self) {
        let mut lanes = Lanes::new();
        let (rules, context, chunk) = (self.rules, self.context, self.text.chunk());
        for index in 0..context.everywhere().len() {
            if let Some(from) = self.reading_from(index) {
                let reader = Reader::new(rules, context, (index, 0), from, chunk);
                lanes.take(reader, |reader| self.has_stopped(reader));
            }
        }
        lanes.read_all(|reader| self.has_stopped(reader));
    }

    /// The state in which one of the automata that read every byte comes to the chunk, and the place from which on its next
    /// match may begin; `None` if it needn't read it.
    pub(in crate::scan) fn reading_from(&mut self, index: usize) -> Option<(State, isize)> {
        let (rules, matchers) = (self.rules, self.context.everywhere());
        let kept = self.kept.get_or_insert_default();
        if kept.everywhere.is_empty() {
            let start = |matcher: &MatcherId| everywhere_of(rules.matcher(*matcher)).forward.start(None);
            kept.everywhere.extend(matchers.iter().map(start));
        }
        let state = kept.everywhere[index];
        let is_done = kept.is_done(matchers[index]);
        (!is_done).then(|| (state, self.text.place_of(self.end_of(matchers[index]))))
    }

    /// Reports what an automaton that has stopped has to say; whether it has to go on.
    pub(in crate::scan) fn has_stopped(&mut self, reader: &mut Reader<'_>) -> bool {
        let goes_on = self.report_of(reader);
        if !goes_on {
            self.kept.get_or_insert_default().owed_steps += reader.spent;
        }
        goes_on
    }

    /// Reports the match that a state tells of, if any; whether its automaton has to go on.
    fn report_of(&mut self, reader: &mut Reader<'_>) -> bool {
        let matcher = self.context.everywhere()[reader.index];
        let outcome = reader.automaton.outcome(reader.state);
        // A slice has at most `isize::MAX` bytes.
        let at = reader.at as isize;
        let moment = self.text.offset_of(at);
        let reported = [(outcome::MATCH_BEFORE, at - 1), (outcome::MATCH, at)]
            .into_iter()
            .filter(|(bit, _)| outcome & bit != 0)
            .find(|(_, end)| self.report_backward(matcher, reader.earliest, *end, moment, &mut reader.spent));
        match (reported, self.rules.matcher(matcher).matches()) {
            (None, _) => {}
            (Some(_), Matches::Hit | Matches::First) => return false,
            (Some((_, end)), Matches::Every) => {
                // The next match begins where this one has ended, or later.
                let behind = self.text.behind(end).expect("the last bytes are known");
                (reader.earliest, reader.state) = (end, reader.automaton.start(behind));
                reader.at = usize::try_from(end).expect("it ends with the last byte, or with the one before");
            }
        }
        if reader.at < reader.chunk.len() {
            return true;
        }
        self.kept.get_or_insert_default().everywhere[reader.index] = reader.state;
        false
    }

    /// Notes the match of an automaton that reads every byte, from its latest begin, which isn't before `earliest`; `false`
    /// if there is none. How far a match goes back beyond an excerpt isn't looked at. Where the steps of the run have been
    /// `spent`, no more matches are.
    pub(super) fn report_backward(
        &mut self,
        matcher: MatcherId,
        earliest: isize,
        end: isize,
        moment: u64,
        spent: &mut u64,
    ) -> bool {
        let (of, text) = (self.rules.matcher(matcher), self.text);
        let first = earliest.max(end - Hit::EXCERPT_BYTES_MAX as isize);
        let is_certain = self.text.offset_of(end) == moment;
        if *spent > self.steps {
            return false;
        }
        let begins = Begins::of(&everywhere_of(of).backward, text, first..end, is_certain);
        *spent += begins.read_bytes();
        let far = (begins.is_longer() && earliest < first).then_some(first);
        let near = begins.near().filter(|start| text.behind(*start).is_none_or(|byte| of.may_follow(byte)));
        near.chain(far).any(|start| {
            if of.is_validated() {
                *spent += Run::validation_steps(start, end);
            }
            *spent <= self.steps && self.report(matcher, start, end, moment)
        })
    }
}
