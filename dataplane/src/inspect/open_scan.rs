//! The scan of one open field.
//!
//! Rules may change while a field is open, and no match may be lost by that, whichever set it is one of. So a field
//! that comes under new rules is read by both sets for a while:
//!
//! ```text
//!                swap           hand-over        overlap is over
//! ── old set ─────┼── finishing ────┼─── leaving ──────┤
//!                              new set ──────────────────────────────────
//! ```
//!
//! A match that began before the hand-over is found by the old set, which stays until none can be under way; one that
//! begins later is found by the new set, which has read the byte before as well, so that it knows what stands
//! in front. What several find is told once, by the latest. The policy only says how long a field may be finishing: not at all, or up
//! to a number of bytes and a time.

use arrayvec::ArrayVec;
use dlp_patterns::{Field, ScanState};

use super::field_scan::Unread;
use super::findings::{Findings, Place};
use super::leaving::Leaving;
use super::rule_sets::{Epoch, RuleSets};
use crate::flow::Direction;
use crate::limits::{RULE_SETS_RETIRED_MAX, RULES_OVERLAP_BYTES};

/// The scan of one field, from its first byte to its last.
///
/// Invariant: it, and each leaving one, is counted with the set that it reads under, until it ends or is abandoned.
#[derive(Debug)]
pub(super) struct OpenScan {
    state: ScanState,
    open: Open,
    /// Scans under former rules, the oldest first; only for some bytes after a hand-over.
    leaving: Option<Box<ArrayVec<Leaving, RULE_SETS_RETIRED_MAX>>>,
}

/// The open field.
#[derive(Debug)]
struct Open {
    field: Field,
    /// The rules it is read under.
    epoch: Epoch,
    /// Whether any of these speaks of it, and it was not given up.
    is_scanned: bool,
    /// The last byte so far.
    last: Option<u8>,
    /// Bytes for which it may still go on when its rules are no longer in force.
    finish_bytes: u32,
    /// Offset at which the scan began.
    began: u64,
    /// Bytes so far.
    offset: u64,
}

impl OpenScan {
    /// A scan of a field that nobody read so far, in the room of one that is over.
    pub(super) fn begin(unread: Unread, rules: &mut RuleSets, direction: Direction) -> Box<OpenScan> {
        let Unread { field, last, offset, .. } = unread;
        let mut scan = rules.spare_scans.pop().unwrap_or_else(|| Box::new(OpenScan::new(field)));
        scan.open = Open { last, offset, ..Open::new(field) };
        scan.enter(rules, direction);
        scan
    }

    fn new(field: Field) -> OpenScan {
        OpenScan { state: ScanState::default(), open: Open::new(field), leaving: None }
    }

    /// The next bytes of the open field, at `now_ns`.
    pub(super) fn data(
        &mut self,
        rules: &mut RuleSets,
        direction: Direction,
        now_ns: u64,
        bytes: &[u8],
        findings: &mut Findings,
    ) {
        if self.open.epoch == rules.epoch() && self.leaving.is_none() {
            self.read(rules, direction, bytes, findings);
        } else {
            self.data_across(rules, direction, now_ns, bytes, findings);
        }
    }

