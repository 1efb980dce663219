//! One rule's automaton, which says where a match that begins here ends.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::alphabet::Unit;
use regex_automata::util::{primitives::StateID, start};
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use crate::limits::RULE_DFA_BYTES_MAX;

/// A dense anchored automaton that finds every end of a match, together with the states in which a match is certain.
///
/// A dense DFA of regex-automata knows a match one byte late, because that byte may bear on it (`\b`, `$`). In a
/// *certain* state every next byte and also the end of the field would say yes, so there is nothing to wait for.
#[derive(Debug)]
pub(crate) struct Confirm {
    dfa: dense::DFA<Vec<u32>>,
    /// By state index: whether the bytes read so far are a match whatever comes next.
    certain: Vec<bool>,
}

/// Where a byte led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The state behind the byte.
    pub(crate) state: StateID,
    /// The bytes *before* the byte are a match, and it wasn't certain without this byte.
    pub(crate) matched_before: bool,
    /// No further match is possible.
    pub(crate) is_dead: bool,
}

impl Confirm {
    /// Builds the automaton; `None` if it would be larger than [`RULE_DFA_BYTES_MAX`].
    pub(crate) fn new(pattern: &Hir) -> Option<Confirm> {
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(WhichCaptures::None)
                    .nfa_size_limit(Some(4 * RULE_DFA_BYTES_MAX)),
            )
            .build_from_hir(pattern)
            .ok()?;
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .accelerate(false)
            .dfa_size_limit(Some(RULE_DFA_BYTES_MAX))
            .determinize_size_limit(Some(8 * RULE_DFA_BYTES_MAX));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        let certain = certain_states(&dfa);
        Some(Confirm { dfa, certain })
    }

    /// The state before the first byte of a match, given the byte before it; `None` stands for the begin of the field.
    pub(crate) fn start(&self, byte_before: Option<u8>) -> StateID {
        start_state(&self.dfa, byte_before)
    }

    #[inline]
    pub(crate) fn step(&self, from: StateID, byte: u8) -> Step {
        let state = self.dfa.next_state(from, byte);
        if !self.dfa.is_special_state(state) {
            return Step { state, matched_before: false, is_dead: false };
        }
        let matched_before = self.dfa.is_match_state(state) && !self.is_certain(from);
        Step { state, matched_before, is_dead: self.dfa.is_dead_state(state) }
    }

    /// Whether the bytes read so far are a match whatever comes next.
    #[inline]
    pub(crate) fn is_certain(&self, state: StateID) -> bool {
        self.certain[state.as_usize() >> self.dfa.stride2()]
    }

    /// Whether the bytes read so far are a match if the field ends here, and it wasn't certain before.
    pub(crate) fn matches_at_end(&self, state: StateID) -> bool {
        !self.is_certain(state) && self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }

    /// Whether the bytes read so far may be a match, depending on what comes next.
    pub(crate) fn may_match(&self, state: StateID) -> bool {
        let nexts = (0..=u8::MAX).map(|byte| self.dfa.next_state(state, byte));
        nexts.chain([self.dfa.next_eoi_state(state)]).any(|next| self.dfa.is_match_state(next))
    }

    /// How many states it has.
    pub(crate) fn states(&self) -> usize {
        self.certain.len()
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.dfa.memory_usage() + self.certain.len()
    }
}

fn start_state(dfa: &dense::DFA<Vec<u32>>, byte_before: Option<u8>) -> StateID {
    let config = start::Config::new().anchored(Anchored::Yes).look_behind(byte_before);
    dfa.start_state(&config).expect("anchored starts are built in, and no byte makes the automaton quit")
}

fn certain_states(dfa: &dense::DFA<Vec<u32>>) -> Vec<bool> {
    let befores = std::iter::once(None).chain((0..=u8::MAX).map(Some));
    let mut seen = Vec::new();
    let mut certain = Vec::new();
    let mut queue: Vec<StateID> = befores.map(|before| start_state(dfa, before)).collect();
    while let Some(state) = queue.pop() {
        let index = state.as_usize() >> dfa.stride2();
        if seen.len() <= index {
            seen.resize(index + 1, false);
            certain.resize(index + 1, false);
        }
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        let nexts = dfa.byte_classes().representatives(0..=u8::MAX).filter_map(Unit::as_u8);
        let first_next = queue.len();
        queue.extend(nexts.map(|byte| dfa.next_state(state, byte)));
        certain[index] = dfa.is_match_state(dfa.next_eoi_state(state))
            && queue[first_next..].iter().all(|next| dfa.is_match_state(*next));
    }
    certain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many bytes of `text` a match is known, and where it ends.
    fn first_match(regex: &str, text: &str) -> Option<(usize, usize)> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let confirm = Confirm::new(&parser.parse(regex).expect("a regex")).expect("small");
        let mut state = confirm.start(None);
        for (at, byte) in text.bytes().enumerate() {
            let step = confirm.step(state, byte);
            if step.matched_before {
                return Some((at + 1, at));
            }
            if confirm.is_certain(step.state) {
                return Some((at + 1, at + 1));
            }
            state = step.state;
        }
        confirm.matches_at_end(state).then_some((text.len() + 1, text.len()))
    }

    #[test]
    fn a_match_is_known_at_its_last_byte_unless_the_next_one_matters() {
        assert_eq!(first_match("abc", "abcd"), Some((3, 3)));
        assert_eq!(first_match(r"abc\b", "abc d"), Some((4, 3)));
        assert_eq!(first_match(r"abc\b", "abcd"), None);
        assert_eq!(first_match(r"abc\b", "abc"), Some((4, 3)));
        assert_eq!(first_match("abc$", "abc"), Some((4, 3)));
        assert_eq!(first_match("abc$", "abcd"), None);
        assert_eq!(first_match(r"ab\b|abc", "abc"), Some((3, 3)));
        assert_eq!(first_match("ab.{0,9}c", "abxxc"), Some((5, 5)));
    }

    #[test]
    fn a_huge_automaton_is_refused() {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        assert!(Confirm::new(&parser.parse("a.*b.{200}c").expect("a regex")).is_none());
    }
}
