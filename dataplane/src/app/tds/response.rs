//! Responses of SQL Server: tokens in front of the first row, and the last one.

use super::{END_BYTES, Whole};
use crate::{
    app::{Record, utf16::utf16, wire::Wire},
    limits::TDS_ERRORS_MAX,
};

/// A response as records tell it.
#[derive(Debug, Default)]
pub(super) struct Response {
    errors: Vec<Error>,
    database: String,
    server: String,
    is_sspi: bool,
    /// Rows that the last statement returned or changed.
    rows: Option<u64>,
    is_failed: bool,
    bytes: u64,
}

#[derive(Debug)]
struct Error {
    number: u32,
    severity: u8,
    message: String,
}

/// Tokens ([MS-TDS] 2.2.7).
const RETURN_STATUS: u8 = 0x79;
const ERROR: u8 = 0xaa;
const INFO: u8 = 0xab;
const LOGIN_ACK: u8 = 0xad;
const ENVIRONMENT_CHANGE: u8 = 0xe3;
const ORDER: u8 = 0xa9;
const SSPI: u8 = 0xed;
const DONE: u8 = 0xfd;
const DONE_PROCEDURE: u8 = 0xfe;
const DONE_IN_PROCEDURE: u8 = 0xff;
const DONE_BYTES: usize = 12;
/// Bits of the status of DONE (2.2.7.6).
const HAS_ERROR: u16 = 2;
const HAS_COUNT: u16 = 0x10;

impl Response {
    pub(super) fn parse(message: &Whole) -> Response {
        let mut response = Response { bytes: message.bytes, ..Response::default() };
        let mut wire = Wire(&message.held);
        while response.token(&mut wire).is_some() {}
        // Behind the last row.
        if message.end.len() == END_BYTES {
            let mut end = Wire(&message.end);
            if let Some(DONE | DONE_PROCEDURE) = end.u8() {
                let _ = response.done(&mut end);
            }
        }
        response
    }

    /// Takes a token off the front; `None` where one begins whose length only its columns tell.
    fn token(&mut self, wire: &mut Wire<'_>) -> Option<()> {
        match wire.u8()? {
            DONE | DONE_PROCEDURE | DONE_IN_PROCEDURE => self.done(wire),
            RETURN_STATUS => wire.take(4).map(|_| ()),
            ERROR => {
                let body = token_body(wire)?;
                if self.errors.len() < TDS_ERRORS_MAX {
                    self.errors.extend(Error::parse(Wire(body)));
                }
                Some(())
            }
            ENVIRONMENT_CHANGE => {
                let mut body = Wire(token_body(wire)?);
                if body.u8() == Some(1) {
                    self.database = character_prefixed(&mut body).unwrap_or_default();
                }
                Some(())
            }
            LOGIN_ACK => {
                let mut body = Wire(token_body(wire)?);
                let _interface_and_version = body.take(5);
                self.server = character_prefixed(&mut body).unwrap_or_default();
                Some(())
            }
            SSPI => {
                self.is_sspi = true;
                token_body(wire).map(|_| ())
            }
            INFO | ORDER => token_body(wire).map(|_| ()),
            _ => None,
        }
    }

    fn done(&mut self, wire: &mut Wire<'_>) -> Option<()> {
        let mut body = Wire(wire.take(DONE_BYTES)?);
        let (status, _command) = (body.u16_le()?, body.u16_le()?);
        self.is_failed |= status & HAS_ERROR != 0;
        if status & HAS_COUNT != 0 {
            self.rows = body.u64_le();
        }
        Some(())
    }

    /// Whether it asks the client to go on proving itself.
    pub(super) fn is_sspi(&self) -> bool {
        self.is_sspi
    }

    /// Number and message of each.
    pub(super) fn errors(&self) -> impl Iterator<Item = String> {
        self.errors.iter().map(|error| format!("{} {}", error.number, error.message))
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.flag("success", !self.is_failed && self.errors.is_empty());
        if let Some(error) = self.errors.first() {
            record.object("error", |record| {
                record.number("code", error.number.into());
                record.number("severity", error.severity.into());
                record.text("message", error.message.as_bytes());
            });
        }
        record.text_if_any("database_changed", self.database.as_bytes());
        record.text_if_any("server_name", self.server.as_bytes());
        if let Some(rows) = self.rows {
            record.number("rows", rows);
        }
        if self.bytes > 0 {
            record.number("response_bytes", self.bytes);
        }
    }
}

impl Error {
    /// 2.2.7.10.
    fn parse(mut body: Wire<'_>) -> Option<Error> {
        let (number, _state, severity) = (body.u32_le()?, body.u8()?, body.u8()?);
        let characters = usize::from(body.u16_le()?);
        Some(Error { number, severity, message: utf16(body.take(2 * characters)?) })
    }
}

/// What stands behind a length of two bytes.
fn token_body<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let length = wire.u16_le()?;
    wire.take(length.into())
}

/// A text with the number of its characters in front.
fn character_prefixed(wire: &mut Wire<'_>) -> Option<String> {
    let characters = wire.u8()?;
    wire.take(2 * usize::from(characters)).map(utf16)
}
