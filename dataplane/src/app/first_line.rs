//! The client's first line in a flow that is not read as HTTP: whether it names HTTP all the same.

use memchr::memchr2;

use crate::limits::HTTP_LINE_BYTES_MAX;

/// The line under way. CR and LF before it are no part of it, and its end is LF.
#[derive(Debug, Default)]
pub(super) struct FirstLine {
    /// Length so far, in bytes.
    line_bytes: usize,
    /// How much of [`SIGN`] the line ends in, or all of it since the line had it, in bytes.
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

/// What every request line has behind its target. Only its first byte can begin it anew.
const SIGN: &[u8] = b" HTTP/";

/// HTTP/2 without TLS (RFC 9113 §3.4): a server of HTTP/1.x reads no request behind it, by its design.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl FirstLine {
    /// Reads on.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Named {
        loop {
            if self.sign_bytes == 0 && self.preface_bytes < self.line_bytes {
                let idle_bytes = memchr2(b' ', b'\n', bytes).unwrap_or(bytes.len());
                self.line_bytes = self.line_bytes.saturating_add(idle_bytes);
                bytes = bytes.get(idle_bytes..).unwrap_or_default();
            }
            if self.line_bytes >= HTTP_LINE_BYTES_MAX {
                return Named::Not;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Named::Undecided };
            bytes = rest;
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
        self.sign_bytes = match SIGN.get(self.sign_bytes) {
            None => SIGN.len(),
            Some(expected) if *expected == byte => self.sign_bytes + 1,
            Some(_) => usize::from(SIGN.first() == Some(&byte)),
        };
        if self.preface_bytes == self.line_bytes {
            return if self.preface_bytes == PREFACE.len() { Named::Not } else { Named::Undecided };
        }
        match byte {
            _ if self.sign_bytes == SIGN.len() => Named::Http,
            b'\n' => Named::Not,
            _ => Named::Undecided,
        }
    }
}
