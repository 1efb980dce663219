//! The scan of one direction of a flow.

use dlp_patterns::Field;

use super::findings::Findings;
use super::open_scan::OpenScan;
use super::rule_sets::{Epoch, RuleSets};
use crate::flow::Direction;

/// The scan of one direction of a flow. Its fields come one after another, and only while one is open that rules speak of does it
/// take room, which the worker's scans hand on to each other.
#[derive(Debug, Default)]
pub struct FieldScan(State);

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Unread(Unread),
    Read(Box<OpenScan>),
}

/// An open field that no rule in force speaks of. Nothing can be under way in it: when other rules come into force, it comes
/// under them at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    pub(super) field: Field,
    /// Of the rules that do not speak of it.
    epoch: Epoch,
    /// The last byte so far.
    pub(super) last: Option<u8>,
    /// Bytes so far.
    pub(super) offset: u64,
}

impl FieldScan {
    /// Bytes of a new field follow.
    #[inline]
    pub fn begin(&mut self, rules: &mut RuleSets, direction: Direction, field: Field) {
        if let State::Read(_) = self.0 {
            self.abandon(rules);
        }
        self.0 = State::of(Unread { field, epoch: rules.epoch(), last: None, offset: 0 }, rules, direction);
    }

    /// The next bytes of the open field, at `now_ns`.
    #[inline]
    pub fn data(
        &mut self,
        rules: &mut RuleSets,
        direction: Direction,
        now_ns: u64,
        bytes: &[u8],
        findings: &mut Findings,
    ) {
        if let State::Unread(unread) = self.0
            && unread.epoch != rules.epoch()
        {
            self.look_again(unread, rules, direction);
        }
        match &mut self.0 {
            State::Closed => {}
            State::Unread(unread) => {
                unread.offset += bytes.len() as u64;
                unread.last = bytes.last().copied().or(unread.last);
                findings.pay(bytes.len());
            }
            State::Read(open) => open.data(rules, direction, now_ns, bytes, findings),
        }
    }

    /// Other rules came into force, which may speak of the open field.
    #[cold]
    fn look_again(&mut self, unread: Unread, rules: &mut RuleSets, direction: Direction) {
        self.0 = State::of(Unread { epoch: rules.epoch(), ..unread }, rules, direction);
    }

    /// The open field is complete.
    #[inline]
    pub fn end(&mut self, rules: &mut RuleSets, direction: Direction, findings: &mut Findings) {
        if let State::Read(mut open) = std::mem::take(&mut self.0) {
            open.end(rules, direction, findings);
            rules.spare_scans.push(open);
        }
    }

    /// Nothing of the open field will be read any more.
    pub fn abandon(&mut self, rules: &mut RuleSets) {
        if let State::Read(mut open) = std::mem::take(&mut self.0) {
            open.abandon(rules);
            rules.spare_scans.push(open);
        }
    }
}

impl State {
    /// That of a field which so far nobody read, under the rules in force.
    #[inline]
    fn of(unread: Unread, rules: &mut RuleSets, direction: Direction) -> State {
        if rules.current().has_rules(unread.field, direction) {
            State::Read(OpenScan::begin(unread, rules, direction))
        } else {
            State::Unread(unread)
        }
    }
}

#[cfg(test)]
mod tests;
