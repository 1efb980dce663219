//! The literals that every match of a rule begins with.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::util::primitives::StateID;

use crate::confirm::Confirm;
use crate::limits::{
    LITERAL_BYTES_GOOD, LITERAL_BYTES_MAX, LITERAL_BYTES_MIN, LITERAL_FANOUT_MAX, RULE_LITERALS_MAX,
};

/// Why a rule can't be found by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPrefix {
    /// It can match nothing at all, in the sense of the empty string.
    Empty,
    /// It can begin in more ways than there may be literals.
    TooMany,
    /// Some match is shorter than [`LITERAL_BYTES_MIN`].
    TooShort,
    /// It never matches.
    Nothing,
}

/// The beginning of some matches, in lower case.
#[derive(Debug)]
struct Beginning {
    bytes: Vec<u8>,
    /// Where the automaton can be behind it, over all cases of its letters and all bytes that may stand before it.
    states: BTreeSet<StateID>,
}

/// Lower-case literals, none of which begins with another, such that each match begins with exactly one of them when
/// the case of ASCII letters is ignored.
///
/// They grow byte by byte out of the automaton: always up to [`LITERAL_BYTES_MIN`], then up to [`LITERAL_BYTES_GOOD`]
/// where a byte doesn't make more than [`LITERAL_FANOUT_MAX`] out of one, and from there to [`LITERAL_BYTES_MAX`] as
/// long as it doesn't make more of them at all.
pub(crate) fn prefixes(
    confirm: &Confirm,
    may_follow: impl Fn(Option<u8>) -> bool,
) -> Result<Vec<Vec<u8>>, NoPrefix> {
    let befores = std::iter::once(None).chain((0..=u8::MAX).map(Some)).filter(|before| may_follow(*before));
    let states = befores.map(|before| confirm.start(before)).collect();
    let mut growing = vec![Beginning { bytes: Vec::new(), states }];
    let mut grown = Vec::new();
    for length in 0..=LITERAL_BYTES_MAX {
        let mut longer = Vec::new();
        for beginning in growing {
            let is_match = beginning.states.iter().any(|&state| confirm.may_match(state));
            let next =
                if is_match || length == LITERAL_BYTES_MAX { Vec::new() } else { beginning.grow(confirm) };
            let fanout_max = match length {
                0..LITERAL_BYTES_MIN => usize::MAX,
                LITERAL_BYTES_MIN..LITERAL_BYTES_GOOD => LITERAL_FANOUT_MAX,
                _ => 1,
            };
            let is_good = next.len() > fanout_max;
            if is_match || length == LITERAL_BYTES_MAX || is_good {
                grown.push(beginning.bytes);
            } else {
                longer.extend(next);
            }
        }
        growing = longer;
        if grown.len() + growing.len() > RULE_LITERALS_MAX {
            return Err(NoPrefix::TooMany);
        }
    }
    match grown.iter().map(Vec::len).min() {
        None => Err(NoPrefix::Nothing),
        Some(0) => Err(NoPrefix::Empty),
        Some(shortest) if shortest < LITERAL_BYTES_MIN => Err(NoPrefix::TooShort),
        Some(_) => Ok(grown),
    }
}

impl Beginning {
    /// The beginnings that are one byte longer.
    fn grow(&self, confirm: &Confirm) -> Vec<Beginning> {
        let mut next: BTreeMap<u8, BTreeSet<StateID>> = BTreeMap::new();
        for (&state, byte) in
            self.states.iter().flat_map(|state| (0..=u8::MAX).map(move |byte| (state, byte)))
        {
            let step = confirm.step(state, byte);
            if !step.is_dead {
                next.entry(byte.to_ascii_lowercase()).or_default().insert(step.state);
            }
        }
        let longer = |byte| self.bytes.iter().copied().chain([byte]).collect();
        next.into_iter().map(|(byte, states)| Beginning { bytes: longer(byte), states }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(regex: &str) -> Result<Vec<String>, NoPrefix> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let confirm = Confirm::new(&parser.parse(regex).expect("a regex")).expect("small");
        let mut literals = prefixes(&confirm, |_| true)?;
        literals.sort();
        Ok(literals.iter().map(|literal| literal.escape_ascii().to_string()).collect())
    }

    #[test]
    fn every_beginning_is_listed_once_and_in_lower_case() {
        assert_eq!(of("(?i)select|SELECTED|Union").unwrap(), ["select", "union"]);
        assert_eq!(of(r"\bgh[pousr]_[0-9]{36}").unwrap(), ["gho_", "ghp_", "ghr_", "ghs_", "ghu_"]);
        assert_eq!(of(r"'[\t ]?or").unwrap(), [r"\'\tor", r"\' or", r"\'or"]);
        assert_eq!(of("a very long literal indeed").unwrap(), ["a very long lite"]);
        assert_eq!(of("4[0-9]{12}").unwrap().len(), 100);
        assert_eq!(of("^abc|bcd").unwrap(), ["abc", "bcd"]);
    }

    #[test]
    fn what_can_not_be_found_by_its_beginning_is_refused() {
        assert_eq!(of(".*secret"), Err(NoPrefix::TooMany));
        assert_eq!(of("(secret)?"), Err(NoPrefix::Empty));
        assert_eq!(of("^"), Err(NoPrefix::Empty));
        assert_eq!(of("'|union"), Err(NoPrefix::TooShort));
        assert_eq!(of("[a&&b]"), Err(NoPrefix::Nothing));
    }
}
