//! A mail (RFC 5322, RFC 2045): its headers, its text and the files in it, decoded as they come.

mod email;
#[cfg(test)]
mod tests;
mod urls;

use dlp_patterns::Field;

pub(super) use self::email::Email;
use self::email::Status;
use super::{
    AppAnomaly, AppSink, Record,
    beside::Beside,
    carried_file::{CarriedFile, FileEnd},
    content_type::ContentType,
    mime::{Entity, Kind, LineEnd, LinePieces, Mime, MimeOdd, MimeSink, Nesting, Piece},
    streamed::Streamed,
};
use crate::content::{Charset, Transcoder};
use crate::flow::Direction;
use crate::limits::{MAIL_ATTACHMENTS_TOLD_MAX, MAIL_NESTING_MAX};

/// One mail under way. What it tells, in the order in which it comes: each header, and what stands behind it.
#[derive(Debug)]
pub(super) struct Mail {
    pieces: LinePieces,
    /// How the line before ended.
    line_end: LineEnd,
    mime: Mime,
    said: Said,
    /// Whether a doubtful end of it was told.
    is_end_told: bool,
}

/// What it says, as far as it was read.
#[derive(Debug)]
struct Said {
    /// Number of the transaction that carries it.
    id: u64,
    told: Streamed,
    email: Email,
    file: Option<CarriedFile>,
    /// Of a text in another charset.
    transcoder: Option<Transcoder>,
    /// How files end that nothing within the mail ends.
    end: FileEnd,
    is_cut: bool,
}

/// What it says, on its way to who listens.
struct Telling<'t, 'a, S> {
    said: &'t mut Said,
    out: &'t mut Beside<'a, S>,
}

/// A line of a single dot (RFC 5321 §4.5.2, RFC 1939 §3): the mail is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dot;

impl Mail {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let file = self.said.file.as_ref().map_or(0, CarriedFile::held_bytes);
        self.pieces.held_bytes() + self.said.email.held_bytes() + self.mime.held_bytes() + file
    }

    pub(super) fn new(direction: Direction, id: u64) -> Mail {
        Mail {
            pieces: LinePieces::default(),
            line_end: LineEnd::CrLf,
            mime: Mime::new(Nesting { levels_max: MAIL_NESTING_MAX, are_mails_read: true }),
            said: Said {
                id,
                told: Streamed::new(direction),
                email: Email::default(),
                file: None,
                transcoder: None,
                end: FileEnd::Closed,
                is_cut: false,
            },
            is_end_told: false,
        }
    }

    /// The next bytes of it.
    pub(super) fn data<S: AppSink>(&mut self, mut bytes: &[u8], out: &mut Beside<'_, S>) {
        let Mail { pieces, mime, said, .. } = self;
        let read = pieces.read(&mut bytes, |piece| {
            mime.piece(piece, &mut Telling { said, out });
            Ok::<(), Dot>(())
        });
        debug_assert_eq!(read, Ok(()));
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
                    out.anomaly(self.said.told.direction(), AppAnomaly::MailEnd);
                }
                piece.bytes
            }
            bytes if piece.is_begin => bytes.strip_prefix(b".").unwrap_or(bytes),
            bytes => bytes,
        };
        self.mime.piece(Piece { bytes, ..piece }, &mut Telling { said: &mut self.said, out });
        Ok(())
    }

    /// No more of it follows, or is read. Tells what is left, and returns what events tell.
    pub(super) fn finish<S: AppSink>(self, end: FileEnd, out: &mut Beside<'_, S>) -> Email {
        let Mail { mut pieces, mut mime, mut said, .. } = self;
        said.end = end;
        let mut telling = Telling { said: &mut said, out };
        pieces.finish(|piece| mime.piece(piece, &mut telling));
        mime.finish(&mut telling);
        telling.said.told.end(telling.out);
        if end == FileEnd::Closed {
            said.email.status = Status::ParseDone;
        }
        said.email
    }
}

impl<S: AppSink> MimeSink for Telling<'_, '_, S> {
    fn header(&mut self, bytes: &[u8]) {
        self.said.told.data(Field::MailHeaders, bytes, self.out);
    }

    fn field(&mut self, is_outer: bool, name: &[u8], value: &[u8]) {
        if is_outer {
            self.said.email.field(name, value);
        }
    }

    fn end_header(&mut self, is_outer: bool) {
        self.said.told.end(self.out);
        if is_outer {
            self.said.email.status = Status::BodyStarted;
        }
    }

    fn begin(&mut self, entity: Entity) {
        let Entity { kind, file_name, content_type, .. } = entity;
        self.said.transcoder = None;
        if let (Kind::Text | Kind::File, Some(name)) = (kind, file_name) {
            self.said.email.attachment(&name);
            self.said.file = Some(CarriedFile::begin(&name, &self.said.told, self.out));
        } else {
            let charset = ContentType::of(&content_type).charset();
            self.said.transcoder = charset.map(Charset::transcoder);
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        let Said { told, email, file, transcoder, .. } = &mut *self.said;
        if let Some(file) = file {
            return file.data(bytes, told, self.out);
        }
        let mut tell = |text: &[u8]| {
            email.urls.data(text);
            told.data(Field::MailBody, text, self.out);
        };
        match transcoder {
            Some(transcoder) => transcoder.push(bytes, tell),
            None => tell(bytes),
        }
    }

    fn end(&mut self, is_whole: bool) {
        let Said { id, told, email, file, transcoder, end, .. } = &mut *self.said;
        let Some(file) = file.take() else {
            if let Some(transcoder) = transcoder.take() {
                transcoder.finish(|text| {
                    email.urls.data(text);
                    told.data(Field::MailBody, text, self.out);
                });
            }
            email.urls.end();
            return told.end(self.out);
        };
        for ended in file.finish(if is_whole { FileEnd::Closed } else { *end }, told, self.out) {
            if email.files.len() < MAIL_ATTACHMENTS_TOLD_MAX {
                // It is told with what the mail comes to.
                email.files.push(ended);
            } else {
                self.out.file(*id, |record| ended.tell(*id, record));
            }
        }
    }

    fn odd(&mut self, odd: MimeOdd) {
        // Not all of it is read; what else is odd, mail programs read alike.
        let is_cut = matches!(odd, MimeOdd::HeaderCut | MimeOdd::Depth);
        if is_cut && !std::mem::replace(&mut self.said.is_cut, true) {
            self.out.anomaly(self.said.told.direction(), AppAnomaly::MessageCut);
        }
    }
}

impl Email {
    /// Tells it beside what carries it.
    pub(super) fn tell_beside(&self, record: &mut Record) {
        record.beside("email", |record| self.tell(record));
    }

    /// Tells the files in it, each for itself; `fill_beside` tells what stands beside them.
    pub(super) fn tell_files<S: AppSink>(
        &self,
        id: u64,
        out: &mut Beside<'_, S>,
        fill_beside: impl Fn(&mut Record),
    ) {
        for file in &self.files {
            out.file(id, |record| {
                file.tell(id, record);
                fill_beside(record);
                self.tell_beside(record);
            });
        }
    }
}
