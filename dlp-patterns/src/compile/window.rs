//! Where to look for a pattern: the few bytes of it that are seldom there.

use regex_syntax::hir::{Hir, HirKind, Look};
use serde::{Deserialize, Serialize};

use super::sequence;
use super::shape::lengths;
use crate::byte_set::ByteSet;
use crate::frequency::Frequency;
use crate::limits::{GRAM_KEYS_MAX, WINDOW_BYTES};

/// What stands in a stream before its first byte, as far as windows are concerned: no part of a word, and a line end.
pub(crate) const BEFORE_FIELD: u8 = b'\n';

/// A row of byte sets that some matches contain at a fixed place.
///
/// Invariant: `1 <= len <= WINDOW_BYTES`; the sets from `len` on hold every byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) sets: [ByteSet; WINDOW_BYTES],
    /// How many bytes it has.
    pub(crate) len: u8,
    /// Where it begins, counted from the begin of the core; -1 is the byte before.
    pub(crate) offset: i8,
}

impl Window {
    /// A window of the first of some sets.
    pub(crate) fn new(sets: &[ByteSet], offset: i8) -> Window {
        let sets = &sets[..sets.len().min(WINDOW_BYTES)];
        let len = u8::try_from(sets.len()).expect("a window has few bytes");
        let sets = std::array::from_fn(|at| sets.get(at).copied().unwrap_or(ByteSet::ALL));
        Window { sets, len, offset }
    }

    /// The chance that it is at a given place.
    fn chance(&self, frequency: &Frequency) -> f64 {
        chance(&self.sets, &self.sets.map(|set| frequency.of_set(&set)))
    }

    /// How many keys its first four bytes make, whatever the case.
    pub(crate) fn keys(&self) -> usize {
        self.sets.iter().take(4).map(|set| set.folded().len()).product()
    }

    /// What its first `bytes` bytes may be, folded, the first one lowest.
    pub(crate) fn folded_values(&self, bytes: usize) -> Vec<u64> {
        let mut values = vec![0];
        for (at, set) in self.sets.iter().take(bytes).enumerate() {
            let bytes: Vec<u64> = set.folded().iter().map(|byte| u64::from(byte) << (8 * at)).collect();
            values =
                values.into_iter().flat_map(|value| bytes.iter().map(move |byte| value | byte)).collect();
        }
        values
    }

    /// Whether its first four bytes make so many keys that these are not looked up one by one.
    pub(crate) fn is_wide(&self) -> bool {
        self.keys() > GRAM_KEYS_MAX
    }
}

/// Sets the bit that tells the cases of a letter apart, in each byte of a word.
pub(crate) const FOLD: u64 = 0x2020_2020_2020_2020;

/// A branch of a pattern, cut in two where it can be found best.
///
/// Each match of the branch is a match of `prefix` and then one of `core`, and at least one of `windows` is where it says.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) prefix: Vec<Hir>,
    pub(super) core: Vec<Hir>,
    pub(super) windows: Vec<Window>,
    /// The chance that some window is at a given place.
    pub(super) chance: f64,
}

/// Where to cut a row best. `behind` is what may stand before a match; no prefix is longer than `prefix_bytes_max`.
pub(super) fn best_split(
    row: &[Hir],
    behind: ByteSet,
    prefix_bytes_max: usize,
    frequency: &Frequency,
) -> Split {
    let mut best: Option<Split> = None;
    // Of a row that is one sequence, and no longer than that, the first cut sees all windows.
    let cuts =
        if matches!(sequence::of_row(row).as_slice(), [one] if one.is_whole()) { 1 } else { row.len() };
    for at in 0..cuts.max(1) {
        let (prefix, core) = row.split_at(at);
        let (least, most) = lengths(prefix);
        if most.is_none_or(|most| most > prefix_bytes_max) {
            break;
        }
        let is_fixed = most == Some(least);
        let behind = if at == 0 { behind_of(core, behind) } else { ByteSet::ALL };
        let windows = windows_of(core, &behind, frequency);
        let chance = windows.iter().map(|window| window.chance(frequency)).sum();
        // A later cut has to be worth the look back.
        if best.as_ref().is_some_and(|best| chance >= best.chance * 0.5) {
            continue;
        }
        best = Some(if is_fixed {
            let least = i8::try_from(least).expect("a prefix has few bytes");
            let moved = windows
                .into_iter()
                .map(|window| Window { offset: window.offset.saturating_add(least), ..window });
            Split { prefix: Vec::new(), core: row.to_vec(), windows: moved.collect(), chance }
        } else {
            Split { prefix: prefix.to_vec(), core: core.to_vec(), windows, chance }
        });
    }
    best.expect("the first cut is before everything, where nothing is too long")
}

