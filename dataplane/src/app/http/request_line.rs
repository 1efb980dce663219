//! The request line: refused at the first byte that contradicts, its target told before its end is there.
//!
//! It is read as leniently as common servers do: what they serve and this refuses would go by unread.

use std::cell::RefCell;

use super::{line_buffer::LineBuffer, marks::first, uri_decode::UriDecoder};
use crate::{
    app::{
        AppAnomaly, AppSink,
        emitter::{Emitter, Outlet},
        signature::Answer,
    },
    flow::Direction,
    limits::{HTTP_CAPITAL_METHOD_BYTES_MAX, HTTP_LINE_BYTES_MAX, HTTP_METHOD_BYTES_MAX},
};

/// A complete request line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'l> {
    pub(super) method: &'l [u8],
    pub(super) target: &'l [u8],
    /// `HTTP/1.`, and one to three digits; `HTTP/0.9` where there is none.
    pub(super) version: &'l [u8],
}

impl Request<'_> {
    /// Whether this is a request of HTTP/0.9, which has no header block.
    pub(super) fn is_simple(&self) -> bool {
        self.version == SIMPLE_VERSION
    }

    /// Whether the minor version is 0, however many digits tell it.
    pub(super) fn is_1_0(&self) -> bool {
        self.version
            .strip_prefix(VERSION_PREFIX)
            .is_some_and(|minor| minor.iter().all(|digit| *digit == b'0'))
    }
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineRead<L> {
    /// The chunk is used up, and the line goes on.
    More,
    /// The line is complete, and the chunk stands behind it.
    Line(L),
    /// This is no such line; the chunk is untouched.
    Not(AppAnomaly),
}

/// A request line under way.
#[derive(Debug, Default)]
pub(super) struct RequestLine {
    buffer: LineBuffer,
    cursor: Cursor,
    uri: UriDecoder,
}

/// How far the line is understood. Offsets count bytes from the begin of the line.
#[derive(Debug, Default)]
struct Cursor {
    part: Part,
    /// The first byte that was not looked at.
    at: usize,
    method_begin: usize,
    method_end: usize,
    /// The method has other bytes than capital letters, `_` and `-`.
    method_odd: bool,
    target_begin: usize,
    target_end: usize,
    version_begin: usize,
    /// 0 while there is no version.
    version_end: usize,
    /// Whether the target is told as it comes.
    early: bool,
    /// Whether the target has spaces.
    is_spaced: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Part {
    /// A server ignores empty lines before a request (RFC 9112 §2.2), and many any CR and LF.
    #[default]
    Blank,
    Method,
    /// More spaces than one, here and behind the target, are for a lenient reader (RFC 9112 §3).
    BeforeTarget,
    Target,
    BeforeVersion,
    Version,
    /// Behind the version, or with HTTP/0.9 behind the target.
    LineEnd,
}

/// What a look at the line said.
#[derive(Clone, Copy, Debug)]
enum Seen {
    /// The part is complete.
    Next,
    More,
    End,
    Contradiction,
}

const VERSION_PREFIX: &[u8] = b"HTTP/1.";
/// RFC 9112 §2.3 has one digit; nginx reads on up to 999.
const MINOR_DIGITS_MAX: usize = 3;
const SIMPLE_VERSION: &[u8] = b"HTTP/0.9";

/// How far a prefix was looked at for a request line: no byte of it is looked at twice, however small its pieces.
#[derive(Debug, Default)]
pub(in crate::app) struct Looked(RefCell<Cursor>);

impl RequestLine {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.held_bytes()
    }

    /// Whether bytes begin with a request line, where as many as were `looked` at are what they were.
    pub(in crate::app) fn of(bytes: &[u8], looked: Option<&Looked>) -> Answer {
        let anew = Looked::default();
        let line = bytes.get(..HTTP_LINE_BYTES_MAX).unwrap_or(bytes);
        let mut cursor = looked.unwrap_or(&anew).0.borrow_mut();
        // Nobody is told of the target here.
        let (mut uri, mut outlet) = (UriDecoder::default(), Outlet::new(Direction::ToServer));
        match cursor.examine(line, &mut uri, &mut outlet.to(&mut ())) {
            Seen::End => Answer::Yes(cursor.at),
            Seen::Contradiction => Answer::No,
            Seen::Next | Seen::More if line.len() == HTTP_LINE_BYTES_MAX => Answer::No,
            Seen::Next | Seen::More => Answer::More,
        }
    }

