//! An entity of MIME (RFC 2045, RFC 2046): its header, and its body or parts, decoded as they come. What reads mails reads the parts of
//! bodies of HTTP, too.

mod head;
mod line_pieces;
mod parameters;
mod transfer_coding;

pub(super) use self::{
    head::{Entity, Kind},
    line_pieces::{LineEnd, LinePieces, Piece},
    parameters::{Parameters, unprotected},
    transfer_coding::Coding,
};
use self::{
    head::{Head, HeadLine},
    transfer_coding::Decoder,
};
use crate::limits::{MAIL_BOUNDARY_BYTES_MAX, TEXT_LINE_BYTES_MAX};

/// Who hears of an entity: of each part its header, and then what stands behind it.
pub(super) trait MimeSink {
    /// The next bytes of a header, as they are.
    fn header(&mut self, bytes: &[u8]);
    /// A header field, unfolded; `is_outer` says that it is of the entity itself, not of a part.
    fn field(&mut self, is_outer: bool, name: &[u8], value: &[u8]);
    /// A header is complete.
    fn end_header(&mut self, is_outer: bool);
    /// What has no parts begins.
    fn begin(&mut self, entity: Entity);
    /// The next bytes of that, decoded.
    fn data(&mut self, bytes: &[u8]);
    /// It is over; `is_whole` says that a delimiter shows where.
    fn end(&mut self, is_whole: bool);
    /// It is not as it should be.
    fn odd(&mut self, odd: MimeOdd);
}

/// What may be read in more ways than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MimeOdd {
    /// A header field is longer than is read.
    HeaderCut,
    /// Parts within parts that are deeper than are read.
    Depth,
    /// A line begins as a delimiter does, and goes on.
    Delimiter,
    /// A delimiter, or a line of a header, that LF alone ends, or that has a bare CR or a NUL in it.
    LineFeed,
    /// A header without the blank line that ends it.
    HeaderEnd,
    /// A part behind the last one.
    BehindLast,
}

/// What may stand within an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nesting {
    /// Multiparts and mails that are open at once.
    pub(super) levels_max: usize,
    /// Whether a mail is read, and not a file; and a multipart with a name, too.
    pub(super) are_mails_read: bool,
}

/// An entity under way.
#[derive(Debug)]
pub(super) struct Mime {
    nesting: Nesting,
    /// What is open around the part at hand, the outermost first.
    levels: Vec<Level>,
    reading: Reading,
    /// Of the multipart that was open last, what stood between its parts.
    closed: Vec<u8>,
    /// That of the line before the one at hand.
    last_end: LineEnd,
}

#[derive(Debug)]
enum Reading {
    Head(Head),
    Part(Decoder),
    /// Before the first part of a multipart, or behind its last one.
    Between,
}

/// What parts stand in.
#[derive(Debug)]
enum Level {
    /// A multipart, and what stands between its parts.
    Parts(Vec<u8>),
    /// A mail within the mail.
    Mail,
}

/// Bytes that a level may take with its boundary.
const LEVEL_BYTES: usize = size_of::<Level>() + MAIL_BOUNDARY_BYTES_MAX;

impl Mime {
    /// An entity of which the header follows.
    pub(super) fn new(nesting: Nesting) -> Mime {
        let reading = Reading::Head(Head::default());
        Mime { nesting, levels: Vec::new(), reading, closed: Vec::new(), last_end: LineEnd::None }
    }

    /// A multipart whose header was read elsewhere.
    pub(super) fn of_parts(nesting: Nesting, boundary: &[u8]) -> Mime {
        let levels = vec![Level::Parts(boundary.to_vec())];
        Mime { nesting, levels, reading: Reading::Between, closed: Vec::new(), last_end: LineEnd::None }
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let head = if let Reading::Head(head) = &self.reading { head.held_bytes() } else { 0 };
        self.levels.len() * LEVEL_BYTES + self.closed.capacity() + head
    }

    /// Whether what is at hand has no parts, so that any piece of a line may be read that is no delimiter.
    pub(super) fn is_in_part(&self) -> bool {
        matches!(self.reading, Reading::Part(_))
    }

    /// Whether the last delimiter of all has been read.
    pub(super) fn is_over(&self) -> bool {
        self.levels.is_empty()
    }

