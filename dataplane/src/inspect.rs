//! Fields → findings: runs the rules over one direction of a flow, field after field.

use dlp_patterns::{Action, Field, Hit, RuleSet, ScanState};

use crate::flow::Direction;
use crate::limits::HITS_PER_PACKET_MAX;

/// A hit, and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which way the bytes travelled.
    pub direction: Direction,
    /// The field that they stand in.
    pub field: Field,
    /// The match.
    pub hit: Hit,
}

/// What the scans of one packet found.
#[derive(Debug, Default)]
pub struct Findings {
    listed: Vec<Finding>,
    unlisted: u64,
    asked: Option<Action>,
    overflowed: bool,
    hits: Vec<Hit>,
}

impl Findings {
    /// The findings, in stream order; at most [`HITS_PER_PACKET_MAX`].
    pub fn listed(&self) -> &[Finding] {
        &self.listed
    }

    /// The strictest action that any hit asks for, listed or not: a flood of alerts hides nothing.
    pub fn asked(&self) -> Option<Action> {
        self.asked
    }

    /// How many more there were.
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Whether a scan had to give up a candidate.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Forgets all, and keeps the memory.
    pub fn clear(&mut self) {
        self.listed.clear();
        self.hits.clear();
        self.unlisted = 0;
        self.asked = None;
        self.overflowed = false;
    }

    fn take_hits(&mut self, rules: &RuleSet, direction: Direction, field: Field) {
        for hit in self.hits.drain(..) {
            let action = rules.rule(hit.rule).action();
            let is_stricter = Some(action) > self.asked;
            self.asked = self.asked.max(Some(action));
            let finding = Finding { direction, field, hit };
            if self.listed.len() < HITS_PER_PACKET_MAX {
                self.listed.push(finding);
                continue;
            }
            self.unlisted += 1;
            // What decides the verdict is told, at the cost of one that does not.
            if let Some(last) = self.listed.last_mut().filter(|_| is_stricter) {
                *last = finding;
            }
        }
    }
}

/// The scan of one direction of a flow. Its fields come one after another, so one state serves them all.
#[derive(Debug, Default)]
pub struct FieldScan {
    state: ScanState,
    /// The open field, where any rule speaks of it.
    field: Option<Field>,
}

impl FieldScan {
    /// Bytes of a new field follow.
    pub fn begin(&mut self, rules: &RuleSet, direction: Direction, field: Field) {
        self.field = rules.has_rules(field, direction).then_some(field);
        if self.field.is_some() {
            rules.begin(&mut self.state, field, direction);
        }
    }

    /// The next bytes of the open field.
    pub fn data(&mut self, rules: &RuleSet, direction: Direction, bytes: &[u8], findings: &mut Findings) {
        let Some(field) = self.field else { return };
        if rules.scan(&mut self.state, bytes, &mut findings.hits).is_err() {
            findings.overflowed = true;
        }
        if !findings.hits.is_empty() {
            findings.take_hits(rules, direction, field);
        }
    }

    /// The open field is complete.
    pub fn end(&mut self, rules: &RuleSet, direction: Direction, findings: &mut Findings) {
        let Some(field) = self.field.take() else { return };
        rules.finish(&mut self.state, &mut findings.hits);
        findings.take_hits(rules, direction, field);
    }
}
