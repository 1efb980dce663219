//! Transparent Network Substrate of Oracle, as far as it is known: who connects to what, and texts that are told by their shape.

mod descriptor;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::descriptor::{Descriptor, error, statement};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    record::kept,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// A Connect packet; a server says nothing before.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Tns, stream: Some(is_begun_by), datagram: None };

/// Types of packets.
const CONNECT: u8 = 1;
const ACCEPT: u8 = 2;
const REFUSE: u8 = 4;
const REDIRECT: u8 = 5;
const DATA: u8 = 6;
const TYPE_MAX: u8 = 19;
const HEAD_BYTES: usize = 8;
/// A Connect packet without its data has at least so many.
const CONNECT_BYTES: u16 = 34;
/// From this version on, lengths have four bytes behind the handshake.
const LONG_LENGTHS: u16 = 315;
const VERSIONS: std::ops::RangeInclusive<u16> = 300..=340;

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::No;
    }
    let is_connect = |first: &[u8]| matches!(first, [_, _, 0, 0, CONNECT]);
    let is_head = |first: &[u8]| {
        let mut wire = Wire(first);
        let (length, checksum) = (wire.u16(), wire.u16());
        let (kind, _flags, _checksum) = (wire.u8(), wire.u8(), wire.u16());
        let (version, compatible) = (wire.u16(), wire.u16());
        length.is_some_and(|length| length >= CONNECT_BYTES)
            && (checksum, kind) == (Some(0), Some(CONNECT))
            && [version, compatible]
                .iter()
                .all(|version| version.is_some_and(|version| VERSIONS.contains(&version)))
    };
    Answer::when(prefix.bytes, 5, is_connect).and(|| Answer::when(prefix.bytes, 12, is_head))
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Tns {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    has_long_lengths: bool,
    connect: Option<Connect>,
    statement: Option<Statement>,
    next_id: u64,
}

/// What a client asked to be connected to; its data may follow in a packet of its own.
#[derive(Debug, Default)]
struct Connect {
    descriptor: Option<Descriptor>,
}

#[derive(Debug)]
struct Statement {
    text: Vec<u8>,
    response_bytes: u64,
}

impl AppParser for Tns {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Tns { ends, session } = self;
        let messages = &mut ends[direction as usize];
        while !bytes.is_empty() && !messages.is_lost() {
            let is_long = session.has_long_lengths;
            let read = messages.read(
                bytes,
                |bytes| measure(bytes, is_long),
                |packet| {
                    session.packet(direction, packet, out);
                    // Lengths may be longer from here on.
                    Err(Outcome::More)
                },
            );
            match read {
                Ok(()) | Err(Outcome::More) => {}
                Err(outcome) => return outcome,
            }
        }
        Outcome::More
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        self.session.tell_connect(&[], None, out);
        self.session.tell_statement(&[], out);
    }

    fn is_between_messages(&self) -> bool {
        self.session.connect.is_none() && self.session.statement.is_none()
    }

    fn held_bytes(&self) -> usize {
        let Tns { ends, session } = self;
        let statement = session.statement.as_ref().map_or(0, |statement| statement.text.capacity());
        ends.iter().map(Messages::held_bytes).sum::<usize>() + statement
    }
}

impl Session {
    fn packet<S: AppSink>(&mut self, direction: Direction, packet: Message<'_>, out: &mut Beside<'_, S>) {
        let kind = packet.bytes.get(4).copied().unwrap_or(0);
        let body = packet.bytes.get(HEAD_BYTES..).unwrap_or_default();
        match (direction, kind) {
            (Direction::ToServer, CONNECT) => {
                self.tell_connect(&[], None, out);
                self.connect = Some(Connect::default());
                self.descriptor(packet.bytes, out);
            }
            (Direction::ToServer, DATA) => {
                if self.connect.as_ref().is_some_and(|connect| connect.descriptor.is_none()) {
                    self.descriptor(body, out);
                } else if let Some(text) = statement(body) {
                    out.field(direction, Field::DbStatement, text);
                    if packet.is_cut() {
                        out.anomaly(direction, AppAnomaly::MessageCut);
                    }
                    self.tell_statement(&[], out);
                    self.statement = Some(Statement { text: kept(text), response_bytes: 0 });
                }
            }
            (Direction::ToClient, ACCEPT) => {
                let version = Wire(body).u16().unwrap_or(0);
                self.has_long_lengths = version >= LONG_LENGTHS;
                self.tell_connect(b"accept", Some(version), out);
            }
            (Direction::ToClient, REFUSE) => {
                out.field(direction, Field::DbError, descriptor::refusal(body));
                self.tell_connect(b"refuse", None, out);
            }
            (Direction::ToClient, REDIRECT) => self.tell_connect(b"redirect", None, out),
            (Direction::ToClient, DATA) => {
                let error = error(body);
                out.field(direction, Field::DbError, error);
                if let Some(statement) = &mut self.statement {
                    statement.response_bytes += packet.total_bytes - HEAD_BYTES as u64;
                    self.tell_statement(error, out);
                }
            }
            _ => {}
        }
    }

    /// Finds what the client wants to be connected to.
    fn descriptor<S: AppSink>(&mut self, bytes: &[u8], out: &mut Beside<'_, S>) {
        if let (Some(connect), Some(descriptor)) = (&mut self.connect, Descriptor::find(bytes)) {
            out.field(Direction::ToServer, Field::DbName, &descriptor.service);
            connect.descriptor = Some(descriptor);
        }
    }

    fn tell_connect<S: AppSink>(&mut self, answer: &[u8], version: Option<u16>, out: &mut Beside<'_, S>) {
        let Some(Connect { descriptor }) = self.connect.take() else { return };
        out.record(self.take_id(), |record| {
            record.text("command", b"connect");
            if let Some(descriptor) = &descriptor {
                descriptor.tell(record);
            }
            record.text_if_any("response", answer);
            if let Some(version) = version {
                record.number("version", version.into());
            }
        });
    }

    fn tell_statement<S: AppSink>(&mut self, error: &[u8], out: &mut Beside<'_, S>) {
        let Some(Statement { text, response_bytes }) = self.statement.take() else { return };
        out.record(self.take_id(), |record| {
            record.text("command", b"query");
            record.text("statement", &text);
            if response_bytes > 0 {
                record.flag("success", error.is_empty());
                record.number("response_bytes", response_bytes);
            }
            record.text_if_any("error", error);
        });
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }
}

fn measure(bytes: &[u8], is_long: bool) -> Measure {
    let mut wire = Wire(bytes);
    if bytes.len() < HEAD_BYTES {
        return Measure::More;
    }
    let length = if is_long { wire.u32() } else { wire.u16().map(u32::from) };
    let kind = bytes.get(4).copied().unwrap_or(0);
    match length {
        Some(length) if length as usize >= HEAD_BYTES && (1..=TYPE_MAX).contains(&kind) => {
            Measure::Whole(length.into())
        }
        _ => Measure::Broken,
    }
}
