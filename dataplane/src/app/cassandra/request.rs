//! Requests of a client of Cassandra (§4.1).

use super::{COMPRESSED, CUSTOM_PAYLOAD, Head, OPTIONS, STARTUP};
use crate::{
    app::{Record, record::kept, wire::Wire},
    limits::CQL_BATCH_STATEMENTS_MAX,
};

/// A request; texts but the statements are kept as far as a record tells them.
#[derive(Debug, Default)]
pub(super) struct Request {
    operation: u8,
    /// Statements as they came.
    pub(super) statements: Vec<Vec<u8>>,
    pub(super) text: Vec<u8>,
    /// Statements of a batch.
    count: Option<u16>,
    pub(super) executes: Option<Vec<u8>>,
    pub(super) user: Vec<u8>,
    pub(super) keyspace: Vec<u8>,
    driver: Vec<u8>,
    pub(super) compression: Vec<u8>,
    is_compressed: bool,
    pub(super) bytes: u64,
}

const AUTH_RESPONSE: u8 = 0x0f;
const QUERY: u8 = 0x07;
const PREPARE: u8 = 0x09;
const EXECUTE: u8 = 0x0a;
const REGISTER: u8 = 0x0b;
const BATCH: u8 = 0x0d;

impl Request {
    /// A request of which no more is known than what it is.
    pub(super) fn unread(head: Head) -> Request {
        Request { operation: head.operation, ..Request::default() }
    }

    /// What stands behind the head; of a message that is cut, as far as it goes.
    pub(super) fn parse(head: Head, mut wire: Wire<'_>) -> Option<Request> {
        let mut request = Request::unread(head);
        if head.flags & COMPRESSED != 0 {
            request.is_compressed = true;
            return Some(request);
        }
        if head.flags & CUSTOM_PAYLOAD != 0 {
            pass_bytes_map(&mut wire)?;
        }
        match head.operation {
            STARTUP => request.startup(wire),
            AUTH_RESPONSE => {
                // RFC 4616 §2, the token of PasswordAuthenticator.
                let token = wire.prefixed_u32()?;
                request.user = kept(token.split(|byte| *byte == 0).nth(1).unwrap_or_default());
            }
            QUERY | PREPARE => {
                let text = long_string(&mut wire)?;
                request.text = kept(text);
                request.keyspace = kept(chosen_keyspace(text));
                request.statements = vec![text.to_vec()];
            }
            EXECUTE => request.executes = Some(kept(wire.prefixed_u16()?)),
            BATCH => request.batch(wire)?,
            _ => {}
        }
        Some(request)
    }

    fn startup(&mut self, mut wire: Wire<'_>) {
        let count = wire.u16().unwrap_or(0);
        for _ in 0..count {
            let (Some(name), Some(value)) = (wire.prefixed_u16(), wire.prefixed_u16()) else { break };
            match name {
                b"COMPRESSION" => self.compression = kept(value),
                b"DRIVER_NAME" => self.driver = kept(value),
                _ => {}
            }
        }
    }

    /// A batch: statements, or what names them, and their values.
    fn batch(&mut self, mut wire: Wire<'_>) -> Option<()> {
        let _kind = wire.u8()?;
        let count = wire.u16()?;
        self.count = Some(count);
        for _ in 0..usize::from(count).min(CQL_BATCH_STATEMENTS_MAX) {
            if wire.u8()? == 0 {
                let Some(text) = long_string(&mut wire) else { break };
                if self.text.is_empty() {
                    self.text = kept(text);
                }
                self.statements.push(text.to_vec());
            } else if wire.prefixed_u16().is_none() {
                break;
            }
            if pass_values(&mut wire).is_none() {
                break;
            }
        }
        Some(())
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("command", name_of(self.operation).as_bytes());
        record.text_if_any("statement", &self.text);
        if let Some(count) = self.count {
            record.number("statements", count.into());
        }
        record.text_if_any("user", &self.user);
        record.text_if_any("keyspace", &self.keyspace);
        record.text_if_any("driver", &self.driver);
        record.text_if_any("compression", &self.compression);
        if self.is_compressed {
            record.flag("compressed", true);
        }
        record.number("request_bytes", self.bytes);
    }
}

/// A string with four bytes of length; of one that is cut, what is here.
fn long_string<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let length = usize::try_from(wire.u32()?).ok()?;
    wire.take(length.min(wire.rest().len()))
}

/// What `USE` names.
fn chosen_keyspace(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    match text.split_at_checked(4) {
        Some((word, name)) if word.eq_ignore_ascii_case(b"use ") => {
            let name = name.trim_ascii();
            let name = name.strip_suffix(b";").unwrap_or(name).trim_ascii();
            name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name)
        }
        _ => &[],
    }
}

fn pass_values(wire: &mut Wire<'_>) -> Option<()> {
    let count = wire.u16()?;
    for _ in 0..count {
        let length = wire.u32()?.cast_signed();
        // Null and unset have negative lengths.
        wire.take(usize::try_from(length).unwrap_or(0))?;
    }
    Some(())
}

pub(super) fn pass_bytes_map(wire: &mut Wire<'_>) -> Option<()> {
    let count = wire.u16()?;
    for _ in 0..count {
        let _name = wire.prefixed_u16()?;
        let length = wire.u32()?.cast_signed();
        wire.take(usize::try_from(length).unwrap_or(0))?;
    }
    Some(())
}

fn name_of(operation: u8) -> &'static str {
    match operation {
        STARTUP => "startup",
        OPTIONS => "options",
        QUERY => "query",
        PREPARE => "prepare",
        EXECUTE => "execute",
        REGISTER => "register",
        BATCH => "batch",
        AUTH_RESPONSE => "auth_response",
        _ => "unknown",
    }
}
