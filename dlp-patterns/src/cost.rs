//! What rules cost, and what about that is worth a remark.

use std::time::Duration;

use crate::compile::Found;
use crate::limits::STEPS_PER_CONFIRMATION;
use crate::{Direction, Field};

mod remark;

pub use remark::Remark;

/// How a rule is found, the cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// Bytes that are seldom there are looked for, and comparisons or tables confirm.
    Windows,
    /// Bytes that are seldom there are looked for, and an automaton that is too large for a table is simulated from there.
    SimulatedWindows,
    /// A table reads every byte.
    EveryByte,
    /// An automaton that is too large for a table is simulated for every byte.
    SimulatedEveryByte,
}

impl FoundBy {
    /// Its name in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            FoundBy::Windows => "windows",
            FoundBy::SimulatedWindows => "windows, simulated",
            FoundBy::EveryByte => "every byte",
            FoundBy::SimulatedEveryByte => "every byte, simulated",
        }
    }
}

/// What a rule costs. What depends on traffic is an estimate for ordinary traffic (prose,
/// markup, JSON, logs and base64), from how often single bytes are there: words that are common come more often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleCost {
    /// The dearest way in which something of it is found.
    pub found_by: FoundBy,
    /// Windows that are looked for.
    pub windows: usize,
    /// Places in 1024 bytes at which something has to be confirmed.
    pub candidates_per_kib: f64,
    /// Steps of automata for 1024 bytes.
    pub steps_per_kib: f64,
    /// States of all tables.
    pub states: usize,
    /// Positions of all automata that are simulated.
    pub positions: usize,
    /// Memory of literals, tables and simulated automata, in bytes.
    pub bytes: usize,
    /// How many bytes before a window are read back at most.
    pub lookback_bytes: usize,
    /// How long its compilation took.
    pub compile: Duration,
}

/// What the rules of a field in one direction cost together.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextCost {
    /// Where the same rules look.
    pub places: Vec<(Field, Direction)>,
    /// How many they are.
    pub rules: usize,
    /// Windows that are looked for.
    pub windows: usize,
    /// Places in 1024 bytes of ordinary traffic at which something has to be confirmed.
    pub candidates_per_kib: f64,
    /// Memory of what looks for windows, in bytes.
    pub bytes: usize,
}

/// A confirmation at a place of ordinary traffic ends after a few bytes.
const STEPS_OF_CANDIDATE: f64 = STEPS_PER_CONFIRMATION as f64 + 4.0;

/// How many positions of a simulated automaton a byte is held against, where something is under way.
const STEPS_OF_SIMULATED_BYTE: f64 = 8.0;

const KIB: f64 = 1024.0;

impl RuleCost {
    pub(crate) fn of(found: &Found, compile: Duration) -> RuleCost {
        let is_simulated = found.positions() > 0;
        let chance: f64 = found.branches().iter().map(|branch| branch.chance).sum();
        let (found_by, candidates_per_byte) = match found {
            Found::ByWindows(_) if is_simulated => (FoundBy::SimulatedWindows, chance),
            Found::ByWindows(_) => (FoundBy::Windows, chance),
            Found::ByEveryByte(_) => (FoundBy::EveryByte, 1.0),
            Found::Simulated(_) => (FoundBy::SimulatedEveryByte, 1.0),
        };
        let steps_of_candidate = match found_by {
            FoundBy::Windows => STEPS_OF_CANDIDATE,
            FoundBy::SimulatedWindows => STEPS_OF_CANDIDATE * STEPS_OF_SIMULATED_BYTE,
            FoundBy::EveryByte => 1.0,
            FoundBy::SimulatedEveryByte => STEPS_OF_SIMULATED_BYTE,
        };
        RuleCost {
            found_by,
            windows: found.branches().iter().map(|branch| branch.windows.len()).sum(),
            candidates_per_kib: candidates_per_byte * KIB,
            steps_per_kib: candidates_per_byte * steps_of_candidate * KIB,
            states: found.states(),
            positions: found.positions(),
            bytes: found.bytes(),
            lookback_bytes: found.branches().iter().map(|branch| branch.lookback_bytes).max().unwrap_or(0),
            compile,
        }
    }

    /// This one and another together. What a file says of its compilation may be anything.
    pub(crate) fn and(self, other: RuleCost) -> RuleCost {
        RuleCost {
            found_by: self.found_by.max(other.found_by),
            windows: self.windows.saturating_add(other.windows),
            candidates_per_kib: self.candidates_per_kib + other.candidates_per_kib,
            steps_per_kib: self.steps_per_kib + other.steps_per_kib,
            states: self.states.saturating_add(other.states),
            positions: self.positions.saturating_add(other.positions),
            bytes: self.bytes.saturating_add(other.bytes),
            lookback_bytes: self.lookback_bytes.max(other.lookback_bytes),
            compile: self.compile.saturating_add(other.compile),
        }
    }

    /// What makes it dear, the gravest first; empty if nothing does.
    pub fn remarks(&self) -> Vec<Remark> {
        Remark::ALL.into_iter().filter(|remark| remark.applies_to(self)).collect()
    }
}

#[cfg(test)]
mod tests;
