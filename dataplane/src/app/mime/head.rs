//! The header of an entity, or of a part of one: what says how its body is to be read.

use memchr::memchr;

use super::line_pieces::{LineEnd, Piece};
use super::parameters::Parameters;
use super::transfer_coding::Coding;
use crate::limits::{MAIL_BOUNDARY_BYTES_MAX, TEXT_LINE_BYTES_MAX};

/// A header under way.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The header field at hand, unfolded.
    field: Vec<u8>,
    /// Whether bytes of it were left out.
    is_cut: bool,
    kind: Kind,
    coding: Coding,
    name: Vec<u8>,
    form_name: Vec<u8>,
    content_type: Vec<u8>,
    is_attached: bool,
}

/// What the body is by Content-Type.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::app) enum Kind {
    #[default]
    Text,
    /// Parts between lines of this (RFC 2046 §5.1).
    Multipart(Vec<u8>),
    /// A mail (RFC 2046 §5.2.1).
    Mail,
    /// Nothing to read as text.
    File,
}

/// What a header came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::app) struct Entity {
    pub(in crate::app) kind: Kind,
    pub(in crate::app) coding: Coding,
    /// Of the file that it is, if it is one.
    pub(in crate::app) file_name: Option<Vec<u8>>,
    /// Of the field of a form that it is (RFC 7578 §4.2).
    pub(in crate::app) form_name: Vec<u8>,
    /// What Content-Type says; empty where it is absent.
    pub(in crate::app) content_type: Vec<u8>,
}

/// What a line of a header was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadLine {
    Field,
    /// The blank line behind it.
    End,
    /// The first line of the body: there is no blank one.
    Body,
}

impl Head {
    /// Reads the next piece; each field is shown with its value.
    pub(super) fn piece(&mut self, piece: Piece<'_>, field: impl FnMut(&[u8], &[u8])) -> HeadLine {
        let is_folded = piece.bytes.starts_with(b" ") || piece.bytes.starts_with(b"\t");
        if piece.is_begin && !is_folded {
            if self.is_unfolded(piece.bytes) {
                self.hold(piece.bytes);
                return HeadLine::Field;
            }
            self.end_field(field);
            if piece.bytes.is_empty() && piece.end != LineEnd::None {
                return HeadLine::End;
            }
            // RFC 5322 §2.2 has no other lines: mail programs take the body to begin there.
            if !is_field(piece.bytes) {
                return HeadLine::Body;
            }
        }
        self.hold(piece.bytes);
        HeadLine::Field
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        [&self.field, &self.name, &self.form_name, &self.content_type].map(Vec::capacity).iter().sum()
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = TEXT_LINE_BYTES_MAX - self.field.len();
        self.is_cut |= bytes.len() > room;
        self.field.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Whether a line is the parameter that the field before it lacks behind its semicolon: it was to be folded, and mail programs
    /// go on in the header.
    fn is_unfolded(&self, line: &[u8]) -> bool {
        let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
        let is_parameter = name.len() < line.len()
            && !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*'));
        is_parameter && self.field.trim_ascii_end().ends_with(b";")
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The header is complete.
    pub(super) fn finish(mut self, field: impl FnMut(&[u8], &[u8])) -> Entity {
        self.end_field(field);
        let is_file = self.is_attached || self.kind == Kind::File || !self.name.is_empty();
        let file_name = (is_file && self.kind != Kind::Mail).then_some(self.name);
        let Head { kind, coding, form_name, content_type, .. } = self;
        Entity { kind, coding, file_name, form_name, content_type }
    }

    fn end_field(&mut self, mut shown: impl FnMut(&[u8], &[u8])) {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = memchr(b':', &field) else { return };
        let (name, value) = field.split_at(colon);
        let (name, value) = (name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
        if name.eq_ignore_ascii_case(b"content-type") {
            self.content_type(Parameters::new(value));
            self.content_type.clear();
            self.content_type.extend_from_slice(value);
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            self.coding = Coding::named(value);
        } else if name.eq_ignore_ascii_case(b"content-disposition") {
            // RFC 2183 §2.
            let disposition = Parameters::new(value);
            self.is_attached = disposition.value().eq_ignore_ascii_case(b"attachment");
            let name = disposition.get(b"filename");
            if !name.is_empty() {
                self.name = name;
            }
            if self.form_name.is_empty() {
                self.form_name = disposition.get(b"name");
            }
        }
        shown(name, value);
        self.field = field;
        self.field.clear();
    }

    fn content_type(&mut self, content_type: Parameters<'_>) {
        let media = content_type.value().to_ascii_lowercase();
        self.kind = if media.starts_with(b"multipart/") {
            let boundary = content_type.get(b"boundary");
            // Without one there are no parts.
            let is_sound = (1..=MAIL_BOUNDARY_BYTES_MAX).contains(&boundary.len());
            if is_sound { Kind::Multipart(boundary) } else { Kind::Text }
        } else if media == b"message/rfc822" {
            Kind::Mail
        } else if media.starts_with(b"text/") || media.starts_with(b"message/") || media.is_empty() {
            Kind::Text
        } else {
            Kind::File
        };
        if self.name.is_empty() {
            self.name = content_type.get(b"name");
        }
    }
}

/// A name without blanks and a colon; blanks before the colon are obsolete (RFC 5322 §4.5.8), and read.
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr(b':', line) else { return false };
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}