/// What may stand before a match of `row`, where `behind` is known already.
fn behind_of(row: &[Hir], behind: ByteSet) -> ByteSet {
    let word = ByteSet::from_fn(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins_a_word = matches!(row.first().map(Hir::kind), Some(HirKind::Look(Look::WordAscii)))
        && sequence::of_row(row)
            .iter()
            .all(|sequence| sequence.sets.first().is_some_and(|first| first.without(&word).len() == 0));
    let behind = if begins_a_word { behind.without(&word) } else { behind };
    // At the begin of the field stands what the scan puts there.
    if behind.contains(BEFORE_FIELD) { behind } else { ByteSet::ALL }
}

/// The chance that a row of sets is at a given place, from the chances of each.
fn chance(sets: &[ByteSet], chances: &[f64]) -> f64 {
    let mut product = 1.0;
    for (at, chance) in chances.iter().enumerate() {
        // Where there is one digit there are more, and so with letters.
        let goes_on = at > 0 && sets[at].len() > 1 && sets[at] == sets[at - 1];
        product *= if goes_on { chance.cbrt() } else { *chance };
    }
    product
}

/// What a further window costs, as a chance: the more there are, the less their buckets tell them apart.
const WINDOW_COST: f64 = 1e-5;

/// The windows of a core that cost the least: at one place for all sequences, so that those which go the same way for long
/// enough share theirs, or where each sequence has its best.
fn windows_of(core: &[Hir], behind: &ByteSet, frequency: &Frequency) -> Vec<Window> {
    let with_behind = !behind.is_all();
    let rows = sequence::of_row(core).into_iter().map(|sequence| {
        let sets: Vec<ByteSet> = with_behind.then_some(*behind).into_iter().chain(sequence.sets).collect();
        let chances = sets.iter().map(|set| frequency.of_set(set)).collect();
        Row { sets, chances, first: -i8::from(with_behind) }
    });
    let rows: Vec<Row> = rows.collect();
    let shortest = rows.iter().map(|row| row.sets.len()).min().unwrap_or(0);
    if shortest == 0 {
        return vec![Window::new(&[ByteSet::ALL], 0)];
    }
    if let [row] = rows.as_slice() {
        return vec![row.best_window().1];
    }
    let places = (0..shortest.min(SHARED_PLACES)).flat_map(|at| SHARED_LENGTHS.map(|len| (at, len)));
    let shared = places.map(|(at, len)| Choice::new(rows.iter().map(|row| row.window(at, len)).collect()));
    let own = Choice::new(rows.iter().map(Row::best_window).collect());
    shared.chain([own]).min_by(|one, other| one.cost.total_cmp(&other.cost)).expect("there is one").windows
}

/// At how many places windows that all sequences share are tried out, and with how many bytes.
const SHARED_PLACES: usize = 10;
const SHARED_LENGTHS: [usize; 6] = [3, 4, 5, 6, 7, WINDOW_BYTES];

/// A sequence with the chances of its sets.
struct Row {
    sets: Vec<ByteSet>,
    chances: Vec<f64>,
    /// The offset of the first set.
    first: i8,
}

impl Row {
    /// The window at a place, as long as the row is, with what it costs.
    fn window(&self, at: usize, len: usize) -> (f64, Window) {
        let end = self.sets.len().min(at + len);
        let offset = i8::try_from(at).expect("sequences are short") + self.first;
        let window = Window::new(&self.sets[at..end], offset);
        // Many keys crowd the table in which all windows are looked up.
        let keys = window.keys();
        let crowding = if keys > GRAM_KEYS_MAX { 1000.0 } else { (keys as f64).sqrt() };
        (chance(&self.sets[at..end], &self.chances[at..end]) * crowding, window)
    }

    fn best_window(&self) -> (f64, Window) {
        let windows = (0..self.sets.len()).map(|at| self.window(at, WINDOW_BYTES));
        windows.min_by(|one, other| one.0.total_cmp(&other.0)).expect("a row isn't empty here")
    }
}

/// Windows that find all sequences.
struct Choice {
    windows: Vec<Window>,
    cost: f64,
}

impl Choice {
    fn new(mut windows: Vec<(f64, Window)>) -> Choice {
        windows.sort_unstable_by_key(|(_, window)| *window);
        windows.dedup_by_key(|(_, window)| *window);
        let cost = windows.iter().map(|(cost, _)| cost + WINDOW_COST).sum();
        Choice { windows: windows.into_iter().map(|(_, window)| window).collect(), cost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::shape::branches;

    fn split(regex: &str) -> Split {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let rows = branches(&parser.parse(regex).expect("a regex"));
        best_split(&rows[0], ByteSet::ALL, crate::limits::PREFIX_BYTES_MAX, &Frequency::of_traffic())
    }

    fn shown(window: &Window) -> String {
        let show = |set: &ByteSet| match set.len() {
            1 => set.iter().map(char::from).collect(),
            2 => format!("[{}]", set.iter().map(char::from).collect::<String>()),
            _ => ".".to_owned(),
        };
        window.sets.iter().take(usize::from(window.len)).map(show).collect()
    }

    #[test]
    fn a_split_is_at_the_bytes_that_are_seldom_there() {
        let plain = split("[a-z]{3,9}=zebra");
        assert_eq!((plain.prefix.len(), shown(&plain.windows[0]).as_str()), (1, "=zebra"));
        let fixed = split("[a-z]{3}zebra");
        assert_eq!((fixed.prefix.len(), fixed.windows[0].offset), (0, 3));
        assert_eq!(shown(&fixed.windows[0]), "zebra");
        assert!(split("[a-z]+zebra").prefix.is_empty(), "a prefix without bound can't be looked back over");
    }

    #[test]
    fn a_word_boundary_is_looked_at_with_what_has_no_keys() {
        let number = split(r"\b[0-9]{3}-[0-9]{2}");
        assert_eq!((number.windows[0].offset, number.windows[0].len), (-1, 7));
        assert!(!number.windows[0].sets[0].contains(b'7'));
        let word = split(r"\bsecret");
        assert_eq!((word.windows[0].offset, word.windows[0].len), (0, 6));
    }
}
