//! The status line: refused at the first byte that RFC 9112 §4 does not allow.

use super::{line_buffer::LineBuffer, marks::first_break, request_line::LineRead};
use crate::app::AppAnomaly;

/// What a status line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// 100–999.
    pub(super) code: u16,
    /// Whether the version is HTTP/1.0.
    pub(super) is_1_0: bool,
}

/// A status line under way.
#[derive(Debug, Default)]
pub(super) struct StatusLine {
    buffer: LineBuffer,
    /// The first byte of the line that was not looked at.
    at: usize,
}

/// The fixed part of the line, by the least and the greatest byte that may stand in each place.
const LEAST: [u8; CODE_END] = *b"HTTP/1.0 100";
const GREATEST: [u8; CODE_END] = *b"HTTP/1.9 999";
const VERSION_DIGIT: usize = "HTTP/1.".len();
const CODE_BEGIN: usize = VERSION_DIGIT + 2;
const CODE_END: usize = CODE_BEGIN + 3;

/// What a look at the line said.
enum Seen {
    More,
    End,
    Contradiction,
}

impl StatusLine {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.held_bytes()
    }

    /// Reads on.
    pub(super) fn read(&mut self, chunk: &mut &[u8]) -> LineRead<Status> {
        let line = self.buffer.view(chunk);
        let mut at = self.at;
        let seen = examine(line, &mut at);
        let status = Status::of(line);
        self.at = 0;
        match (seen, status) {
            (Seen::More, _) if self.buffer.keep(chunk) => {
                self.at = at;
                LineRead::More
            }
            (Seen::More, _) => LineRead::Not(AppAnomaly::TooLong),
            (Seen::End, Some(status)) => {
                self.buffer.consume(at, chunk);
                LineRead::Line(status)
            }
            (Seen::End | Seen::Contradiction, _) => {
                self.buffer.refuse();
                LineRead::Not(AppAnomaly::StatusLine)
            }
        }
    }

    /// The bytes of the line that came in earlier chunks.
    pub(super) fn held(&self) -> &[u8] {
        self.buffer.held()
    }

    /// Gives back memory beyond so many bytes, while nothing is held.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        self.buffer.trim(bytes_max);
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.at = 0;
    }
}

impl Status {
    fn of(line: &[u8]) -> Option<Status> {
        let code = line.get(CODE_BEGIN..CODE_END)?;
        let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit.wrapping_sub(b'0')));
        Some(Status { code, is_1_0: line.get(VERSION_DIGIT) == Some(&b'0') })
    }
}

/// Looks at the bytes of `line` from `at` on.
fn examine(line: &[u8], at: &mut usize) -> Seen {
    // What is not there yet contradicts nothing.
    let fixed = line.first_chunk().copied().unwrap_or_else(|| {
        let mut fixed = LEAST;
        fixed.iter_mut().zip(line).for_each(|(place, byte)| *place = *byte);
        fixed
    });
    let places = fixed.iter().zip(&LEAST).zip(&GREATEST);
    if !places.fold(true, |fits, ((byte, least), greatest)| fits & (least <= byte) & (byte <= greatest)) {
        return Seen::Contradiction;
    }
    *at = line.len().min(CODE_END).max(*at);
    match line.get(CODE_END) {
        None => Seen::More,
        // The space behind the code is mandatory, but many leave it away with an empty reason.
        Some(b' ' | b'\r' | b'\n') => reason(line, at),
        Some(_) => Seen::Contradiction,
    }
}

/// The reason phrase up to and with the line end: CRLF, or LF alone (RFC 9112 §2.2).
fn reason(line: &[u8], at: &mut usize) -> Seen {
    let unseen = line.get(*at..).unwrap_or_default();
    let Some(end) = first_break(unseen) else {
        *at = line.len();
        return Seen::More;
    };
    *at += end;
    match unseen.get(end..).unwrap_or_default() {
        [b'\n', ..] => *at += 1,
        [b'\r', b'\n', ..] => *at += 2,
        [b'\r'] => return Seen::More,
        _ => return Seen::Contradiction,
    }
    Seen::End
}
