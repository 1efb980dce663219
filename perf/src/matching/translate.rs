//! Regexes as packs mean them, in the PCRE that Hyperscan reads.
//!
//! Each class is spelled out byte by byte and each letter in both cases where case is ignored, so that no flag of PCRE
//! can shift a meaning.

use std::fmt::Write;

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind, Look, Repetition};
use regex_syntax::utf8::Utf8Sequences;

/// An expression for the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pcre {
    /// The expression.
    pub(crate) text: String,
    /// It is one string whose letters all ignore case: so the peer is told by a flag, and may take its shortest way.
    pub(crate) is_caseless: bool,
}

/// Prints a syntax tree with the same meaning.
///
/// # Errors
/// What the tree has that PCRE, or Hyperscan's part of it, cannot say.
pub(crate) fn pcre(hir: &Hir) -> Result<Pcre, String> {
    if let Some(text) = caseless_string(hir) {
        return Ok(Pcre { text, is_caseless: true });
    }
    let mut text = String::new();
    print(hir, &mut text)?;
    Ok(Pcre { text, is_caseless: false })
}

fn print(hir: &Hir, out: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| print_byte(*byte, out)),
        HirKind::Class(Class::Bytes(class)) => print_class(class, out)?,
        HirKind::Class(Class::Unicode(class)) => print_chars(class, out)?,
        HirKind::Look(look) => out.push_str(look_text(*look)?),
        HirKind::Repetition(repetition) => print_repetition(repetition, out)?,
        HirKind::Capture(capture) => print(&capture.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                print_within(part, matches!(part.kind(), HirKind::Alternation(_)) || is_group(part), out)?;
            }
        }
        HirKind::Alternation(branches) => {
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                print(branch, out)?;
            }
        }
    }
    Ok(())
}

/// Whether a capture hides an alternation.
fn is_group(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Capture(_))
}

fn print_within(hir: &Hir, is_grouped: bool, out: &mut String) -> Result<(), String> {
    if !is_grouped {
        return print(hir, out);
    }
    out.push_str("(?:");
    print(hir, out)?;
    out.push(')');
    Ok(())
}

fn print_repetition(repetition: &Repetition, out: &mut String) -> Result<(), String> {
    let is_one_byte = match repetition.sub.kind() {
        HirKind::Literal(literal) => literal.0.len() == 1,
        HirKind::Class(_) => true,
        _ => false,
    };
    print_within(&repetition.sub, !is_one_byte, out)?;
    // Greedy and lazy are the same where every end counts.
    let written = match (repetition.min, repetition.max) {
        (0, None) => write!(out, "*"),
        (1, None) => write!(out, "+"),
        (0, Some(1)) => write!(out, "?"),
        (min, None) => write!(out, "{{{min},}}"),
        (min, Some(max)) if min == max => write!(out, "{{{min}}}"),
        (min, Some(max)) => write!(out, "{{{min},{max}}}"),
    };
    written.expect("a string takes everything");
    Ok(())
}

fn print_byte(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() {
        out.push(char::from(byte));
    } else {
        write!(out, "\\x{byte:02x}").expect("a string takes everything");
    }
}

fn print_class(class: &ClassBytes, out: &mut String) -> Result<(), String> {
    if class.ranges().is_empty() {
        return Err("an empty class".to_owned());
    }
    out.push('[');
    for range in class.ranges() {
        print_byte(range.start(), out);
        if range.end() > range.start() {
            out.push('-');
            print_byte(range.end(), out);
        }
    }
    out.push(']');
    Ok(())
}

/// `(é|ü)` becomes a class of characters, which are several bytes each.
fn print_chars(class: &ClassUnicode, out: &mut String) -> Result<(), String> {
    if let Some(bytes) = class.to_byte_class() {
        return print_class(&bytes, out);
    }
    let sequences = class.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    for (index, sequence) in sequences.enumerate() {
        out.push_str(if index > 0 { "|" } else { "(?:" });
        for range in sequence.as_slice() {
            print_class(&ClassBytes::new([ClassBytesRange::new(range.start, range.end)]), out)?;
        }
    }
    out.push(')');
    Ok(())
}

