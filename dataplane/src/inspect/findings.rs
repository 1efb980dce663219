//! What the scans of one packet found.

use arrayvec::ArrayVec;
use dlp_patterns::limits::STEPS_BURST_MAX;
use dlp_patterns::{Action, Field, Hit, RuleSet, ScanOverflow, ScanState};

use super::objection::{OBJECTIONS_MAX, Objection, Objections};
use super::step_budget::StepBudget;
use super::{Epoch, FlowAccount, FlowSteps, RuleSets};
use crate::flow::Direction;
use crate::limits::{APP_EVENTS_PER_PACKET_MAX, HITS_PER_PACKET_MAX};
use crate::verdict::DropReason;

/// A hit, and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which way the bytes travelled.
    pub direction: Direction,
    /// The field that they stand in.
    pub field: Field,
    /// Of the set whose rule matched.
    pub epoch: Epoch,
    /// The match; offsets count from the begin of the field.
    pub hit: Hit,
}

/// What the scans of one packet found, and what they may still cost.
#[derive(Debug)]
pub struct Findings {
    listed: Vec<Finding>,
    unlisted: u64,
    objections: Objections,
    /// Place in `listed` of the first finding of a rule that does not let its flow go on.
    decisive: Option<usize>,
    is_flow_over: bool,
    /// Events that the parser asked for, those that are not told included.
    app_events: u64,
    budget: StepBudget,
    flow_steps: FlowSteps,
    /// That of the flow at hand.
    account: FlowAccount,
    /// Those of the scan at hand.
    pub(super) hits: Vec<Hit>,
}

/// Where the hits of a scan stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) direction: Direction,
    pub(super) field: Field,
    /// Of the set that was scanned with.
    pub(super) epoch: Epoch,
    /// Offset in the field at which the scan began, in bytes.
    pub(super) began: u64,
}

impl Findings {
    /// Nothing yet; the scans of one packet, and those of one flow, may make so many steps of automata.
    pub fn new(packet_steps_max: u64, flow_steps: FlowSteps) -> Findings {
        Findings {
            listed: Vec::new(),
            unlisted: 0,
            objections: Objections::default(),
            decisive: None,
            is_flow_over: false,
            app_events: 0,
            budget: StepBudget::new(packet_steps_max),
            flow_steps,
            account: FlowAccount::default(),
            hits: Vec::new(),
        }
    }

    /// The findings, in stream order; at most [`HITS_PER_PACKET_MAX`].
    pub fn listed(&self) -> &[Finding] {
        &self.listed
    }

    /// What speaks against the packet, the earliest first. Hits that are not listed count too: a flood of alerts hides nothing.
    pub fn objections(&self) -> ArrayVec<Objection, OBJECTIONS_MAX> {
        self.objections.in_order()
    }

    /// Whether anything speaks against the packet.
    #[inline]
    pub fn has_objections(&self) -> bool {
        !self.objections.is_empty()
    }

    /// How many more there were.
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Whether what a parser says becomes one more event.
    pub fn may_tell(&mut self) -> bool {
        self.app_events += 1;
        self.app_events <= APP_EVENTS_PER_PACKET_MAX.into()
    }

    /// How many events were not told.
    pub fn untold(&self) -> u64 {
        self.app_events.saturating_sub(APP_EVENTS_PER_PACKET_MAX.into())
    }

    /// Something is wrong with what was read: a cause of [`Scope::Content`](crate::policy::Scope::Content).
    pub fn object(&mut self, cause: DropReason) {
        self.objections.raise(Objection::Cause(cause));
    }

    /// What was read is part of a threat that is to be stopped.
    pub fn note_threat(&mut self) {
        self.objections.raise(Objection::Cause(DropReason::Threat));
    }

    /// Whether one was because the flow had.
    pub fn is_flow_over(&self) -> bool {
        self.is_flow_over
    }

    /// The scans to come are at the cost of this flow.
    pub fn charge_to(&mut self, account: FlowAccount) {
        self.account = account;
    }

    /// What the flow at hand is charged.
    pub fn account(&self) -> FlowAccount {
        self.account
    }

    /// Forgets all, and keeps the memory: another packet begins, of a flow that nothing is charged yet.
    pub fn clear(&mut self) {
        self.listed.clear();
        self.hits.clear();
        self.unlisted = 0;
        self.objections.clear();
        self.decisive = None;
        self.is_flow_over = false;
        self.app_events = 0;
        self.budget.renew();
        self.account = FlowAccount::default();
    }

    /// Bytes of a field go by, scanned or not.
    #[inline]
    pub(super) fn pay(&mut self, bytes: usize) {
        self.account.pay(bytes, self.flow_steps);
    }

