//! Requests of a client of SQL Server.

use super::login::Login;
use crate::{
    app::{Record, utf16::utf16, wire::Wire},
    limits::RECORD_TEXT_BYTES_MAX,
};

/// A request as records tell it.
#[derive(Debug, Default)]
pub(super) struct Request {
    name: &'static str,
    procedure: String,
    /// The statement.
    pub(super) text: String,
    login: Option<Login>,
    bytes: u64,
}

/// Procedures that a request names by number ([MS-TDS] 2.2.6.6), from 1.
const PROCEDURES: [&str; 15] = [
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];
/// Parameters in front of the statement of any of them, and it.
const PARAMETERS_READ_MAX: usize = 4;

impl Request {
    pub(super) fn named(name: &'static str) -> Request {
        Request { name, ..Request::default() }
    }

    pub(super) fn login(login: Login) -> Request {
        Request { login: Some(login), ..Request::named("login") }
    }

    /// SQLBatch (2.2.6.7).
    pub(super) fn batch(message: &[u8]) -> Request {
        Request { text: utf16(behind_headers(message)), ..Request::named("sql_batch") }
    }

    /// RPC request (2.2.6.6): the first of its batch.
    pub(super) fn rpc(message: &[u8]) -> Request {
        let mut request = Request::named("rpc");
        let _ = request.read_rpc(Wire(behind_headers(message)));
        request
    }

    fn read_rpc(&mut self, mut wire: Wire<'_>) -> Option<()> {
        const BY_NUMBER: u16 = 0xffff;
        self.procedure = match wire.u16_le()? {
            BY_NUMBER => {
                let number = usize::from(wire.u16_le()?);
                number
                    .checked_sub(1)
                    .and_then(|at| PROCEDURES.get(at))
                    .copied()
                    .unwrap_or_default()
                    .to_owned()
            }
            characters => utf16(wire.take(2 * usize::from(characters))?),
        };
        let _options = wire.u16_le()?;
        // Of all texts in front it is the last: before it stand what describes its parameters, or numbers. With
        // sp_executesql it is the first.
        let is_first = self.procedure.eq_ignore_ascii_case("sp_executesql");
        let is_statement =
            is_first || self.procedure.starts_with("sp_prep") || self.procedure.starts_with("sp_cursor");
        for _ in 0..PARAMETERS_READ_MAX {
            match parameter(&mut wire)? {
                Some(text) if is_statement => {
                    self.text = text;
                    if is_first {
                        break;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    pub(super) fn is_prelogin(&self) -> bool {
        self.name == "prelogin"
    }

    /// Of its text no more than a record tells, and a sign more where that is not all.
    pub(super) fn kept(mut self, bytes: u64) -> Request {
        if self.text.len() > RECORD_TEXT_BYTES_MAX {
            let end = self.text.ceil_char_boundary(RECORD_TEXT_BYTES_MAX + 1);
            self.text.truncate(end);
            self.text.shrink_to_fit();
        }
        self.bytes = bytes;
        self
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("command", self.name.as_bytes());
        record.text_if_any("procedure", self.procedure.as_bytes());
        record.text_if_any("statement", self.text.as_bytes());
        if let Some(login) = &self.login {
            record.text_if_any("user", login.user.as_bytes());
            record.text_if_any("database", login.database.as_bytes());
            record.text_if_any("host", login.host.as_bytes());
            record.text_if_any("application", login.application.as_bytes());
            record.text_if_any("server", login.server.as_bytes());
            record.text_if_any("library", login.library.as_bytes());
        }
        if self.bytes > 0 {
            record.number("request_bytes", self.bytes);
        }
    }
}

/// What stands behind ALL_HEADERS (2.2.5.3), which versions before 7.2 don't have.
fn behind_headers(message: &[u8]) -> &[u8] {
    const HEADERS_BYTES_MAX: u32 = 256;
    let mut wire = Wire(message);
    match (wire.u32_le(), wire.u32_le()) {
        (Some(length @ 10..=HEADERS_BYTES_MAX), Some(first)) if (6..=length - 4).contains(&first) => {
            message.get(length as usize..).unwrap_or_default()
        }
        _ => message,
    }
}

/// A parameter; its text where it has one. `None` where it is of a type that is not read, or cut.
fn parameter(wire: &mut Wire<'_>) -> Option<Option<String>> {
    const INTN: u8 = 0x26;
    const BITN: u8 = 0x68;
    const NTEXT: u8 = 0x63;
    const NVARCHAR: u8 = 0xe7;
    const COLLATION_BYTES: usize = 5;
    let characters = wire.u8()?;
    let _name = wire.take(2 * usize::from(characters))?;
    let _status = wire.u8()?;
    match wire.u8()? {
        INTN | BITN => {
            let _longest = wire.u8()?;
            let length = wire.u8()?;
            wire.take(length.into())?;
            Some(None)
        }
        0x38 => wire.take(4).map(|_| None),
        NTEXT => {
            let _ = (wire.u32_le()?, wire.take(COLLATION_BYTES)?);
            let length = usize::try_from(wire.u32_le()?.cast_signed()).unwrap_or(0);
            Some(Some(utf16(here(wire, length))))
        }
        NVARCHAR => {
            let (longest, _collation) = (wire.u16_le()?, wire.take(COLLATION_BYTES)?);
            if longest == 0xffff {
                return partly_prefixed(wire).map(Some);
            }
            let length = wire.u16_le()?;
            Some((length != 0xffff).then(|| utf16(here(wire, length.into()))))
        }
        _ => None,
    }
}

/// A value in pieces (2.2.5.2.3): its length, or that it is not known, then each piece behind its own.
fn partly_prefixed(wire: &mut Wire<'_>) -> Option<String> {
    let mut text = Vec::new();
    let _length = wire.u64_le()?;
    while let Some(length @ 1..) = wire.u32_le() {
        text.extend_from_slice(here(wire, length as usize));
    }
    Some(utf16(&text))
}

/// So many bytes, or as many as are here of a message that is cut.
fn here<'w>(wire: &mut Wire<'w>, length: usize) -> &'w [u8] {
    wire.take(length.min(wire.rest().len())).unwrap_or_default()
}
