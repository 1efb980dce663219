//! Bytes that stand within a line of IMAP, counted (RFC 9051 §4.3).

use dlp_patterns::Field;

use super::is_mail;
use crate::app::{
    AppSink,
    beside::Beside,
    carried_file::FileEnd,
    mail::{Email, Mail},
    streamed::Streamed,
};
use crate::flow::Direction;

/// A literal under way.
#[derive(Debug)]
pub(super) struct Literal {
    left_bytes: u64,
    content: Content,
    is_untouched: bool,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Content {
    /// A mail, with the number of the command that it is of.
    Mail(u64, Box<Mail>),
    /// Text of a mail, however that is encoded.
    Text(Streamed),
    /// An argument.
    Other,
}

impl Content {
    pub(super) fn mail(direction: Direction, next_id: u64) -> Content {
        let id = next_id.saturating_sub(1);
        Content::Mail(id, Box::new(Mail::new(direction, id)))
    }

    /// Of what a server fetches.
    pub(super) fn of_item(item: &[u8], id: u64) -> Content {
        if is_mail(item) {
            Content::Mail(id, Box::new(Mail::new(Direction::ToClient, id)))
        } else if item.ends_with(b"]") || item.ends_with(b">") || item.ends_with(b"RFC822.TEXT") {
            Content::Text(Streamed::new(Direction::ToClient))
        } else {
            Content::Other
        }
    }
}

impl Literal {
    pub(super) fn new(bytes: u64, content: Content) -> Literal {
        Literal { left_bytes: bytes, content, is_untouched: true }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left_bytes == 0
    }

    /// Whether nothing of it has come.
    pub(super) fn is_untouched(&self) -> bool {
        self.is_untouched
    }

    /// Takes its bytes off the front; says whether it is complete.
    pub(super) fn data<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> bool {
        let count = usize::try_from(self.left_bytes).unwrap_or(usize::MAX).min(bytes.len());
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        self.left_bytes -= count as u64;
        self.is_untouched = false;
        match &mut self.content {
            Content::Mail(_, mail) => mail.data(taken, out),
            Content::Text(told) => told.data(Field::MailBody, taken, out),
            Content::Other => {}
        }
        self.is_empty()
    }

    /// It is over: the mail that it was, if it was one.
    pub(super) fn finish<S: AppSink>(self, end: FileEnd, out: &mut Beside<'_, S>) -> Option<(u64, Email)> {
        match self.content {
            Content::Mail(id, mail) => Some((id, mail.finish(end, out))),
            Content::Text(mut told) => {
                told.end(out);
                None
            }
            Content::Other => None,
        }
    }
}
