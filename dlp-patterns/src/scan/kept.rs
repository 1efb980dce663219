//! What a field remembers besides its last bytes.

use super::courses::Courses;
use super::pending::Pending;
use super::simulations::Simulations;
use crate::automaton::State;
use crate::matcher::MatcherId;

/// A confirmation that has read all bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) matcher: MatcherId,
    /// Index into the branches of the matcher.
    pub(super) branch: u16,
    /// Of a core that is a literal: how many of its bytes have been there.
    pub(super) state: State,
    /// Offset of the first byte of its match within the field.
    pub(super) start: u64,
}

/// What a field remembers once something matches, or once a confirmation outlives its chunk.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// No two have the same branch and state, unless a validator looks at their starts.
    pub(super) live: Vec<Live>,
    /// Memory for the next ones. Empty between two chunks.
    pub(super) spare: Vec<Live>,
    /// By automaton that reads every byte; empty before the first byte.
    pub(super) everywhere: Vec<State>,
    /// What their matches have cost in this chunk, in steps that are still to be paid. 0 between two chunks.
    pub(super) owed_steps: u64,
    /// The automata that are simulated.
    pub(super) simulations: Simulations,
    /// Matches of this chunk. Empty between two chunks.
    pub(super) pending: Pending,
    /// The rules that ask for more than one match.
    pub(super) courses: Courses,
    pub(super) done: Done,
}

impl Kept {
    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.everywhere.clear();
        self.owed_steps = 0;
        self.simulations.clear();
        self.pending.clear();
        self.courses.clear();
        self.done.clear();
    }

    /// Whether a chunk in which nothing begins changes nothing.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.live.is_empty() && self.owed_steps == 0 && self.pending.is_empty() && self.simulations.are_idle()
    }

    /// Whether a field that ends here, or begins, finds nothing to decide and nothing to forget.
    #[inline]
    pub(super) fn is_blank(&self) -> bool {
        self.is_idle() && self.everywhere.is_empty() && !self.courses.are_open() && self.done.count == 0
    }

    /// Whether nothing that the matcher could find matters any more: its rule has hit, or can't hit, or knows enough.
    #[inline]
    pub(super) fn is_done(&self, matcher: MatcherId) -> bool {
        self.done.contains(matcher)
    }
}

/// The matchers that have nothing more to say in a field.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// A bit for each matcher.
    words: Vec<u64>,
    count: usize,
}

impl Done {
    fn clear(&mut self) {
        self.words.clear();
        self.count = 0;
    }

    #[inline]
    pub(super) fn contains(&self, matcher: MatcherId) -> bool {
        self.words.get(matcher.0 as usize >> 6).is_some_and(|word| word >> (matcher.0 & 63) & 1 == 1)
    }

    pub(super) fn insert(&mut self, matcher: MatcherId) {
        let word = matcher.0 as usize >> 6;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.count += usize::from(!self.contains(matcher));
        self.words[word] |= 1 << (matcher.0 & 63);
    }

    /// How many they are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count
    }
}
