//! What a field remembers besides its last bytes.

use super::pending::Pending;
use crate::RuleId;
use crate::automaton::State;

/// A confirmation that has read all bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) rule: RuleId,
    /// Index into the branches of the rule.
    pub(super) branch: u16,
    pub(super) state: State,
    /// Offset of the first byte of its match within the field.
    pub(super) start: u64,
}

/// What a field remembers once a rule has hit it, or once a confirmation outlives its chunk.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// No two have the same branch and state, unless a validator looks at their starts.
    pub(super) live: Vec<Live>,
    /// By automaton that reads every byte; empty before the first byte.
    pub(super) everywhere: Vec<State>,
    /// Matches of this chunk. Empty between two chunks.
    pub(super) pending: Pending,
    /// A bit for each rule that has hit.
    hit: Vec<u64>,
}

impl Kept {
    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.everywhere.clear();
        self.pending.clear();
        self.hit.clear();
    }

    /// Whether the rule has hit the field.
    #[inline]
    pub(super) fn has_hit(&self, rule: RuleId) -> bool {
        self.hit.get(rule.0 as usize >> 6).is_some_and(|word| word >> (rule.0 & 63) & 1 == 1)
    }

    pub(super) fn note_hit(&mut self, rule: RuleId) {
        let word = rule.0 as usize >> 6;
        if self.hit.len() <= word {
            self.hit.resize(word + 1, 0);
        }
        self.hit[word] |= 1 << (rule.0 & 63);
    }
}
