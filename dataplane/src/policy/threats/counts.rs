//! [`ThreatCounts`]: a number for each threat.

use std::ops::Index;

use super::Threat;

/// How often each threat was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreatCounts([u64; Threat::COUNT]);

impl Default for ThreatCounts {
    fn default() -> ThreatCounts {
        ThreatCounts([0; Threat::COUNT])
    }
}

impl Index<Threat> for ThreatCounts {
    type Output = u64;

    fn index(&self, threat: Threat) -> &u64 {
        &self.0[threat as usize]
    }
}

impl ThreatCounts {
    /// Counts one more.
    pub fn count(&mut self, threat: Threat) {
        self.0[threat as usize] += 1;
    }

    /// Adds what another one has.
    pub fn add(&mut self, other: &ThreatCounts) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
