//! What a pattern is made of, as far as finding it is concerned.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::byte_set::ByteSet;

/// Leaves out what a match needn't have, where it stands at its begin or its end: of the matches with the same end the
/// shortest counts, and of those with the same start too. So `X{2,9}Y` is `X{2}Y`, and `YX*` is `Y`.
///
/// Only for patterns whose matches nobody looks at as a whole: a validator or `not_after` would see other bytes.
pub(super) fn trimmed(pattern: &Hir) -> Hir {
    trim(&trim(pattern, Side::Begin), Side::End)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Begin,
    End,
}

fn trim(pattern: &Hir, side: Side) -> Hir {
    match pattern.kind() {
        HirKind::Capture(capture) => trim(&capture.sub, side),
        HirKind::Alternation(branches) => {
            Hir::alternation(branches.iter().map(|branch| trim(branch, side)).collect())
        }
        HirKind::Repetition(repetition) if looks_nowhere(pattern) && repetition.min == 1 => {
            trim(&repetition.sub, side)
        }
        HirKind::Repetition(repetition) if looks_nowhere(pattern) => Hir::repetition(Repetition {
            min: repetition.min,
            max: Some(repetition.min),
            greedy: repetition.greedy,
            sub: repetition.sub.clone(),
        }),
        HirKind::Concat(parts) => {
            let mut parts = parts.clone();
            loop {
                let outer = if side == Side::Begin { parts.first() } else { parts.last() };
                let Some(outer) = outer else { return Hir::empty() };
                let trimmed = trim(outer, side);
                let at = if side == Side::Begin { 0 } else { parts.len() - 1 };
                if !matches!(trimmed.kind(), HirKind::Empty) {
                    parts[at] = trimmed;
                    return Hir::concat(parts);
                }
                parts.remove(at);
            }
        }
        _ => pattern.clone(),
    }
}

/// Whether nothing in the pattern looks at what stands around it.
fn looks_nowhere(pattern: &Hir) -> bool {
    pattern.properties().look_set().is_empty()
}

/// The alternatives of a pattern, each as a row of parts without groups around them.
pub(super) fn branches(pattern: &Hir) -> Vec<Vec<Hir>> {
    match pattern.kind() {
        HirKind::Capture(capture) => branches(&capture.sub),
        HirKind::Alternation(alternatives) => alternatives.iter().flat_map(branches).collect(),
        _ => vec![row(pattern)],
    }
}

fn row(pattern: &Hir) -> Vec<Hir> {
    match pattern.kind() {
        HirKind::Capture(capture) => row(&capture.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(row).collect(),
        _ => vec![pattern.clone()],
    }
}

/// The sets of a pattern that is nothing but one byte after another, if it is.
pub(crate) fn plain_row(pattern: &Hir) -> Option<Vec<ByteSet>> {
    match pattern.kind() {
        HirKind::Literal(literal) => Some(literal.0.iter().map(|byte| ByteSet::of(*byte)).collect()),
        HirKind::Class(Class::Bytes(class)) => Some(vec![ByteSet::from(class)]),
        HirKind::Capture(capture) => plain_row(&capture.sub),
        HirKind::Concat(parts) => {
            let rows: Option<Vec<_>> = parts.iter().map(plain_row).collect();
            rows.map(|rows| rows.concat())
        }
        _ => None,
    }
}

/// The least and the greatest length of a row, in bytes; without a greatest one it has no bound.
pub(super) fn lengths(row: &[Hir]) -> (usize, Option<usize>) {
    let least = row.iter().map(|part| part.properties().minimum_len().unwrap_or(0)).sum();
    (least, row.iter().map(|part| part.properties().maximum_len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(regex: &str) -> Hir {
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex).expect("a regex")
    }

    #[test]
    fn what_a_match_need_not_have_is_left_out_at_both_ends() {
        for (regex, trimmed_to) in [
            (r"[a-z]*key[ ]{0,3}", "key"),
            (r"(?:[a-z]{2,9}x|y?z)+w", "(?:[a-z]{2}x|z)w"),
            (r"\b[a-z]*key", r"\b[a-z]*key"),
            (r"key[a-z]*\b", r"key[a-z]*\b"),
            (r"(?:a|bc*)", "a|b"),
            (r"a{3,}b{2,}", "a{3}b{2}"),
            (r"(?:\ba)*b", r"(?:\ba)*b"),
        ] {
            assert_eq!(trimmed(&parse(regex)), trimmed(&parse(trimmed_to)), "{regex}");
            let is_kept = regex == trimmed_to;
            assert!(!is_kept || trimmed(&parse(regex)) == parse(regex), "{regex}");
        }
        assert_eq!(trimmed(&parse("a{3,}b{2,}")), parse("a{3}b{2}"));
    }

    #[test]
    fn branches_are_rows_without_groups() {
        let rows = branches(&parse("(a(?:bc)[de]|(?:f|gh))"));
        assert_eq!(rows.len(), 3);
        assert_eq!(lengths(&rows[0]), (4, Some(4)));
        assert_eq!(lengths(&branches(&parse("a+b{2,3}"))[0]), (3, None));
    }
}
