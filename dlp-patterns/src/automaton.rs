//! An automaton that says where a match that begins here ends.

use regex_syntax::hir::Hir;
use serde::{Deserialize, Serialize};

use crate::byte_set::ByteSet;
use crate::cache::table;

mod explore;
mod graph;

use graph::Graph;

/// Where an automaton stands between two bytes.
pub(crate) type State = u16;

/// The state from which nothing matches.
const DEAD: State = 0;

/// What entering a state says, as bits.
pub(crate) mod outcome {
    /// No further match is possible.
    pub(crate) const DEAD: u8 = 1;
    /// The bytes read so far are a match, whatever comes next.
    pub(crate) const MATCH: u8 = 2;
    /// The bytes before the last one are a match.
    pub(crate) const MATCH_BEFORE: u8 = 4;
}

/// What an automaton is to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The first end from each start: behind it the automaton is dead.
    First,
    /// Every end.
    All,
}

/// Which way an automaton reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// From where it is started.
    Forward,
    /// From where it is started back to where its match begins.
    Backward,
    /// From anywhere: each byte may begin a match.
    ForwardFromAnywhere,
}

/// A table-driven automaton of one pattern, minimal as a rule, over classes of bytes.
///
/// A dense DFA of regex-automata knows a match one byte late, because that byte may bear on it (`\b`, `$`). Here the
/// state in which every next byte and also the end of the field would say yes says so at once.
///
/// Invariant: states below `special` have an outcome, the others have none; [`DEAD`] is the first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Automaton {
    #[serde(with = "table")]
    classes: Box<[u8; 256]>,
    stride_log2: u32,
    #[serde(with = "table")]
    transitions: Vec<State>,
    special: State,
    /// By state below `special`: bits of [`outcome`].
    outcomes: Vec<u8>,
    /// By state: whether the bytes read so far are a match if the field ends here.
    at_end: Vec<bool>,
    /// By [`Kind`] of what stands behind the start.
    starts: [State; Kind::COUNT],
}

/// What stands on a side of a place, as far as look-around can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing = 0,
    LineFeed = 1,
    CarriageReturn = 2,
    Word = 3,
    Other = 4,
}

impl Kind {
    pub(crate) const COUNT: usize = 5;
    pub(crate) const ALL: [Kind; Kind::COUNT] =
        [Kind::Nothing, Kind::LineFeed, Kind::CarriageReturn, Kind::Word, Kind::Other];

    /// The kind of a byte; `None` is the end of the field on that side.
    #[inline]
    pub(crate) fn of(byte: Option<u8>) -> Kind {
        match byte {
            None => Kind::Nothing,
            Some(b'\n') => Kind::LineFeed,
            Some(b'\r') => Kind::CarriageReturn,
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' => Kind::Word,
            Some(_) => Kind::Other,
        }
    }

    /// A byte of the kind.
    pub(crate) fn example(self) -> Option<u8> {
        match self {
            Kind::Nothing => None,
            Kind::LineFeed => Some(b'\n'),
            Kind::CarriageReturn => Some(b'\r'),
            Kind::Word => Some(b'a'),
            Kind::Other => Some(b' '),
        }
    }

    /// The pair of this kind and the one behind it, as a bit.
    #[inline]
    pub(crate) fn before(self, after: Kind) -> u32 {
        1 << (self as usize * Kind::COUNT + after as usize)
    }
}

impl Automaton {
    /// Builds an automaton; `None` if it would be larger than [`AUTOMATON_BYTES_MAX`].
    pub(crate) fn new(pattern: &Hir, reads: Reads, ends: Ends) -> Option<Automaton> {
        let graph = explore::graph(pattern, reads, ends)?.minimized();
        Some(Automaton::from_graph(&graph))
    }

    /// The automaton of a row of bytes, each in its set, that reads forward to the first end.
    pub(crate) fn of_row(sets: &[ByteSet]) -> Automaton {
        Automaton::from_graph(&Graph::of_row(sets))
    }

