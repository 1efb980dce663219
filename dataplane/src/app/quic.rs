//! QUIC (RFC 9000, RFC 9369, drafts of it, and Google's before): what a client says first, which anyone can decrypt.

mod google;
mod initial_keys;
mod long_header;
#[cfg(test)]
mod tests;
mod version;

use dlp_patterns::Field;

use self::{
    initial_keys::InitialKeys,
    long_header::{Kind, LongPacket, varint},
    version::QuicVersion,
};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    ordered_pieces::OrderedPieces,
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
    tls::{CLIENT_HELLO, Carrier, ClientHello},
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::{MESSAGE_BYTES_HELD_MAX, QUIC_DATAGRAMS_MAX};

/// A datagram that begins with a packet of a version that is known, every length of which agrees.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Quic, stream: None, datagram: Some(begins) };

/// RFC 9000 §14.1: a client's first datagrams are no shorter.
const FIRST_BYTES_MIN: usize = 1200;
/// Bytes that a packet that is protected has behind its header at least: the sample of RFC 9001 §5.4.2.
const PROTECTED_BYTES_MIN: usize = 4 + 16;
/// Bytes up to the version: what it takes to know.
const VERSION_BYTES: usize = 1 + 4;

// Frames of Initial packets (RFC 9000 §12.4).
const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;
/// In Google's versions.
const GOOGLE_CRYPTO: u64 = 0x08;

/// A flow up to the client's hello.
#[derive(Debug, Default)]
pub(super) struct Quic {
    version: Option<QuicVersion>,
    keys: Option<InitialKeys>,
    crypto: OrderedPieces,
    datagrams: u8,
    is_told: bool,
}

/// What a client asks for.
#[derive(Debug)]
enum Hello {
    Tls(ClientHello),
    /// The name alone.
    Google(Vec<u8>),
}

fn begins(prefix: Prefix<'_>) -> Answer {
    let mut rest = prefix.bytes;
    let is_long = LongPacket::read(&mut rest).is_some_and(|packet| is_sound(&packet, prefix));
    let is_so = is_long || google::version(prefix.bytes).is_some();
    if is_so { Answer::Yes(VERSION_BYTES) } else { Answer::No }
}

fn is_sound(packet: &LongPacket<'_>, prefix: Prefix<'_>) -> bool {
    let (version, body) = (packet.version, packet.body());
    if version == QuicVersion::NEGOTIATION {
        // RFC 9000 §17.2.1: versions, and nothing else.
        let (versions, rest) = body.as_chunks();
        let is_one = |bytes: &[u8; 4]| QuicVersion(u32::from_be_bytes(*bytes)).is_known();
        return rest.is_empty() && versions.iter().any(is_one);
    }
    match packet.kind {
        Kind::Initial | Kind::Other => body.len() >= PROTECTED_BYTES_MIN,
        Kind::Last if version.is_known() => body.len() >= PROTECTED_BYTES_MIN,
        Kind::Last => {
            let is_first = prefix.direction == Direction::ToServer && prefix.bytes.len() >= FIRST_BYTES_MIN;
            version.is_reserved() && is_first && !packet.destination.is_empty()
        }
    }
}

impl AppParser for Quic {
    const FIELDS: &'static [Field] = &[Field::TlsSni, Field::TlsJa3, Field::TlsJa4];

    fn data<S: AppSink>(&mut self, _: Direction, _: &mut &[u8], _: &mut Beside<'_, S>) -> Outcome {
        // It speaks in datagrams alone.
        Outcome::Over
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        self.datagrams = self.datagrams.saturating_add(1);
        let hello = match direction {
            Direction::ToServer => self.read(bytes, out),
            Direction::ToClient => {
                self.note_version(bytes);
                None
            }
        };
        if hello.is_none() && self.datagrams < QUIC_DATAGRAMS_MAX {
            return Outcome::More;
        }
        self.tell(hello.as_ref(), out);
        Outcome::Over
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        self.tell(None, out);
    }

    fn is_between_messages(&self) -> bool {
        self.is_told
    }
}

impl Quic {
    /// What the server speaks counts where the client was not heard.
    fn note_version(&mut self, mut bytes: &[u8]) {
        let version = LongPacket::read(&mut bytes).map(|packet| packet.version);
        self.version = self.version.or(version).filter(|version| *version != QuicVersion::NEGOTIATION);
    }

