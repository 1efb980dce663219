//! A scan under rules that are no longer those of its field.

use dlp_patterns::ScanState;

use super::findings::{Findings, Place};
use super::rule_sets::RuleSets;
use crate::limits::RULES_OVERLAP_BYTES;

/// A scan that goes on until no match can be under way any more that began before its field came under other rules.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) state: ScanState,
    pub(super) place: Place,
    /// What it has still to read, in bytes; after that, once more as much while a match is under way.
    pub(super) rest_bytes: u32,
}

impl Leaving {
    /// Reads no more than it has still to read. Findings from `first` on are of the same bytes.
    pub(super) fn data(&mut self, rules: &RuleSets, bytes: &[u8], first: usize, findings: &mut Findings) {
        self.rest_bytes = self.rest_bytes.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let Some(set) = rules.get(self.place.epoch) else {
            self.rest_bytes = 0;
            return;
        };
        findings.scan(set, &mut self.state, bytes);
        if self.rest_bytes == 0 && set.is_waiting(&self.state) {
            self.rest_bytes = RULES_OVERLAP_BYTES;
        }
        findings.take_hits_beside(rules, self.place, first);
    }

    /// The field is complete.
    pub(super) fn end(&mut self, rules: &RuleSets, first: usize, findings: &mut Findings) {
        let Some(set) = rules.get(self.place.epoch) else { return };
        findings.finish(set, &mut self.state);
        findings.take_hits_beside(rules, self.place, first);
    }
}
