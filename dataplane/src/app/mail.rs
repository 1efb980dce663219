//! A mail (RFC 5322, RFC 2045): its headers, its text and the files in it, decoded as they come.

mod email;
mod head;
mod line_pieces;
mod parameters;
#[cfg(test)]
mod tests;
mod transfer_coding;
mod urls;

use dlp_patterns::Field;

pub(super) use self::{email::Email, parameters::Parameters};
use self::{
    email::Status,
    head::{Entity, Head, HeadLine, Kind},
    line_pieces::{LineEnd, LinePieces, Piece},
    transfer_coding::Decoder,
};
use super::{
    AppAnomaly, AppSink, Record,
    beside::Beside,
    carried_file::{CarriedFile, FileEnd},
    streamed::Streamed,
};
use crate::flow::Direction;
use crate::limits::{MAIL_BOUNDARY_BYTES_MAX, MAIL_NESTING_MAX};

/// One mail under way. What it tells, in the order in which it comes: each header, and what stands behind it.
#[derive(Debug)]
pub(super) struct Mail {
    /// Number of the transaction that carries it.
    id: u64,
    told: Streamed,
    pieces: LinePieces,
    /// How the line before ended.
    line_end: LineEnd,
    /// What is open around the part at hand, the outermost first.
    levels: Vec<Level>,
    reading: Reading,
    email: Email,
    is_cut: bool,
    /// Whether a doubtful end of it was told.
    is_end_told: bool,
}

#[derive(Debug)]
enum Reading {
    Head(Head),
    Text(Decoder),
    File(Decoder, CarriedFile),
    /// Before the first part of a multipart, or behind its last one.
    Between,
}

/// What parts of a mail stand in.
#[derive(Debug)]
enum Level {
    /// A multipart, and what stands between its parts.
    Parts(Vec<u8>),
    /// A mail within the mail.
    Mail,
}

/// A line of a single dot (RFC 5321 §4.5.2, RFC 1939 §3): the mail is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dot;

/// Bytes that a level may take with its boundary.
const LEVEL_BYTES: usize = size_of::<Level>() + MAIL_BOUNDARY_BYTES_MAX;

