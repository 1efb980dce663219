//! What has to follow a window before a confirmation is worth its while.

use regex_syntax::hir::Hir;
use serde::{Deserialize, Serialize};

use super::sequence;
use crate::byte_set::ByteSet;
use crate::frequency::Frequency;
use crate::limits::AHEAD_BYTES_MAX;

/// The chance that ordinary bytes have what is looked for, up to which a look ahead pays.
const CHANCE_MAX: f64 = 0.6;

/// Some byte of a set stands within a range of places behind the begin of each match of a core.
///
/// Invariant: `first <= last`, and the range has at most [`AHEAD_BYTES_MAX`] places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ahead {
    pub(crate) set: ByteSet,
    /// The first and the last place, counted from the begin of the core.
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl Ahead {
    /// Whether its invariant holds: it may be from a file.
    pub(crate) fn is_sound(&self) -> bool {
        let more = self.last.checked_sub(self.first);
        self.last < u16::MAX && more.is_some_and(|more| usize::from(more) < AHEAD_BYTES_MAX)
    }
}

/// What each match of a core has to have beyond its first `known` bytes, if that is seldom there by chance: a part that
/// can't be missing begins with it.
pub(super) fn ahead(core: &[Hir], known: usize, frequency: &Frequency) -> Option<Ahead> {
    let (mut first, mut last) = (0, 0);
    let mut best: Option<(f64, Ahead)> = None;
    for part in core {
        let properties = part.properties();
        let (Some(least), places) = (properties.minimum_len(), last - first + 1) else { break };
        if places > AHEAD_BYTES_MAX {
            break;
        }
        if least > 0 && first >= known {
            let set = begins(part);
            let chance = 1.0 - (1.0 - frequency.of_set(&set)).powi(i32::try_from(places).unwrap_or(i32::MAX));
            if chance < best.as_ref().map_or(CHANCE_MAX, |best| best.0) {
                let [first, last] =
                    [first, last].map(|place| u16::try_from(place).expect("cores are short here"));
                best = Some((chance, Ahead { set, first, last }));
            }
        }
        let Some(most) = properties.maximum_len() else { break };
        (first, last) = (first + least, last + most);
        if last >= usize::from(u16::MAX) {
            break;
        }
    }
    best.map(|best| best.1)
}

/// The bytes that a part can begin with.
fn begins(part: &Hir) -> ByteSet {
    let mut begins = ByteSet::default();
    for sequence in sequence::of_row(std::slice::from_ref(part)) {
        match sequence.sets.first() {
            Some(set) => set.iter().for_each(|byte| begins.insert(byte)),
            None => return ByteSet::ALL,
        }
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::shape::branches;

    fn of(regex: &str, known: usize) -> Option<(String, u16, u16)> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let rows = branches(&parser.parse(regex).expect("a regex"));
        let ahead = ahead(&rows[0], known, &Frequency::of_traffic())?;
        Some((ahead.set.iter().map(char::from).collect(), ahead.first, ahead.last))
    }

    #[test]
    fn what_can_not_be_missing_and_is_seldom_there_is_looked_for() {
        assert_eq!(of(r"key[a-z ]{0,20}\s{0,3}(?:=|:=|\|)[a-z]{8}", 3), Some((":=|".to_owned(), 3, 26)));
        assert_eq!(of("key[a-z]{0,9}z?q", 3), Some(("q".to_owned(), 3, 13)));
        assert_eq!(of("key[a-z]{0,9}[a-z]", 3), None, "letters are everywhere");
        assert_eq!(of("key.*=", 3), None, "it may be anywhere");
        assert_eq!(of("key(?:=|a)?", 3), None, "it may be missing");
        assert_eq!(of("key=", 4), None, "the window has seen it");
        assert_eq!(of(r"key\b=", 3), Some(("=".to_owned(), 3, 3)));
    }
}
