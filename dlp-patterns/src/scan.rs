//! The scan of fields that arrive in chunks.

use std::fmt;

use arrayvec::ArrayVec;

use crate::limits::TAIL_BYTES;
use crate::literals::{LiteralState, Literals};
use crate::rule_set::RuleSet;
use crate::{Direction, Field, Hit};

mod candidate;
#[cfg(test)]
mod hostile;
mod scanner;
mod window;

use candidate::Candidate;
use scanner::{Live, Scanner};
use window::Window;

/// What a scan remembers between two chunks, for one direction of a flow.
///
/// Invariant: hits are the same, in the same order, however the bytes of a field are cut into chunks.
#[derive(Debug, Default)]
pub struct ScanState {
    within: Option<Within>,
    /// Bytes of the field so far.
    offset: u64,
    /// The last of them.
    tail: ArrayVec<u8, TAIL_BYTES>,
    /// The candidates that outlived their chunk; without one, nothing is allocated.
    live: Vec<Candidate>,
    has_overflowed: bool,
}

/// The field that a state is within, and how far its automaton is.
#[derive(Clone, Copy, Debug)]
struct Within {
    field: Field,
    direction: Direction,
    stamp: u32,
    /// `None` if no rule looks into the field.
    literals: Option<LiteralState>,
}

/// More candidates were alive at once than a scan keeps, so that from here on a hit may be missed in this field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanOverflow;

impl fmt::Display for ScanOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many candidates are alive at once")
    }
}

impl std::error::Error for ScanOverflow {}

impl RuleSet {
    /// Begins a field; whatever the state was within before is forgotten.
    pub fn begin(&self, state: &mut ScanState, field: Field, direction: Direction) {
        *state = ScanState { within: Some(self.enter(field, direction)), ..ScanState::default() };
    }

    /// Scans the next bytes of the field, and appends the hits that became certain to `hits`: in the order in which they
    /// became certain, then by end, then by rule.
    ///
    /// After a field began under another rule set, what it remembers of that set's candidates is dropped.
    ///
    /// # Errors
    /// [`ScanOverflow`], at most once in a field. The chunk was scanned to its end nevertheless.
    pub fn scan(&self, state: &mut ScanState, chunk: &[u8], hits: &mut Vec<Hit>) -> Result<(), ScanOverflow> {
        let Some(mut within) = self.resume(state) else { return Ok(()) };
        let (Some(mut at), Some(literals)) = (within.literals, self.literals(within.field, within.direction))
        else {
            state.offset += chunk.len() as u64;
            return Ok(());
        };
        let mut live = lend(&state.live);
        let mut scanner = Scanner::new(self, Window::new(&state.tail, chunk, state.offset), &mut live, hits);
        let mut end = 0;
        while let Some(next) = literals.find(&mut at, chunk, end) {
            end = next;
            scanner.advance(end);
            literals.ended(at).for_each(|literal| scanner.spawn(literal));
        }
        scanner.advance(chunk.len());
        let overflows = scanner.leave();
        // `Vec::new` also gives the memory back; nothing was allocated unless a candidate outlived a chunk.
        state.live = if live.is_empty() { Vec::new() } else { live.to_vec() };
        window::keep_tail(&mut state.tail, chunk);
        state.offset += chunk.len() as u64;
        within.literals = Some(at);
        state.within = Some(within);
        if overflows && !state.has_overflowed {
            state.has_overflowed = true;
            return Err(ScanOverflow);
        }
        Ok(())
    }

    /// Ends the field: whatever waited for the next byte is decided.
    pub fn finish(&self, state: &mut ScanState, hits: &mut Vec<Hit>) {
        let ended = std::mem::take(state);
        if ended.within.is_some_and(|within| within.stamp == self.stamp()) && !ended.live.is_empty() {
            let mut live = lend(&ended.live);
            Scanner::new(self, Window::new(&ended.tail, &[], ended.offset), &mut live, hits).finish();
        }
    }

    fn enter(&self, field: Field, direction: Direction) -> Within {
        let literals = self.literals(field, direction).map(Literals::start);
        Within { field, direction, stamp: self.stamp(), literals }
    }

    /// The field that the state is within, after a change of rule sets under this set.
    fn resume(&self, state: &mut ScanState) -> Option<Within> {
        let within = state.within?;
        if within.stamp == self.stamp() {
            return Some(within);
        }
        state.live = Vec::new();
        if within.literals.is_none() {
            state.tail.clear();
        }
        state.within = Some(self.enter(within.field, within.direction));
        state.within
    }
}

/// The candidates in a place for the scanner, filled in place: it is large, and collecting would copy all of it.
#[inline]
fn lend(candidates: &[Candidate]) -> Live {
    let mut live = Live::new();
    live.try_extend_from_slice(candidates).expect("no more outlive a chunk than fit");
    live
}

#[cfg(test)]
mod tests;