impl Mail {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let file = match &self.reading {
            Reading::File(_, file) => file.held_bytes(),
            Reading::Head(_) | Reading::Text(_) | Reading::Between => 0,
        };
        self.pieces.held_bytes() + self.email.held_bytes() + self.levels.len() * LEVEL_BYTES + file
    }

    pub(super) fn new(direction: Direction, id: u64) -> Mail {
        Mail {
            id,
            told: Streamed::new(direction),
            pieces: LinePieces::default(),
            line_end: LineEnd::CrLf,
            levels: Vec::new(),
            reading: Reading::Head(Head::default()),
            email: Email::default(),
            is_cut: false,
            is_end_told: false,
        }
    }

    /// The next bytes of it.
    pub(super) fn data<S: AppSink>(&mut self, mut bytes: &[u8], out: &mut Beside<'_, S>) {
        let mut pieces = std::mem::take(&mut self.pieces);
        let read = pieces.read(&mut bytes, |piece| {
            self.piece(piece, out);
            Ok::<(), Dot>(())
        });
        debug_assert_eq!(read, Ok(()));
        self.pieces = pieces;
    }

    /// The next bytes of one that a line of a dot ends, and whose other lines have a dot more where they begin with one; says
    /// whether it ended, and leaves what follows in `bytes`.
    pub(super) fn dotted<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> bool {
        let mut pieces = std::mem::take(&mut self.pieces);
        let read = pieces.read(bytes, |piece| self.dotted_piece(piece, out));
        self.pieces = pieces;
        read.is_err()
    }

    fn dotted_piece<S: AppSink>(&mut self, piece: Piece<'_>, out: &mut Beside<'_, S>) -> Result<(), Dot> {
        let before = std::mem::replace(&mut self.line_end, piece.end);
        let bytes = match piece.bytes {
            b"." if piece.is_whole() && (before, piece.end) == (LineEnd::CrLf, LineEnd::CrLf) => {
                return Err(Dot);
            }
            b"." if piece.is_whole() => {
                // Some servers take the mail to end here, and what follows as commands.
                if !std::mem::replace(&mut self.is_end_told, true) {
                    out.anomaly(self.told.direction(), AppAnomaly::MailEnd);
                }
                piece.bytes
            }
            bytes if piece.is_begin => bytes.strip_prefix(b".").unwrap_or(bytes),
            bytes => bytes,
        };
        self.piece(Piece { bytes, ..piece }, out);
        Ok(())
    }

    /// No more of it follows, or is read. Tells what is left, and returns what events tell.
    pub(super) fn finish<S: AppSink>(mut self, end: FileEnd, out: &mut Beside<'_, S>) -> Email {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.finish(|piece| self.piece(piece, out));
        if matches!(self.reading, Reading::Head(_)) {
            self.end_head(out);
        }
        self.end_part(true, end, out);
        if end == FileEnd::Closed {
            self.email.status = Status::ParseDone;
        }
        self.email
    }

    fn piece<S: AppSink>(&mut self, piece: Piece<'_>, out: &mut Beside<'_, S>) {
        if self.delimiter(piece, out) {
            return;
        }
        match &mut self.reading {
            Reading::Head(head) => {
                let is_outer = self.levels.is_empty();
                let line = head.piece(piece, is_outer.then_some(&mut self.email));
                if line != HeadLine::Body {
                    self.told.data(Field::MailHeaders, piece.bytes, out);
                    self.told.data(Field::MailHeaders, piece.end.bytes(), out);
                }
                if line != HeadLine::Field {
                    self.end_head(out);
                }
                if line == HeadLine::Body {
                    self.piece(piece, out);
                }
            }
            Reading::Text(decoder) => {
                for bytes in decoder.piece(piece) {
                    self.email.urls.data(bytes);
                    self.told.data(Field::MailBody, bytes, out);
                }
            }
            Reading::File(decoder, file) => {
                for bytes in decoder.piece(piece) {
                    file.data(bytes, &mut self.told, out);
                }
            }
            Reading::Between => {}
        }
    }

    /// Whether a line stands between two parts of a multipart that is open (RFC 2046 §5.1.1).
    fn delimiter<S: AppSink>(&mut self, piece: Piece<'_>, out: &mut Beside<'_, S>) -> bool {
        if !piece.is_begin || self.levels.is_empty() {
            return false;
        }
        let Some(line) = piece.bytes.strip_prefix(b"--") else { return false };
        let found = self.levels.iter().enumerate().rev().find_map(|(at, level)| {
            let Level::Parts(boundary) = level else { return None };
            let behind = line.strip_prefix(boundary.as_slice())?.trim_ascii_end();
            matches!(behind, b"" | b"--").then_some((at, behind))
        });
        let Some((at, behind)) = found else { return false };
        if matches!(self.reading, Reading::Head(_)) {
            self.end_head(out);
        }
        self.end_part(false, FileEnd::Closed, out);
        // A delimiter of an outer one ends those within.
        if behind.is_empty() {
            self.levels.truncate(at + 1);
            self.reading = Reading::Head(Head::default());
        } else {
            self.levels.truncate(at);
        }
        true
    }

    /// A header is complete: its body follows.
    fn end_head<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        let is_outer = self.levels.is_empty();
        let Reading::Head(head) = std::mem::replace(&mut self.reading, Reading::Between) else { return };
        self.told.end(out);
        if head.is_cut() {
            self.cut(out);
        }
        let entity = head.finish(is_outer.then_some(&mut self.email));
        if is_outer {
            self.email.status = Status::BodyStarted;
        }
        let is_nested = matches!(entity.kind, Kind::Multipart(_) | Kind::Mail);
        if is_nested && self.levels.len() >= MAIL_NESTING_MAX {
            self.cut(out);
            self.reading = Reading::Text(Decoder::new(entity.coding));
            return;
        }
        let Entity { kind, coding, file_name } = entity;
        self.reading = match (kind, file_name) {
            (Kind::Multipart(boundary), _) => {
                self.levels.push(Level::Parts(boundary));
                Reading::Between
            }
            (Kind::Mail, _) => {
                self.levels.push(Level::Mail);
                Reading::Head(Head::default())
            }
            (Kind::Text | Kind::File, Some(name)) => {
                self.email.attachment(&name);
                Reading::File(Decoder::new(coding), CarriedFile::begin(&name, &self.told, out))
            }
            (Kind::Text | Kind::File, None) => Reading::Text(Decoder::new(coding)),
        };
    }

    /// A part is complete.
    fn end_part<S: AppSink>(&mut self, has_last_line_end: bool, end: FileEnd, out: &mut Beside<'_, S>) {
        match std::mem::replace(&mut self.reading, Reading::Between) {
            Reading::Text(mut decoder) => {
                let last = decoder.finish(has_last_line_end);
                self.email.urls.data(last);
                self.email.urls.end();
                self.told.data(Field::MailBody, last, out);
                self.told.end(out);
            }
            Reading::File(mut decoder, mut file) => {
                file.data(decoder.finish(has_last_line_end), &mut self.told, out);
                file.finish(self.id, end, &mut self.told, out);
            }
            Reading::Head(_) | Reading::Between => self.told.end(out),
        }
    }

    /// Not all of it is read.
    fn cut<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if !std::mem::replace(&mut self.is_cut, true) {
            out.anomaly(self.told.direction(), AppAnomaly::MessageCut);
        }
    }
}

impl Email {
    /// Tells it beside what carries it.
    pub(super) fn tell_beside(&self, record: &mut Record) {
        record.beside("email", |record| self.tell(record));
    }
}
