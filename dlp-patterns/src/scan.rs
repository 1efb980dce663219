//! The scan of fields that arrive in chunks.

use std::fmt;

use crate::automaton::State;
use crate::context::Context;
use crate::limits::{PIECE_BYTES_MAX, STEPS_BURST_MAX, STEPS_PER_BYTE};
use crate::matcher::MatcherId;
use crate::rule_set::RuleSet;
use crate::{Direction, Field, Hit};

mod batch;
mod begins;
mod courses;
mod kept;
mod lanes;
mod memo;
mod pending;
mod run;
mod simulations;
mod tail;
mod text;

pub use batch::BatchItem;
use kept::Kept;
use run::{BACK_BYTES, Run};
use tail::Tail;
use text::Text;

/// What a scan remembers between two chunks, for one direction of a flow.
///
/// Invariant: hits are the same, in the same order, however the bytes of a field are cut into chunks.
#[derive(Debug, Default)]
pub struct ScanState {
    within: Option<Within>,
    /// Bytes of the field so far.
    offset: u64,
    /// Steps of automata that may be made beyond those that each byte brings.
    credit: u32,
    has_overflowed: bool,
    /// The last bytes of the field.
    tail: Tail,
    /// Allocated when something matches, or a confirmation outlives its chunk.
    kept: Option<Box<Kept>>,
}

/// The field that a state is within, and under which rules it began.
#[derive(Clone, Copy, Debug)]
struct Within {
    field: Field,
    direction: Direction,
    stamp: u32,
}

/// The work that a field may cause was used up, so that from here on a hit may be missed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanOverflow;

impl fmt::Display for ScanOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the field causes more work than it may")
    }
}

impl std::error::Error for ScanOverflow {}

impl ScanState {
    /// Whether nothing that is still to come in the field matters.
    #[inline]
    fn is_decided(&self, context: &Context) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.done.count() == context.matchers())
    }

    /// Steps that may be made with the next chunk.
    #[inline]
    fn steps_with(&self, chunk: &[u8]) -> u64 {
        u64::from(self.credit) + u64::from(STEPS_PER_BYTE) * chunk.len() as u64
    }

    /// Goes behind a chunk that left so many of its steps.
    #[inline]
    fn advance(&mut self, chunk: &[u8], steps_left: u64) {
        self.credit = u32::try_from(steps_left).unwrap_or(u32::MAX).min(STEPS_BURST_MAX);
        self.tail.push(chunk);
        self.offset += chunk.len() as u64;
    }
}

impl RuleSet {
    /// Begins a field; whatever the state was within before is forgotten.
    pub fn begin(&self, state: &mut ScanState, field: Field, direction: Direction) {
        state.within = Some(Within { field, direction, stamp: self.stamp() });
        state.offset = 0;
        state.credit = STEPS_BURST_MAX;
        state.has_overflowed = false;
        state.tail = Tail::default();
        if let Some(kept) = state.kept.as_mut().filter(|kept| !kept.is_blank()) {
            kept.clear();
        }
    }

    /// Scans the next bytes of the field, and appends the hits that became certain to `hits`: in the order in which they
    /// became certain, then by end, then by rule. Each rule hits a field at most once.
    ///
    /// A field that began under another rule set is not scanned: what it remembers means nothing to this one.
    ///
    /// # Errors
    /// [`ScanOverflow`], at most once in a field: its bytes caused more than [`STEPS_PER_BYTE`] steps of automata each
    /// beyond a burst of [`STEPS_BURST_MAX`].
    pub fn scan(&self, state: &mut ScanState, chunk: &[u8], hits: &mut Vec<Hit>) -> Result<(), ScanOverflow> {
        self.scan_counting(state, chunk, hits).map(|_| ())
    }

    /// As [`scan`](RuleSet::scan); returns how many steps of automata that took.
    ///
    /// # Errors
    /// As for [`scan`](RuleSet::scan); the steps were then all that the field had.
    pub fn scan_counting(
        &self,
        state: &mut ScanState,
        chunk: &[u8],
        hits: &mut Vec<Hit>,
    ) -> Result<u64, ScanOverflow> {
        let Some(context) = self.context_of(state) else { return Ok(0) };
        if !context.is_counting() || chunk.len() <= PIECE_BYTES_MAX {
            return self.scan_piece(context, state, chunk, hits);
        }
        let mut steps = Ok(0);
        for piece in chunk.chunks(PIECE_BYTES_MAX) {
            // What is behind an overflow is scanned too.
            let of_piece = self.scan_piece(context, state, piece, hits);
            steps = steps.and_then(|steps| Ok(steps + of_piece?));
        }
        steps
    }