    fn from_graph(graph: &Graph) -> Automaton {
        let (classes, columns) = graph.byte_classes();
        let stride_log2 = columns.len().next_power_of_two().ilog2();
        let mut transitions = vec![DEAD; graph.nodes.len() << stride_log2];
        for (state, node) in graph.nodes.iter().enumerate() {
            for (class, &column) in columns.iter().enumerate() {
                transitions[(state << stride_log2) + class] = node.next[column];
            }
        }
        let outcomes: Vec<u8> =
            graph.nodes.iter().map(|node| node.outcome).take_while(|outcome| *outcome != 0).collect();
        Automaton {
            classes: Box::new(classes),
            stride_log2,
            transitions,
            special: State::try_from(outcomes.len()).expect("states are numbered by this type"),
            outcomes,
            at_end: graph.nodes.iter().map(|node| node.matches_at_end).collect(),
            starts: graph.starts,
        }
    }

    /// The state before the first byte, given the byte that stands behind the start; `None` is the end of the field on
    /// that side.
    #[inline]
    pub(crate) fn start(&self, behind: Option<u8>) -> State {
        self.starts[Kind::of(behind) as usize]
    }

    /// The state behind `byte`.
    #[inline]
    pub(crate) fn next(&self, from: State, byte: u8) -> State {
        let class = self.classes[usize::from(byte)];
        self.transitions[(usize::from(from) << self.stride_log2) + usize::from(class)]
    }

    /// Reads until a state has something to say, or the bytes end; how many it has read.
    #[inline]
    pub(crate) fn walk(&self, state: &mut State, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            *state = self.next(*state, *byte);
            if self.is_special(*state) {
                return at + 1;
            }
        }
        bytes.len()
    }

    /// Whether [`outcome`](Automaton::outcome) has something to say.
    #[inline]
    pub(crate) fn is_special(&self, state: State) -> bool {
        state < self.special
    }

    /// What entering the state says; bits of [`outcome`].
    #[inline]
    pub(crate) fn outcome(&self, state: State) -> u8 {
        self.outcomes.get(usize::from(state)).copied().unwrap_or(0)
    }

    /// Whether the bytes read so far are a match if the field ends here, and this wasn't said before.
    pub(crate) fn matches_at_end(&self, state: State) -> bool {
        self.at_end[usize::from(state)]
    }

    /// Whether each number is in range, so that it can read whatever comes: it may be from a file.
    pub(crate) fn is_sound(&self) -> bool {
        let states = self.states();
        let is_state = |state: &State| usize::from(*state) < states;
        // A match can't end before it begins.
        let may_start = |state: &State| is_state(state) && self.outcome(*state) & outcome::MATCH_BEFORE == 0;
        self.stride_log2 <= u8::BITS
            && self.classes.iter().all(|class| u32::from(*class) >> self.stride_log2 == 0)
            && self.transitions.len() == states << self.stride_log2
            && self.transitions.iter().all(is_state)
            && self.outcomes.len() == usize::from(self.special)
            && self.outcomes.len() <= states
            && self.starts.iter().all(may_start)
    }

    /// Whether each match has a byte, given that it [is sound](Automaton::is_sound). Who looks for the next match where the
    /// last one has ended would find one without a byte again and again.
    pub(crate) fn matches_no_empty_string(&self) -> bool {
        let says = |state: State, bit| self.outcome(state) & bit != 0;
        self.starts.iter().all(|&start| {
            let is_match = says(start, outcome::MATCH) || self.matches_at_end(start);
            !is_match && (0..=u8::MAX).all(|byte| !says(self.next(start, byte), outcome::MATCH_BEFORE))
        })
    }

    /// How many states it has.
    pub(crate) fn states(&self) -> usize {
        self.at_end.len()
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Automaton>() + 256 + self.transitions.len() * 2 + self.outcomes.len() + self.at_end.len()
    }
}

#[cfg(test)]
mod tests;
