//! The client's first line in a flow that is not read as HTTP: whether it names HTTP all the same.

use memchr::memchr2;

use crate::limits::HTTP_LINE_BYTES_MAX;

/// The line under way. CR and LF before it are no part of it, and its end is LF.
#[derive(Debug, Default)]
pub(super) struct FirstLine {
    /// Length so far, in bytes.
    line_bytes: usize,
    /// How much of [`SIGN`] the line ends in, in bytes: all of it while a version follows, and one more while
    /// blanks do.
    sign_bytes: usize,
    /// How much of [`PREFACE`] the line begins with, in bytes.
    preface_bytes: usize,
}

/// What the line is, as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Undecided,
    Http,
    Not,
}

/// What every request line has behind its target, before its version and its end. Only its first byte can
/// begin it anew.
const SIGN: &[u8] = b" HTTP/";

/// HTTP/2 without TLS (RFC 9113 §3.4): a server of HTTP/1.x reads no request behind it, by its design.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Its first line.
const PREFACE_LINE_BYTES: usize = b"PRI * HTTP/2.0\r\n".len();

impl FirstLine {
    /// Reads on; once it is told what the line is, `bytes` are those behind the one that told it.
    pub(super) fn read(&mut self, bytes: &mut &[u8]) -> Named {
        loop {
            if self.sign_bytes == 0 && self.preface_bytes < self.line_bytes {
                let idle_bytes = memchr2(b' ', b'\n', bytes).unwrap_or(bytes.len());
                self.line_bytes = self.line_bytes.saturating_add(idle_bytes);
                *bytes = bytes.get(idle_bytes..).unwrap_or_default();
            }
            if self.line_bytes >= HTTP_LINE_BYTES_MAX {
                return Named::Not;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Named::Undecided };
            *bytes = rest;
            if self.line_bytes == 0 && matches!(byte, b'\r' | b'\n') {
                continue;
            }
            let named = self.byte(byte);
            if named != Named::Undecided {
                return named;
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Named {
        if self.preface_bytes == self.line_bytes && PREFACE.get(self.preface_bytes) == Some(&byte) {
            self.preface_bytes += 1;
        }
        self.line_bytes += 1;
        let is_preface = self.preface_bytes == self.line_bytes;
        if is_preface && self.preface_bytes == PREFACE.len() {
            return Named::Not;
        }
        // The line of a preface that then breaks off was a request line.
        if !is_preface && self.preface_bytes >= PREFACE_LINE_BYTES {
            return Named::Http;
        }
        if byte == b'\n' && !is_preface {
            return if self.sign_bytes >= SIGN.len() { Named::Http } else { Named::Not };
        }
        self.sign_bytes = match SIGN.get(self.sign_bytes) {
            Some(expected) if *expected == byte => self.sign_bytes + 1,
            None if matches!(byte, b'0'..=b'9' | b'.') && self.sign_bytes == SIGN.len() => SIGN.len(),
            None if matches!(byte, b' ' | b'\t' | b'\r') => SIGN.len() + 1,
            // The blank before may have begun another sign.
            None if SIGN.get(1) == Some(&byte) => 2,
            _ => usize::from(SIGN.first() == Some(&byte)),
        };
        Named::Undecided
    }
}
