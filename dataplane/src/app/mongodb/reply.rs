//! What a server of MongoDB answers.

use super::{
    COMPRESSED, MSG, REPLY,
    bson::{Document, Value},
    command::compressor,
};
use crate::app::{Record, messages::Message, record::kept, wire::Wire};

/// A reply as records tell it.
#[derive(Debug, Default)]
pub(super) struct Reply {
    is_ok: Option<bool>,
    code: Option<i64>,
    code_name: Vec<u8>,
    error: Vec<u8>,
    /// Documents that it returned; `None` where the message is cut, or there is none to return.
    documents: Option<u64>,
    /// Documents that it changed, or counted.
    count: Option<i64>,
    bytes: u64,
    compressor: Option<&'static str>,
}

const QUERY_FAILURE: u32 = 2;

impl Reply {
    /// What stands behind the head of a message.
    pub(super) fn parse(operation: u32, mut wire: Wire<'_>, message: Message<'_>) -> Option<Reply> {
        let mut reply = Reply { bytes: message.total_bytes, ..Reply::default() };
        match operation {
            MSG => {
                let (_flags, kind) = (wire.u32_le()?, wire.u8()?);
                if kind == 0 {
                    reply.read(Document::take(&mut wire)?, message.is_cut());
                }
            }
            REPLY => {
                let flags = wire.u32_le()?;
                let (_cursor, _begin) = (wire.u64_le()?, wire.u32_le()?);
                reply.documents = wire.u32_le().map(u64::from);
                if let Some(document) = Document::take(&mut wire) {
                    reply.read(document, message.is_cut());
                    if flags & QUERY_FAILURE != 0 {
                        reply.is_ok = Some(false);
                        reply.error =
                            document.find(b"$err").and_then(Value::text).map(kept).unwrap_or_default();
                    }
                }
            }
            COMPRESSED => {
                let (_original, _length) = (wire.u32_le()?, wire.u32_le()?);
                reply.compressor = Some(compressor(wire.u8()?));
            }
            _ => return None,
        }
        Some(reply)
    }

    fn read(&mut self, document: Document<'_>, is_cut: bool) {
        for element in document.elements() {
            match (element.name, element.value) {
                (b"ok", value) => self.is_ok = Some(value.is_true()),
                (b"errmsg", value) => self.error = kept(value.text().unwrap_or_default()),
                (b"codeName", value) => self.code_name = kept(value.text().unwrap_or_default()),
                (b"code", value) => self.code = value.number(),
                (b"n", value) => self.count = value.number(),
                (b"cursor", Value::Document(cursor)) if !is_cut => {
                    let batch =
                        cursor.find(b"firstBatch").or(cursor.find(b"nextBatch")).and_then(Value::document);
                    self.documents = batch.map(|batch| batch.elements().count() as u64);
                }
                (b"writeErrors", Value::Array(errors)) => {
                    let first = errors.elements().next().and_then(|error| error.value.document());
                    if let Some(error) = first {
                        self.code = error.find(b"code").and_then(Value::number);
                        self.error = kept(error.find(b"errmsg").and_then(Value::text).unwrap_or_default());
                    }
                }
                _ => {}
            }
        }
    }

    /// Code and message.
    pub(super) fn error_text(&self) -> Vec<u8> {
        match self.code {
            Some(code) if !self.error.is_empty() => [code.to_string().as_bytes(), &self.error].join(&b' '),
            _ => self.error.clone(),
        }
    }

    pub(super) fn tell(&self, record: &mut Record) {
        if let Some(is_ok) = self.is_ok {
            record.flag("success", is_ok && self.error.is_empty());
        }
        if !self.error.is_empty() {
            record.object("error", |record| {
                if let Some(code) = self.code {
                    record.display("code", code);
                }
                record.text_if_any("code_name", &self.code_name);
                record.text("message", &self.error);
            });
        }
        if let Some(documents) = self.documents {
            record.number("documents", documents);
        }
        if let Some(count) = self.count.and_then(|count| u64::try_from(count).ok()) {
            record.number("count", count);
        }
        record.text_if_any("response_compressor", self.compressor.unwrap_or_default().as_bytes());
        record.number("response_bytes", self.bytes);
    }
}