    /// The next bytes of a field that was open at a swap.
    #[cold]
    fn data_across(
        &mut self,
        rules: &mut RuleSets,
        direction: Direction,
        now_ns: u64,
        bytes: &[u8],
        findings: &mut Findings,
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.hand_over_if_due(rules, direction, now_ns);
            let piece_bytes = self.bytes_until_change(rules).min(rest.len());
            let (piece, behind) = rest.split_at(piece_bytes);
            let first = findings.listed().len();
            self.read(rules, direction, piece, findings);
            self.read_leaving(rules, piece, first, findings);
            rest = behind;
        }
    }

    /// The field is complete.
    pub(super) fn end(&mut self, rules: &mut RuleSets, direction: Direction, findings: &mut Findings) {
        let first = findings.listed().len();
        if self.open.is_scanned {
            self.finish(rules, direction, findings);
        }
        rules.leave(self.open.epoch);
        if self.leaving.is_some() {
            self.end_leaving(rules, first, findings);
        }
    }

    /// Nothing follows under the field's own rules.
    fn finish(&mut self, rules: &RuleSets, direction: Direction, findings: &mut Findings) {
        let Some(set) = rules.get(self.open.epoch) else { return };
        findings.finish(set, &mut self.state);
        if !findings.hits.is_empty() {
            findings.take_hits(rules, self.open.place(direction));
        }
    }

    #[cold]
    fn end_leaving(&mut self, rules: &mut RuleSets, first: usize, findings: &mut Findings) {
        for mut leaving in self.leaving.take().into_iter().flat_map(|leaving| leaving.into_iter().rev()) {
            leaving.end(rules, first, findings);
            rules.leave(leaving.place.epoch);
        }
    }

    /// Nothing of the open field will be read any more.
    pub(super) fn abandon(&mut self, rules: &mut RuleSets) {
        rules.leave(self.open.epoch);
        if let Some(leaving) = self.leaving.take() {
            leaving.iter().for_each(|leaving| rules.leave(leaving.place.epoch));
        }
    }

    /// Reads under the field's own rules.
    #[inline]
    fn read(&mut self, rules: &RuleSets, direction: Direction, bytes: &[u8], findings: &mut Findings) {
        self.open.offset += bytes.len() as u64;
        self.open.last = bytes.last().copied().or(self.open.last);
        if self.open.is_scanned {
            self.scan(rules, direction, bytes, findings);
        }
        findings.pay(bytes.len());
    }

    fn scan(&mut self, rules: &RuleSets, direction: Direction, bytes: &[u8], findings: &mut Findings) {
        let open = &mut self.open;
        let Some(set) = rules.get(open.epoch) else { return };
        open.is_scanned = findings.may_read(open.field);
        if open.is_scanned {
            findings.scan(set, &mut self.state, bytes);
        }
        if !findings.hits.is_empty() {
            findings.take_hits(rules, open.place(direction));
        }
    }

    /// Reads on under former rules, and parts with those that have read enough.
    #[cold]
    fn read_leaving(&mut self, rules: &mut RuleSets, bytes: &[u8], first: usize, findings: &mut Findings) {
        if self.open.epoch != rules.epoch() {
            self.open.finish_bytes =
                self.open.finish_bytes.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
        let Some(leaving) = &mut self.leaving else { return };
        for scan in leaving.iter_mut().rev() {
            scan.data(rules, bytes, first, findings);
        }
        leaving.retain(|scan| {
            if scan.rest_bytes == 0 {
                rules.leave(scan.place.epoch);
            }
            scan.rest_bytes > 0
        });
        if leaving.is_empty() {
            self.leaving = None;
        }
    }

    /// Brings the open field under the rules in force, where those that it began with are to leave it.
    #[cold]
    fn hand_over_if_due(&mut self, rules: &mut RuleSets, direction: Direction, now_ns: u64) {
        let open = &mut self.open;
        let is_due = open.finish_bytes == 0 || rules.is_overdue(open.epoch, now_ns);
        if open.epoch == rules.epoch() || !is_due {
            return;
        }
        let state = std::mem::take(&mut self.state);
        // Before the first byte nothing can be under way; without its rules nobody can tell.
        if open.is_scanned && open.offset > 0 && rules.get(open.epoch).is_some() {
            let place = open.place(direction);
            let leaving = self.leaving.get_or_insert_default();
            // There is one scan a set at most, and the sets that are gone went first.
            if leaving.is_full() {
                rules.leave(leaving.remove(0).place.epoch);
            }
            leaving.push(Leaving { state, place, rest_bytes: RULES_OVERLAP_BYTES });
        } else {
            rules.leave(open.epoch);
        }
        self.enter(rules, direction);
    }

    /// Comes under the rules in force, which hear of the byte before as well.
    fn enter(&mut self, rules: &mut RuleSets, direction: Direction) {
        let open = &mut self.open;
        open.epoch = rules.enter();
        open.is_scanned = rules.current().has_rules(open.field, direction);
        open.finish_bytes = rules.finish_bytes();
        open.began = open.offset - u64::from(open.last.is_some());
        if open.is_scanned {
            let set = rules.current();
            set.begin(&mut self.state, open.field, direction);
            if let Some(last) = open.last {
                // A match of this byte alone began, and ended, under the former rules.
                let _ = set.scan(&mut self.state, &[last], &mut Vec::new());
            }
        }
    }

    /// Bytes up to the next moment at which one of the sets may have read enough; at least one.
    fn bytes_until_change(&self, rules: &RuleSets) -> usize {
        let finishing = Some(&self.open).filter(|open| open.epoch != rules.epoch()).into_iter();
        let leaving = self.leaving.iter().flat_map(|leaving| leaving.iter());
        let rests = finishing.map(|open| open.finish_bytes).chain(leaving.map(|scan| scan.rest_bytes));
        rests.min().map_or(usize::MAX, |rest| rest as usize)
    }
}

impl Open {
    /// Nothing of it was read, and under no rules.
    fn new(field: Field) -> Open {
        Open { field, epoch: Epoch(0), is_scanned: false, last: None, finish_bytes: 0, began: 0, offset: 0 }
    }

    fn place(&self, direction: Direction) -> Place {
        Place { direction, field: self.field, epoch: self.epoch, began: self.began }
    }
}