    /// Whether no byte of a line is there.
    pub(super) fn is_idle(&self) -> bool {
        self.buffer.held().is_empty()
    }

    /// Reads on; a complete line goes to `take` before it is forgotten.
    pub(super) fn read<S: AppSink, L>(
        &mut self,
        chunk: &mut &[u8],
        out: &mut Emitter<'_, S>,
        take: impl FnOnce(Request<'_>) -> L,
    ) -> LineRead<L> {
        let line = self.buffer.view(chunk);
        match self.cursor.examine(line, &mut self.uri, out) {
            Seen::End => {
                if self.cursor.is_spaced {
                    out.anomaly(AppAnomaly::RequestLine);
                }
                let request = self.cursor.request(line);
                if !self.cursor.early {
                    self.uri.decode(request.target, out);
                    self.uri.finish(out);
                }
                let taken = take(request);
                self.buffer.consume(self.cursor.at, chunk);
                self.cursor = Cursor::default();
                LineRead::Line(taken)
            }
            Seen::Contradiction => {
                self.buffer.refuse();
                LineRead::Not(AppAnomaly::RequestLine)
            }
            Seen::Next | Seen::More if self.buffer.keep(chunk) => LineRead::More,
            Seen::Next | Seen::More => LineRead::Not(AppAnomaly::TooLong),
        }
    }

    /// What there is of a line that begins as those of HTTP alone do, where its target has begun.
    pub(super) fn unfinished(&self) -> Option<Request<'_>> {
        let (cursor, held) = (&self.cursor, self.buffer.held());
        let target_end =
            cursor.target_end.max(if matches!(cursor.part, Part::Target) { cursor.at } else { 0 });
        let method = held.get(cursor.method_begin..cursor.method_end)?;
        let target = held.get(cursor.target_begin..target_end)?;
        let is_one = cursor.early && (target.starts_with(b"/") || has_scheme(target));
        is_one.then_some(Request { method, target, version: b"" })
    }

    /// The line will never be complete: what was told of its target ends.
    pub(super) fn abandon<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        self.uri.finish(out);
        self.cursor = Cursor::default();
    }

    /// The bytes of the line that came in earlier chunks.
    pub(super) fn held(&self) -> &[u8] {
        self.buffer.held()
    }

    /// Gives back memory beyond so many bytes, while idle.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        self.buffer.trim(bytes_max);
    }

    /// Forgets the bytes of an abandoned line, and gives their memory back: no other line follows.
    pub(super) fn clear(&mut self) {
        self.buffer = LineBuffer::default();
    }
}

impl Cursor {
    fn examine<S: AppSink>(&mut self, line: &[u8], uri: &mut UriDecoder, out: &mut Emitter<'_, S>) -> Seen {
        loop {
            let unseen = line.get(self.at..).unwrap_or_default();
            let seen = match self.part {
                Part::Blank => self.blank(unseen),
                Part::Method => self.method(unseen, line),
                Part::BeforeTarget => self.before_target(unseen),
                Part::Target => self.target(unseen, uri, out),
                Part::BeforeVersion => self.before_version(unseen, line, uri, out),
                Part::Version => self.version(unseen, line, uri, out),
                Part::LineEnd => self.line_end(unseen),
            };
            if !matches!(seen, Seen::Next) {
                return seen;
            }
        }
    }

    fn blank(&mut self, unseen: &[u8]) -> Seen {
        match unseen {
            [] => return Seen::More,
            [b'\r' | b'\n', ..] => self.at += 1,
            _ => {
                self.method_begin = self.at;
                self.part = Part::Method;
            }
        }
        Seen::Next
    }

