//! What was seen between groups, and the rules that allow just that.

mod capped_set;
mod tree;

use std::collections::BTreeMap;

use self::capped_set::CappedSet;
use self::tree::{Cap, Tree};
use crate::limits::{
    LEARNED_FLOWS_MAX, LEARNED_LABELS_MAX, LEARNED_OBJECTS_MAX, LEARNED_PORTS_MAX, LEARNED_SEGMENTS_MAX,
    LEARNED_VERBS_MAX, PATTERNS_PER_RULE_MAX,
};
use crate::operation::{Object, Operation, OperationKind, OperationPattern};
use crate::path_template::{PathTemplate, Segment};
use crate::rule::{Action, Application, Applications, Origin, Peer, Ports, Rule};

/// All that was seen.
///
/// It is a join-semilattice: it depends on what was observed, not on the order, on how often, or on how many nodes observed it. So
/// the same traffic gives the same rules, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    flows: BTreeMap<Between, Seen>,
}

/// Between whom an application was spoken, and which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Between {
    /// The client.
    pub from: Peer,
    /// The server.
    pub to: Peer,
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// What was spoken; `None` is what nobody knows, which is told apart by its ports alone.
    pub application: Option<Application>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    ports: CappedSet<u16, LEARNED_PORTS_MAX>,
    operations: BTreeMap<OperationKind, Verbs>,
}

/// What was done, by verb; `None` stands for all verbs: there were too many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Verbs(BTreeMap<Option<Box<[u8]>>, Objects>);

/// With what.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Objects {
    Paths(Tree),
    /// Labels of names, the last one first.
    Names(Tree),
    Set(CappedSet<Box<[u8]>, LEARNED_OBJECTS_MAX>),
}

const PATHS: Cap = Cap { parts_max: LEARNED_SEGMENTS_MAX, keeps_rest: true };
const NAMES: Cap = Cap { parts_max: LEARNED_LABELS_MAX, keeps_rest: false };

impl Learned {
    /// A flow was seen. False where there is no room to learn it.
    pub fn flow(&mut self, between: Between, port: u16) -> bool {
        self.seen(between).map(|seen| seen.ports.insert(port)).is_some()
    }

    /// An operation was seen in a flow of that application. False where it is not learned: it cannot be written as a pattern, its
    /// application is not known, or there is no room.
    pub fn operation(&mut self, between: Between, operation: &Operation<'_>) -> bool {
        let verb = operation.kind.verb(operation.verb);
        let has_verb = verb.is_some() || !operation.kind.has_verb();
        let mut verbs = Verbs::default();
        verbs.join_verb(verb, Objects::of(operation));
        let reads_back = |pattern: &OperationPattern| {
            OperationPattern::parse(operation.kind, &pattern.to_string()).as_ref() == Some(pattern)
        };
        let is_sound = between.application.is_some()
            && has_verb
            && verbs.patterns(operation.kind).iter().all(reads_back);
        let seen = if is_sound { self.seen(between) } else { None };
        seen.map(|seen| seen.operations.entry(operation.kind).or_default().join(verbs)).is_some()
    }

    fn seen(&mut self, between: Between) -> Option<&mut Seen> {
        let is_room = self.flows.len() < LEARNED_FLOWS_MAX || self.flows.contains_key(&between);
        is_room.then(|| self.flows.entry(between).or_default())
    }

    /// All that another one saw was seen.
    pub fn join(&mut self, other: Learned) {
        for (between, seen) in other.flows {
            let Some(mine) = self.seen(between) else { continue };
            mine.ports.join(seen.ports);
            for (kind, verbs) in seen.operations {
                mine.operations.entry(kind).or_default().join(verbs);
            }
        }
    }

    /// How many pairs of groups and applications were seen.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Rules that allow what was seen, in one order; their numbers count from `first_id`.
    pub fn rules(&self, first_id: u32) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (between, seen) in &self.flows {
            let patterns = seen.operations.iter().map(|(kind, verbs)| verbs.patterns(*kind));
            let mut operations: Vec<Vec<OperationPattern>> = patterns
                .flat_map(|all| all.chunks(PATTERNS_PER_RULE_MAX).map(<[_]>::to_vec).collect::<Vec<_>>())
                .collect();
            if operations.is_empty() {
                operations.push(Vec::new());
            }
            for operations in operations {
                let id = first_id.saturating_add(rules.len() as u32);
                rules.push(Rule { id, ports: seen.ports_of(between.protocol), operations, ..between.rule() });
            }
        }
        rules
    }
}

impl Between {
    /// A rule that allows all of it.
    fn rule(&self) -> Rule {
        Rule {
            origin: Origin::Learned,
            applications: self.application.map(|application| Applications::of([application])),
            ..Rule::new(self.from.clone(), self.to.clone(), Action::Allow)
        }
    }
}

