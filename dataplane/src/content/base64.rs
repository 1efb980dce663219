//! [`Base64`]: text that stands within a value in Base64 (RFC 4648 §4, §5), told as it is decoded.

use arrayvec::ArrayVec;
use memchr::memchr;

use super::unit::Piece;
use crate::limits::{CONTENT_BASE64_SIGN_BYTES, CONTENT_CONTEXT_BYTES};

/// What may be Base64 in the value at hand.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    part: Part,
    /// Bits that make no byte yet, and how many.
    bits: u16,
    bit_count: u8,
    /// Decoded, and not told.
    decoded: ArrayVec<u8, CONTENT_CONTEXT_BYTES>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// So many bytes of the alphabet, all of text, since the value began or a `=`.
    #[default]
    Open,
    Text,
    /// It is none up to the next `=`.
    Not,
}

impl Base64 {
    /// The next bytes of the value.
    pub(super) fn read(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        loop {
            if self.part == Part::Not {
                let Some(end) = memchr(b'=', bytes) else { return };
                bytes = bytes.get(end..).unwrap_or_default();
            }
            let Some((&byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            match digit(byte) {
                Some(digit) => self.take(digit, out),
                None if byte == b'=' => self.begin(Part::Open, out),
                None if matches!(byte, b'\r' | b'\n') => {}
                None => self.begin(Part::Not, out),
            }
        }
    }

    /// Tells all that can be told.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        if self.part == Part::Text && !self.decoded.is_empty() {
            out(Piece::Base64(&self.decoded));
            self.decoded.clear();
        }
    }

    /// The value is over.
    pub(super) fn end(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.begin(Part::Open, out);
    }

    fn begin(&mut self, part: Part, out: &mut impl FnMut(Piece<'_>)) {
        self.flush(out);
        if self.part == Part::Text {
            out(Piece::Base64End);
        }
        (self.part, self.bits, self.bit_count) = (part, 0, 0);
        self.decoded.clear();
    }

    fn take(&mut self, digit: u8, out: &mut impl FnMut(Piece<'_>)) {
        self.bits = self.bits << 6 | u16::from(digit);
        self.bit_count += 6;
        if self.bit_count < 8 {
            return;
        }
        self.bit_count -= 8;
        let byte = (self.bits >> self.bit_count) as u8;
        self.bits &= (1 << self.bit_count) - 1;
        if self.decoded.is_full() {
            self.flush(out);
        }
        self.decoded.push(byte);
        if self.part == Part::Open {
            // What is text in any other coding is hardly ever text in this one.
            let is_text = matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
            match is_text {
                false => self.begin(Part::Not, out),
                true if self.decoded.len() == CONTENT_BASE64_SIGN_BYTES => self.part = Part::Text,
                true => {}
            }
        }
    }
}

/// What a letter of either alphabet stands for; a space is a `+` that a form took for one.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' | b' ' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
