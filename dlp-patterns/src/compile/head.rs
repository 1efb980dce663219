//! What every match of a core begins with.

use regex_syntax::hir::Hir;
use serde::{Deserialize, Serialize};

use super::literal::Literal;
use super::{Core, sequence};
use crate::automaton::{Automaton, Kind, State, outcome};
use crate::byte_set::ByteSet;

/// A head with fewer bytes says hardly more than a window.
const BYTES_MIN: usize = 4;

/// The bytes that every match of a core begins with. They are compared at once, and the core's automaton goes on behind
/// them: it neither reads them nor has them in the cache.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Contexts have copies, and scans compare with these.
    pub(super) literal: Literal,
    /// The state behind them, by [`Kind`] of what stands before them; `None` if there is no table.
    states: Option<[State; Kind::COUNT]>,
}

impl Head {
    /// The head of a core that matches `row`; `None` if it has none, or is nothing else.
    pub(super) fn of(row: &[Hir], core: &Core) -> Option<Head> {
        let sets = common_sets(row);
        let (bytes, states) = match core {
            Core::Literal(_) => return None,
            Core::Simulated(_) => (sets.len(), None),
            Core::Table(table) => states_behind(&sets, table).map(|(bytes, states)| (bytes, Some(states)))?,
        };
        let literal = Literal::of_row(&sets[..bytes]).filter(|literal| literal.len() >= BYTES_MIN)?;
        Some(Head { literal, states })
    }

    /// The state behind it, given the byte that stands before it; `None` if there is no table.
    #[inline]
    pub(crate) fn state(&self, behind: Option<u8>) -> Option<State> {
        self.states.map(|states| states[Kind::of(behind) as usize])
    }

    /// Whether it leads nowhere but into the core: it may be from a file.
    pub(super) fn is_sound(&self, core: &Core) -> bool {
        let is_state = |state: State| {
            let may_go_on = |table: &Automaton| {
                usize::from(state) < table.states() && says_nothing_but_dead(table, state)
            };
            core.table().is_some_and(may_go_on)
        };
        self.literal.len() >= BYTES_MIN && self.states.iter().flatten().copied().all(is_state)
    }
}

/// What all matches of a row have in common from their begin on, as far as it is values under masks.
fn common_sets(row: &[Hir]) -> Vec<ByteSet> {
    let sequences = sequence::of_row(row);
    let Some((first, others)) = sequences.split_first() else { return Vec::new() };
    let is_common = |(at, set): &(usize, &ByteSet)| {
        Literal::of_row(&[**set]).is_some() && others.iter().all(|other| other.sets.get(*at) == Some(*set))
    };
    first.sets.iter().enumerate().take_while(is_common).map(|(_, set)| *set).collect()
}

/// How many of the sets lead to one state from each start, and to which; none on the way says more than that it is dead.
fn states_behind(sets: &[ByteSet], table: &Automaton) -> Option<(usize, [State; Kind::COUNT])> {
    let mut of_kinds = Kind::ALL.map(|kind| vec![table.start(kind.example())]);
    let mut best = None;
    for (at, set) in sets.iter().enumerate() {
        for states in &mut of_kinds {
            let next = states.iter().flat_map(|from| set.iter().map(|byte| table.next(*from, byte)));
            *states = next.collect();
            states.sort_unstable();
            states.dedup();
        }
        if !of_kinds.iter().flatten().all(|state| says_nothing_but_dead(table, *state)) {
            break;
        }
        if of_kinds.iter().all(|states| states.len() == 1) {
            best = Some((at + 1, of_kinds.each_ref().map(|states| states[0])));
        }
    }
    best
}

fn says_nothing_but_dead(table: &Automaton, state: State) -> bool {
    table.outcome(state) & !outcome::DEAD == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::{Ends, Reads};

    fn head(regex: &str) -> Option<Head> {
        let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex);
        let pattern = parsed.expect("a regex");
        let table = Automaton::new(&pattern, Reads::Forward, Ends::First).expect("small");
        let rows = super::super::shape::branches(&pattern);
        Head::of(&rows[0], &Core::Table(table))
    }

    fn bytes(regex: &str) -> usize {
        head(regex).map_or(0, |head| head.literal.len())
    }

    #[test]
    fn a_head_is_what_all_matches_begin_with() {
        assert_eq!(bytes("secret[0-9]+x"), 6);
        assert_eq!(bytes("(?i)secret[0-9]+x"), 6);
        assert_eq!(bytes("secret(?:s|_key)[0-9]+x"), 6);
        assert_eq!(bytes("secret(?:_key|_kind)[0-9]+x"), 8);
        assert_eq!(bytes("sec[0-9]+x"), 0, "too short");
        assert_eq!(bytes("[0-9]{9}x"), 0, "no values");
        assert_eq!(bytes("secrets?"), 5, "the state behind more of it has something to say");
    }

    #[test]
    fn each_start_has_a_state_of_its_own() {
        assert_eq!(bytes(r"\bsecret[0-9]+x"), 6);
        assert_eq!(bytes(r"(?m)^secret[0-9]+x"), 6);
        let states = head(r"\bsecret[0-9]+x").and_then(|head| head.states).expect("there is a table");
        assert_eq!(states.iter().filter(|state| **state != states[Kind::Word as usize]).count(), 4);
    }

    #[test]
    fn reading_on_behind_the_head_is_as_good_as_reading_it() {
        let pattern = "secret=[0-9]+x";
        let head = head(pattern).expect("it has one");
        let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
        let table = Automaton::new(&parsed.expect("a regex"), Reads::Forward, Ends::First).expect("small");
        let mut state = table.start(None);
        assert_eq!(table.walk(&mut state, b"secret="), 7);
        assert_eq!(head.state(None), Some(state));
    }
}
