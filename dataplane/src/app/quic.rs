//! QUIC (RFC 9000, RFC 9369, drafts of it, and Google's before): the hellos of both ends, which anyone can decrypt.

mod google;
mod initial_keys;
mod long_header;
#[cfg(test)]
mod tests;
mod version;

use dlp_patterns::Field;

use self::{
    google::GoogleHello,
    initial_keys::InitialKeys,
    long_header::{Kind, LongPacket, varint},
    version::QuicVersion,
};
use super::{
    AppAnomaly, AppProtocol, AppSink, Record,
    beside::Beside,
    ordered_pieces::OrderedPieces,
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
    tls::{CLIENT_HELLO, Carrier, ClientHello, SERVER_HELLO, ServerHello},
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::{MESSAGE_BYTES_HELD_MAX, QUIC_DATAGRAMS_MAX};

/// A datagram that begins with a packet of a version that is known, every length of which agrees.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Quic, stream: None, datagram: Some(begins) };

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

/// A flow up to the hellos of both.
#[derive(Debug, Default)]
pub(super) struct Quic {
    version: Option<QuicVersion>,
    /// Of both directions.
    keys: Option<[InitialKeys; 2]>,
    crypto: [OrderedPieces; 2],
    hello: Option<Hello>,
    is_answered: bool,
    datagrams: u8,
    /// Hellos that were told.
    told: u8,
}

/// What a client asks for.
#[derive(Debug)]
enum Hello {
    Tls(ClientHello),
    Google(GoogleHello),
}

fn begins(prefix: Prefix<'_>) -> Answer {
    let mut rest = prefix.bytes;
    let is_long = LongPacket::read(&mut rest).is_some_and(|packet| is_sound(&packet));
    let is_so = is_long || google::version(prefix.bytes).is_some();
    if is_so { Answer::Yes(VERSION_BYTES) } else { Answer::No }
}

fn is_sound(packet: &LongPacket<'_>) -> bool {
    let (version, body) = (packet.version, packet.body());
    if version == QuicVersion::NEGOTIATION {
        // RFC 9000 §17.2.1: versions, and nothing else.
        let (versions, rest) = body.as_chunks();
        let is_one = |bytes: &[u8; 4]| QuicVersion(u32::from_be_bytes(*bytes)).is_known();
        return rest.is_empty() && versions.iter().any(is_one);
    }
    if !packet.has_fixed_bit() {
        return false;
    }
    match packet.kind {
        Kind::Initial | Kind::Other => body.len() >= PROTECTED_BYTES_MIN,
        Kind::Last if version.is_known() => body.len() >= PROTECTED_BYTES_MIN,
        Kind::Last => false,
    }
}

impl AppParser for Quic {
    const FIELDS: &'static [Field] = &[Field::TlsSni, Field::TlsJa3, Field::TlsJa3s, Field::TlsJa4];

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
        self.read(direction, bytes, out);
        let is_over = match &self.hello {
            // A server of that says nothing that is read.
            Some(Hello::Google(_)) => true,
            Some(Hello::Tls(_)) => self.is_answered,
            None => false,
        };
        if !is_over && self.datagrams < QUIC_DATAGRAMS_MAX {
            return Outcome::More;
        }
        self.finish(out);
        Outcome::Over
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        let Some(version) = self.version.filter(|_| self.told == 0) else { return };
        self.tell(out, |record| record.display("version", version));
    }

    fn is_between_messages(&self) -> bool {
        self.told > 0
    }
}

impl Quic {
    /// Tells what one end said.
    fn tell<S: AppSink>(&mut self, out: &mut Beside<'_, S>, tell: impl FnOnce(&mut Record)) {
        out.record(self.told.into(), tell);
        self.told += 1;
    }

    fn tell_hello<S: AppSink>(&mut self, hello: Hello, out: &mut Beside<'_, S>) {
        let version = self.version.unwrap_or(QuicVersion::NEGOTIATION);
        self.tell(out, |record| {
            record.display("version", version);
            match &hello {
                Hello::Tls(hello) => {
                    record.text_if_any("sni", hello.sni());
                    hello.tell(record);
                    hello.tell_extensions(record);
                }
                Hello::Google(hello) => hello.tell(version, record),
            }
        });
        self.hello = Some(hello);
    }

    fn tell_answer<S: AppSink>(&mut self, answer: &ServerHello, out: &mut Beside<'_, S>) {
        answer.tell_fields(out);
        let version = self.version.unwrap_or(QuicVersion::NEGOTIATION);
        self.tell(out, |record| {
            record.display("version", version);
            if answer.has_key {
                record.flag("session_resumed", true);
            }
            answer.tell(record);
            answer.tell_extensions(record);
        });
        self.is_answered = true;
    }

