//! Who logs in to SQL Server, and what is encrypted of it.

use crate::app::{utf16::utf16, wire::Wire};

/// LOGIN7 ([MS-TDS] 2.2.6.4), without its password.
#[derive(Debug, Default)]
pub(super) struct Login {
    pub(super) host: String,
    pub(super) user: String,
    pub(super) application: String,
    pub(super) server: String,
    pub(super) library: String,
    pub(super) database: String,
}

/// Where the places of its texts stand: each an offset in bytes and a length in characters.
const HOST: usize = 36;
const USER: usize = 40;
const APPLICATION: usize = 48;
const SERVER: usize = 52;
const LIBRARY: usize = 60;
const DATABASE: usize = 68;
/// Texts are no longer.
const CHARACTERS_MAX: usize = 128;

impl Login {
    pub(super) fn parse(message: &[u8]) -> Option<Login> {
        let text = |place: usize| {
            let mut wire = Wire(message.get(place..)?);
            let (offset, length) = (usize::from(wire.u16_le()?), usize::from(wire.u16_le()?));
            let end = offset + 2 * length.min(CHARACTERS_MAX);
            Some(message.get(offset..end).map(utf16).unwrap_or_default())
        };
        Some(Login {
            host: text(HOST)?,
            user: text(USER)?,
            application: text(APPLICATION)?,
            server: text(SERVER)?,
            library: text(LIBRARY)?,
            database: text(DATABASE)?,
        })
    }
}

/// Values of the option ENCRYPTION (2.2.6.5).
const OFF: u8 = 0;
const ON: u8 = 1;
pub(super) const NOT_SUPPORTED: u8 = 2;
const REQUIRED: u8 = 3;
const ENCRYPTION: u8 = 1;
const TERMINATOR: u8 = 0xff;

/// What a PRELOGIN says of encryption.
pub(super) fn encryption(message: &[u8]) -> Option<u8> {
    let mut wire = Wire(message);
    loop {
        let option = wire.u8().filter(|option| *option != TERMINATOR)?;
        let (offset, _length) = (wire.u16()?, wire.u16()?);
        if option == ENCRYPTION {
            return message.get(usize::from(offset)).map(|value| value & 0x7f);
        }
    }
}

/// Whether all that follows is TLS, and not just the login, or nothing.
pub(super) fn encrypts_all(client: u8, server: u8) -> bool {
    match server {
        ON | REQUIRED => client != NOT_SUPPORTED,
        OFF => matches!(client, ON | REQUIRED),
        _ => false,
    }
}
