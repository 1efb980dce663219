//! Cassandra's native protocol, versions 3 to 5:
//! <https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v5.spec>.

mod request;
mod result;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{request::Request, result::Answer as Response};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    prepared::Prepared,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// What a client says first: OPTIONS or STARTUP.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Cassandra, stream: Some(is_begun_by), datagram: None };

/// The head of a frame (§2).
#[derive(Clone, Copy, Debug)]
struct Head {
    version: u8,
    flags: u8,
    stream: u16,
    operation: u8,
    body_bytes: u32,
}

const HEAD_BYTES: usize = 9;
/// §2.5.
const BODY_BYTES_MAX: u32 = 256 << 20;
const RESPONSE: u8 = 0x80;
const COMPRESSED: u8 = 1;
const TRACING: u8 = 2;
const CUSTOM_PAYLOAD: u8 = 4;
const WARNING: u8 = 8;

const STARTUP: u8 = 0x01;
const READY: u8 = 0x02;
const AUTHENTICATE: u8 = 0x03;
const OPTIONS: u8 = 0x05;
const AUTH_SUCCESS: u8 = 0x10;

impl Head {
    fn parse(wire: &mut Wire<'_>, direction: Direction) -> Option<Head> {
        let (version, flags) = (wire.u8()?, wire.u8()?);
        let (stream, operation, body_bytes) = (wire.u16()?, wire.u8()?, wire.u32()?);
        let is_response = version & RESPONSE != 0;
        let head = Head { version: version & !RESPONSE, flags, stream, operation, body_bytes };
        let is_sound = is_response == (direction == Direction::ToClient)
            && (3..=5).contains(&head.version)
            && operation <= AUTH_SUCCESS
            && body_bytes <= BODY_BYTES_MAX;
        is_sound.then_some(head)
    }
}

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::No;
    }
    let head = |first: &[u8]| Head::parse(&mut Wire(first), Direction::ToServer);
    let is_version = |first: &[u8]| matches!(first, [3..=5]);
    let is_first = |first: &[u8]| {
        head(first).is_some_and(|head| match head.operation {
            OPTIONS => head.body_bytes == 0,
            STARTUP => (22..=4096).contains(&head.body_bytes),
            _ => false,
        })
    };
    let begins =
        Answer::when(prefix.bytes, 1, is_version).and(|| Answer::when(prefix.bytes, HEAD_BYTES, is_first));
    match prefix.bytes.get(4) {
        // A map of options, one of which is the version of CQL.
        Some(&STARTUP) => begins.and(|| {
            Answer::when(prefix.bytes, HEAD_BYTES + 5, |first| {
                matches!(first.get(HEAD_BYTES..), Some([0, 1..=16, 0, _, b'A'..=b'Z']))
            })
        }),
        _ => begins,
    }
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Cassandra {
    ends: [End; 2],
    session: Session,
}

/// One direction: frames, in version 5 within segments once the client is known.
#[derive(Debug, Default)]
struct End {
    frames: Messages,
    segments: Messages,
    is_segmented: bool,
}

#[derive(Debug, Default)]
struct Session {
    /// Whether both ends put frames into segments (v5 §2.2).
    is_segmented: bool,
    compression: Vec<u8>,
    pending: Pending<Exchange>,
    prepared: Prepared<Vec<u8>>,
    next_id: u64,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Exchange {
    id: u64,
    stream: u16,
    version: u8,
    request: Request,
}

impl AppParser for Cassandra {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Cassandra { ends, session } = self;
        let end = &mut ends[direction as usize];
        end.read(direction, bytes, session, out).err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        if self.session.is_segmented {
            // The frames in a segment can't be told apart without its bytes.
            return Outcome::GaveUp;
        }
        self.ends[direction as usize].frames.skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(None, out);
        }
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }

    fn held_bytes(&self) -> usize {
        let Cassandra { ends, session } = self;
        let ends = ends.iter().map(|end| end.frames.held_bytes() + end.segments.held_bytes());
        ends.sum::<usize>() + session.pending.held_bytes() + session.prepared.held_bytes()
    }
}

