//! A reply of Redis, as records tell it.

use super::resp::Item;
use crate::{
    app::Record,
    limits::{RECORD_TEXT_BYTES_MAX, REDIS_FIRST_BYTES_MAX},
};

/// The reply under way: its text in brackets and commas.
///
/// Invariant: no more than a record tells of a text, and a byte that says so.
#[derive(Debug, Default)]
pub(super) struct Reply {
    text: Vec<u8>,
    /// The kind of the outermost value.
    kind: u8,
    /// Values in it.
    values: u64,
    /// The string under way is the first value.
    first: Vec<u8>,
    bytes: u64,
    is_separated: bool,
    /// How deep it is within an attribute, which stands in front of a value and is none.
    attribute_depth: usize,
}

impl Reply {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.capacity() + self.first.capacity()
    }

    pub(super) fn take(&mut self, item: Item<'_>) {
        if self.is_within_attribute(item) {
            return;
        }
        match item {
            Item::Begin { kind, count: _ } => {
                self.begin(kind);
                self.add(b"[");
                self.is_separated = true;
            }
            Item::End => {
                self.add(b"]");
                self.is_separated = false;
            }
            Item::Line { kind, text } => {
                self.begin(kind);
                self.values += 1;
                self.piece(text);
            }
            Item::String { kind, length } => {
                self.begin(kind);
                self.values += 1;
                if length.is_none() {
                    self.add(b"null");
                }
            }
            Item::Piece(bytes) => self.piece(bytes),
            Item::StringEnd => {}
            Item::Whole { bytes } => self.bytes = bytes,
        }
    }

    fn is_within_attribute(&mut self, item: Item<'_>) -> bool {
        let is_within = self.attribute_depth > 0;
        match item {
            Item::Begin { kind, .. } if is_within || kind == b'|' => self.attribute_depth += 1,
            Item::End if is_within => self.attribute_depth -= 1,
            _ => return is_within,
        }
        true
    }

    fn begin(&mut self, kind: u8) {
        if self.kind == 0 {
            self.kind = kind;
        } else if !self.is_separated {
            self.add(b", ");
        }
        self.is_separated = false;
    }

    fn piece(&mut self, bytes: &[u8]) {
        if self.values == 1 {
            let room = REDIS_FIRST_BYTES_MAX.saturating_sub(self.first.len());
            self.first.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = (RECORD_TEXT_BYTES_MAX + 1).saturating_sub(self.text.len());
        self.text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// What the server says went wrong.
    pub(super) fn error(&self) -> Option<&[u8]> {
        matches!(self.kind, b'-' | b'!').then_some(&self.text[..])
    }

    /// Whether it answers nothing (RESP3).
    pub(super) fn is_push(&self) -> bool {
        self.kind == b'>'
    }

    /// Whether it is what subscribers are told (RESP2).
    pub(super) fn is_message(&self) -> bool {
        const WORDS: [&[u8]; 9] = [
            b"message",
            b"pmessage",
            b"smessage",
            b"subscribe",
            b"psubscribe",
            b"ssubscribe",
            b"unsubscribe",
            b"punsubscribe",
            b"sunsubscribe",
        ];
        self.kind == b'*' && WORDS.contains(&&self.first[..])
    }

    pub(super) fn clear(&mut self) {
        *self = Reply::default();
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.flag("success", self.error().is_none());
        record.text(if self.error().is_some() { "error" } else { "reply" }, &self.text);
        record.number("values", self.values);
        record.number("response_bytes", self.bytes);
    }
}