    #[inline]
    fn scan_piece(
        &self,
        context: &Context,
        state: &mut ScanState,
        chunk: &[u8],
        hits: &mut Vec<Hit>,
    ) -> Result<u64, ScanOverflow> {
        if state.is_decided(context) {
            state.offset += chunk.len() as u64;
            return Ok(0);
        }
        self.take_through(context, state, chunk, |run, before| run.scan(before, hits))
    }

    /// Takes a chunk through the context by `way`, which says what is left of the steps; the steps that it took.
    #[inline]
    fn take_through(
        &self,
        context: &Context,
        state: &mut ScanState,
        chunk: &[u8],
        way: impl FnOnce(&mut Run<'_>, &[u8; BACK_BYTES]) -> Option<u64>,
    ) -> Result<u64, ScanOverflow> {
        let steps = state.steps_with(chunk);
        let text = Text::new(state.tail.bytes(), chunk, state.offset);
        let left = way(&mut Run::new(self, context, text, &mut state.kept, steps), state.tail.last());
        state.advance(chunk, left.unwrap_or(0));
        if left.is_none() && !state.has_overflowed {
            state.has_overflowed = true;
            return Err(ScanOverflow);
        }
        Ok(steps - left.unwrap_or(0))
    }

    /// Ends the field: whatever waited for the next byte is decided, and so is what must not be in the field. After an
    /// overflow nobody knows what was in it, so that then nothing hits for what is not. Returns how many steps of automata that
    /// took, at most [`STEPS_BURST_MAX`].
    pub fn finish(&self, state: &mut ScanState, hits: &mut Vec<Hit>) -> u64 {
        let context = self.context_of(state);
        state.within = None;
        let has_kept = state.kept.as_ref().is_some_and(|kept| !kept.is_blank());
        let (Some(context), true) = (context, has_kept) else { return 0 };
        let first = hits.len();
        let text = Text::new(state.tail.bytes(), &[], state.offset);
        let mut run = Run::new(self, context, text, &mut state.kept, u64::from(STEPS_BURST_MAX));
        let steps = u64::from(STEPS_BURST_MAX) - run.finish(hits);
        if let Some(kept) = state.kept.as_mut().filter(|_| !state.has_overflowed) {
            hits.extend(kept.courses.finish(self));
        }
        hits[first..].sort_by_key(|hit| (hit.end, hit.rule));
        steps
    }

    /// Whether a match may be under way that began more than [`TAIL_BYTES`](crate::limits::TAIL_BYTES) ago, or a rule that has been found in parts; if
    /// not, every match that is still to come begins within them, or later.
    pub fn is_waiting(&self, state: &ScanState) -> bool {
        let (Some(context), Some(kept)) = (self.context_of(state), &state.kept) else { return false };
        let behind = state.tail.bytes().last().copied();
        // Nothing is under way where an automaton is as if it began here.
        let has_begun = |(matcher, at): (&MatcherId, &State)| {
            !kept.is_done(*matcher) && *at != run::everywhere_of(self.matcher(*matcher)).forward.start(behind)
        };
        !kept.live.is_empty()
            || kept.simulations.are_live(|matcher| !kept.is_done(matcher))
            || kept.courses.are_open()
            || context.everywhere().iter().zip(&kept.everywhere).any(has_begun)
    }

    /// What is looked for in the field that the state is within; nothing if it began under another rule set.
    #[inline]
    fn context_of(&self, state: &ScanState) -> Option<&Context> {
        let within = self.within(state)?;
        self.context(within.field, within.direction)
    }

    #[inline]
    fn context_index_of(&self, state: &ScanState) -> Option<usize> {
        let within = self.within(state)?;
        self.context_index(within.field, within.direction)
    }

    /// What the state is within, if it began under this set.
    #[inline]
    fn within(&self, state: &ScanState) -> Option<Within> {
        state.within.filter(|within| within.stamp == self.stamp())
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