    /// Reads a datagram of the client; its hello, once all of it is there.
    fn read<S: AppSink>(&mut self, bytes: &[u8], out: &mut Beside<'_, S>) -> Option<Hello> {
        if let Some(version) = google::version(bytes) {
            self.version = Some(version);
            return Hello::of_google(bytes);
        }
        let (mut rest, mut room) = (bytes, Vec::new());
        while let Some(packet) = LongPacket::read(&mut rest) {
            self.version = Some(packet.version);
            if packet.kind == Kind::Initial {
                self.read_initial(&packet, &mut room, out);
            } else if packet.version.is_plain_google() {
                return Hello::of_google(packet.bytes);
            }
        }
        // Before TLS came in, the hello of Google's own stood in the same frames.
        self.hello().map(Hello::Tls).or_else(|| Hello::of_google(self.crypto.begin()))
    }

    /// The keys are those of the first packet, until a server asks for another one by a Retry (RFC 9001 §5.2).
    fn read_initial<S: AppSink>(
        &mut self,
        packet: &LongPacket<'_>,
        room: &mut Vec<u8>,
        out: &mut Beside<'_, S>,
    ) {
        let known = self.keys.as_ref().is_some_and(|keys| {
            keys.open(packet, room).is_some_and(|frames| {
                read_frames(packet.version, &mut self.crypto, frames, out);
                true
            })
        });
        if known {
            return;
        }
        let Some(keys) = InitialKeys::of_client(packet.version, packet.destination) else { return };
        if let Some(frames) = keys.open(packet, room) {
            self.crypto = OrderedPieces::default();
            read_frames(packet.version, &mut self.crypto, frames, out);
            self.keys = Some(keys);
        }
    }

    fn hello(&self) -> Option<ClientHello> {
        let mut wire = Wire(self.crypto.begin());
        let (kind, length) = (wire.u8()?, usize::try_from(wire.u24()?).ok()?);
        let body = wire.take(length).filter(|_| kind == CLIENT_HELLO)?;
        ClientHello::parse(Carrier::Quic, body, false)
    }

    fn tell<S: AppSink>(&mut self, hello: Option<&Hello>, out: &mut Beside<'_, S>) {
        let Some(version) = self.version.filter(|_| !self.is_told) else { return };
        self.is_told = true;
        match hello {
            Some(Hello::Tls(hello)) => hello.tell_fields(out),
            Some(Hello::Google(name)) => out.field(Direction::ToServer, Field::TlsSni, name),
            None => {}
        }
        out.record(0, |record| {
            record.display("version", version);
            match hello {
                Some(Hello::Tls(hello)) => {
                    record.text_if_any("sni", hello.sni());
                    hello.tell(record);
                }
                Some(Hello::Google(name)) => record.text_if_any("sni", name),
                None => {}
            }
        });
    }
}

impl Hello {
    fn of_google(bytes: &[u8]) -> Option<Hello> {
        google::server_name(bytes).map(|name| Hello::Google(name.to_vec()))
    }
}

/// Takes in what an Initial packet says of the handshake; what can't be read ends it.
fn read_frames<S: AppSink>(
    version: QuicVersion,
    crypto: &mut OrderedPieces,
    frames: &[u8],
    out: &mut Beside<'_, S>,
) {
    let mut wire = Wire(frames);
    while let Some(frame) = varint(&mut wire) {
        match frame {
            PADDING | PING => {}
            ACK | ACK_ECN => {
                if skip_ack(&mut wire, frame == ACK_ECN).is_none() {
                    return;
                }
            }
            CRYPTO | GOOGLE_CRYPTO if (frame == GOOGLE_CRYPTO) == version.is_google() => {
                let Some((offset, piece)) = crypto_frame(&mut wire) else { return };
                if !crypto.add(offset, piece) {
                    return out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
                }
            }
            // It closes the connection, or does not belong here.
            _ => return,
        }
    }
}

/// RFC 9000 §19.6.
fn crypto_frame<'f>(wire: &mut Wire<'f>) -> Option<(u64, &'f [u8])> {
    let (offset, length) = (varint(wire)?, usize::try_from(varint(wire)?).ok()?);
    Some((offset, wire.take(length.min(MESSAGE_BYTES_HELD_MAX))?))
}

/// RFC 9000 §19.3.
fn skip_ack(wire: &mut Wire<'_>, has_counts: bool) -> Option<()> {
    let (_largest, _delay, ranges, _first) = (varint(wire)?, varint(wire)?, varint(wire)?, varint(wire)?);
    let counts = if has_counts { 3 } else { 0 };
    // Each takes a byte at least: no more are asked for than there are bytes.
    for _ in 0..ranges.checked_mul(2)?.checked_add(counts)? {
        varint(wire)?;
    }
    Some(())
}
