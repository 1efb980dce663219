//! Values with parameters in the header of a mail (RFC 2045 §5.1, RFC 2231), and words that stand encoded in one (RFC 2047).

use memchr::{memchr, memmem};

use super::transfer_coding::decode_base64;
use crate::limits::RECORD_TEXT_BYTES_MAX;

/// `value; name=value; name="value"`.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Parameters<'v> {
    text: &'v [u8],
}

impl<'v> Parameters<'v> {
    pub(in crate::app) fn new(text: &'v [u8]) -> Parameters<'v> {
        Parameters { text }
    }

    /// What stands in front of all parameters.
    pub(in crate::app) fn value(self) -> &'v [u8] {
        let end = memchr(b';', self.text).unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default().trim_ascii()
    }

    /// The value of a parameter, its sections put together and its percents decoded (RFC 2231 §3, §4); empty where it is absent.
    pub(in crate::app) fn get(self, wanted: &[u8]) -> Vec<u8> {
        let mut value = Vec::new();
        let mut rest = self.text.get(self.value_end()..).unwrap_or_default();
        while let Some((name, part)) = next(&mut rest) {
            let Some(section) = strip_name(name, wanted) else { continue };
            let is_first = matches!(section, b"" | b"*" | b"*0" | b"*0*");
            // The first one of a name counts, as nearly all programs have it.
            if is_first != value.is_empty() {
                continue;
            }
            let part = unquoted(part);
            if !section.ends_with(b"*") {
                value.extend(part);
            } else if is_first {
                // charset'language'text
                let mut parts = part.splitn(3, |byte| *byte == b'\'');
                value.extend(percents(parts.nth(2).unwrap_or(&part)));
            } else {
                value.extend(percents(&part));
            }
        }
        decoded_words(&value)
    }

    /// Whether there are readers that take another value for that parameter: it stands there twice, or in sections, or once more in
    /// another charset and is not the same (RFC 7578 §4.2), or not all agree where its quotes end, or what is one.
    pub(in crate::app) fn is_odd(self, wanted: &[u8]) -> bool {
        let (mut plain, mut extended) = (None, None);
        let mut rest = self.text.get(self.value_end()..).unwrap_or_default();
        while let Some((name, part)) = next(&mut rest) {
            let is_open = part.starts_with(b"\"") && (part.len() == 1 || !part.ends_with(b"\""));
            if is_open || part.starts_with(b"'") || memmem::find(part, b"\\\"").is_some() {
                return true;
            }
            let before = match strip_name(name, wanted) {
                None => continue,
                Some(b"") => plain.replace(unquoted(part)),
                Some(b"*") => {
                    let part = unquoted(part);
                    extended.replace(percents(part.splitn(3, |byte| *byte == b'\'').nth(2).unwrap_or(&part)))
                }
                Some(_) => return true,
            };
            if before.is_some() {
                return true;
            }
        }
        extended.is_some() && plain != extended
    }

    fn value_end(self) -> usize {
        memchr(b';', self.text).unwrap_or(self.text.len())
    }
}

/// The next parameter; quotes protect a semicolon.
fn next<'r>(rest: &mut &'r [u8]) -> Option<(&'r [u8], &'r [u8])> {
    loop {
        *rest = rest.strip_prefix(b";")?;
        let end = unprotected(rest, b';').unwrap_or(rest.len());
        let (parameter, behind) = rest.split_at(end);
        *rest = behind;
        if let Some(at) = memchr(b'=', parameter) {
            let (name, value) = parameter.split_at(at);
            return Some((name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii()));
        }
    }
}

/// Where a byte stands outside of quotes.
pub(in crate::app) fn unprotected(text: &[u8], wanted: u8) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.iter().position(|&byte| {
        let is_it = byte == wanted && !is_quoted;
        is_quoted ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped && is_quoted;
        is_it
    })
}