impl Seen {
    /// Those that follow one another as one range.
    fn ports_of(&self, protocol: u8) -> Vec<Ports> {
        let protocol = Some(protocol);
        let CappedSet::Some(ports) = &self.ports else {
            return vec![Ports { protocol, ports: 0..=u16::MAX }];
        };
        let ports: Vec<u16> = ports.iter().copied().collect();
        let runs = ports.chunk_by(|one, next| one.checked_add(1) == Some(*next));
        runs.filter_map(|run| Some(Ports { protocol, ports: *run.first()?..=*run.last()? })).collect()
    }
}

impl Verbs {
    fn join(&mut self, other: Verbs) {
        other.0.into_iter().for_each(|(verb, objects)| self.join_verb(verb, objects));
    }

    fn join_verb(&mut self, verb: Option<Box<[u8]>>, objects: Objects) {
        match self.0.get_mut(&verb) {
            Some(mine) => mine.join(objects),
            None => drop(self.0.insert(verb, objects)),
        }
        let are_all = self.0.len() > LEARNED_VERBS_MAX || self.0.len() > 1 && self.0.contains_key(&None);
        if are_all {
            let joined = std::mem::take(&mut self.0).into_values().reduce(|mut one, other| {
                one.join(other);
                one
            });
            self.0.extend(joined.map(|objects| (None, objects)));
        }
    }

    fn patterns(&self, kind: OperationKind) -> Vec<OperationPattern> {
        let pattern = |verb: &Option<Box<[u8]>>, object| OperationPattern::of(kind, verb.clone(), object);
        let all = self.0.iter().flat_map(|(verb, objects)| objects.patterns().map(move |one| (verb, one)));
        all.map(|(verb, object)| pattern(verb, object)).collect()
    }
}

impl Objects {
    /// That of one operation.
    fn of(operation: &Operation<'_>) -> Objects {
        let mut tree = Tree::default();
        let mut set = CappedSet::default();
        match operation.kind {
            OperationKind::Http => {
                let (segments, is_open) = PathTemplate::of(operation.object).into_segments();
                tree.insert(segments, is_open, PATHS);
                return Objects::Paths(tree);
            }
            OperationKind::Dns | OperationKind::Tls => {
                let name = operation.object.to_ascii_lowercase();
                let labels = name.strip_suffix(b".").unwrap_or(&name).split(|byte| *byte == b'.').rev();
                tree.insert(labels.map(|label| Segment::Literal(label.into())), false, NAMES);
                return Objects::Names(tree);
            }
            // Keys are data.
            OperationKind::Redis => return Objects::Set(CappedSet::All),
            OperationKind::Sql => set.insert(operation.object.to_ascii_lowercase().into()),
            OperationKind::Grpc | OperationKind::MongoDb | OperationKind::Kafka => {
                set.insert(operation.object.into());
            }
        }
        Objects::Set(set)
    }

    /// Those of the same kind.
    fn join(&mut self, other: Objects) {
        match (self, other) {
            (Objects::Paths(mine), Objects::Paths(theirs)) => mine.join(theirs, PATHS),
            (Objects::Names(mine), Objects::Names(theirs)) => mine.join(theirs, NAMES),
            (Objects::Set(mine), Objects::Set(theirs)) => mine.join(theirs),
            (Objects::Paths(_) | Objects::Names(_) | Objects::Set(_), _) => {
                unreachable!("objects are joined with those of their kind alone")
            }
        }
    }

    fn patterns(&self) -> impl Iterator<Item = Object> {
        let patterns: Vec<Object> = match self {
            Objects::Paths(tree) => {
                let path = |(parts, is_open): (Vec<&Segment>, bool)| {
                    Object::Path(PathTemplate::of_segments(parts.into_iter().cloned(), is_open))
                };
                tree.sequences().into_iter().map(path).collect()
            }
            Objects::Names(tree) => tree.sequences().into_iter().map(name).collect(),
            Objects::Set(CappedSet::All) => vec![Object::Any],
            Objects::Set(CappedSet::Some(set)) => set.iter().cloned().map(Object::Exact).collect(),
        };
        patterns.into_iter()
    }
}

/// A name whose labels were told the last one first; an open one stands for all below.
fn name((labels, is_open): (Vec<&Segment>, bool)) -> Object {
    let text = |label: &Segment| match label {
        Segment::Literal(text) => text.to_vec(),
        Segment::Id | Segment::Any => Vec::new(),
    };
    let labels: Vec<Vec<u8>> = labels.into_iter().rev().map(text).collect();
    let name = labels.join(&b'.').into_boxed_slice();
    match is_open {
        true if name.is_empty() => Object::Any,
        true => Object::Below(name),
        false => Object::Exact(name),
    }
}

#[cfg(test)]
mod tests;
