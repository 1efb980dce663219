//! AMQP 0-9-1 (<https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf>); of 1.0, that it is.

mod content;
mod method;
mod table;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{content::Contents, method::Method};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    signature::{Answer, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// The protocol header, which a server, too, says where it does not like that of its client (§4.2.2).
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Amqp,
    stream: Some(|prefix| {
        Answer::begins_any(prefix.bytes, &[b"AMQP\0", b"AMQP\x01", b"AMQP\x02", b"AMQP\x03"])
    }),
    datagram: None,
};

const MAGIC: &[u8] = b"AMQP";
const HEADER_BYTES: u64 = 8;
/// Of type, channel and length of a frame (§4.2.3), and of the byte behind its payload.
const FRAME_HEAD_BYTES: u64 = 7;
const FRAME_END: u8 = 0xce;
/// RabbitMQ's is 128 KiB unless told otherwise.
const FRAME_BYTES_MAX: u32 = 64 << 20;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Amqp {
    ends: [End; 2],
    /// Number of the next record.
    next_id: u64,
}

#[derive(Debug, Default)]
struct End {
    frames: Messages,
    contents: Contents,
}

impl AppParser for Amqp {
    const FIELDS: &'static [Field] =
        &[Field::MqTopic, Field::MqClient, Field::MqMessage, Field::DbName, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Amqp { ends, next_id } = self;
        let End { frames, contents } = &mut ends[direction as usize];
        let read: Result<(), Outcome> =
            frames.read(bytes, measure, |frame| see(direction, frame, contents, next_id, out));
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].frames.skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        for end in &mut self.ends {
            end.contents.finish(&mut self.next_id, out);
        }
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(|end| end.frames.held_bytes() + end.contents.held_bytes()).sum()
    }

    fn is_between_messages(&self) -> bool {
        self.ends.iter().all(|end| end.contents.are_complete())
    }
}

/// A frame, or the header of the protocol.
fn see<S: AppSink>(
    direction: Direction,
    frame: Message<'_>,
    contents: &mut Contents,
    next_id: &mut u64,
    out: &mut Beside<'_, S>,
) -> Result<(), Outcome> {
    if frame.bytes.starts_with(MAGIC) {
        return see_header(direction, frame.bytes, next_id, out);
    }
    let mut wire = Wire(frame.bytes);
    let (Some(kind), Some(channel), Some(length)) = (wire.u8(), wire.u16(), wire.u32()) else {
        return Err(Outcome::GaveUp);
    };
    let payload = if frame.is_cut() {
        out.anomaly(direction, AppAnomaly::MessageCut);
        wire.rest()
    } else {
        let payload = usize::try_from(length).ok().and_then(|length| wire.take(length));
        payload.filter(|_| wire.u8() == Some(FRAME_END)).ok_or(Outcome::GaveUp)?
    };
    match kind {
        METHOD => {
            let method = Method::parse(payload).ok_or(Outcome::GaveUp)?;
            method.tell_fields(direction, out);
            if method.has_content() {
                let is_room = contents.begin(channel, &method, next_id, out);
                if !is_room {
                    out.anomaly(direction, AppAnomaly::TooManyRequests);
                }
            } else if method.is_told() {
                out.record(*next_id, |record| method.tell(channel, record));
                *next_id += 1;
            }
        }
        HEADER => contents.header(channel, payload, next_id, out),
        BODY => {
            out.field(direction, Field::MqMessage, payload);
            contents.body(channel, length.into(), next_id, out);
        }
        HEARTBEAT => {}
        _ => return Err(Outcome::GaveUp),
    }
    Ok(())
}

/// §4.2.2: of 0-9-1 frames follow.
fn see_header<S: AppSink>(
    direction: Direction,
    header: &[u8],
    next_id: &mut u64,
    out: &mut Beside<'_, S>,
) -> Result<(), Outcome> {
    let version = match header.get(MAGIC.len()..) {
        Some([0, 0, 9, 1]) => "0-9-1",
        Some([0..=3, 1, 0, 0]) => "1.0",
        Some([1, 1, 0 | 8..=10, _] | [0, 0, 8 | 9, _]) => "0-8",
        _ => return Err(Outcome::GaveUp),
    };
    out.record(*next_id, |record| {
        record.text("protocol_version", version.as_bytes());
        record.text("direction", direction.as_str().as_bytes());
    });
    *next_id += 1;
    if version == "0-9-1" { Ok(()) } else { Err(Outcome::Over) }
}

fn measure(bytes: &[u8]) -> Measure {
    if bytes.first() == MAGIC.first() {
        return Measure::Whole(HEADER_BYTES);
    }
    let mut wire = Wire(bytes);
    let (Some(kind), Some(_channel), Some(length)) = (wire.u8(), wire.u16(), wire.u32()) else {
        return Measure::More;
    };
    match kind {
        METHOD | HEADER | BODY | HEARTBEAT if length <= FRAME_BYTES_MAX => {
            Measure::Whole(FRAME_HEAD_BYTES + u64::from(length) + 1)
        }
        _ => Measure::Broken,
    }
}
