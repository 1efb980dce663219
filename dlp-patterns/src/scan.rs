//! The scan of fields that arrive in chunks.

use std::fmt;

use crate::automaton::State;
use crate::limits::{STEPS_BURST_MAX, STEPS_PER_BYTE};
use crate::rule_set::RuleSet;
use crate::{Direction, Field, Hit, RuleId};

mod kept;
mod memo;
mod pending;
mod run;
mod tail;
mod text;

use kept::Kept;
use run::Run;
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
    /// Allocated when the first rule hits, or a confirmation outlives its chunk.
    kept: Option<Box<Kept>>,
}

/// The field that a state is within.
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

impl RuleSet {
    /// Begins a field; whatever the state was within before is forgotten.
    pub fn begin(&self, state: &mut ScanState, field: Field, direction: Direction) {
        state.within = Some(Within { field, direction, stamp: self.stamp() });
        state.offset = 0;
        state.credit = STEPS_BURST_MAX;
        state.has_overflowed = false;
        state.tail = Tail::default();
        if let Some(kept) = &mut state.kept {
            kept.clear();
        }
    }

    /// Scans the next bytes of the field, and appends the hits that became certain to `hits`: in the order in which they
    /// became certain, then by end, then by rule. Each rule hits a field at most once.
    ///
    /// After a field began under another rule set, what it remembers of that set is dropped.
    ///
    /// # Errors
    /// [`ScanOverflow`], at most once in a field: its bytes caused more than [`STEPS_PER_BYTE`] steps of automata each
    /// beyond a burst of [`STEPS_BURST_MAX`].
    pub fn scan(&self, state: &mut ScanState, chunk: &[u8], hits: &mut Vec<Hit>) -> Result<(), ScanOverflow> {
        let Some(within) = self.resume(state) else { return Ok(()) };
        let Some(context) = self.context(within.field, within.direction) else {
            state.offset += chunk.len() as u64;
            return Ok(());
        };
        let brought = u64::from(STEPS_PER_BYTE) * chunk.len() as u64;
        let steps = u64::from(state.credit) + brought;
        let text = Text::new(state.tail.bytes(), chunk, state.offset);
        let left = Run::new(self, context, text, &mut state.kept, steps).scan(state.tail.last(), hits);
        state.credit = u32::try_from(left.unwrap_or(0)).unwrap_or(u32::MAX).min(STEPS_BURST_MAX);
        state.tail.push(chunk);
        state.offset += chunk.len() as u64;
        if left.is_none() && !state.has_overflowed {
            state.has_overflowed = true;
            return Err(ScanOverflow);
        }
        Ok(())
    }

    /// Ends the field: whatever waited for the next byte is decided.
    pub fn finish(&self, state: &mut ScanState, hits: &mut Vec<Hit>) {
        let Some(within) = state.within.take().filter(|within| within.stamp == self.stamp()) else { return };
        let Some(context) = self.context(within.field, within.direction) else { return };
        if state.kept.is_some() {
            let text = Text::new(state.tail.bytes(), &[], state.offset);
            Run::new(self, context, text, &mut state.kept, u64::from(STEPS_BURST_MAX)).finish(hits);
        }
    }

    /// Whether a match may be under way that began more than [`TAIL_BYTES`] ago; if not, every match that is still to come
    /// begins within them, or later.
    pub fn is_waiting(&self, state: &ScanState) -> bool {
        let (Some(within), Some(kept)) = (state.within, &state.kept) else { return false };
        let Some(context) = self.context(within.field, within.direction) else { return false };
        let behind = state.tail.bytes().last().copied();
        // Nothing is under way where an automaton is as if it began here.
        let has_begun = |(rule, at): (&RuleId, &State)| {
            !kept.has_hit(*rule) && *at != run::everywhere_of(self.rule(*rule)).forward.start(behind)
        };
        !kept.live.is_empty() || context.everywhere().iter().zip(&kept.everywhere).any(has_begun)
    }

    /// The field that the state is within, after a change of rule sets under this set.
    fn resume(&self, state: &mut ScanState) -> Option<Within> {
        let within = state.within.as_mut()?;
        if within.stamp != self.stamp() {
            within.stamp = self.stamp();
            state.tail = Tail::default();
            state.kept = None;
        }
        Some(*within)
    }
}

#[cfg(test)]
mod tests;
