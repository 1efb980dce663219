//! Random texts that a pattern matches.

use regex_syntax::hir::{Class, Hir, HirKind};

#[path = "../random/mod.rs"]
mod random;

pub(crate) use random::draw;

/// Appends a random text that the pattern matches, if what its look-arounds want is granted.
pub(crate) fn sample(pattern: &Hir, random: &mut u64, text: &mut Vec<u8>) {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(Class::Bytes(class)) => {
            let range = class.ranges()[draw(random, class.ranges().len())];
            let width = usize::from(range.end() - range.start()) + 1;
            text.push(range.start() + u8::try_from(draw(random, width)).expect("within the range"));
        }
        HirKind::Class(Class::Unicode(class)) => {
            let range = class.ranges()[draw(random, class.ranges().len())];
            text.extend_from_slice(range.start().to_string().as_bytes());
        }
        HirKind::Repetition(repetition) => {
            let more = repetition.max.map_or(4, |max| (max - repetition.min).min(4));
            let count = repetition.min as usize + draw(random, more as usize + 1);
            (0..count).for_each(|_| sample(&repetition.sub, random, text));
        }
        HirKind::Capture(capture) => sample(&capture.sub, random, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, random, text)),
        HirKind::Alternation(branches) => sample(&branches[draw(random, branches.len())], random, text),
    }
}
