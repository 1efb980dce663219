//! The syntax trees of rules, and what each match of one has to hold.

use dlp_patterns::{Pattern, Signature};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter strings tell little.
const REQUIRED_BYTES_MIN: usize = 3;

/// The syntax tree of a rule.
///
/// # Errors
/// What is wrong with its regex, or that it is a combination, which no regex is.
pub fn parse(signature: &Signature) -> Result<Hir, String> {
    if !matches!(signature.parts(), [only] if only.count() == 1) {
        return Err("a combination of matches".to_owned());
    }
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(signature.is_nocase())
        .build();
    let mut read = |regex: &str| parser.parse(regex).map_err(|error| error.to_string());
    match signature.pattern() {
        Pattern::Regex(regex) => read(regex),
        Pattern::Literals(literals) => {
            let branches: Result<Vec<Hir>, String> =
                literals.iter().map(|literal| read(&regex_syntax::escape(literal))).collect();
            Ok(Hir::alternation(branches?))
        }
    }
}

/// The longest string that every match of a pattern holds, in whatever case.
pub fn required(pattern: &Hir) -> Option<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    collect(pattern, &mut found);
    found.into_iter().filter(|literal| literal.len() >= REQUIRED_BYTES_MIN).max_by_key(Vec::len)
}

fn collect(hir: &Hir, found: &mut Vec<Vec<u8>>) {
    match hir.kind() {
        HirKind::Literal(literal) => found.push(literal.0.to_vec()),
        HirKind::Capture(capture) => collect(&capture.sub, found),
        HirKind::Repetition(repetition) if repetition.min > 0 => collect(&repetition.sub, found),
        HirKind::Concat(parts) => {
            let mut run = Vec::new();
            for part in parts {
                match one_byte(part) {
                    Some(byte) => run.push(byte),
                    None => {
                        extend_or_end(part, &mut run, found);
                    }
                }
            }
            found.push(run);
        }
        _ => {}
    }
}

/// A literal lengthens the run of bytes; anything else ends it.
fn extend_or_end(part: &Hir, run: &mut Vec<u8>, found: &mut Vec<Vec<u8>>) {
    if let HirKind::Literal(literal) = part.kind() {
        run.extend_from_slice(&literal.0);
        return;
    }
    found.push(std::mem::take(run));
    collect(part, found);
}

/// The letter that a class like `[Aa]` stands for.
fn one_byte(hir: &Hir) -> Option<u8> {
    let HirKind::Class(Class::Bytes(class)) = hir.kind() else { return None };
    let bytes: Vec<u8> = class.iter().flat_map(|range| range.start()..=range.end()).take(3).collect();
    match bytes[..] {
        [upper, lower] if upper.to_ascii_lowercase() == lower => Some(lower),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_required_string_is_the_longest_run_outside_of_choices() {
        let found = |regex: &str| {
            let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
            let pattern = parser.parse(regex).expect("a regex");
            required(&pattern).map(|bytes| String::from_utf8(bytes).expect("it is ASCII"))
        };
        assert_eq!(found("a?bcd[0-9]+efghi"), Some("efghi".into()));
        assert_eq!(found("(?i)union[ +]{1,8}select"), Some("select".into()));
        assert_eq!(found("(abc|def)x"), None);
        assert_eq!(found("(?:xyz){2}[0-9]"), Some("xyz".into()));
        assert_eq!(found("[0-9]{16}"), None);
    }
}
