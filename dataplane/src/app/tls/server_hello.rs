//! What a ServerHello chooses (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3).

use dlp_patterns::Field;

use super::{client_hello::alpns, extension_name::tell_extension, ja3::Ja3, version::Version};
use crate::app::{AppSink, Record, beside::Beside, wire::Wire};
use crate::flow::Direction;
use crate::limits::TLS_EXTENSIONS_MAX;

const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;

/// RFC 8446 §4.1.3: the random value of a HelloRetryRequest.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The choice of a server.
#[derive(Debug)]
pub(in crate::app) struct ServerHello {
    pub(in crate::app) version: Version,
    cipher: u16,
    alpn: Vec<u8>,
    extensions: Vec<u16>,
    ja3s: Ja3,
    /// Whether a session is resumed, as far as this message says so (RFC 8446 §2.2).
    pub(in crate::app) has_key: bool,
    /// Whether it asks for another ClientHello, and another ServerHello will follow.
    pub(in crate::app) is_retry: bool,
}

impl ServerHello {
    /// Of the message without its header.
    pub(in crate::app) fn parse(body: &[u8]) -> Option<ServerHello> {
        let mut wire = Wire(body);
        let legacy_version = wire.u16()?;
        let random = wire.take(RETRY.len())?;
        let mut version = Version(legacy_version);
        if !version.is_early_draft() {
            let _session = wire.prefixed_u8()?;
        }
        let cipher = wire.u16()?;
        if !version.is_early_draft() {
            let _compression = wire.u8()?;
        }
        let (mut kinds, mut alpn, mut has_key) = (Vec::new(), Vec::new(), false);
        let mut extensions = if wire.is_empty() { Wire(&[]) } else { Wire(wire.prefixed_u16()?) };
        while !extensions.is_empty() {
            let kind = extensions.u16()?;
            let mut extension = Wire(extensions.prefixed_u16()?);
            kinds.push(kind);
            match kind {
                SUPPORTED_VERSIONS => version = Version(extension.u16()?),
                ALPN => {
                    let chosen = alpns(extension.prefixed_u16()?);
                    alpn = chosen.first().copied().unwrap_or_default().to_vec();
                }
                PRE_SHARED_KEY => has_key = true,
                _ => {}
            }
        }
        let ja3s = Ja3::of(legacy_version, &[&[cipher], &kinds]);
        let is_retry = *random == RETRY;
        let extensions = kinds.iter().copied().take(TLS_EXTENSIONS_MAX).collect();
        Some(ServerHello { version, cipher, alpn, extensions, ja3s, has_key, is_retry })
    }

    /// Tells what rules read.
    pub(in crate::app) fn tell_fields<S: AppSink>(&self, out: &mut Beside<'_, S>) {
        self.ja3s.tell_field(Direction::ToClient, Field::TlsJa3s, out);
    }

    /// Tells what is chosen, beside the version.
    pub(in crate::app) fn tell(&self, record: &mut Record) {
        self.ja3s.tell("ja3s", record);
        if !self.alpn.is_empty() {
            record.list("server_alpns", |record| record.text("", &self.alpn));
        }
        record.object("server_handshake", |record| {
            record.number("cipher", self.cipher.into());
        });
    }

    /// Tells each extension: its name, where it has one, and its number.
    pub(in crate::app) fn tell_extensions(&self, record: &mut Record) {
        record.list("extensions", |record| {
            for kind in &self.extensions {
                tell_extension(*kind, record, |_| {});
            }
        });
    }
}
