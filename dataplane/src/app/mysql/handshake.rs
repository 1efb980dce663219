//! How a connection of MySQL begins: the greeting of the server, and who the client says it is.

use super::{
    packet::{rest, string},
    response::Error,
};
use crate::{
    app::{
        record::kept,
        signature::{Answer, Prefix},
        wire::Wire,
    },
    flow::Direction,
};

/// What an end, or both, can; the upper half is MariaDB's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities(u64);

const LONG_PASSWORD: u64 = 1;
const CONNECT_WITH_DB: u64 = 1 << 3;
const COMPRESS: u64 = 1 << 5;
const PROTOCOL_41: u64 = 1 << 9;
const SSL: u64 = 1 << 11;
const SECURE_CONNECTION: u64 = 1 << 15;
const PLUGIN_AUTH: u64 = 1 << 19;
const PLUGIN_AUTH_LENENC: u64 = 1 << 21;
const DEPRECATE_EOF: u64 = 1 << 24;
const OPTIONAL_METADATA: u64 = 1 << 25;
const ZSTD: u64 = 1 << 26;
const QUERY_ATTRIBUTES: u64 = 1 << 27;
const CACHED_METADATA: u64 = 1 << 36;

impl Capabilities {
    pub(super) fn common(self, other: Capabilities) -> Capabilities {
        Capabilities(self.0 & other.0)
    }

    pub(super) fn is_compressed(self) -> bool {
        self.has(COMPRESS) || self.has(ZSTD)
    }

    /// Whether no EOF packet stands behind the columns, and an OK packet ends the rows.
    pub(super) fn deprecates_eof(self) -> bool {
        self.has(DEPRECATE_EOF)
    }

    pub(super) fn has_optional_metadata(self) -> bool {
        self.has(OPTIONAL_METADATA)
    }

    pub(super) fn has_cached_metadata(self) -> bool {
        self.has(CACHED_METADATA)
    }

    pub(super) fn has_query_attributes(self) -> bool {
        self.has(QUERY_ATTRIBUTES)
    }

    fn has(self, capability: u64) -> bool {
        self.0 & capability != 0
    }
}

/// What a server says first.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    pub(super) version: Vec<u8>,
    pub(super) capabilities: Capabilities,
    /// It takes no client.
    pub(super) error: Option<Error>,
}

const PROTOCOL_10: u8 = 10;
const ERROR: u8 = 0xff;
/// The longest greeting is some hundred bytes.
const GREETING_BYTES_MAX: usize = 1024;
const VERSION_BYTES_MAX: usize = 80;
/// Errors that a server greets with: too many connections, host is blocked, host is not privileged.
const GREETING_ERRORS: [u16; 4] = [1040, 1129, 1130, 1203];

/// Handshake v10, or an error in its place.
pub(super) fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToServer {
        return Answer::No;
    }
    let is_short = |first: &[u8]| matches!(first, [_, 0..=4, 0, 0]);
    let is_head = |first: &[u8]| {
        let length = first.iter().take(3).rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        matches!(first, [.., 0, PROTOCOL_10 | ERROR]) && (7..=GREETING_BYTES_MAX).contains(&length)
    };
    let head = Answer::when(prefix.bytes, 4, is_short).and(|| Answer::when(prefix.bytes, 5, is_head));
    head.and(|| match prefix.bytes.get(4) {
        Some(&PROTOCOL_10) => is_version(prefix.bytes),
        _ => Answer::when(prefix.bytes, 8, |first| {
            let code = first.get(5..7).and_then(|code| Wire(code).u16_le());
            code.is_some_and(|code| GREETING_ERRORS.contains(&code))
                && first.last().is_some_and(u8::is_ascii_graphic)
        }),
    })
}

/// A version begins with a number and a dot, and ends in NUL.
fn is_version(greeting: &[u8]) -> Answer {
    const BEGIN: usize = 5;
    let version = greeting.get(BEGIN..).unwrap_or_default();
    let mut has_dot = false;
    for (at, byte) in version.iter().take(VERSION_BYTES_MAX).enumerate() {
        match byte {
            0 if has_dot => return Answer::Yes(BEGIN + at + 1),
            b'0'..=b'9' => {}
            b'.' if at > 0 => has_dot = true,
            b' '..=b'~' if has_dot => {}
            _ => return Answer::No,
        }
    }
    if version.len() >= VERSION_BYTES_MAX { Answer::No } else { Answer::More }
}

