//! [`Entities`]: the text of XML and HTML between its tags and within them that has character references (XML 1.0 §4.1), wherever
//! it is cut.

use arrayvec::ArrayVec;
use memchr::memchr3;

use super::unit::{Piece, Unit};

/// Bytes of a reference that are read, of any number of leading zeros not more than these: longer ones are none that matters.
const REFERENCE_BYTES_MAX: usize = 32;

/// A text under way.
#[derive(Debug, Default)]
pub(super) struct Entities {
    /// A reference under way, without its `&`.
    reference: Option<ArrayVec<u8, REFERENCE_BYTES_MAX>>,
    unit: Unit,
}

impl Entities {
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Some(reference) = &mut self.reference {
                let belongs = byte == b'#' || byte.is_ascii_alphanumeric();
                if belongs && reference.try_push(byte).is_ok() {
                    bytes = rest;
                    continue;
                }
                if byte == b';' && self.complete(out) {
                    bytes = rest;
                } else {
                    self.abandon(out);
                }
                continue;
            }
            let end = memchr3(b'&', b'<', b'>', bytes).unwrap_or(bytes.len());
            let (run, rest) = bytes.split_at(end);
            self.unit.plain(run, out);
            match rest.split_first() {
                Some((b'&', _)) => self.reference = Some(ArrayVec::new()),
                Some(_) => self.unit.end(out),
                None => {}
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.unit.flush(out);
    }

    pub(super) fn finish(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.abandon(out);
        self.unit.end(out);
    }

    /// The reference is complete; false where it names nothing that is known here.
    fn complete(&mut self, out: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some(letter) = self.reference.as_ref().and_then(|reference| letter(reference)) else {
            return false;
        };
        self.reference = None;
        self.unit.escaped(letter.encode_utf8(&mut [0; 4]).as_bytes(), out);
        true
    }

    /// It was none.
    fn abandon(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        if let Some(reference) = self.reference.take() {
            self.unit.plain(b"&", out);
            self.unit.plain(&reference, out);
        }
    }
}

/// The character that a reference stands for: by number, or one of XML's five and those of HTML that matter in code.
fn letter(reference: &[u8]) -> Option<char> {
    let by_number = |digits: &[u8], radix| {
        let number = u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()?;
        char::from_u32(number)
    };
    match reference {
        [b'#', b'x' | b'X', digits @ ..] => by_number(digits, 16),
        [b'#', digits @ ..] => by_number(digits, 10),
        b"lt" | b"LT" => Some('<'),
        b"gt" | b"GT" => Some('>'),
        b"amp" | b"AMP" => Some('&'),
        b"quot" | b"QUOT" => Some('"'),
        b"apos" => Some('\''),
        b"colon" => Some(':'),
        b"lpar" => Some('('),
        b"rpar" => Some(')'),
        b"sol" => Some('/'),
        b"equals" => Some('='),
        b"Tab" => Some('\t'),
        b"NewLine" => Some('\n'),
        b"nbsp" => Some(' '),
        _ => None,
    }
}
