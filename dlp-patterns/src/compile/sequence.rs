//! What the matches of a pattern begin with, as rows of byte sets.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};
use regex_syntax::utf8::Utf8Sequences;

use crate::byte_set::ByteSet;
use crate::limits::{SEQUENCE_BYTES_MAX, SEQUENCES_MAX};

/// A row of sets that the first bytes of some matches are in, one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence {
    pub(super) sets: Vec<ByteSet>,
    /// Nothing is known of what follows, not even that the pattern ends here.
    is_cut: bool,
}

impl Sequence {
    fn new(mut sets: Vec<ByteSet>) -> Sequence {
        let is_cut = sets.len() > SEQUENCE_BYTES_MAX;
        sets.truncate(SEQUENCE_BYTES_MAX);
        Sequence { sets, is_cut }
    }

    /// Whether the pattern ends where it does.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut
    }

    fn is_full(&self) -> bool {
        self.is_cut || self.sets.len() >= SEQUENCE_BYTES_MAX
    }

    fn cut(mut self) -> Sequence {
        self.is_cut = true;
        self
    }

    /// This one, and then the other.
    fn then(&self, next: &Sequence) -> Sequence {
        if self.is_full() {
            return self.clone().cut();
        }
        let joined = Sequence::new(self.sets.iter().chain(&next.sets).copied().collect());
        Sequence { is_cut: joined.is_cut || next.is_cut, ..joined }
    }
}

/// Sequences of which each match begins with at least one; where there would be more than [`SEQUENCES_MAX`], shorter ones.
pub(super) fn of_row(row: &[Hir]) -> Vec<Sequence> {
    let mut sequences = vec![Sequence::default()];
    for part in row {
        if sequences.iter().all(Sequence::is_full) {
            break;
        }
        sequences = product(sequences, &of_pattern(part));
    }
    sequences
}

fn of_pattern(pattern: &Hir) -> Vec<Sequence> {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Sequence::default()],
        HirKind::Literal(literal) => {
            vec![Sequence::new(literal.0.iter().map(|byte| ByteSet::of(*byte)).collect())]
        }
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => of_pattern(&capture.sub),
        HirKind::Concat(parts) => of_row(parts),
        HirKind::Alternation(branches) => few(branches.iter().flat_map(of_pattern).collect()),
        HirKind::Repetition(repetition) => of_repetition(repetition),
    }
}

/// Bytes; or characters, which classes have where alternatives are one each: they stand for their UTF-8.
fn of_class(class: &Class) -> Vec<Sequence> {
    let characters = match class {
        Class::Unicode(characters) if !characters.is_ascii() => characters,
        bytes => return vec![Sequence::new(vec![ByteSet::from(bytes)])],
    };
    let encoded = characters.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    let sets = encoded
        .map(|row| row.as_slice().iter().map(|range| ByteSet::from_fn(|byte| range.matches(byte))).collect());
    few(sets.map(Sequence::new).collect())
}

fn of_repetition(repetition: &Repetition) -> Vec<Sequence> {
    let once = of_pattern(&repetition.sub);
    if repetition.min == 0 {
        let may_go_on = repetition.max != Some(1);
        let there = once.into_iter().map(|sequence| if may_go_on { sequence.cut() } else { sequence });
        return few(there.chain([Sequence::default()]).collect());
    }
    let mut sequences = vec![Sequence::default()];
    for _ in 0..repetition.min {
        if sequences.iter().all(Sequence::is_full) {
            return sequences;
        }
        let longer = product(sequences.clone(), &once);
        // What may be empty makes no more of it, however often it is there.
        if longer == sequences {
            break;
        }
        sequences = longer;
    }
    if repetition.max == Some(repetition.min) {
        return sequences;
    }
    few(sequences.into_iter().map(Sequence::cut).collect())
}

fn product(firsts: Vec<Sequence>, nexts: &[Sequence]) -> Vec<Sequence> {
    let count: usize = firsts.iter().map(|first| if first.is_full() { 1 } else { nexts.len() }).sum();
    if count > SEQUENCES_MAX {
        return few(firsts.into_iter().map(Sequence::cut).collect());
    }
    let joined = firsts.iter().flat_map(|first| {
        let nexts = if first.is_full() { &nexts[..1.min(nexts.len())] } else { nexts };
        nexts.iter().map(|next| first.then(next))
    });
    few(joined.collect())
}

/// Each only once; and if they are too many, none of which anything is known.
fn few(mut sequences: Vec<Sequence>) -> Vec<Sequence> {
    sequences.sort_unstable();
    sequences.dedup();
    if sequences.len() > SEQUENCES_MAX { vec![Sequence::default().cut()] } else { sequences }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(regex: &str) -> Vec<String> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let sequences = of_row(&[parser.parse(regex).expect("a regex")]);
        let show = |set: &ByteSet| match set.len() {
            1 => set.iter().map(char::from).collect(),
            2..=4 => format!("[{}]", set.iter().map(char::from).collect::<String>()),
            other => format!("<{other}>"),
        };
        let mut shown: Vec<String> =
            sequences.iter().map(|sequence| sequence.sets.iter().map(show).collect()).collect();
        shown.sort();
        shown
    }

    #[test]
    fn sequences_spell_out_alternatives_and_counts() {
        assert_eq!(of("(?:a?){4000000000}b").len(), SEQUENCE_BYTES_MAX + 1, "it ends");
        assert_eq!(of("ab|c[de]"), ["ab", "c[de]"]);
        assert_eq!(of("a?b"), ["ab", "b"]);
        assert_eq!(of("a{2,3}b"), ["aa"]);
        assert_eq!(of("x[0-9]{3}(?:-|:)?y"), ["x<10><10><10>[-:]y", "x<10><10><10>y"]);
        assert_eq!(of("(?i)k[0-9]+"), ["[Kk]<10>"]);
        assert_eq!(of("(?:ab)*c"), ["ab", "c"]);
        assert_eq!(of(r"\babc$"), ["abc"]);
        assert_eq!(of("(d|e)x"), ["[de]x"]);
        assert_eq!(of("(d|é|ü|€)x").len(), 4, "characters are what UTF-8 makes of them");
        assert!(of("(é|ü)x").contains(&"\u{c3}\u{a9}x".to_owned()));
    }

    #[test]
    fn too_many_are_cut_short() {
        let sequences = of("k(?:a|b|c|d)(?:e|f|g|h|ii)(?:jj|kk|l|m|n)(?:oo|p|q|r|s|t)(?:uu|v|w|x|y|z)z");
        assert!(sequences.len() <= SEQUENCES_MAX, "{}", sequences.len());
        assert!(sequences.iter().all(|sequence| sequence.starts_with("k[abcd]")));
        assert_eq!(of("[a-z]{90}")[0].len(), SEQUENCE_BYTES_MAX * "<26>".len());
    }
}
