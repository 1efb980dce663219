//! Where a rule's first match ends, by a plain lazy automaton of regex-automata over the whole of a text.

use regex_automata::hybrid::dfa::{Cache, DFA, OverlappingState};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::Hir;

/// An automaton and its states so far.
pub(crate) struct Plain {
    dfa: DFA,
    cache: Cache,
}

impl Plain {
    /// The automaton of a pattern; none if there can be none, as with a boundary of words beyond ASCII.
    pub(crate) fn new(pattern: &Hir) -> Option<Plain> {
        let config = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(pattern).ok()?;
        let config = DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let cache = dfa.create_cache();
        Some(Plain { dfa, cache })
    }

    /// Offset behind the match that ends first.
    pub(crate) fn first_end(&mut self, text: &[u8]) -> Option<u64> {
        let mut state = OverlappingState::start();
        self.dfa
            .try_search_overlapping_fwd(&mut self.cache, &Input::new(text), &mut state)
            .expect("no byte makes it quit, and it never gives up");
        state.get_match().map(|found| found.offset() as u64)
    }
}
