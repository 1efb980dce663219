//! [`Charset`] and [`Transcoder`]: text of another charset as UTF-8, wherever it is cut.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::utf7::Utf7;
use crate::limits::CONTENT_TEXT_ROOM_BYTES;

/// How the letters of a text are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// One of WHATWG Encoding.
    Known(&'static Encoding),
    /// RFC 2152.
    Utf7,
}

/// A text on its way to UTF-8.
#[derive(Debug)]
pub struct Transcoder(Kind);

#[derive(Debug)]
enum Kind {
    Known(Box<Decoder>),
    Utf7(Box<Utf7>),
}

/// Bytes in which the begin of a text shows that it is UTF-16.
pub const CHARSET_SIGN_BYTES: usize = 4;

impl Charset {
    /// The charset of that name (WHATWG Encoding §4.2, RFC 2152); `None` where nothing is to be done, and for one that nobody
    /// knows. What is ASCII in all that matters stays as it is.
    pub fn named(name: &[u8]) -> Option<Charset> {
        let name = name.trim_ascii();
        let is_utf7 = [&b"utf-7"[..], b"unicode-1-1-utf-7", b"csutf7"];
        if is_utf7.into_iter().any(|of| name.eq_ignore_ascii_case(of)) {
            return Some(Charset::Utf7);
        }
        let encoding = Encoding::for_label(name).filter(|encoding| *encoding != UTF_8)?;
        // It decodes nothing at all: browsers refuse such texts.
        (encoding != encoding_rs::REPLACEMENT).then_some(Charset::Known(encoding))
    }

    /// What the first bytes of a text show: a byte order mark, or letters of ASCII in UTF-16 (XML 1.0 appendix F, RFC 4627 §3).
    /// `None` while fewer than [`CHARSET_SIGN_BYTES`] leave it open.
    pub fn sniff(begin: &[u8]) -> Option<Option<Charset>> {
        let is_letter = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        match *begin {
            [0xff, 0xfe, ..] => Some(Some(Charset::Known(UTF_16LE))),
            [0xfe, 0xff, ..] => Some(Some(Charset::Known(UTF_16BE))),
            [a, 0, b, 0, ..] if is_letter(a) && is_letter(b) => Some(Some(Charset::Known(UTF_16LE))),
            [0, a, 0, b, ..] if is_letter(a) && is_letter(b) => Some(Some(Charset::Known(UTF_16BE))),
            [] | [0xff | 0xfe] | [0] => None,
            [a] | [a, 0] if is_letter(a) => None,
            [a, 0, b] if is_letter(a) && is_letter(b) => None,
            [0, a] | [0, a, 0] if is_letter(a) => None,
            _ => Some(None),
        }
    }

    /// Reads a text of it from its begin on. A byte order mark is left out, and counts before the name (WHATWG Encoding §6).
    pub fn transcoder(self) -> Transcoder {
        match self {
            Charset::Known(encoding) => Transcoder(Kind::Known(Box::new(encoding.new_decoder()))),
            Charset::Utf7 => Transcoder(Kind::Utf7(Box::default())),
        }
    }

    /// The same, but for a text that begins with the byte order mark of another one: that is what it is.
    pub fn marked_transcoder(self) -> Transcoder {
        match self {
            Charset::Known(encoding) => Transcoder(Kind::Known(Box::new(encoding.new_decoder()))),
            Charset::Utf7 => self.transcoder(),
        }
    }
}

impl Transcoder {
    /// Reads on: what the bytes complete goes to `out`, never empty.
    pub fn push(&mut self, bytes: &[u8], mut out: impl FnMut(&[u8])) {
        match &mut self.0 {
            Kind::Known(decoder) => decode(decoder, bytes, false, &mut out),
            Kind::Utf7(utf7) => utf7.push(bytes, &mut out),
        }
    }

    /// Nothing follows.
    pub fn finish(mut self, mut out: impl FnMut(&[u8])) {
        match &mut self.0 {
            Kind::Known(decoder) => decode(decoder, b"", true, &mut out),
            Kind::Utf7(utf7) => utf7.finish(&mut out),
        }
    }
}

/// What cannot be read is U+FFFD.
pub(super) fn decode(decoder: &mut Decoder, mut bytes: &[u8], is_last: bool, out: &mut impl FnMut(&[u8])) {
    let mut room = [0; CONTENT_TEXT_ROOM_BYTES];
    loop {
        let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut room, is_last);
        bytes = bytes.get(read..).unwrap_or_default();
        let text = room.get(..written).unwrap_or_default();
        if !text.is_empty() {
            out(text);
        }
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(charset: Charset, bytes: &[u8], piece: usize) -> String {
        let (mut transcoder, mut text) = (charset.transcoder(), Vec::new());
        bytes.chunks(piece).for_each(|piece| transcoder.push(piece, |bytes| text.extend_from_slice(bytes)));
        transcoder.finish(|bytes| text.extend_from_slice(bytes));
        String::from_utf8(text).expect("it is UTF-8")
    }

    fn text(charset: &str, bytes: &[u8]) -> String {
        let charset = Charset::named(charset.as_bytes()).expect("it is known");
        let whole = read(charset, bytes, usize::MAX);
        for piece in 1..bytes.len() {
            assert_eq!(read(charset, bytes, piece), whole, "in pieces of {piece}");
        }
        whole
    }

    #[test]
    fn texts_become_utf8_however_they_are_cut() {
        assert_eq!(text("utf-16", b"\xff\xfea\0b\0\x3d\xd8\x00\xde"), "ab\u{1f600}");
        assert_eq!(text("UTF-16BE", b"\0a\xd8\0\0b"), "a\u{fffd}b");
        assert_eq!(text("iso-8859-1", b"caf\xe9"), "caf\u{e9}");
        // What the text itself shows counts before what is said of it.
        assert_eq!(text("utf-16", b"\xfe\xff\0a\0b"), "ab");
        assert_eq!(text("iso-8859-1", b"\xff\xfea\0b\0"), "ab");
        assert_eq!(text("shift_jis", b"\x83\x65"), "\u{30c6}");
        // RFC 2152 §3, examples.
        assert_eq!(
            text("utf-7", b"A+ImIDkQ.1+-2 Hi Mom -+Jjo--!"),
            "A\u{2262}\u{391}.1+2 Hi Mom -\u{263a}-!"
        );
        assert_eq!(text("utf-7", b"+ADw-script+AD4-x+AD0"), "<script>x=");
        assert_eq!(text("utf-7", b"1+!+"), "1+!+");
    }

    #[test]
    fn what_needs_nothing_done_is_none() {
        for name in [&b"utf-8"[..], b"UTF8", b"none such", b""] {
            assert_eq!(Charset::named(name), None);
        }
    }

    #[test]
    fn utf16_shows_itself() {
        let le = Some(Some(Charset::Known(UTF_16LE)));
        let be = Some(Some(Charset::Known(UTF_16BE)));
        for (begin, told) in [
            (&b"\xff\xfea\0"[..], le),
            (b"\xfe\xff", be),
            (b"<\0?\0", le),
            (b"\0<\0?", be),
            (b"{\0", None),
            (b"{\0\"", None),
            (b"\0", None),
            (b"\xff", None),
            (b"", None),
            (b"ab", Some(None)),
            (b"a\0\0\0", Some(None)),
            (b"\0\0", Some(None)),
        ] {
            assert_eq!(Charset::sniff(begin), told, "{}", begin.escape_ascii());
        }
    }
}