impl Greeting {
    pub(super) fn parse(body: &[u8]) -> Option<Greeting> {
        let mut wire = Wire(body);
        match wire.u8()? {
            ERROR => Some(Greeting { error: Some(Error::parse(wire)?), ..Greeting::default() }),
            PROTOCOL_10 => {
                let version = kept(wire.until_nul()?);
                // Thread, the first part of a challenge, and a filler.
                let _ = (wire.u32_le()?, wire.take(8)?, wire.u8()?);
                let low = wire.u16_le()?;
                let capabilities = Greeting::upper(&mut wire).unwrap_or(0) | u64::from(low);
                Some(Greeting { version, capabilities: Capabilities(capabilities), error: None })
            }
            _ => None,
        }
    }

    /// The upper half of the capabilities, and above it what MariaDB has in the place of zeros.
    fn upper(wire: &mut Wire<'_>) -> Option<u64> {
        let (_charset, _status) = (wire.u8()?, wire.u16_le()?);
        let upper = u64::from(wire.u16_le()?) << 16;
        let (_challenge_bytes, _zeros) = (wire.u8()?, wire.take(6)?);
        Some(upper | u64::from(wire.u32_le()?) << 32)
    }
}

/// Who the client says it is; what proves it is not kept.
#[derive(Debug, Default)]
pub(super) struct Login {
    pub(super) capabilities: Capabilities,
    /// It says nothing before there is TLS.
    pub(super) is_tls_request: bool,
    pub(super) user: Vec<u8>,
    pub(super) database: Vec<u8>,
    pub(super) plugin: Vec<u8>,
}

/// Capabilities, the longest packet, the character set, and a filler.
const TLS_REQUEST_BYTES: usize = 32;

impl Login {
    pub(super) fn parse(body: &[u8], greeting: &Greeting) -> Option<Login> {
        let mut wire = Wire(body);
        let low = wire.u16_le()?;
        if u64::from(low) & PROTOCOL_41 == 0 {
            return Login::parse_320(low, wire);
        }
        let mut capabilities = u64::from(low) | u64::from(wire.u16_le()?) << 16;
        let (_packet_bytes_max, _charset, _filler) = (wire.u32_le()?, wire.u8()?, wire.take(19)?);
        let extended = wire.u32_le()?;
        // Only an end that is MariaDB's leaves this bit out, which says that what was a filler is none.
        if capabilities & LONG_PASSWORD == 0 {
            capabilities |= u64::from(extended) << 32;
        }
        let mut login = Login { capabilities: Capabilities(capabilities), ..Login::default() };
        if capabilities & SSL != 0 && body.len() == TLS_REQUEST_BYTES {
            login.is_tls_request = true;
            return Some(login);
        }
        login.user = kept(wire.until_nul()?);
        // What is used of the rest is what both can.
        let has = |capability| login.capabilities.common(greeting.capabilities).has(capability);
        let _proof = if has(PLUGIN_AUTH_LENENC) {
            string(&mut wire)?
        } else if has(SECURE_CONNECTION) {
            wire.prefixed_u8()?
        } else {
            wire.until_nul()?
        };
        if has(CONNECT_WITH_DB) {
            login.database = kept(wire.until_nul().unwrap_or_default());
        }
        if has(PLUGIN_AUTH) {
            login.plugin = kept(wire.until_nul().unwrap_or_default());
        }
        Some(login)
    }

    /// HandshakeResponse320, of clients before 4.1.
    fn parse_320(capabilities: u16, mut wire: Wire<'_>) -> Option<Login> {
        let mut login = Login { capabilities: Capabilities(capabilities.into()), ..Login::default() };
        let _packet_bytes_max = wire.take(3)?;
        if login.capabilities.has(SSL) && wire.is_empty() {
            login.is_tls_request = true;
            return Some(login);
        }
        login.user = kept(wire.until_nul()?);
        if login.capabilities.has(CONNECT_WITH_DB) {
            let _proof = wire.until_nul();
            login.database = kept(wire.until_nul().unwrap_or_else(|| rest(&mut wire)));
        }
        Some(login)
    }
}