    /// The next line, or piece of one.
    pub(super) fn piece(&mut self, piece: Piece<'_>, sink: &mut impl MimeSink) {
        let is_delimiter = self.delimiter(piece, sink);
        self.last_end = piece.end;
        if is_delimiter {
            return;
        }
        let is_outer = self.levels.is_empty();
        match &mut self.reading {
            Reading::Head(head) => {
                let line = head.piece(piece, |name, value| sink.field(is_outer, name, value));
                if line != HeadLine::Body {
                    sink.header(piece.bytes);
                    sink.header(piece.end.bytes());
                    if piece.is_odd_line() {
                        sink.odd(MimeOdd::LineFeed);
                    }
                }
                match line {
                    HeadLine::Field => {}
                    HeadLine::End => self.end_head(sink),
                    HeadLine::Body => {
                        sink.odd(MimeOdd::HeaderEnd);
                        self.end_head(sink);
                        self.piece(piece, sink);
                    }
                }
            }
            Reading::Part(decoder) => decoder.piece(piece).into_iter().for_each(|bytes| sink.data(bytes)),
            Reading::Between => {}
        }
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, sink: &mut impl MimeSink) {
        if matches!(self.reading, Reading::Head(_)) {
            self.end_head(sink);
        }
        self.end_part(true, false, sink);
    }

    /// What stands before the next delimiter is not seen.
    pub(super) fn interrupt(&mut self, sink: &mut impl MimeSink) {
        self.end_part(true, false, sink);
    }

    /// Whether a line stands between two parts of a multipart that is open (RFC 2046 §5.1.1).
    fn delimiter(&mut self, piece: Piece<'_>, sink: &mut impl MimeSink) -> bool {
        if !piece.is_begin {
            return false;
        }
        let Some(line) = piece.bytes.strip_prefix(b"--") else { return false };
        let (mut is_like_one, are_ends_clean) = (false, self.nesting.are_mails_read);
        let found = self.levels.iter().enumerate().rev().find_map(|(at, level)| {
            let Level::Parts(boundary) = level else { return None };
            let behind = line.strip_prefix(boundary.as_slice())?.trim_ascii_end();
            is_like_one = true;
            // Servers end a body at its last delimiter whatever stands behind it; programs write zeros there.
            let is_end = behind.starts_with(b"--") && !are_ends_clean;
            (is_end || matches!(behind, b"" | b"--")).then_some((at, behind))
        });
        let Some((at, behind)) = found else {
            if is_like_one {
                sink.odd(MimeOdd::Delimiter);
            } else if self.levels.is_empty() && !self.closed.is_empty() && line.starts_with(&self.closed) {
                sink.odd(MimeOdd::BehindLast);
            }
            return false;
        };
        if piece.is_odd_line() || self.last_end == LineEnd::Lf {
            sink.odd(MimeOdd::LineFeed);
        }
        // What goes on behind so many blanks is not seen.
        if behind.len() > b"--".len() || piece.bytes.len() >= TEXT_LINE_BYTES_MAX {
            sink.odd(MimeOdd::Delimiter);
        }
        if matches!(self.reading, Reading::Head(_)) {
            sink.odd(MimeOdd::HeaderEnd);
            self.end_head(sink);
        }
        self.end_part(false, true, sink);
        // A delimiter of an outer one ends those within.
        if behind.is_empty() {
            self.levels.truncate(at + 1);
            self.reading = Reading::Head(Head::default());
        } else {
            self.levels.truncate(at + 1);
            if let Some(Level::Parts(boundary)) = self.levels.pop() {
                self.closed = boundary;
            }
        }
        true
    }

    /// A header is complete: its body follows.
    fn end_head(&mut self, sink: &mut impl MimeSink) {
        let is_outer = self.levels.is_empty();
        let Reading::Head(head) = std::mem::replace(&mut self.reading, Reading::Between) else { return };
        let is_cut = head.is_cut();
        let mut entity = head.finish(|name, value| sink.field(is_outer, name, value));
        sink.end_header(is_outer);
        if is_cut {
            sink.odd(MimeOdd::HeaderCut);
        }
        let is_nested = match entity.kind {
            Kind::Multipart(_) => self.nesting.are_mails_read || entity.file_name.is_none(),
            Kind::Mail => self.nesting.are_mails_read,
            Kind::Text | Kind::File => false,
        };
        if is_nested && self.levels.len() < self.nesting.levels_max {
            if let Kind::Multipart(boundary) = entity.kind {
                self.levels.push(Level::Parts(boundary));
            } else {
                self.levels.push(Level::Mail);
                self.reading = Reading::Head(Head::default());
            }
            return;
        }
        if is_nested {
            sink.odd(MimeOdd::Depth);
            (entity.kind, entity.file_name) = (Kind::Text, None);
        }
        self.reading = Reading::Part(Decoder::new(entity.coding));
        sink.begin(entity);
    }

    /// A part is complete.
    fn end_part(&mut self, has_last_line_end: bool, is_whole: bool, sink: &mut impl MimeSink) {
        if let Reading::Part(mut decoder) = std::mem::replace(&mut self.reading, Reading::Between) {
            sink.data(decoder.finish(has_last_line_end));
            sink.end(is_whole);
        }
    }
}
