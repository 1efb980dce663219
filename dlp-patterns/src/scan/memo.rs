//! Where confirmations have been, so that none goes the same way twice.

use arrayvec::ArrayVec;

use crate::automaton::State;
use crate::limits::{MEMO_NOTES_MAX, MEMO_RUNS_MAX};
use crate::matcher::MatcherId;

/// Confirmations compare notes where the chunk's bytes have been read up to a multiple of this, which costs little …
const STRIDE_BYTES: usize = 32;

/// … and of this where there are many, so that each has to read little.
const FLOOD_STRIDE_BYTES: usize = 4;

/// Confirmations that left notes in a chunk, from which on it is a flood.
const FLOOD_RUNS: usize = 8;

/// A note goes where so many bits of its hash say, in place of what was there.
const SLOT_BITS: u32 = MEMO_NOTES_MAX.ilog2();
const _: () = assert!(MEMO_NOTES_MAX.is_power_of_two());

/// How a confirmation came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Nothing,
    /// A match that ends at this offset, certain at that moment.
    Match {
        end: u64,
        moment: u64,
    },
    /// It is alive behind the chunk, as the one at this index.
    Live(usize),
}

/// A confirmation of the chunk at hand, by its number.
pub(super) type RunId = u16;

#[derive(Clone, Copy, Debug)]
struct Note {
    matcher: MatcherId,
    branch: u16,
    state: State,
    at: u32,
    run: RunId,
}

const _: () = assert!(size_of::<[Option<Note>; MEMO_NOTES_MAX]>() <= 5 << 10);
const _: () = assert!(size_of::<ArrayVec<Outcome, MEMO_RUNS_MAX>>() <= (3 << 10) + 8);

/// Which confirmation was in which state behind which byte of a chunk.
///
/// Two confirmations of a branch that are in the same state at the same place come out the same. So the second stops
/// there, and of a flood of beginnings each costs few steps however long its ends are in coming.
#[derive(Debug)]
pub(super) struct Memo {
    notes: [Option<Note>; MEMO_NOTES_MAX],
    outcomes: ArrayVec<Outcome, MEMO_RUNS_MAX>,
}

impl Memo {
    pub(super) fn new() -> Memo {
        Memo { notes: [None; MEMO_NOTES_MAX], outcomes: ArrayVec::new() }
    }

    /// How far apart the places are where notes are compared, in bytes; a power of two.
    pub(super) fn stride_bytes(memo: Option<&Memo>) -> usize {
        let is_flood = memo.is_some_and(|memo| memo.outcomes.len() >= FLOOD_RUNS);
        if is_flood { FLOOD_STRIDE_BYTES } else { STRIDE_BYTES }
    }

    /// A number for a confirmation; where there are too many, the former ones are forgotten.
    fn begin(&mut self) -> RunId {
        if self.outcomes.is_full() {
            self.outcomes.clear();
            self.notes = [None; MEMO_NOTES_MAX];
        }
        self.outcomes.push(Outcome::Nothing);
        RunId::try_from(self.outcomes.len() - 1).expect("there are few")
    }

    pub(super) fn end(&mut self, run: RunId, outcome: Outcome) {
        self.outcomes[usize::from(run)] = outcome;
    }

    /// How the confirmation came out that has been here in the same state. If there was none, notes that `run` has, which
    /// gets its number with its first note.
    pub(super) fn outcome_from(
        &mut self,
        (matcher, branch): (MatcherId, u16),
        state: State,
        at: usize,
        run: &mut Option<RunId>,
    ) -> Option<Outcome> {
        let at = u32::try_from(at).ok()?;
        let hash = (matcher.0 << 8 ^ u32::from(branch) << 4 ^ u32::from(state) ^ at << 16 ^ at)
            .wrapping_mul(0x9e37_79b1);
        let slot = (hash >> (u32::BITS - SLOT_BITS)) as usize;
        if let Some(note) = self.notes[slot]
            && (note.matcher, note.branch, note.state, note.at) == (matcher, branch, state, at)
        {
            return Some(self.outcomes[usize::from(note.run)]);
        }
        let run = *run.get_or_insert_with(|| self.begin());
        self.notes[slot] = Some(Note { matcher, branch, state, at, run });
        None
    }
}
