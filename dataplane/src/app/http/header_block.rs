//! A header block or trailers: emitted where they lie, and read line by line wherever they are cut.

use dlp_patterns::Field;

use super::{
    head::{FieldLine, Head},
    marks::first_break,
};
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
        self.resume(piece, out);
        let mut lines = Lines { piece, emitted: 0, line_begin: 0 };
        while let Some((content, line_end)) = self.next_line(&lines) {
            if content.is_empty() && self.line_bytes == 0 {
                out.data(Field::HttpHeaders, lines.unemitted(lines.line_begin));
                *input = input.get(line_end..).unwrap_or_default();
                self.block_bytes = 0;
                return BlockRead::End;
            }
            if !self.complete(content, head, transaction) {
                // Whoever listens is to know what stands before, and not yet what follows.
                out.data(Field::HttpHeaders, lines.unemitted(line_end));
                lines.emitted = line_end;
                out.anomaly(AppAnomaly::HeaderLine);
            }
            lines.line_begin = line_end;
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

    /// Where the last chunk ended with a CR, the next byte tells what that was.
    fn resume<S: AppSink>(&mut self, piece: &[u8], out: &mut Emitter<'_, S>) {
        if self.cr && !piece.is_empty() {
            self.cr = false;
            // An LF ends the line, with the CR or without it.
            if piece.first() != Some(&b'\n') {
                self.bare_cr(out);
            }
        }
    }

    /// The part of the next line that lies in the piece, without its line end: CRLF, or LF alone (RFC 9112 §2.2). And the place
    /// behind that.
    #[inline]
    fn next_line<'p>(&mut self, lines: &Lines<'p>) -> Option<(&'p [u8], usize)> {
        let mut at = lines.line_begin;
        loop {
            let unseen = lines.piece.get(at..)?;
            let found = first_break(unseen)?;
            let content_end = at + found;
            let line_end = match unseen.get(found..)? {
                [b'\r', b'\n', ..] => content_end + 2,
                [b'\n', ..] => content_end + 1,
                [b'\r'] => {
                    self.cr = true;
                    return None;
                }
                _ => {
                    self.odd = true;
                    at = content_end + 1;
                    continue;
                }
            };
            return Some((lines.piece.get(lines.line_begin..content_end)?, line_end));
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
        let is_cut = self.line_bytes > 0;
        let (line, line_bytes) = if is_cut {
            self.hold(content);
            (self.held.as_slice(), self.line_bytes)
        } else {
            (content.get(..HTTP_FIELD_LINE_BYTES_READ).unwrap_or(content), content.len())
        };
        let line = FieldLine { read: line, whole: line.len() == line_bytes, odd: self.odd };
        let is_plain = head.line(line, transaction);
        self.odd = false;
        if is_cut {
            self.held.clear();
            self.line_bytes = 0;
        }
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
}

impl<'p> Lines<'p> {
    /// What was not emitted of the piece, up to `end`.
    fn unemitted(&self, end: usize) -> &'p [u8] {
        self.piece.get(self.emitted..end).unwrap_or_default()
    }
}