impl End {
    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        session: &mut Session,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let End { frames, segments, is_segmented } = self;
        while !bytes.is_empty() {
            *is_segmented |= session.is_segmented && !frames.is_within();
            if *is_segmented {
                break;
            }
            let read = frames.read(bytes, measure_of(direction), |message| {
                session.frame(direction, message, out)?;
                // What follows may be segmented.
                Err(Outcome::More)
            });
            match read {
                Ok(()) | Err(Outcome::More) => {}
                Err(outcome) => return Err(outcome),
            }
        }
        segments.read(bytes, measure_of_segment, |segment| {
            let mut payload = segment_payload(segment.bytes);
            if segment.is_cut() {
                // It is longer than is held: frames can't be told apart any more.
                out.anomaly(direction, AppAnomaly::MessageCut);
                return Err(Outcome::Over);
            }
            frames.read(&mut payload, measure_of(direction), |message| session.frame(direction, message, out))
        })
    }
}

impl Session {
    fn frame<S: AppSink>(
        &mut self,
        direction: Direction,
        message: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let head = Head::parse(&mut wire, direction).ok_or(Outcome::GaveUp)?;
        match direction {
            Direction::ToServer => self.request(head, wire, message, out),
            Direction::ToClient => self.response(head, wire, message, out),
        }
    }

    fn request<S: AppSink>(
        &mut self,
        head: Head,
        wire: Wire<'_>,
        message: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let direction = Direction::ToServer;
        let mut read = Request::parse(head, wire).unwrap_or_else(|| Request::unread(head));
        for statement in &read.statements {
            out.field(direction, Field::DbStatement, statement);
        }
        out.field(direction, Field::DbUser, &read.user);
        out.field(direction, Field::DbName, &read.keyspace);
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        if head.operation == STARTUP {
            self.compression.clone_from(&read.compression);
        }
        if let Some(id) = &read.executes {
            read.text = self.prepared.text(|of| of == id).to_vec();
        }
        read.bytes = message.total_bytes;
        // Statements were told; what records tell is kept.
        read.statements = Vec::new();
        let exchange =
            Exchange { id: self.next_id, stream: head.stream, version: head.version, request: read };
        self.next_id += 1;
        self.pending.hold(exchange, direction, out, |exchange, out| exchange.tell(None, out));
        Ok(())
    }

    fn response<S: AppSink>(
        &mut self,
        head: Head,
        wire: Wire<'_>,
        message: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let response = Response::parse(head, wire, message.total_bytes);
        out.field(Direction::ToClient, Field::DbError, &response.error_text());
        // What the server tells unasked has stream -1.
        if let Some(exchange) = self.pending.take(|exchange| exchange.stream == head.stream) {
            if !response.prepared.is_empty() {
                self.prepared.insert(response.prepared.clone(), &exchange.request.text);
            }
            exchange.tell(Some(&response), out);
        }
        // v5 §2.2: segments begin behind the answer to STARTUP.
        if head.version == 5 && matches!(head.operation, READY | AUTHENTICATE) {
            self.is_segmented = true;
            if !self.compression.is_empty() {
                return Err(Outcome::Over);
            }
        }
        Ok(())
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, response: Option<&Response>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            record.number("version", self.version.into());
            self.request.tell(record);
            if let Some(response) = response {
                response.tell(record);
            }
        });
    }
}

fn measure_of(direction: Direction) -> impl Fn(&[u8]) -> Measure {
    move |bytes| match bytes.len() {
        HEAD_BYTES.. => Head::parse(&mut Wire(bytes), direction)
            .map_or(Measure::Broken, |head| Measure::Whole(HEAD_BYTES as u64 + u64::from(head.body_bytes))),
        _ => Measure::More,
    }
}

/// v5 §2.2.1: 17 bits of length, a flag, and a checksum, then the payload and its checksum.
fn measure_of_segment(bytes: &[u8]) -> Measure {
    match bytes.first_chunk() {
        None => Measure::More,
        Some([low, middle, high]) => {
            let head = u32::from_le_bytes([*low, *middle, *high, 0]);
            Measure::Whole((SEGMENT_HEAD_BYTES + SEGMENT_END_BYTES) as u64 + u64::from(head & 0x1_ffff))
        }
    }
}

const SEGMENT_HEAD_BYTES: usize = 6;
const SEGMENT_END_BYTES: usize = 4;

fn segment_payload(segment: &[u8]) -> &[u8] {
    let end = segment.len().saturating_sub(SEGMENT_END_BYTES);
    segment.get(SEGMENT_HEAD_BYTES..end).unwrap_or_default()
}
