//! What events tell of a mail: `email`, in Suricata's names.

use super::urls::Urls;
use crate::app::{
    Record,
    carried_file::EndedFile,
    mime::unprotected,
    record::{kept, kept_file_name},
};
use crate::limits::{MAIL_ADDRESSES_TOLD_MAX, MAIL_ATTACHMENTS_TOLD_MAX};

/// The header fields that are told, the first one of each name, and what is attached. Texts are kept as far as a
/// record tells them.
#[derive(Debug, Default)]
pub(in crate::app) struct Email {
    from: Vec<u8>,
    to: Vec<Vec<u8>>,
    cc: Vec<Vec<u8>>,
    subject: Vec<u8>,
    message_id: Vec<u8>,
    date: Vec<u8>,
    x_mailer: Vec<u8>,
    attachments: Vec<Vec<u8>>,
    /// Files in it that are over.
    pub(super) files: Vec<EndedFile>,
    pub(super) urls: Urls,
    pub(super) status: Status,
}

/// How far a mail was read, in Suricata's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    HeaderStarted,
    BodyStarted,
    ParseDone,
}

impl Email {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let lists = [&self.to, &self.cc, &self.attachments].into_iter().flatten();
        let texts = [&self.from, &self.subject, &self.message_id, &self.date, &self.x_mailer];
        let files = self.files.iter().map(|file| size_of::<EndedFile>() + file.held_bytes()).sum::<usize>();
        lists.chain(texts).map(Vec::capacity).sum::<usize>() + files + self.urls.held_bytes()
    }

    /// A header field, unfolded.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        if is(b"to") {
            return addresses(&mut self.to, value);
        }
        if is(b"cc") {
            return addresses(&mut self.cc, value);
        }
        let texts = [
            (&b"from"[..], &mut self.from),
            (b"subject", &mut self.subject),
            (b"message-id", &mut self.message_id),
            (b"date", &mut self.date),
            (b"x-mailer", &mut self.x_mailer),
        ];
        let text = texts.into_iter().find(|(wanted, text)| is(wanted) && text.is_empty());
        if let Some((_, text)) = text {
            *text = kept(value);
        }
    }

    pub(super) fn attachment(&mut self, name: &[u8]) {
        if self.attachments.len() < MAIL_ATTACHMENTS_TOLD_MAX {
            self.attachments.push(kept_file_name(name));
        }
    }

    pub(in crate::app) fn tell(&self, record: &mut Record) {
        record.text("status", self.status.as_str().as_bytes());
        record.text_if_any("from", &self.from);
        for (name, list) in [("to", &self.to), ("cc", &self.cc)] {
            if !list.is_empty() {
                record.list(name, |record| list.iter().for_each(|text| record.text("", text)));
            }
        }
        if !self.attachments.is_empty() {
            let tell =
                |record: &mut Record| self.attachments.iter().for_each(|name| record.file_name("", name));
            record.list("attachment", tell);
        }
        self.urls.tell(record);
        record.text_if_any("subject", &self.subject);
        record.text_if_any("message_id", &self.message_id);
        record.text_if_any("date", &self.date);
        record.text_if_any("x_mailer", &self.x_mailer);
    }
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Status::HeaderStarted => "HEADER_STARTED",
            Status::BodyStarted => "BODY_STARTED",
            Status::ParseDone => "PARSE_DONE",
        }
    }
}

/// Adds the addresses of a list to those that are there (RFC 5322 §3.4).
fn addresses(list: &mut Vec<Vec<u8>>, mut text: &[u8]) {
    while !text.is_empty() && list.len() < MAIL_ADDRESSES_TOLD_MAX {
        let end = unprotected(text, b',').unwrap_or(text.len());
        let address = text.get(..end).unwrap_or_default().trim_ascii();
        if !address.is_empty() {
            list.push(kept(address));
        }
        text = text.get(end + 1..).unwrap_or_default();
    }
}