    /// `method = token` (RFC 9110 §9.1), and a space.
    fn method(&mut self, unseen: &[u8], line: &[u8]) -> Seen {
        let letters = unseen.iter().map(|byte| LETTERS[usize::from(*byte)]);
        let token = letters.take_while(|letter| *letter != Letter::None);
        let (token_bytes, odd) =
            token.fold((0, false), |(bytes, odd), letter| (bytes + 1, odd | (letter == Letter::Odd)));
        self.at += token_bytes;
        self.method_end = self.at;
        self.method_odd |= odd;
        let method_bytes_max =
            if self.method_odd { HTTP_METHOD_BYTES_MAX } else { HTTP_CAPITAL_METHOD_BYTES_MAX };
        let method = line.get(self.method_begin..self.method_end).unwrap_or_default();
        if method.len() > method_bytes_max {
            return Seen::Contradiction;
        }
        match unseen.get(token_bytes) {
            None => Seen::More,
            Some(b' ') if !method.is_empty() => {
                self.early = is_known(method);
                self.at += 1;
                self.part = Part::BeforeTarget;
                Seen::Next
            }
            Some(_) => Seen::Contradiction,
        }
    }

    fn before_target(&mut self, unseen: &[u8]) -> Seen {
        if self.spaces(unseen).is_none() {
            return Seen::More;
        }
        self.target_begin = self.at;
        self.part = Part::Target;
        Seen::Next
    }

    /// Moves behind the spaces that follow, and looks at the byte there.
    fn spaces(&mut self, unseen: &[u8]) -> Option<u8> {
        let spaces = unseen.iter().take_while(|byte| **byte == b' ').count();
        self.at += spaces;
        unseen.get(spaces).copied()
    }

    /// The target ends at the first byte that none of its forms allows (RFC 9112 §3.2); bytes above ASCII
    /// are let pass, as servers do.
    fn target<S: AppSink>(&mut self, unseen: &[u8], uri: &mut UriDecoder, out: &mut Emitter<'_, S>) -> Seen {
        let end = first(unseen, |word| word.below(b' ' + 1).or(word.equal(0x7f)));
        let target_bytes = end.unwrap_or(unseen.len());
        let (piece, rest) = unseen.split_at(target_bytes);
        if self.early {
            uri.decode(piece, out);
        }
        self.at += target_bytes;
        let Some(end) = rest.first() else { return Seen::More };
        self.target_end = self.at;
        match end {
            b' ' | b'\r' | b'\n' if self.target_begin < self.target_end => self.part = Part::BeforeVersion,
            _ => return Seen::Contradiction,
        }
        Seen::Next
    }

    /// No version stands behind the target: a lenient server takes that for a part of it, where a version follows yet.
    fn go_on_with_target<S: AppSink>(
        &mut self,
        line: &[u8],
        uri: &mut UriDecoder,
        out: &mut Emitter<'_, S>,
    ) -> Seen {
        if !self.early {
            return Seen::Contradiction;
        }
        uri.decode(line.get(self.target_end..self.at).unwrap_or_default(), out);
        (self.part, self.is_spaced) = (Part::Target, true);
        Seen::Next
    }

    fn end_target<S: AppSink>(&mut self, uri: &mut UriDecoder, out: &mut Emitter<'_, S>) {
        if self.early {
            uri.finish(out);
        }
        self.part = Part::LineEnd;
    }

    fn before_version<S: AppSink>(
        &mut self,
        unseen: &[u8],
        line: &[u8],
        uri: &mut UriDecoder,
        out: &mut Emitter<'_, S>,
    ) -> Seen {
        match self.spaces(unseen) {
            None => return Seen::More,
            Some(b'\r' | b'\n') if self.is_simple(line) => self.end_target(uri, out),
            Some(b'\r' | b'\n') => return Seen::Contradiction,
            Some(_) => {
                self.version_begin = self.at;
                self.part = Part::Version;
            }
        }
        Seen::Next
    }

    /// `GET`, a path or a URL, and the line end: HTTP/0.9. Other line protocols have a `GET` too, of a bare
    /// key.
    fn is_simple(&self, line: &[u8]) -> bool {
        let target = line.get(self.target_begin..self.target_end).unwrap_or_default();
        !self.is_spaced
            && line.get(self.method_begin..self.method_end) == Some(b"GET")
            && (target.starts_with(b"/") || has_scheme(target))
    }

