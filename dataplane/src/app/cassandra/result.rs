//! Responses of a server of Cassandra (§4.2).

use super::{
    AUTH_SUCCESS, AUTHENTICATE, COMPRESSED, CUSTOM_PAYLOAD, Head, READY, TRACING, WARNING,
    request::pass_bytes_map,
};
use crate::{
    app::{Record, record::kept, wire::Wire},
    limits::CQL_TYPE_DEPTH_MAX,
};

/// A response as records tell it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    operation: u8,
    kind: &'static str,
    error: Option<(u32, Vec<u8>)>,
    rows: Option<u32>,
    keyspace: Vec<u8>,
    authenticator: Vec<u8>,
    /// What names the statement that was prepared.
    pub(super) prepared: Vec<u8>,
    is_compressed: bool,
    bytes: u64,
}

const ERROR: u8 = 0x00;
const SUPPORTED: u8 = 0x06;
const RESULT: u8 = 0x08;
const EVENT: u8 = 0x0c;
const AUTH_CHALLENGE: u8 = 0x0e;

impl Answer {
    /// What stands behind the head; of a message that is cut, as far as it goes.
    pub(super) fn parse(head: Head, wire: Wire<'_>, bytes: u64) -> Answer {
        let is_compressed = head.flags & COMPRESSED != 0;
        let mut answer = Answer { operation: head.operation, is_compressed, bytes, ..Answer::default() };
        if !is_compressed {
            let _ = answer.read(head, wire);
        }
        answer
    }

    fn read(&mut self, head: Head, mut wire: Wire<'_>) -> Option<()> {
        if head.flags & TRACING != 0 {
            wire.take(16)?;
        }
        if head.flags & WARNING != 0 {
            let count = wire.u16()?;
            for _ in 0..count {
                wire.prefixed_u16()?;
            }
        }
        if head.flags & CUSTOM_PAYLOAD != 0 {
            pass_bytes_map(&mut wire)?;
        }
        match head.operation {
            ERROR => self.error = Some((wire.u32()?, kept(wire.prefixed_u16()?))),
            AUTHENTICATE => self.authenticator = kept(wire.prefixed_u16()?),
            RESULT => match wire.u32()? {
                1 => self.kind = "void",
                2 => {
                    self.kind = "rows";
                    pass_metadata(&mut wire, head.version)?;
                    self.rows = wire.u32();
                }
                3 => {
                    self.kind = "set_keyspace";
                    self.keyspace = kept(wire.prefixed_u16()?);
                }
                4 => {
                    self.kind = "prepared";
                    self.prepared = kept(wire.prefixed_u16()?);
                }
                5 => self.kind = "schema_change",
                _ => {}
            },
            _ => {}
        }
        Some(())
    }

    /// Code and message.
    pub(super) fn error_text(&self) -> Vec<u8> {
        self.error.as_ref().map_or_else(Vec::new, |(code, message)| {
            [format!("0x{code:04x}").as_bytes(), message].join(&b' ')
        })
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("response", name_of(self.operation).as_bytes());
        record.text_if_any("result", self.kind.as_bytes());
        record.flag("success", self.error.is_none());
        if let Some((code, message)) = &self.error {
            record.object("error", |record| {
                record.number("code", (*code).into());
                record.text("message", message);
            });
        }
        if let Some(rows) = self.rows {
            record.number("rows", rows.into());
        }
        record.text_if_any("response_keyspace", &self.keyspace);
        record.text_if_any("authenticator", &self.authenticator);
        if self.is_compressed {
            record.flag("response_compressed", true);
        }
        record.number("response_bytes", self.bytes);
    }
}

/// What describes the columns of rows (§4.2.5.2).
fn pass_metadata(wire: &mut Wire<'_>, version: u8) -> Option<()> {
    const GLOBAL_TABLE: u32 = 1;
    const HAS_MORE_PAGES: u32 = 2;
    const NO_METADATA: u32 = 4;
    const METADATA_CHANGED: u32 = 8;
    let (flags, columns) = (wire.u32()?, wire.u32()?);
    if flags & HAS_MORE_PAGES != 0 {
        let length = wire.u32()?.cast_signed();
        wire.take(usize::try_from(length).unwrap_or(0))?;
    }
    if version >= 5 && flags & METADATA_CHANGED != 0 {
        wire.prefixed_u16()?;
    }
    if flags & NO_METADATA != 0 {
        return Some(());
    }
    if flags & GLOBAL_TABLE != 0 {
        let _ = (wire.prefixed_u16()?, wire.prefixed_u16()?);
    }
    for _ in 0..columns {
        if flags & GLOBAL_TABLE == 0 {
            let _ = (wire.prefixed_u16()?, wire.prefixed_u16()?);
        }
        let _name = wire.prefixed_u16()?;
        pass_type(wire, 0)?;
    }
    Some(())
}

fn pass_type(wire: &mut Wire<'_>, depth: usize) -> Option<()> {
    if depth == CQL_TYPE_DEPTH_MAX {
        return None;
    }
    match wire.u16()? {
        0x0000 => drop(wire.prefixed_u16()?),
        // List, set; map.
        0x0020 | 0x0022 => pass_type(wire, depth + 1)?,
        0x0021 => {
            pass_type(wire, depth + 1)?;
            pass_type(wire, depth + 1)?;
        }
        // A type of the user's: keyspace, name, and named types.
        0x0030 => {
            let _ = (wire.prefixed_u16()?, wire.prefixed_u16()?);
            let count = wire.u16()?;
            for _ in 0..count {
                wire.prefixed_u16()?;
                pass_type(wire, depth + 1)?;
            }
        }
        0x0031 => {
            let count = wire.u16()?;
            for _ in 0..count {
                pass_type(wire, depth + 1)?;
            }
        }
        _ => {}
    }
    Some(())
}

fn name_of(operation: u8) -> &'static str {
    match operation {
        ERROR => "error",
        READY => "ready",
        AUTHENTICATE => "authenticate",
        SUPPORTED => "supported",
        RESULT => "result",
        EVENT => "event",
        AUTH_CHALLENGE => "auth_challenge",
        AUTH_SUCCESS => "auth_success",
        _ => "unknown",
    }
}
