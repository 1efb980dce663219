//! The policy in force.

use crate::decision::{DecidedBy, Decision, Step};
use crate::group::{Group, GroupId, Meeting, Mode};
use crate::membership::Membership;
use crate::operation::Operation;
use crate::rule::{Action, Application, Rule, RuleIndex};
use crate::rule_table::RuleTable;
use crate::selector::Endpoint;

/// Groups and rules, as they are asked at each new flow. It never changes: another one comes in its place.
///
/// Rules are asked in order, and the first that speaks of a flow, of what it turns out to be, or of what is done in it, has the word.
/// What no rule speaks of is denied, or what [`Draft::default_action`](crate::Draft) says.
#[derive(Clone, Debug)]
pub struct Policy {
    groups: Vec<Group>,
    rules: Vec<Rule>,
    membership: Membership,
    table: RuleTable,
    default_mode: Mode,
    meeting: Meeting,
    default_action: Action,
}

/// What is known of a flow at its first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whose the client is.
    pub client: GroupId,
    /// Whose the server is.
    pub server: GroupId,
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// Port of the server; 0 where there is none.
    pub port: u16,
}

/// Why a rule that speaks of a flow's ends and ports has not decided, or that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Considered {
    /// It speaks of other applications.
    OtherApplication,
    /// It speaks of other operations.
    OtherOperation,
    /// What it depends on is not known yet.
    Open,
    /// It has decided.
    Decides,
}

impl Policy {
    pub(crate) fn new(
        groups: Vec<Group>,
        rules: Vec<Rule>,
        (default_mode, meeting, default_action): (Mode, Meeting, Action),
    ) -> Policy {
        let (membership, table) = (Membership::new(&groups), RuleTable::new(&groups, &rules));
        Policy { groups, rules, membership, table, default_mode, meeting, default_action }
    }

    /// Whose an end is.
    pub fn group_of(&self, end: &Endpoint) -> GroupId {
        self.membership.group_of(end)
    }

    /// A group; `None` is `external`.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(id.index())
    }

    /// Its name, or `external`.
    pub fn group_name(&self, id: GroupId) -> &str {
        self.group(id).map_or("external", |group| &group.name)
    }

    /// The groups, in order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule of it.
    pub fn rule(&self, index: RuleIndex) -> Option<&Rule> {
        self.rules.get(index.index())
    }

    /// What becomes of what is denied between two groups. What is external has no mode of its own.
    pub fn mode(&self, client: GroupId, server: GroupId) -> Mode {
        let of = |id| self.group(id).map(|group| group.mode.unwrap_or(self.default_mode));
        match (of(client), of(server)) {
            (Some(one), Some(other)) => self.meeting.of(one, other),
            (one, other) => one.or(other).unwrap_or(self.default_mode),
        }
    }

    /// What is said of a flow at its first packet.
    pub fn admit(&self, facts: Facts) -> Step {
        match self.table.walk(facts.client, facts.server, facts.protocol, facts.port).next() {
            None => Step::Decided(self.implicit()),
            Some((_, Some(decision))) => Step::Decided(decision),
            Some((_, None)) => Step::UntilApplication,
        }
    }

    /// What is said of a flow whose application is known, also as one that nobody knows.
    pub fn identify(&self, facts: Facts, application: Application) -> Step {
        let speaks = |rule: &Rule| rule.applications.is_none_or(|set| set.contains(application));
        match self.walk(facts).find(|(_, rule)| speaks(rule)) {
            None => Step::Decided(self.implicit()),
            Some((_, rule)) if !rule.operations.is_empty() => Step::PerOperation,
            Some((index, rule)) => Step::Decided(Decision::of(index, rule)),
        }
    }

    /// What is said of an operation within a flow.
    pub fn judge(&self, facts: Facts, application: Application, operation: &Operation<'_>) -> Decision {
        let decides = |rule: &Rule| consider(rule, Some(application), Some(operation)) == Considered::Decides;
        let first = self.walk(facts).find(|(_, rule)| decides(rule));
        first.map_or(self.implicit(), |(index, rule)| Decision::of(index, rule))
    }

    /// The rules that speak of a flow's ends and ports, in order, up to the one that decides; what is not known is `None`.
    pub fn explain(
        &self,
        facts: Facts,
        application: Option<Application>,
        operation: Option<&Operation<'_>>,
    ) -> Vec<(RuleIndex, Considered)> {
        let mut considered = Vec::new();
        for (index, rule) in self.walk(facts) {
            considered.push((index, consider(rule, application, operation)));
            if considered.last().is_some_and(|(_, considered)| *considered == Considered::Decides) {
                break;
            }
        }
        considered
    }

    fn walk(&self, facts: Facts) -> impl Iterator<Item = (RuleIndex, &Rule)> {
        let Facts { client, server, protocol, port } = facts;
        let walk = self.table.walk(client, server, protocol, port);
        walk.filter_map(|(index, _)| Some((index, self.rule(index)?)))
    }

    fn implicit(&self) -> Decision {
        Decision { action: self.default_action, by: DecidedBy::Implicit, skips_packs: false }
    }
}

fn consider(rule: &Rule, application: Option<Application>, operation: Option<&Operation<'_>>) -> Considered {
    match (rule.applications, application) {
        (None, _) => {}
        (Some(_), None) => return Considered::Open,
        (Some(set), Some(application)) if set.contains(application) => {}
        (Some(_), Some(_)) => return Considered::OtherApplication,
    }
    match operation {
        _ if rule.operations.is_empty() => Considered::Decides,
        None => Considered::Open,
        Some(operation) if rule.operations.iter().any(|pattern| pattern.matches(operation)) => {
            Considered::Decides
        }
        Some(_) => Considered::OtherOperation,
    }
}

#[cfg(test)]
mod tests;