/// What a name has behind `wanted`: nothing, or what RFC 2231 puts there.
fn strip_name<'n>(name: &'n [u8], wanted: &[u8]) -> Option<&'n [u8]> {
    let (front, behind) = name.split_at_checked(wanted.len())?;
    let is_it = front.eq_ignore_ascii_case(wanted) && (behind.is_empty() || behind.starts_with(b"*"));
    is_it.then_some(behind)
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else { return value.to_vec() };
    let (mut out, mut is_escaped) = (Vec::with_capacity(inner.len()), false);
    for &byte in inner {
        match byte {
            b'\\' if !is_escaped => is_escaped = true,
            b'"' if !is_escaped => break,
            _ => {
                out.push(byte);
                is_escaped = false;
            }
        }
    }
    out
}

/// Escapes of two hexadecimal digits behind `mark`.
fn escapes(text: &[u8], mark: u8) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((&byte, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        match (digit(0), digit(1)) {
            (Some(high), Some(low)) if byte == mark => {
                out.push((high * 16 + low) as u8);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    out
}

fn percents(text: &[u8]) -> Vec<u8> {
    escapes(text, b'%')
}

/// A text with its encoded words decoded: `=?charset?B?text?=` (RFC 2047 §2). The charset is not looked at.
pub(in crate::app) fn decoded_words(text: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at(at);
        let Some((decoded, behind)) = encoded_word(word) else {
            out.extend_from_slice(rest.get(..at + 2).unwrap_or(rest));
            rest = rest.get(at + 2..).unwrap_or_default();
            continue;
        };
        // RFC 2047 §6.2: blanks between two of them are not shown.
        let is_between = rest.len() < text.len() && before.iter().all(u8::is_ascii_whitespace);
        out.extend_from_slice(if is_between { b"" } else { before });
        out.extend(decoded);
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.truncate(RECORD_TEXT_BYTES_MAX);
    out
}

/// The word at the front of a text, and what follows it.
fn encoded_word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let inner = text.strip_prefix(b"=?")?;
    let charset_end = memchr(b'?', inner)?;
    let inner = inner.get(charset_end + 1..)?;
    let (encoding, inner) = inner.split_first()?;
    let inner = inner.strip_prefix(b"?")?;
    let end = memmem::find(inner, b"?=")?;
    let (word, behind) = (inner.get(..end)?, inner.get(end + 2..)?);
    let decoded = match encoding {
        b'B' | b'b' => {
            let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            let mut digits: Vec<u8> = word.iter().copied().filter(is_digit).collect();
            digits.truncate(digits.len() - usize::from(digits.len() % 4 == 1));
            let mut out = Vec::new();
            decode_base64(&digits, &mut out);
            out
        }
        b'Q' | b'q' => {
            let blank = |byte: &u8| if *byte == b'_' { b' ' } else { *byte };
            escapes(&word.iter().map(blank).collect::<Vec<_>>(), b'=')
        }
        _ => return None,
    };
    Some((decoded, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_read_in_all_their_spellings() {
        let texts: [(&[u8], &[u8]); 8] = [
            (b"attachment; filename=a.txt", b"a.txt"),
            (
                b"attachment; x=\"a;filename=no\"; FileName = \"a \\\"b\\\";c.txt\"; filename=z",
                b"a \"b\";c.txt",
            ),
            (b"attachment; filename*0=\"a\"; filename*1=b.txt", b"ab.txt"),
            (b"attachment; filename*0*=utf-8'en'%e2%82; filename*1*=%AC; filename*2=%41", "€%41".as_bytes()),
            (b"attachment; filename*=''a%20b", b"a b"),
            (b"attachment; filename=\"=?utf-8?B?4oKs?= =?x?q?_=41?=.txt\"", "€ A.txt".as_bytes()),
            (b"attachment; filename=\"=?utf-8?X?a?=\"", b"=?utf-8?X?a?="),
            (b"attachment; filenames=a; name=b", b""),
        ];
        for (text, name) in texts {
            let parameters = Parameters::new(text);
            assert_eq!(parameters.value(), b"attachment");
            let told = parameters.get(b"filename");
            assert_eq!(told, name, "{} {}", text.escape_ascii(), told.escape_ascii());
        }
    }
}
