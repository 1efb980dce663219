//! Texts that a pattern matches, drawn from its syntax tree.

use std::borrow::Cow;

use crate::random::Random;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Repetition};

/// Repetitions without an end go this far beyond their least.
const BEYOND_LEAST: u32 = 12;

/// Which bytes of a class are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Printable ASCII where the class has any.
    Printable,
    /// Each byte of the class alike.
    Any,
}

/// Appends a text that the pattern matches, if what its assertions want happens to be so.
pub fn sample(hir: &Hir, alphabet: Alphabet, random: &mut Random, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(class) => sample_class(class, alphabet, random, out),
        HirKind::Capture(capture) => sample(&capture.sub, alphabet, random, out),
        HirKind::Repetition(repetition) => {
            for _ in 0..count(repetition, random) {
                sample(&repetition.sub, alphabet, random, out);
            }
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, alphabet, random, out)),
        HirKind::Alternation(branches) => {
            let branch = random.below(branches.len() as u32) as usize;
            sample(&branches[branch], alphabet, random, out);
        }
    }
}

/// Half of the time as few as are allowed, as many as are allowed once in a while, otherwise something between.
fn count(repetition: &Repetition, random: &mut Random) -> u32 {
    let most = repetition.max.unwrap_or(repetition.min + BEYOND_LEAST);
    match random.below(8) {
        0..=3 => repetition.min,
        4 => most,
        _ => repetition.min + random.below((most - repetition.min).min(BEYOND_LEAST) + 1),
    }
}

fn sample_class(class: &Class, alphabet: Alphabet, random: &mut Random, out: &mut Vec<u8>) {
    let bytes = match class {
        Class::Bytes(bytes) => Cow::Borrowed(bytes),
        Class::Unicode(chars) => match chars.to_byte_class() {
            Some(bytes) => Cow::Owned(bytes),
            None => return sample_chars(chars, random, out),
        },
    };
    let ranges = |from: u8, to: u8| {
        let cut = move |start: u8, end: u8| (start.max(from), end.min(to));
        bytes.iter().map(move |range| cut(range.start(), range.end())).filter(|(start, end)| start <= end)
    };
    let size =
        |from: u8, to: u8| ranges(from, to).map(|(start, end)| u32::from(end - start) + 1).sum::<u32>();
    let (from, to) = match alphabet {
        Alphabet::Printable if size(b' ', b'~') > 0 => (b' ', b'~'),
        _ => (0, u8::MAX),
    };
    if size(from, to) == 0 {
        return;
    }
    let mut left = random.below(size(from, to));
    for (start, end) in ranges(from, to) {
        let members = u32::from(end - start) + 1;
        if left < members {
            out.push(start + left as u8);
            return;
        }
        left -= members;
    }
}

fn sample_chars(class: &ClassUnicode, random: &mut Random, out: &mut Vec<u8>) {
    let ranges = class.ranges();
    if ranges.is_empty() {
        return;
    }
    let range = ranges[random.below(ranges.len() as u32) as usize];
    let mut buffer = [0; 4];
    out.extend_from_slice(range.start().encode_utf8(&mut buffer).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_match_and_cover_all_branches() {
        let regex = r"(?:ab|[x-z]{2,3}|é)\d+[^a-z]?(?:Q{2}|(r|ü))";
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let hir = parser.parse(regex).expect("a regex");
        let whole = format!("^(?:{regex})$");
        let mut syntax = regex_automata::meta::Builder::new();
        syntax.syntax(regex_automata::util::syntax::Config::new().unicode(false).utf8(false));
        let checker = syntax.build(&whole).expect("a regex");
        let mut random = Random::new(7);
        let mut seen = [false; 3];
        for alphabet in [Alphabet::Printable, Alphabet::Any] {
            for _ in 0..500 {
                let mut text = Vec::new();
                sample(&hir, alphabet, &mut random, &mut text);
                assert!(checker.is_match(&text), "{text:?}");
                seen[0] |= text.starts_with(b"ab");
                seen[1] |= text.starts_with(b"x");
                seen[2] |= text.starts_with("é".as_bytes());
            }
        }
        assert_eq!(seen, [true; 3]);
    }
}