    /// `HTTP/1.` and digits.
    fn version<S: AppSink>(
        &mut self,
        unseen: &[u8],
        line: &[u8],
        uri: &mut UriDecoder,
        out: &mut Emitter<'_, S>,
    ) -> Seen {
        let prefix = VERSION_PREFIX.get(self.at - self.version_begin..).unwrap_or_default();
        let prefix_bytes = prefix.len().min(unseen.len());
        if unseen.get(..prefix_bytes) != prefix.get(..prefix_bytes) {
            self.at += prefix.iter().zip(unseen).take_while(|(expected, byte)| expected == byte).count();
            return self.go_on_with_target(line, uri, out);
        }
        self.at += prefix_bytes;
        let rest = unseen.get(prefix_bytes..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        let all_digits = (self.at - self.version_begin).saturating_sub(VERSION_PREFIX.len());
        if all_digits > MINOR_DIGITS_MAX {
            return Seen::Contradiction;
        }
        if rest.len() == digits {
            return Seen::More;
        }
        if all_digits == 0 {
            return Seen::Contradiction;
        }
        self.version_end = self.at;
        self.end_target(uri, out);
        Seen::Next
    }

    /// CRLF, or LF alone (RFC 9112 §2.2), behind spaces or none.
    fn line_end(&mut self, unseen: &[u8]) -> Seen {
        let spaces_begin = self.at;
        self.spaces(unseen);
        match unseen.get(self.at - spaces_begin..).unwrap_or_default() {
            [] | [b'\r'] => return Seen::More,
            [b'\n', ..] => self.at += 1,
            [b'\r', b'\n', ..] => self.at += 2,
            _ => return Seen::Contradiction,
        }
        Seen::End
    }

    /// The parts of a complete line.
    fn request<'l>(&self, line: &'l [u8]) -> Request<'l> {
        let part = |begin: usize, end: usize| line.get(begin..end).unwrap_or_default();
        Request {
            method: part(self.method_begin, self.method_end),
            target: part(self.target_begin, self.target_end),
            version: match self.version_end {
                0 => SIMPLE_VERSION,
                end => part(self.version_begin, end),
            },
        }
    }
}

/// Whether a URL begins like `http://` (RFC 3986 §3.1), whatever the scheme.
fn has_scheme(target: &[u8]) -> bool {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let scheme_bytes = target.iter().take_while(|byte| is_scheme(byte)).count();
    let rest = target.get(scheme_bytes..).unwrap_or_default();
    target.first().is_some_and(u8::is_ascii_alphabetic) && rest.starts_with(b"://")
}

/// What a byte is in a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    None,
    /// A capital letter, `_` or `-`.
    Usual,
    /// Any other `tchar` (RFC 9110 §5.6.2).
    Odd,
}

const LETTERS: [Letter; 256] = {
    let mut letters = [Letter::None; 256];
    let mut byte = 0;
    while byte < 256 {
        letters[byte] = match byte as u8 {
            b'A'..=b'Z' | b'_' | b'-' => Letter::Usual,
            b'a'..=b'z' | b'0'..=b'9' => Letter::Odd,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'.' | b'^' | b'`' | b'|' | b'~' => {
                Letter::Odd
            }
            _ => Letter::None,
        };
        byte += 1;
    }
    letters
};

/// Methods of RFC 9110 §9.3, RFC 5789 and RFC 4918: what begins with one is HTTP until proven otherwise.
fn is_known(method: &[u8]) -> bool {
    matches!(
        method,
        b"GET"
            | b"HEAD"
            | b"POST"
            | b"PUT"
            | b"DELETE"
            | b"CONNECT"
            | b"OPTIONS"
            | b"TRACE"
            | b"PATCH"
            | b"PROPFIND"
            | b"PROPPATCH"
            | b"MKCOL"
            | b"COPY"
            | b"MOVE"
            | b"LOCK"
            | b"UNLOCK"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_looks_at_each_byte_once() {
        for (before, behind, told) in [
            (b"X /a".as_slice(), b" HTTP/1.1\r\n".as_slice(), Answer::Yes(15)),
            (b"\r\n\r\n", b"GET /\n", Answer::Yes(10)),
            (b"METH", b"OD\n", Answer::No),
        ] {
            let looked = Looked::default();
            assert_eq!(RequestLine::of(before, Some(&looked)), Answer::More);
            // Whoever looked at these again would see no request line.
            let unlike = [&vec![0; before.len()], behind].concat();
            assert_eq!(RequestLine::of(&unlike, Some(&looked)), told, "{}", before.escape_ascii());
        }
    }
}
