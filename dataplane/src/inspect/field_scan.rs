//! The scan of one direction of a flow.

use dlp_patterns::Field;

use super::findings::Findings;
use super::open_scan::OpenScan;
use super::rule_sets::RuleSets;
use crate::flow::Direction;

/// The scan of one direction of a flow. Its fields come one after another, and only while one is open does it take
/// room, which the worker's scans hand on to each other.
#[derive(Debug, Default)]
pub struct FieldScan {
    open: Option<Box<OpenScan>>,
}

impl FieldScan {
    /// Bytes of a new field follow.
    pub fn begin(&mut self, rules: &mut RuleSets, direction: Direction, field: Field) {
        self.abandon(rules);
        self.open = Some(OpenScan::begin(rules, direction, field));
    }

    /// The next bytes of the open field, at `now_ns`.
    pub fn data(
        &mut self,
        rules: &mut RuleSets,
        direction: Direction,
        now_ns: u64,
        bytes: &[u8],
        findings: &mut Findings,
    ) {
        if let Some(open) = &mut self.open {
            open.data(rules, direction, now_ns, bytes, findings);
        }
    }

    /// The open field is complete.
    pub fn end(&mut self, rules: &mut RuleSets, direction: Direction, findings: &mut Findings) {
        let Some(mut open) = self.open.take() else { return };
        open.end(rules, direction, findings);
        rules.spare_scans.push(open);
    }

    /// Nothing of the open field will be read any more.
    pub fn abandon(&mut self, rules: &mut RuleSets) {
        let Some(mut open) = self.open.take() else { return };
        open.abandon(rules);
        rules.spare_scans.push(open);
    }
}

#[cfg(test)]
mod tests;