    fn read<S: AppSink>(&mut self, direction: Direction, bytes: &[u8], out: &mut Beside<'_, S>) {
        if let Some(version) = google::version(bytes) {
            self.version = Some(version);
            return self.take_google(direction, bytes, out);
        }
        let (mut rest, mut room, mut is_first) = (bytes, Vec::new(), true);
        while let Some(packet) = LongPacket::read(&mut rest) {
            self.note_version(direction, packet.version);
            if packet.kind == Kind::Initial {
                self.read_initial(direction, &packet, is_first, &mut room, out);
                is_first = false;
            } else if packet.version.is_plain_google() {
                return self.take_google(direction, packet.bytes, out);
            }
        }
        let crypto = self.crypto[direction as usize].begin();
        match direction {
            // It is said anew behind a Retry, which changed the keys.
            Direction::ToServer if self.hello.is_some() => {}
            Direction::ToServer => {
                if let Some(hello) = message(CLIENT_HELLO, crypto)
                    .and_then(|body| ClientHello::parse(Carrier::Quic, body, false))
                {
                    hello.tell_fields(out);
                    self.tell_hello(Hello::Tls(hello), out);
                } else if let Some(hello) = GoogleHello::find(crypto) {
                    // Before TLS came in, the hello of Google's own stood in the same frames.
                    self.take_hello(hello, out);
                }
            }
            Direction::ToClient if self.is_answered => {}
            Direction::ToClient => {
                if let Some(answer) = message(SERVER_HELLO, crypto).and_then(ServerHello::parse) {
                    self.tell_answer(&answer, out);
                }
            }
        }
    }

    /// What the server speaks counts where the client was not heard.
    fn note_version(&mut self, direction: Direction, version: QuicVersion) {
        let is_news = direction == Direction::ToServer || self.version.is_none();
        if is_news && version != QuicVersion::NEGOTIATION {
            self.version = Some(version);
        }
    }

    fn take_google<S: AppSink>(&mut self, direction: Direction, bytes: &[u8], out: &mut Beside<'_, S>) {
        if direction == Direction::ToServer
            && let Some(hello) = GoogleHello::find(bytes)
        {
            self.take_hello(hello, out);
        }
    }

    fn take_hello<S: AppSink>(&mut self, hello: GoogleHello, out: &mut Beside<'_, S>) {
        out.field(Direction::ToServer, Field::TlsSni, &hello.server_name);
        self.tell_hello(Hello::Google(hello), out);
    }

    /// The keys are those of the client's first packet, until a server asks for another one by a Retry (RFC 9001 §5.2), or
    /// for another version. New ones are made for the first such packet of a datagram alone, all of which is of one connection
    /// (RFC 9000 §12.2): they cost more than all else here.
    fn read_initial<S: AppSink>(
        &mut self,
        direction: Direction,
        packet: &LongPacket<'_>,
        is_first: bool,
        room: &mut Vec<u8>,
        out: &mut Beside<'_, S>,
    ) {
        let crypto = &mut self.crypto[direction as usize];
        let known = self.keys.as_ref().and_then(|keys| keys[direction as usize].open(packet, room));
        if let Some(frames) = known {
            return read_frames(direction, packet.version, crypto, frames, out);
        }
        if direction == Direction::ToClient || !is_first {
            return;
        }
        let derive = |direction| InitialKeys::derive(packet.version, packet.destination, direction);
        let (Some(of_client), Some(of_server)) = (derive(Direction::ToServer), derive(Direction::ToClient))
        else {
            return;
        };
        if let Some(frames) = of_client.open(packet, room) {
            *crypto = OrderedPieces::default();
            read_frames(direction, packet.version, crypto, frames, out);
            self.keys = Some([of_client, of_server]);
        }
    }
}

/// The body of a handshake message of that kind, once all of it is there.
fn message(kind: u8, bytes: &[u8]) -> Option<&[u8]> {
    let mut wire = Wire(bytes);
    let (of, length) = (wire.u8()?, usize::try_from(wire.u24()?).ok()?);
    wire.take(length).filter(|_| of == kind)
}

/// Takes in what an Initial packet says of the handshake; what can't be read ends it.
fn read_frames<S: AppSink>(
    direction: Direction,
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
                    return out.anomaly(direction, AppAnomaly::MessageCut);
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
