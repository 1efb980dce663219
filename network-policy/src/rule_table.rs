//! Which rules speak of two groups, in order.

use rustc_hash::FxHashMap;

use crate::decision::{DecidedBy, Decision};
use crate::group::{Group, GroupId};
use crate::rule::{Action, Peer, Ports, Rule, RuleIndex};

/// From two groups to the rules that speak of flows from one to the other.
///
/// Each rule stands in one of four lists: that of its two groups, of its client with whomever, of its server with whomever, or of
/// all flows. Those that speak of a flow are the merge of four lists in order, however many groups and rules there are.
#[derive(Clone, Debug)]
pub(crate) struct RuleTable {
    /// Entries of all lists, one list after the other.
    entries: Vec<Entry>,
    pairs: FxHashMap<(GroupId, GroupId), List>,
    /// By client.
    from: Vec<List>,
    /// By server.
    to: Vec<List>,
    all: List,
}

/// Entries that follow one another.
#[derive(Clone, Copy, Debug, Default)]
struct List {
    first: u32,
    count: u32,
}

/// A rule, and ports that it speaks of. A rule with several ranges of them has as many entries.
#[derive(Clone, Copy, Debug)]
struct Entry {
    rule: RuleIndex,
    ports: (u16, u16),
    /// Upper-layer protocol number; `None` is any.
    protocol: Option<u8>,
    says: Says,
}

/// What a rule says as soon as it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Allow,
    AllowAndSkip,
    Deny,
    /// Its application has to be known first.
    Nothing,
}

/// Whose list a rule stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Pair(GroupId, GroupId),
    From(GroupId),
    To(GroupId),
    All,
}

/// Rules that speak of a flow's groups and ports, in order.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'t> {
    lists: [&'t [Entry]; 4],
    protocol: u8,
    port: u16,
}

impl RuleTable {
    /// # Panics
    /// If a rule names a group that is not there.
    pub(crate) fn new(groups: &[Group], rules: &[Rule]) -> RuleTable {
        let named: FxHashMap<&str, GroupId> = groups
            .iter()
            .enumerate()
            .map(|(number, group)| (group.name.as_str(), GroupId(number as u32)))
            .collect();
        let group_of = |peer: &Peer| match peer {
            Peer::Any => None,
            Peer::External => Some(GroupId(groups.len() as u32)),
            Peer::Group(name) => Some(*named.get(name.as_str()).expect("rules name groups that are there")),
        };
        let mut placed: Vec<(Whose, Entry)> = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let whose = match (group_of(&rule.from), group_of(&rule.to)) {
                (Some(from), Some(to)) => Whose::Pair(from, to),
                (Some(from), None) => Whose::From(from),
                (None, Some(to)) => Whose::To(to),
                (None, None) => Whose::All,
            };
            let every = [Ports { protocol: None, ports: 0..=u16::MAX }];
            let ports = if rule.ports.is_empty() { &every[..] } else { &rule.ports };
            placed.extend(ports.iter().map(|ports| (whose, Entry::new(number, rule, ports))));
        }
        placed.sort_by_key(|(whose, entry)| (*whose, entry.rule));
        let mut table = RuleTable {
            entries: placed.iter().map(|(_, entry)| *entry).collect(),
            pairs: FxHashMap::default(),
            from: vec![List::default(); groups.len() + 1],
            to: vec![List::default(); groups.len() + 1],
            all: List::default(),
        };
        let mut first = 0;
        for same in placed.chunk_by(|one, other| one.0 == other.0) {
            let list = List { first, count: same.len() as u32 };
            first += list.count;
            match same[0].0 {
                Whose::Pair(from, to) => drop(table.pairs.insert((from, to), list)),
                Whose::From(from) => table.from[from.index()] = list,
                Whose::To(to) => table.to[to.index()] = list,
                Whose::All => table.all = list,
            }
        }
        table
    }

    /// Rules that speak of flows from one group to a port of another, in order.
    pub(crate) fn walk(&self, client: GroupId, server: GroupId, protocol: u8, port: u16) -> Walk<'_> {
        let pair = self.pairs.get(&(client, server)).copied().unwrap_or_default();
        let of = |lists: &[List], group: GroupId| lists.get(group.index()).copied().unwrap_or_default();
        let lists = [pair, of(&self.from, client), of(&self.to, server), self.all];
        Walk { lists: lists.map(|list| self.entries(list)), protocol, port }
    }

    fn entries(&self, list: List) -> &[Entry] {
        let List { first, count } = list;
        self.entries.get(first as usize..(first + count) as usize).unwrap_or_default()
    }
}

impl Entry {
    fn new(number: usize, rule: &Rule, ports: &Ports) -> Entry {
        Entry {
            rule: RuleIndex(number as u32),
            ports: (*ports.ports.start(), *ports.ports.end()),
            protocol: ports.protocol,
            says: match rule.action {
                _ if rule.applications.is_some() => Says::Nothing,
                Action::Allow if rule.skips_packs => Says::AllowAndSkip,
                Action::Allow => Says::Allow,
                Action::Deny => Says::Deny,
            },
        }
    }

    fn speaks_of(&self, protocol: u8, port: u16) -> bool {
        (self.ports.0..=self.ports.1).contains(&port) && self.protocol.is_none_or(|mine| mine == protocol)
    }

    fn decision(&self) -> Option<Decision> {
        let action = match self.says {
            Says::Allow | Says::AllowAndSkip => Action::Allow,
            Says::Deny => Action::Deny,
            Says::Nothing => return None,
        };
        let skips_packs = self.says == Says::AllowAndSkip;
        Some(Decision { action, by: DecidedBy::Rule(self.rule), skips_packs })
    }
}

impl Iterator for Walk<'_> {
    /// A rule, and what it says where nothing else has to be known.
    type Item = (RuleIndex, Option<Decision>);

    fn next(&mut self) -> Option<Self::Item> {
        let (protocol, port) = (self.protocol, self.port);
        for list in &mut self.lists {
            let idle = list.iter().position(|entry| entry.speaks_of(protocol, port)).unwrap_or(list.len());
            *list = &list[idle..];
        }
        let next = *self.lists.iter().filter_map(|list| list.first()).min_by_key(|entry| entry.rule)?;
        for list in &mut self.lists {
            // Ranges of one rule may meet.
            let same = list.iter().take_while(|entry| entry.rule == next.rule).count();
            *list = &list[same..];
        }
        Some((next.rule, next.decision()))
    }
}
