//! One rule: between whom it speaks, of what, and what it says.

use std::ops::RangeInclusive;

use crate::limits::APPLICATIONS_MAX;
use crate::operation::OperationPattern;

/// What a rule says of what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// It passes, and is inspected.
    Allow,
    /// It does not.
    Deny,
}

/// Who made a rule. Those of one origin never replace those of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A policy for many nodes.
    Fleet,
    /// The operator of this node.
    #[default]
    User,
    /// It was learned here.
    Learned,
}

/// Who an end of a flow has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// Whoever.
    Any,
    /// Who belongs to no group.
    External,
    /// The members of the group of this name.
    Group(String),
}

/// An application: a number that whoever makes rules and asks for decisions gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Application(pub u8);

/// A set of applications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Applications([u64; APPLICATIONS_MAX / u64::BITS as usize]);

/// Ports of the server, of one protocol or of all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Upper-layer protocol number; `None` is any.
    pub protocol: Option<u8>,
    /// The ports; those of a protocol without any are 0.
    pub ports: RangeInclusive<u16>,
}

/// A rule's place in its policy: those before it have the word first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub(crate) u32);

/// What is said of flows between two peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The number that it keeps, wherever it stands.
    pub id: u32,
    /// Who made it.
    pub origin: Origin,
    /// The client.
    pub from: Peer,
    /// The server.
    pub to: Peer,
    /// Any of these; no entry is all.
    pub ports: Vec<Ports>,
    /// Any of these; `None` is all, also what is not known.
    pub applications: Option<Applications>,
    /// Any of these; no entry is all.
    pub operations: Vec<OperationPattern>,
    /// What it says.
    pub action: Action,
    /// Whether what it allows passes by the rules of packs.
    pub skips_packs: bool,
}

impl Action {
    /// The name that config and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Deny => "deny",
        }
    }
}

impl Origin {
    /// Every one, in the order in which their rules have the word.
    pub const ALL: [Origin; 3] = [Origin::Fleet, Origin::User, Origin::Learned];

    /// The name that config and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Fleet => "fleet",
            Origin::User => "user",
            Origin::Learned => "learned",
        }
    }
}

impl Applications {
    /// These alone.
    pub fn of(applications: impl IntoIterator<Item = Application>) -> Applications {
        let mut set = Applications::default();
        applications.into_iter().for_each(|application| set.insert(application));
        set
    }

    /// One more.
    pub fn insert(&mut self, application: Application) {
        self.0[usize::from(application.0 / 64)] |= 1 << (application.0 % 64);
    }

    /// Whether one is among them.
    pub fn contains(&self, application: Application) -> bool {
        self.0[usize::from(application.0 / 64)] & 1 << (application.0 % 64) != 0
    }

    /// Whether all of another are.
    pub fn covers(&self, other: &Applications) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| theirs & !mine == 0)
    }

    /// Each of them, in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Application> {
        (0..=u8::MAX).map(Application).filter(|application| self.contains(*application))
    }
}

impl Ports {
    /// One port of TCP.
    pub fn tcp(port: u16) -> Ports {
        Ports { protocol: Some(6), ports: port..=port }
    }

    /// One port of UDP.
    pub fn udp(port: u16) -> Ports {
        Ports { protocol: Some(17), ports: port..=port }
    }

    /// Whether all of another are among them.
    pub(crate) fn covers(&self, other: &Ports) -> bool {
        self.protocol.is_none_or(|protocol| other.protocol == Some(protocol))
            && self.ports.start() <= other.ports.start()
            && self.ports.end() >= other.ports.end()
    }
}

impl RuleIndex {
    /// As a number below that of the policy's rules.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Rule {
    /// A rule of all that one peer does with another.
    pub fn new(from: Peer, to: Peer, action: Action) -> Rule {
        Rule {
            id: 0,
            origin: Origin::default(),
            from,
            to,
            ports: Vec::new(),
            applications: None,
            operations: Vec::new(),
            action,
            skips_packs: false,
        }
    }

    /// Whether it speaks of all that another speaks of.
    pub(crate) fn covers(&self, other: &Rule) -> bool {
        let has_peer = |mine: &Peer, theirs: &Peer| *mine == Peer::Any || mine == theirs;
        let has_ports = self.ports.is_empty()
            || !other.ports.is_empty()
                && other.ports.iter().all(|theirs| self.ports.iter().any(|mine| mine.covers(theirs)));
        let has_applications = match (&self.applications, &other.applications) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => mine.covers(theirs),
        };
        let has_operations = || {
            self.operations.is_empty()
                || !other.operations.is_empty()
                    && other
                        .operations
                        .iter()
                        .all(|theirs| self.operations.iter().any(|mine| mine.covers(theirs)))
        };
        has_peer(&self.from, &other.from)
            && has_peer(&self.to, &other.to)
            && has_ports
            && has_applications
            && has_operations()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = Applications::of([0, 63, 64, 255].map(Application));
        assert_eq!(set.iter().map(|application| application.0).collect::<Vec<_>>(), [0, 63, 64, 255]);
        assert!(!set.contains(Application(1)) && !set.contains(Application(192)));
        assert!(set.covers(&Applications::of([Application(64)])));
        assert!(!set.covers(&Applications::of([Application(64), Application(65)])));
    }

    #[test]
    fn the_wider_rule_covers() {
        let rule = |ports: &[Ports], applications: Option<&[u8]>| Rule {
            ports: ports.to_vec(),
            applications: applications
                .map(|numbers| Applications::of(numbers.iter().copied().map(Application))),
            ..Rule::new(Peer::Any, Peer::Group("db".into()), Action::Deny)
        };
        let all = rule(&[], None);
        let wide = rule(&[Ports { protocol: None, ports: 1..=1023 }], None);
        let narrow = rule(&[Ports::tcp(80), Ports::udp(53)], Some(&[3]));
        assert!(all.covers(&wide) && wide.covers(&narrow) && all.covers(&narrow));
        assert!(!wide.covers(&all) && !narrow.covers(&wide));
        assert!(!rule(&[Ports::tcp(80)], None).covers(&narrow));
        assert!(!rule(&[], Some(&[4])).covers(&narrow) && rule(&[], Some(&[3, 4])).covers(&narrow));
        assert!(!Rule { from: Peer::External, ..all.clone() }.covers(&all));
        assert!(all.covers(&Rule { from: Peer::External, ..all.clone() }));
    }
}
