//! [`Json`]: the strings of a JSON text (RFC 8259 §7) that have escapes, wherever they are cut. What stands around them is not
//! judged: who reads it leniently reads the same strings.

use memchr::{memchr, memchr2};

use super::unit::{Piece, Unit};

/// A text under way.
#[derive(Debug, Default)]
pub(super) struct Json {
    part: Part,
    /// The first half of a pair of UTF-16.
    high: Option<u16>,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Between,
    String,
    Escape,
    /// `\u`, and so many digits that come to that.
    Unicode(u8, u16),
}

impl Json {
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.part {
                Part::Between => match memchr(b'"', bytes) {
                    Some(at) => {
                        self.part = Part::String;
                        bytes = bytes.get(at + 1..).unwrap_or_default();
                    }
                    None => break,
                },
                Part::String => bytes = self.string(bytes, out),
                Part::Escape => {
                    self.escape(byte, out);
                    bytes = rest;
                }
                Part::Unicode(digits, value) => match char::from(byte).to_digit(16) {
                    Some(digit) => {
                        let value = value << 4 | digit as u16;
                        self.part = Part::Unicode(digits + 1, value);
                        if digits == 3 {
                            self.part = Part::String;
                            self.unicode(value, out);
                        }
                        bytes = rest;
                    }
                    // No escape: what follows is read as it is.
                    None => self.part = Part::String,
                },
            }
        }
        self.unit.flush(out);
    }

    pub(super) fn finish(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.settle(out);
        self.unit.end(out);
    }

    fn string<'b>(&mut self, bytes: &'b [u8], out: &mut impl FnMut(Piece<'_>)) -> &'b [u8] {
        let end = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let (run, rest) = bytes.split_at(end);
        if rest.first() != Some(&b'\\') || !run.is_empty() {
            self.settle(out);
        }
        self.unit.plain(run, out);
        match rest.split_first() {
            Some((b'"', rest)) => {
                self.part = Part::Between;
                self.unit.end(out);
                rest
            }
            Some((_, rest)) => {
                self.part = Part::Escape;
                rest
            }
            None => rest,
        }
    }

    fn escape(&mut self, byte: u8, out: &mut impl FnMut(Piece<'_>)) {
        if byte == b'u' {
            self.part = Part::Unicode(0, 0);
            return;
        }
        self.settle(out);
        self.part = Part::String;
        let letter = match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            same => same,
        };
        self.unit.escaped(&[letter], out);
    }

    fn unicode(&mut self, value: u16, out: &mut impl FnMut(Piece<'_>)) {
        let high = self.high.take();
        if let Some(high) = high
            && matches!(value, 0xdc00..=0xdfff)
        {
            let pair = char::decode_utf16([high, value]).next().and_then(Result::ok);
            return self.letter(pair, out);
        }
        if high.is_some() {
            self.letter(None, out);
        }
        match value {
            0xd800..=0xdbff => self.high = Some(value),
            _ => self.letter(char::from_u32(value.into()), out),
        }
    }

    /// A half of a pair that has no other.
    fn settle(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        if self.high.take().is_some() {
            self.letter(None, out);
        }
    }

    fn letter(&mut self, letter: Option<char>, out: &mut impl FnMut(Piece<'_>)) {
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.unit.escaped(letter.encode_utf8(&mut [0; 4]).as_bytes(), out);
    }
}
