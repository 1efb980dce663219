//! The automaton that looks at every byte.

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, MatchKind, dfa};

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
/// Invariant: no literal is shorter than two bytes, so that text may be skipped by pairs of bytes.
#[derive(Debug)]
pub(crate) struct Literals {
    automaton: dfa::DFA,
    start: LiteralState,
    starters: PairSet,
    /// By pattern of the automaton.
    literals: Vec<Literal>,
}

impl Literals {
    pub(crate) fn new(literals: Vec<Literal>) -> Literals {
        assert!(literals.iter().all(|literal| literal.bytes.len() >= 2), "shorter prefixes are refused");
        let automaton = dfa::Builder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(literals.iter().map(|literal| &literal.bytes))
            .expect("the caps on literals are far below what the automaton can index");
        let start = automaton.start_state(Anchored::No).map(LiteralState);
        let start = start.expect("unanchored searches are what it is built for");
        let starters = PairSet::of_beginnings(literals.iter().map(|literal| literal.bytes.as_slice()));
        Literals { automaton, start, starters, literals }
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
                at = self.starters.find(chunk, at);
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
        self.automaton.memory_usage() + self.literals.len() * size_of::<Literal>() + size_of::<PairSet>()
    }
}

/// A set of pairs of bytes, as a bitmap of 8 KiB that stays in the first-level cache.
#[derive(Debug)]
struct PairSet(Box<[u64; 1024]>);

impl PairSet {
    /// The first two bytes of each literal, in every case.
    fn of_beginnings<'l>(literals: impl Iterator<Item = &'l [u8]>) -> PairSet {
        let mut set = PairSet(Box::new([0; 1024]));
        let cases = |byte: u8| [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
        for (first, second) in literals.filter_map(|literal| Some((*literal.first()?, *literal.get(1)?))) {
            for (a, b) in cases(first).into_iter().flat_map(|a| cases(second).map(|b| (a, b))) {
                let (word, bit) = PairSet::place(a, b);
                set.0[word] |= 1 << bit;
            }
        }
        set
    }

    /// Word and bit: the bits of the first byte and the upper two of the second choose the word.
    #[inline]
    fn place(first: u8, second: u8) -> (usize, u32) {
        (usize::from(first) << 2 | usize::from(second >> 6), u32::from(second & 63))
    }

    #[inline]
    fn contains(&self, first: u8, second: u8) -> bool {
        let (word, bit) = PairSet::place(first, second);
        self.0[word] >> bit & 1 != 0
    }

    /// The first offset from `at` on at which a pair of the set begins, or the offset of the last byte, whose pair is
    /// not known yet.
    #[inline]
    fn find(&self, chunk: &[u8], mut at: usize) -> usize {
        while let Some(block) = chunk.get(at..).and_then(<[u8]>::first_chunk::<5>) {
            let [a, b, c, d, e] = *block;
            // Four independent look-ups, one branch.
            if self.contains(a, b) | self.contains(b, c) | self.contains(c, d) | self.contains(d, e) {
                break;
            }
            at += 4;
        }
        while let Some(&[first, second]) = chunk.get(at..).and_then(<[u8]>::first_chunk::<2>) {
            if self.contains(first, second) {
                break;
            }
            at += 1;
        }
        at
    }
}