    /// Whether a field may be read on. If not, it is given up for the sake of all other packets.
    #[inline]
    pub(super) fn may_read(&mut self, field: Field) -> bool {
        let is_within = self.account.is_within(self.flow_steps);
        let may_read = is_within && self.budget.allows(field);
        if !may_read {
            self.give_up();
        }
        self.is_flow_over |= !is_within;
        may_read
    }

    /// A field is not read on, for the sake of all other packets: hits are missed from here on.
    pub fn give_up(&mut self) {
        self.objections.raise(Objection::Cause(DropReason::BudgetExceeded));
    }

    /// Scans the next bytes of a field; what they hit is in `hits`.
    pub(super) fn scan(&mut self, set: &RuleSet, state: &mut ScanState, bytes: &[u8]) {
        match set.scan_counting(state, bytes, &mut self.hits) {
            Ok(steps) => self.spend(steps),
            Err(ScanOverflow) => {
                self.overflow(set);
                self.spend(STEPS_BURST_MAX.into());
            }
        }
    }

    /// Ends the scan of a field; what that hits is in `hits`.
    pub(super) fn finish(&mut self, set: &RuleSet, state: &mut ScanState) {
        let steps = set.finish(state, &mut self.hits);
        self.spend(steps);
    }

    #[inline]
    fn spend(&mut self, steps: u64) {
        self.budget.spend(steps);
        self.account.owe(steps);
    }

    /// The work that a field may cause was used up, so that a hit may be missed. What was hit all the same comes first: how far
    /// the work went says nothing about where.
    #[cold]
    fn overflow(&mut self, set: &RuleSet) {
        let mut actions = self.hits.iter().map(|hit| set.rule(hit.rule).action());
        let asked = actions.find(|action| is_blocking(*action));
        asked.into_iter().for_each(|action| self.objections.raise(Objection::Rule(action)));
        self.objections.raise(Objection::Cause(DropReason::ScanOverflow));
    }

    /// Takes the hits of a scan.
    pub(super) fn take_hits(&mut self, rules: &RuleSets, place: Place) {
        self.take_unless(rules, place, |_, _| false);
    }

    /// Takes the hits of a set that is on its way out, where `listed()[first..]` may tell of the same matches: what
    /// both sets find is told once, in stream order.
    pub(super) fn take_hits_beside(&mut self, rules: &RuleSets, place: Place, first: usize) {
        self.take_unless(rules, place, |listed, finding| {
            let rule = rules.rule(finding);
            let is_same = |other: &Finding| {
                let told = rules.rule(other);
                other.hit.end == finding.hit.end && told.id() == rule.id() && told.action() == rule.action()
            };
            listed.iter().skip(first).any(is_same)
        });
        let Some(fresh) = self.listed.get_mut(first..) else { return };
        fresh.sort_by_key(|finding| finding.hit.end);
        if self.decisive.is_some_and(|decisive| decisive >= first) {
            self.decide_again(rules, first);
        }
    }

    /// Several sets speak of the bytes that `listed()[first..]` are of: the first hit decides, and of those that end with it
    /// the strictest.
    fn decide_again(&mut self, rules: &RuleSets, first: usize) {
        let action = |finding: &Finding| rules.rule(finding).action();
        let mut blocking = self.listed.iter().skip(first).filter(|finding| is_blocking(action(finding)));
        let Some(decisive) = blocking.next() else { return };
        let end = decisive.hit.end;
        let others = blocking.take_while(|finding| finding.hit.end == end).map(action);
        let strictest = others.fold(action(decisive), Action::max);
        self.objections.amend_rule(strictest);
    }

    fn take_unless(
        &mut self,
        rules: &RuleSets,
        place: Place,
        is_told: impl Fn(&[Finding], &Finding) -> bool,
    ) {
        let Place { direction, field, epoch, began } = place;
        for mut hit in self.hits.drain(..) {
            hit.start += began;
            hit.end += began;
            let finding = Finding { direction, field, epoch, hit };
            let action = rules.rule(&finding).action();
            let is_decisive = self.decisive.is_none() && is_blocking(action);
            if is_told(&self.listed, &finding) {
                continue;
            }
            if is_decisive {
                self.objections.raise(Objection::Rule(action));
                self.decisive = Some(self.listed.len().min(HITS_PER_PACKET_MAX - 1));
            }
            if self.listed.len() < HITS_PER_PACKET_MAX {
                self.listed.push(finding);
                continue;
            }
            self.unlisted += 1;
            // What decides the verdict is told, at the cost of one that does not.
            if let Some(last) = self.listed.last_mut().filter(|_| is_decisive) {
                *last = finding;
            }
        }
    }
}

/// Whether a rule that asks for this does not let its flow go on.
fn is_blocking(action: Action) -> bool {
    action > Action::Alert
}
