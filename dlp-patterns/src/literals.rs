//! The automaton that looks at every byte.

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, MatchKind, dfa};

mod beginnings;

use beginnings::Beginnings;

/// A literal, and the rule whose matches begin with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Literal {
    /// In lower case.
    pub(crate) bytes: Vec<u8>,
    /// Index of the rule.
    pub(crate) rule: u32,
}

/// Where an automaton stands between two bytes. Meaningless to another automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LiteralState(aho_corasick::automaton::StateID);

/// Finds each occurrence of each literal, overlapping ones too, whatever the case of ASCII letters, at its last byte.
///
/// Invariant: `literals` has one entry for each pattern of the automaton, in its order.
#[derive(Debug)]
pub(crate) struct Literals {
    automaton: dfa::DFA,
    start: LiteralState,
    beginnings: Beginnings,
    /// By pattern of the automaton.
    literals: Vec<Literal>,
}

impl Literals {
    pub(crate) fn new(literals: Vec<Literal>) -> Literals {
        let automaton = dfa::Builder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(literals.iter().map(|literal| &literal.bytes))
            .expect("the caps on literals are far below what the automaton can index");
        let start = automaton.start_state(Anchored::No).map(LiteralState);
        let start = start.expect("unanchored searches are what it is built for");
        let beginnings = Beginnings::new(literals.iter().map(|literal| literal.bytes.as_slice()));
        Literals { automaton, start, beginnings, literals }
    }

    /// Where the automaton stands before the first byte.
    pub(crate) fn start(&self) -> LiteralState {
        self.start
    }

    /// Reads on from `chunk[at..]` until a byte ends a literal, and returns the offset behind that byte; `None` when
    /// the chunk is read to its end. This is the loop that every byte goes through.
    #[inline]
    pub(crate) fn find(&self, state: &mut LiteralState, chunk: &[u8], mut at: usize) -> Option<usize> {
        let mut current = state.0;
        loop {
            if current == self.start.0 {
                at = self.beginnings.find(chunk, at);
            }
            let Some(&byte) = chunk.get(at) else { break };
            current = self.automaton.next_state(Anchored::No, current, byte);
            at += 1;
            if self.automaton.is_special(current) && self.automaton.is_match(current) {
                *state = LiteralState(current);
                return Some(at);
            }
        }
        *state = LiteralState(current);
        None
    }

    /// The literals that end where [`find`](Literals::find) stopped.
    pub(crate) fn ended(&self, state: LiteralState) -> impl Iterator<Item = &Literal> {
        let count = self.automaton.match_len(state.0);
        (0..count).map(move |index| &self.literals[self.automaton.match_pattern(state.0, index).as_usize()])
    }

    /// How many literals there are.
    pub(crate) fn len(&self) -> usize {
        self.literals.len()
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.automaton.memory_usage() + self.literals.len() * size_of::<Literal>() + size_of::<Beginnings>()
    }
}
