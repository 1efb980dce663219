//! What stands behind the transfer encoding of a part of a mail (RFC 2045 §6).

use arrayvec::ArrayVec;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::line_pieces::{LineEnd, Piece};

/// Digits as mail programs write them: what stands behind the last whole byte does not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) enum Coding {
    /// As they are: 7bit, 8bit, binary, and what nobody knows.
    #[default]
    Plain,
    Base64,
    QuotedPrintable,
}

impl Coding {
    /// The one that Content-Transfer-Encoding names.
    pub(super) fn named(name: &[u8]) -> Coding {
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"base64") {
            Coding::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Coding::QuotedPrintable
        } else {
            Coding::Plain
        }
    }
}

/// Decodes the pieces of a body. The end of a line comes out with what follows it, since the last one belongs to the
/// delimiter (RFC 2046 §5.1.1).
#[derive(Debug, Default)]
pub(super) struct Decoder {
    coding: Coding,
    /// Digits of base64 that make no byte yet.
    digits: Vec<u8>,
    escape: Escape,
    line_end: LineEnd,
    decoded: Vec<u8>,
}

/// What was read of `=` and what follows it (RFC 2045 §6.7).
#[derive(Debug, Default)]
struct Escape(ArrayVec<u8, 2>);

impl Decoder {
    pub(super) fn new(coding: Coding) -> Decoder {
        Decoder { coding, ..Decoder::default() }
    }

    /// What a piece comes to, as one or two runs of bytes.
    pub(super) fn piece<'d>(&'d mut self, piece: Piece<'d>) -> [&'d [u8]; 2] {
        self.decoded.clear();
        match self.coding {
            Coding::Plain => {
                let end = std::mem::replace(&mut self.line_end, piece.end);
                [end.bytes(), piece.bytes]
            }
            Coding::Base64 => {
                self.base64(piece.bytes);
                [&self.decoded, b""]
            }
            Coding::QuotedPrintable => {
                self.decoded.extend_from_slice(std::mem::take(&mut self.line_end).bytes());
                self.quoted_printable(piece.bytes);
                if piece.end != LineEnd::None {
                    self.end_quoted_line(piece.end);
                }
                [&self.decoded, b""]
            }
        }
    }

    /// What is left at the end of the body; `has_last_line_end` says that it has the end of its last line.
    pub(super) fn finish(&mut self, has_last_line_end: bool) -> &[u8] {
        self.decoded.clear();
        match self.coding {
            Coding::Base64 => self.flush_base64(),
            Coding::QuotedPrintable => self.give_up_escape(),
            Coding::Plain => {}
        }
        if has_last_line_end {
            self.decoded.extend_from_slice(std::mem::take(&mut self.line_end).bytes());
        }
        &self.decoded
    }

    /// RFC 2045 §6.8: what is no digit is passed over.
    fn base64(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => self.digits.push(byte),
                // Some programs write one text behind another.
                b'=' => self.flush_base64(),
                _ => {}
            }
        }
        let whole = self.digits.len() / 4 * 4;
        if let Some(digits) = self.digits.get(..whole) {
            decode_base64(digits, &mut self.decoded);
        }
        self.digits.drain(..whole);
    }

    fn flush_base64(&mut self) {
        // One digit alone makes no byte.
        let count = self.digits.len() - usize::from(self.digits.len() % 4 == 1);
        decode_base64(self.digits.get(..count).unwrap_or_default(), &mut self.decoded);
        self.digits.clear();
    }

    fn quoted_printable(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match (self.escape.0.as_slice(), byte) {
                ([], b'=') => self.escape.0.push(b'='),
                ([], _) => self.decoded.push(byte),
                ([_], b'0'..=b'9' | b'A'..=b'F' | b'a'..=b'f') => self.escape.0.push(byte),
                // A soft line break may have blanks behind it.
                ([_], b' ' | b'\t') => {}
                ([_, high], _) if byte.is_ascii_hexdigit() => {
                    self.decoded.push(nibble(*high) << 4 | nibble(byte));
                    self.escape.0.clear();
                }
                _ => {
                    self.give_up_escape();
                    if byte == b'=' {
                        self.escape.0.push(byte);
                    } else {
                        self.decoded.push(byte);
                    }
                }
            }
        }
    }

    fn end_quoted_line(&mut self, end: LineEnd) {
        if self.escape.0.as_slice() == b"=" {
            self.escape.0.clear();
        } else {
            self.give_up_escape();
            self.line_end = end;
        }
    }

    /// It was none: it stays as it is.
    fn give_up_escape(&mut self) {
        self.decoded.extend_from_slice(&self.escape.0);
        self.escape.0.clear();
    }
}

/// Digits without padding, not one more than makes whole bytes.
pub(super) fn decode_base64(digits: &[u8], out: &mut Vec<u8>) {
    let decoded = BASE64.decode_vec(digits, out);
    debug_assert!(decoded.is_ok(), "only digits are left, and not one alone");
}

fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::app::mime::LinePieces;

    fn decoded(coding: Coding, text: &[u8]) -> Vec<u8> {
        let (mut decoder, mut pieces, mut out) = (Decoder::new(coding), LinePieces::default(), Vec::new());
        let mut chunk = text;
        let mut see = |piece: Piece<'_>| out.extend(decoder.piece(piece).concat());
        let read = pieces.read(&mut chunk, |piece| {
            see(piece);
            Ok::<(), ()>(())
        });
        assert_eq!(read, Ok(()));
        pieces.finish(see);
        out.extend_from_slice(decoder.finish(true));
        out
    }

    #[test]
    fn what_mail_programs_write_is_read() {
        let texts: [(Coding, &[u8], &[u8]); 9] = [
            (Coding::Base64, b"d2VpciA=\r\nYmx vY2\r\nt\r\nz\r\n", b"weir blocks"),
            (Coding::Base64, b"YQ==YmM=!", b"abc"),
            (Coding::Base64, b"YWJjZ", b"abc"),
            (Coding::QuotedPrintable, b"a=3Db=\r\nc =\t \r\nd\r\n", b"a=bc d\r\n"),
            (Coding::QuotedPrintable, b"=e2=82=AC\n", "€\n".as_bytes()),
            (Coding::QuotedPrintable, b"a==3D=4=zz=", b"a===4=zz="),
            (Coding::QuotedPrintable, b"=4\r\n1", b"=4\r\n1"),
            (Coding::Plain, b"a\r\n\nb", b"a\r\n\nb"),
            (Coding::Plain, b"a=3D\r\n", b"a=3D\r\n"),
        ];
        for (coding, text, expected) in texts {
            let told = decoded(coding, text);
            assert_eq!(told, expected, "{coding:?} {}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn base64_is_what_its_crate_wrote(bytes in vec(any::<u8>(), 0..300), width in 1usize..80) {
            let digits = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let lines: Vec<_> = digits.as_bytes().chunks(width).collect();
            prop_assert_eq!(decoded(Coding::Base64, &lines.join(&b"\r\n"[..])), bytes);
        }

        #[test]
        fn anything_can_be_decoded(bytes in vec(any::<u8>(), 0..300)) {
            for coding in [Coding::Base64, Coding::QuotedPrintable] {
                prop_assert!(decoded(coding, &bytes).len() <= bytes.len());
            }
        }
    }
}
