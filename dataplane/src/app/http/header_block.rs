//! A header block or trailers: emitted where they lie, and read line by line wherever they are cut.

use dlp_patterns::Field;
use memchr::memchr3;

use super::head::{FieldLine, Head};
use crate::{
    app::{AppAnomaly, AppSink, HttpTransaction, emitter::Emitter},
    limits::{HTTP_FIELD_LINE_BYTES_READ, HTTP_HEADER_BYTES_MAX},
};

/// A header block under way.
#[derive(Debug, Default)]
pub(super) struct HeaderBlock {
    /// Begin of a line that earlier chunks brought, without its line end.
    held: Vec<u8>,
    /// How long that line was there, in bytes.
    line_bytes: usize,
    /// Length of the block so far, in bytes.
    block_bytes: usize,
    /// The last byte was a CR: a line end, or bare. At the begin of a line it is not emitted yet, because
    /// the empty line is no part of the block.
    cr: bool,
    /// The line has a bare CR or a NUL.
    odd: bool,
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockRead {
    /// The input is used up.
    More,
    /// The empty line went by.
    End,
    /// The cap is reached; the input stands there.
    TooLong,
}

impl HeaderBlock {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Gives back memory beyond so many bytes, while no line is held.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        debug_assert!(self.held.is_empty());
        self.held.shrink_to(bytes_max);
    }

    /// Reads on; lines go to `head`, and what they say to `transaction`.
    pub(super) fn read<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        head: &mut Head,
        transaction: &mut Option<&mut HttpTransaction>,
        out: &mut Emitter<'_, S>,
    ) -> BlockRead {
        let room = HTTP_HEADER_BYTES_MAX - self.block_bytes;
        let (piece, later) = input.split_at_checked(room).unwrap_or((input, &[]));
        let mut lines = Lines { piece, emitted: 0, line_begin: 0, at: 0 };
        while let Some(content) = self.next_line(&mut lines, out) {
            if content.is_empty() && self.line_bytes == 0 {
                out.data(Field::HttpHeaders, lines.unemitted(lines.line_begin));
                *input = input.get(lines.at..).unwrap_or_default();
                *self = HeaderBlock { held: std::mem::take(&mut self.held), ..HeaderBlock::default() };
                return BlockRead::End;
            }
            out.begin(Field::HttpHeaders);
            if !self.complete(content, head, transaction) {
                // Whoever listens is to know what stands before, and not yet what follows.
                out.data(Field::HttpHeaders, lines.unemitted(lines.at));
                lines.emitted = lines.at;
                out.anomaly(AppAnomaly::HeaderLine);
            }
            lines.line_begin = lines.at;
        }
        self.suspend(&lines, out);
        self.block_bytes += piece.len();
        *input = later;
        if piece.len() == room { BlockRead::TooLong } else { BlockRead::More }
    }

    /// The bytes that were taken and neither emitted nor used.
    pub(super) fn held(&self) -> &[u8] {
        if self.cr && self.line_bytes == 0 { b"\r" } else { b"" }
    }

    /// The block will never be complete.
    pub(super) fn abandon<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        out.data(Field::HttpHeaders, self.held());
        self.cr = false;
    }

    /// Moves behind the next line end of the piece, and returns the part of the line that lies in the piece,
    /// without its line end: CRLF, or LF alone (RFC 9112 §2.2).
    fn next_line<'p, S: AppSink>(
        &mut self,
        lines: &mut Lines<'p>,
        out: &mut Emitter<'_, S>,
    ) -> Option<&'p [u8]> {
        if self.cr && !lines.piece.is_empty() {
            self.cr = false;
            if lines.piece.first() == Some(&b'\n') {
                lines.at = 1;
                return Some(&[]);
            }
            self.bare_cr(out);
        }
        loop {
            let unseen = lines.piece.get(lines.at..)?;
            let end = memchr3(b'\n', b'\r', 0, unseen)?;
            let content_end = lines.at + end;
            lines.at = content_end + 1;
            match unseen.get(end..)? {
                [b'\n', ..] => {}
                [b'\r', b'\n', ..] => lines.at += 1,
                [b'\r'] => {
                    self.cr = true;
                    return None;
                }
                _ => {
                    self.odd = true;
                    continue;
                }
            }
            return lines.piece.get(lines.line_begin..content_end);
        }
    }

    /// The CR that ended the last chunk was no line end.
    fn bare_cr<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        self.odd = true;
        if self.line_bytes == 0 {
            out.data(Field::HttpHeaders, b"\r");
        }
        self.hold(b"\r");
    }

    /// A line is complete, `content` being what the piece has of it. False where not all read it alike.
    #[inline]
    fn complete(
        &mut self,
        content: &[u8],
        head: &mut Head,
        transaction: &mut Option<&mut HttpTransaction>,
    ) -> bool {
        let odd = std::mem::take(&mut self.odd);
        if self.line_bytes == 0 {
            let read = content.get(..HTTP_FIELD_LINE_BYTES_READ).unwrap_or(content);
            return head.line(FieldLine { read, whole: read.len() == content.len(), odd }, transaction);
        }
        self.hold(content);
        let whole = self.line_bytes == self.held.len();
        let is_plain = head.line(FieldLine { read: &self.held, whole, odd }, transaction);
        self.held.clear();
        self.line_bytes = 0;
        is_plain
    }

    /// The piece ends: keeps the begin of the line that goes on behind it.
    fn suspend<S: AppSink>(&mut self, lines: &Lines<'_>, out: &mut Emitter<'_, S>) {
        let content_end = lines.piece.len() - usize::from(self.cr);
        self.hold(lines.piece.get(lines.line_begin..content_end).unwrap_or_default());
        let emitted_end = if self.held().is_empty() { lines.piece.len() } else { content_end };
        out.data(Field::HttpHeaders, lines.unemitted(emitted_end));
    }

    fn hold(&mut self, content: &[u8]) {
        let room = HTTP_FIELD_LINE_BYTES_READ - self.held.len();
        self.held.extend_from_slice(content.get(..room).unwrap_or(content));
        self.line_bytes += content.len();
    }
}

/// Where in a piece of the block the reader stands, in bytes from its begin.
#[derive(Debug)]
struct Lines<'p> {
    piece: &'p [u8],
    /// The first byte that was not emitted.
    emitted: usize,
    /// Begin of the line, or of what the piece has of it.
    line_begin: usize,
    /// The first byte that was not looked at.
    at: usize,
}

impl<'p> Lines<'p> {
    /// What was not emitted of the piece, up to `end`.
    fn unemitted(&self, end: usize) -> &'p [u8] {
        self.piece.get(self.emitted..end).unwrap_or_default()
    }
}
