//! What a ClientHello offers (RFC 8446 §4.1.2), be it of TLS, of DTLS or of QUIC.

use dlp_patterns::Field;

use super::{
    extension_name::tell_extension,
    grease::is_grease,
    ja3::Ja3,
    ja4::{Carrier, Offer},
    version::Version,
};
use crate::app::{AppSink, Record, beside::Beside, record::kept, wire::Wire};
use crate::flow::Direction;
use crate::limits::{TLS_ALPNS_MAX, TLS_EXTENSIONS_MAX};

// Extensions (IANA's registry of TLS ExtensionType Values).
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// What came before it: draft-ietf-tls-esni-06.
const ENCRYPTED_SERVER_NAME: u16 = 0xffce;

/// RFC 8446 §4.1.2.
const RANDOM_BYTES: usize = 32;
/// RFC 6066 §3.
const HOST_NAME: u8 = 0;

/// The offer of a client, as events tell it.
#[derive(Debug)]
pub(in crate::app) struct ClientHello {
    /// The server that is asked for; empty where none is.
    sni: Vec<u8>,
    alpns: Vec<Vec<u8>>,
    ja3: Ja3,
    ja4: String,
    has_ech: bool,
    /// The highest that is offered.
    version: Version,
    /// In the order in which they were said.
    extensions: Vec<u16>,
}

/// The lists of an offer.
#[derive(Debug, Default)]
struct Lists<'b> {
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    groups: Vec<u16>,
    formats: Vec<u16>,
    signatures: Vec<u16>,
    versions: Vec<u16>,
    sni: Option<&'b [u8]>,
    alpns: Vec<&'b [u8]>,
}

impl ClientHello {
    /// Of the message without its header. Of one that `is_cut`, what is there.
    pub(in crate::app) fn parse(carrier: Carrier, body: &[u8], is_cut: bool) -> Option<ClientHello> {
        let mut wire = Wire(body);
        let version = wire.u16()?;
        let _random = wire.take(RANDOM_BYTES)?;
        let _session = wire.prefixed_u8()?;
        if carrier == Carrier::Dtls {
            let _cookie = wire.prefixed_u8()?;
        }
        let mut lists = Lists { ciphers: numbers(wire.prefixed_u16()?).collect(), ..Lists::default() };
        let _compressions = wire.prefixed_u8()?;
        // Before TLS 1.2 there may be none.
        if !wire.is_empty() {
            let length = usize::from(wire.u16()?);
            let there = if is_cut { length.min(wire.rest().len()) } else { length };
            lists.read(Wire(wire.take(there)?), is_cut)?;
        }
        Some(lists.summary(carrier, version))
    }

    /// The server that is asked for.
    pub(in crate::app) fn sni(&self) -> &[u8] {
        &self.sni
    }

    /// The highest version that is offered.
    pub(in crate::app) fn version(&self) -> Version {
        self.version
    }

    /// Tells what rules read.
    pub(in crate::app) fn tell_fields<S: AppSink>(&self, out: &mut Beside<'_, S>) {
        let direction = Direction::ToServer;
        out.field(direction, Field::TlsSni, &self.sni);
        self.ja3.tell_field(direction, Field::TlsJa3, out);
        out.field(direction, Field::TlsJa4, self.ja4.as_bytes());
    }

    /// Tells fingerprints and what is offered beside the name.
    pub(in crate::app) fn tell(&self, record: &mut Record) {
        self.ja3.tell("ja3", record);
        record.text("ja4", self.ja4.as_bytes());
        if !self.alpns.is_empty() {
            record.list("client_alpns", |record| {
                for alpn in &self.alpns {
                    record.text("", alpn);
                }
            });
        }
        if self.has_ech {
            record.flag("ech", true);
        }
    }
}

impl ClientHello {
    /// Tells each extension: its name, where it has one, its number, and of some what they say.
    pub(in crate::app) fn tell_extensions(&self, record: &mut Record) {
        record.list("extensions", |record| {
            for kind in &self.extensions {
                tell_extension(*kind, record, |record| {
                    let values = match *kind {
                        SERVER_NAME => std::slice::from_ref(&self.sni),
                        ALPN => &self.alpns,
                        _ => return,
                    };
                    record.list("values", |record| {
                        for value in values {
                            record.text("", value);
                        }
                    });
                });
            }
        });
    }
}

impl<'b> Lists<'b> {
    fn read(&mut self, mut wire: Wire<'b>, is_cut: bool) -> Option<()> {
        while !wire.is_empty() {
            let (Some(kind), Some(body)) = (wire.u16(), wire.prefixed_u16()) else {
                return is_cut.then_some(());
            };
            self.extensions.push(kind);
            self.read_extension(kind, body);
        }
        Some(())
    }

    /// One that is not as it should be says nothing: what a server makes of it is not known.
    fn read_extension(&mut self, kind: u16, body: &'b [u8]) -> Option<()> {
        let mut wire = Wire(body);
        match kind {
            SERVER_NAME => {
                let mut names = Wire(wire.prefixed_u16()?);
                while let (Some(kind), Some(name)) = (names.u8(), names.prefixed_u16()) {
                    if kind == HOST_NAME && self.sni.is_none() {
                        self.sni = Some(name);
                    }
                }
            }
            SUPPORTED_GROUPS => self.groups = numbers(wire.prefixed_u16()?).collect(),
            EC_POINT_FORMATS => {
                self.formats = wire.prefixed_u8()?.iter().map(|format| u16::from(*format)).collect();
            }
            SIGNATURE_ALGORITHMS => self.signatures = numbers(wire.prefixed_u16()?).collect(),
            SUPPORTED_VERSIONS => self.versions = numbers(wire.prefixed_u8()?).collect(),
            ALPN => self.alpns = alpns(wire.prefixed_u16()?),
            _ => {}
        }
        Some(())
    }

    fn summary(&self, carrier: Carrier, version: u16) -> ClientHello {
        let real = |number: &&u16| !is_grease(**number);
        // Versions of DTLS count downwards.
        let highest = match carrier {
            Carrier::Dtls => self.versions.iter().filter(real).min(),
            Carrier::Tls | Carrier::Quic => self.versions.iter().filter(real).max(),
        };
        let offer = Offer {
            carrier,
            version: Version(highest.copied().unwrap_or(version)),
            has_sni: self.extensions.contains(&SERVER_NAME),
            ciphers: &self.ciphers,
            extensions: &self.extensions,
            signatures: &self.signatures,
            alpn: self.alpns.first().copied(),
        };
        let has_ech = self
            .extensions
            .iter()
            .any(|kind| matches!(*kind, ENCRYPTED_CLIENT_HELLO | ENCRYPTED_SERVER_NAME));
        ClientHello {
            sni: kept(self.sni.unwrap_or_default()),
            alpns: self.alpns.iter().take(TLS_ALPNS_MAX).map(|alpn| alpn.to_vec()).collect(),
            ja3: Ja3::of(version, &[&self.ciphers, &self.extensions, &self.groups, &self.formats]),
            ja4: offer.ja4(),
            has_ech,
            version: offer.version,
            extensions: self.extensions.iter().copied().take(TLS_EXTENSIONS_MAX).collect(),
        }
    }
}

/// Numbers of two bytes; half of one is none.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks().0.iter().map(|number| u16::from_be_bytes(*number))
}

/// Names of protocols (RFC 7301 §3.1).
pub(super) fn alpns(bytes: &[u8]) -> Vec<&[u8]> {
    let mut wire = Wire(bytes);
    std::iter::from_fn(|| wire.prefixed_u8()).collect()
}
