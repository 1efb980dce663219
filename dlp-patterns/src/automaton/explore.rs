//! From a pattern to the states that its automaton can be in.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::alphabet::Unit;
use regex_automata::util::{primitives::StateID, start};
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;
use rustc_hash::FxHashMap;

use super::graph::{Graph, Node};
use super::{DEAD, Ends, Kind, Reads, State, outcome};
use crate::limits::{AUTOMATON_BYTES_MAX, AUTOMATON_STATES_MAX, DENSE_STATES_MAX};

pub(super) type Dense = dense::DFA<Vec<u32>>;

/// All states that can be reached, with each match told as early as it is certain; `None` if they are too many.
pub(super) fn graph(pattern: &Hir, reads: Reads, ends: Ends) -> Option<Graph> {
    let dfa = determinize(pattern, reads, ends)?;
    let bytes: Vec<u8> = dfa.byte_classes().representatives(0..=u8::MAX).filter_map(Unit::as_u8).collect();
    let mut explorer = Explorer::new(&dfa, ends, bytes.len());
    let anchored = if reads == Reads::ForwardFromAnywhere { Anchored::No } else { Anchored::Yes };
    let starts = Kind::ALL.map(|kind| {
        let config = start::Config::new().anchored(anchored).look_behind(kind.example());
        let state = dfa.start_state(&config).expect("these starts are built in, and no byte makes it quit");
        explorer.enter(state, false)
    });
    while let Some((state, at)) = explorer.queue.pop() {
        let is_certain = explorer.is_certain(state);
        for (column, byte) in bytes.iter().enumerate() {
            let next = dfa.next_state(state, *byte);
            let matched_before = dfa.is_match_state(next) && !is_certain;
            let next = explorer.enter(next, matched_before);
            explorer.nodes[usize::from(at)].next[column] = next;
        }
        if explorer.nodes.len() > AUTOMATON_STATES_MAX {
            return None;
        }
    }
    let classes = dfa.byte_classes();
    let representatives: Vec<u8> = bytes.iter().map(|byte| classes.get(*byte)).collect();
    let column_of = std::array::from_fn(|byte| {
        let class = classes.get(u8::try_from(byte).expect("there are 256"));
        let column = representatives.iter().position(|other| *other == class);
        u8::try_from(column.expect("each class has a representative")).expect("there are at most 256")
    });
    Some(Graph { nodes: explorer.nodes, starts, column_of })
}

/// The dense DFA of a pattern; `None` if it is too large.
pub(super) fn determinize(pattern: &Hir, reads: Reads, ends: Ends) -> Option<Dense> {
    let config = thompson::Config::new()
        .utf8(false)
        .reverse(reads == Reads::Backward)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
    let nfa = thompson::Compiler::new().configure(config).build_from_hir(pattern).ok()?;
    let from_anywhere = reads == Reads::ForwardFromAnywhere;
    // A row of transitions has four bytes for each class of bytes.
    let states_bytes = dense_states_max(ends) << (nfa.byte_classes().stride2() + 2);
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(if from_anywhere { StartKind::Unanchored } else { StartKind::Anchored })
        .accelerate(false)
        .dfa_size_limit(Some(AUTOMATON_BYTES_MAX.min(states_bytes)))
        .determinize_size_limit(Some(4 * AUTOMATON_BYTES_MAX));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()
}

/// States of a dense DFA: making one takes time that grows with their square where most of them match, and it is for nothing
/// if there can't be as few nodes. Where all ends are asked for, each state makes at least one; where only the first is,
/// what lies behind the matches makes none.
fn dense_states_max(ends: Ends) -> usize {
    match ends {
        Ends::All => AUTOMATON_STATES_MAX,
        Ends::First => DENSE_STATES_MAX,
    }
}

/// A state of the dense DFA as it is entered, or one of the ends that all automata share.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Entered {
    Dead,
    /// Behind the first match, where only first ends are asked for.
    Match,
    MatchBefore,
    State {
        state: StateID,
        matched_before: bool,
    },
}

struct Explorer<'d> {
    dfa: &'d Dense,
    ends: Ends,
    columns: usize,
    certain: FxHashMap<StateID, bool>,
    known: FxHashMap<Entered, State>,
    nodes: Vec<Node>,
    queue: Vec<(StateID, State)>,
}

impl<'d> Explorer<'d> {
    fn new(dfa: &'d Dense, ends: Ends, columns: usize) -> Explorer<'d> {
        let dead = Node { outcome: outcome::DEAD, matches_at_end: false, next: vec![DEAD; columns] };
        let known = FxHashMap::from_iter([(Entered::Dead, DEAD)]);
        Explorer {
            dfa,
            ends,
            columns,
            certain: FxHashMap::default(),
            known,
            nodes: vec![dead],
            queue: Vec::new(),
        }
    }

    /// Whether the bytes read so far are a match whatever comes next.
    fn is_certain(&mut self, state: StateID) -> bool {
        let dfa = self.dfa;
        *self.certain.entry(state).or_insert_with(|| {
            let mut nexts = dfa.byte_classes().representatives(0..=u8::MAX).filter_map(Unit::as_u8);
            dfa.is_match_state(dfa.next_eoi_state(state))
                && nexts.all(|byte| dfa.is_match_state(dfa.next_state(state, byte)))
        })
    }

    /// The node for a state that a byte leads to, or a start.
    fn enter(&mut self, state: StateID, matched_before: bool) -> State {
        let is_certain = self.is_certain(state);
        let entered = match self.ends {
            Ends::First if matched_before => Entered::MatchBefore,
            _ if self.dfa.is_dead_state(state) => Entered::Dead,
            Ends::First if is_certain => Entered::Match,
            Ends::First | Ends::All => Entered::State { state, matched_before },
        };
        if let Some(&known) = self.known.get(&entered) {
            return known;
        }
        let mut node = Node { outcome: 0, matches_at_end: false, next: vec![DEAD; self.columns] };
        match entered {
            Entered::Dead => unreachable!("the dead state is known from the beginning"),
            Entered::Match => node.outcome = outcome::MATCH | outcome::DEAD,
            Entered::MatchBefore => node.outcome = outcome::MATCH_BEFORE | outcome::DEAD,
            Entered::State { state, matched_before } => {
                node.outcome =
                    u8::from(is_certain) * outcome::MATCH + u8::from(matched_before) * outcome::MATCH_BEFORE;
                node.matches_at_end = !is_certain && self.dfa.is_match_state(self.dfa.next_eoi_state(state));
            }
        }
        let at = State::try_from(self.nodes.len()).unwrap_or(State::MAX);
        self.nodes.push(node);
        self.known.insert(entered, at);
        if let Entered::State { state, .. } = entered {
            self.queue.push((state, at));
        }
        at
    }
}