fn look_text(look: Look) -> Result<&'static str, String> {
    match look {
        Look::Start => Ok(r"\A"),
        Look::End => Ok(r"\z"),
        Look::StartLF => Ok("(?m:^)"),
        Look::EndLF => Ok("(?m:$)"),
        Look::WordAscii => Ok(r"\b"),
        Look::WordAsciiNegate => Ok(r"\B"),
        _ => Err(format!("the assertion {look:?}")),
    }
}

/// The string that a tree stands for in any case, if it is one with at least one letter.
fn caseless_string(hir: &Hir) -> Option<String> {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => return None,
    };
    let mut text = String::new();
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) if !literal.0.iter().any(u8::is_ascii_alphabetic) => {
                literal.0.iter().for_each(|byte| print_byte(*byte, &mut text));
            }
            HirKind::Class(Class::Bytes(class)) => text.push(char::from(letter(class)?)),
            _ => return None,
        }
    }
    Some(text)
}

/// The letter that a class such as `[Aa]` stands for.
fn letter(class: &ClassBytes) -> Option<u8> {
    let [upper, lower] = class.ranges() else { return None };
    let is_letter = upper.len() == 1
        && lower.len() == 1
        && upper.start().is_ascii_uppercase()
        && upper.start().to_ascii_lowercase() == lower.start();
    is_letter.then_some(lower.start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(regex: &str) -> Result<String, String> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        pcre(&parser.parse(regex).expect("a regex")).map(|pcre| {
            let flag = if pcre.is_caseless { "/i" } else { "" };
            pcre.text + flag
        })
    }

    #[test]
    fn bytes_classes_and_counts_are_spelled_out() {
        assert_eq!(printed("a.b").expect("said"), r"a[\x00-\x09\x0b-\xff]b");
        assert_eq!(printed(r"\d{2,3}x{4}y+z*-?").expect("said"), r"[0-9]{2,3}x{4}y+z*\x2d?");
        assert_eq!(printed(r"[\]\\^-]{3,}").expect("said"), r"[\x2d\x5c-\x5e]{3,}");
        assert_eq!(printed(r"\xff/;\x00").expect("said"), r"\xff\x2f\x3b\x00");
        assert_eq!(printed("(?s).a").expect("said"), r"[\x00-\xff]a");
    }

    #[test]
    fn groups_hold_what_they_held() {
        assert_eq!(printed("(ab|cd)e").expect("said"), "(?:ab|cd)e");
        assert_eq!(printed("(?:ab)+").expect("said"), "(?:ab)+");
        assert_eq!(printed("a(?:bc*|(d|e))?f").expect("said"), "a(?:bc*|[d-e])?f");
        assert_eq!(
            printed("(é|ü)+").expect("said"),
            r"(?:[\xc3][\xa9]|[\xc3][\xbc])+".replace("(?:", "(?:(?:").replace(")+", "))+")
        );
        assert_eq!(printed("x(|y)").expect("said"), "x(?:(?:)|y)");
    }

    #[test]
    fn edges_are_those_of_the_stream_and_words_those_of_ascii() {
        assert_eq!(printed(r"^\bab\B.$").expect("said"), r"\A\bab\B[\x00-\x09\x0b-\xff]\z");
        assert_eq!(printed(r"(?m)^a$").expect("said"), "(?m:^)a(?m:$)");
        assert!(printed(r"\b{start}a").expect_err("PCRE has no such word").contains("WordStartAscii"));
        assert!(printed(r"a[^\x00-\xff]").is_err());
    }

    #[test]
    fn a_string_in_any_case_is_said_by_the_flag_and_nothing_else_is() {
        assert_eq!(printed("(?i)ab-1").expect("said"), r"ab\x2d1/i");
        assert_eq!(printed("(?i)ab?").expect("said"), "[Aa][Bb]?");
        assert_eq!(printed("(?i:a)b").expect("said"), "[Aa]b");
        assert_eq!(printed("(?i)[^a]b").expect("said"), r"[\x00-@B-\x60b-\xff][Bb]".replace('@', r"\x40"));
    }
}
