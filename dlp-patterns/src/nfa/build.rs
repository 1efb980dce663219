//! From a pattern to its positions.

use regex_automata::nfa::thompson::{self, State, WhichCaptures};
use regex_automata::util::look::{Look, LookMatcher};
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;
use rustc_hash::FxHashMap;

use super::{ACCEPT, Edge, Nfa, Position};
use crate::automaton::Kind;
use crate::byte_set::ByteSet;
use crate::limits::{AUTOMATON_BYTES_MAX, NFA_EDGES_MAX, NFA_POSITIONS_MAX};

/// All pairs of kinds.
const ANYWHERE: u32 = (1 << (Kind::COUNT * Kind::COUNT)) - 1;

/// The automaton of a pattern; `None` if it is too large, or looks at characters that are no ASCII.
pub(super) fn nfa(pattern: &Hir) -> Option<Nfa> {
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
    let thompson = thompson::Compiler::new().configure(config).build_from_hir(pattern).ok()?;
    if thompson.look_set_any().contains_word_unicode() {
        return None;
    }
    let mut builder = Builder::new(&thompson);
    builder.add_edges(thompson.start_anchored())?;
    // The list grows as new positions are come to.
    let mut at = 1;
    while let Some(&(_, next)) = builder.positions.get(at) {
        builder.add_edges(next)?;
        at += 1;
    }
    Some(builder.finish())
}

/// What a position reads, as an index into the sets, and the state behind it. What is the same in both is one position.
type Known = (u16, StateID);

struct Builder<'n> {
    thompson: &'n thompson::NFA,
    sets: Vec<ByteSet>,
    set_of: FxHashMap<ByteSet, u16>,
    positions: Vec<Known>,
    position_of: FxHashMap<Known, Position>,
    edges_of: Vec<u32>,
    edges: Vec<Edge>,
}

impl<'n> Builder<'n> {
    fn new(thompson: &'n thompson::NFA) -> Builder<'n> {
        Builder {
            thompson,
            // The start reads nothing.
            sets: vec![ByteSet::default()],
            set_of: FxHashMap::default(),
            positions: vec![(0, thompson.start_anchored())],
            position_of: FxHashMap::default(),
            edges_of: vec![0],
            edges: Vec::new(),
        }
    }

    /// Adds the edges of the next position, behind which the state `from` is.
    fn add_edges(&mut self, from: StateID) -> Option<()> {
        let mut accepts = 0;
        for (state, between) in self.closure(from) {
            if matches!(self.thompson.state(state), State::Match { .. }) {
                accepts |= between;
            }
            for (set, next) in reads(self.thompson.state(state)) {
                let to = self.position(set, next)?;
                self.edges.push(Edge { to, between });
            }
        }
        if accepts != 0 {
            self.edges.push(Edge { to: ACCEPT, between: accepts });
        }
        self.edges_of.push(u32::try_from(self.edges.len()).ok()?);
        (self.edges.len() <= NFA_EDGES_MAX).then_some(())
    }

    fn position(&mut self, set: ByteSet, next: StateID) -> Option<Position> {
        let fresh = u16::try_from(self.sets.len()).ok()?;
        let set = *self.set_of.entry(set).or_insert_with(|| {
            self.sets.push(set);
            fresh
        });
        if let Some(&known) = self.position_of.get(&(set, next)) {
            return Some(known);
        }
        if self.positions.len() >= NFA_POSITIONS_MAX {
            return None;
        }
        let position = Position::try_from(self.positions.len()).ok()?;
        self.positions.push((set, next));
        self.position_of.insert((set, next), position);
        Some(position)
    }

    /// The states that can be come to without reading, each with the pairs of kinds between which that is so.
    fn closure(&self, from: StateID) -> Vec<(StateID, u32)> {
        let mut reached: FxHashMap<StateID, u32> = FxHashMap::default();
        let mut order = Vec::new();
        let mut open = vec![(from, ANYWHERE)];
        while let Some((state, between)) = open.pop() {
            let known = reached.get(&state).copied().unwrap_or(0);
            let fresh = between & !known;
            if fresh == 0 {
                continue;
            }
            if known == 0 {
                order.push(state);
            }
            reached.insert(state, known | fresh);
            match self.thompson.state(state) {
                State::Look { look, next } => open.push((*next, fresh & between_of(*look))),
                State::Union { alternates } => open.extend(alternates.iter().map(|next| (*next, fresh))),
                State::BinaryUnion { alt1, alt2 } => open.extend([(*alt1, fresh), (*alt2, fresh)]),
                State::Capture { next, .. } => open.push((*next, fresh)),
                State::ByteRange { .. }
                | State::Sparse(_)
                | State::Dense(_)
                | State::Fail
                | State::Match { .. } => {}
            }
        }
        order.into_iter().map(|state| (state, reached[&state])).collect()
    }

    fn finish(self) -> Nfa {
        let edges_from = |at: usize| &self.edges[self.edges_of[at] as usize..self.edges_of[at + 1] as usize];
        let certain = |at: usize| {
            let accepts = edges_from(at).iter().find(|edge| edge.to == ACCEPT).map_or(0, |edge| edge.between);
            let is_certain =
                |before: &Kind| Kind::ALL.iter().all(|after| accepts & before.before(*after) != 0);
            Kind::ALL.into_iter().filter(is_certain).fold(0, |bits, before| bits | 1 << before as u8)
        };
        let certain = (0..self.positions.len()).map(certain).collect();
        let mut first = ByteSet::default();
        for edge in edges_from(0).iter().filter(|edge| edge.to != ACCEPT) {
            let (set, _) = self.positions[usize::from(edge.to)];
            self.sets[usize::from(set)].iter().for_each(|byte| first.insert(byte));
        }
        Nfa {
            reads: self.positions.iter().map(|(set, _)| *set).collect(),
            sets: self.sets,
            edges_of: self.edges_of,
            edges: self.edges,
            certain,
            first,
        }
    }
}

/// What a state reads, by the state that comes next.
fn reads(state: &State) -> Vec<(ByteSet, StateID)> {
    let mut reads: Vec<(ByteSet, StateID)> = Vec::new();
    let mut add = |byte: u8, next: StateID| match reads.iter_mut().find(|(_, other)| *other == next) {
        Some((set, _)) => set.insert(byte),
        None => reads.push((ByteSet::of(byte), next)),
    };
    match state {
        State::ByteRange { trans } => (trans.start..=trans.end).for_each(|byte| add(byte, trans.next)),
        State::Sparse(sparse) => {
            let transitions = sparse.transitions.iter();
            transitions.for_each(|trans| (trans.start..=trans.end).for_each(|byte| add(byte, trans.next)));
        }
        State::Dense(dense) => {
            let nexts = (0..=u8::MAX).map(|byte| (byte, dense.matches_byte(byte)));
            nexts.for_each(|(byte, next)| next.into_iter().for_each(|next| add(byte, next)));
        }
        _ => {}
    }
    reads
}

/// The pairs of kinds between which a look-around holds.
fn between_of(look: Look) -> u32 {
    let matcher = LookMatcher::new();
    let pairs = Kind::ALL.into_iter().flat_map(|before| Kind::ALL.map(|after| (before, after)));
    let holds = |(before, after): &(Kind, Kind)| {
        let text: Vec<u8> = before.example().into_iter().chain(after.example()).collect();
        matcher.matches(look, &text, usize::from(before.example().is_some()))
    };
    pairs.filter(holds).fold(0, |bits, (before, after)| bits | before.before(after))
}
