//! ZooKeeper (<https://github.com/apache/zookeeper/blob/master/zookeeper-jute/src/main/resources/zookeeper.jute>), and its commands
//! of four letters.

mod request;
#[cfg(test)]
mod tests;
mod word;

use dlp_patterns::Field;

use self::request::Request;
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// What opens a session, or the answer to a command of four letters.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::ZooKeeper, stream: Some(is_begun_by), datagram: None };

/// Bytes of a request to connect, without and with its flag for sessions that only read.
const CONNECT_BYTES: [u32; 2] = [44, 45];
const PASSWORD_BYTES: u32 = 16;
/// `jute.maxbuffer` is 1 MiB unless told otherwise; answers may be longer.
const MESSAGE_BYTES_MAX: u32 = 64 << 20;

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToServer => Answer::of_fields(prefix.bytes, |wire| {
            if !CONNECT_BYTES.contains(&wire.u32()?) || wire.u32()? != 0 {
                return Some(false);
            }
            let (_last, timeout_ms, _session) = (wire.u64()?, wire.u32()?, wire.u64()?);
            Some(wire.u32()? == PASSWORD_BYTES && (1..1 << 31).contains(&timeout_ms))
        }),
        Direction::ToClient => word::is_answer(prefix.peer, prefix.bytes),
    }
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct ZooKeeper {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    is_asked: bool,
    is_answered: bool,
    /// Where it is no session but one command: what is said of it.
    word: Option<word::Exchange>,
    pending: Pending<Exchange>,
    next_id: u64,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Exchange {
    id: u64,
    number: u32,
    request: Request,
}

/// Numbers of what a server tells unasked.
const NOTIFICATION: u32 = u32::MAX;

impl AppParser for ZooKeeper {
    const FIELDS: &'static [Field] = &[Field::MqTopic, Field::MqMessage, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let ZooKeeper { ends: [client, server], session } = self;
        if let (Some(word), Direction::ToClient) = (&mut session.word, direction) {
            word.answer(bytes);
            return Outcome::More;
        }
        let read: Result<(), Outcome> = match direction {
            Direction::ToServer => client.read(bytes, measure, |message| session.request(message, out)),
            Direction::ToClient => server.read(bytes, measure, |message| session.response(message, out)),
        };
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if let Some(word) = self.session.word.take() {
            out.record(0, |record| word.tell(record));
        }
        while let Some(exchange) = self.session.pending.pop() {
            out.record(exchange.id, |record| exchange.request.tell(record));
        }
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum::<usize>() + self.session.pending.held_bytes_of(4)
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty() && self.session.word.is_none()
    }
}

impl Session {
    fn request<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let direction = Direction::ToServer;
        if !self.is_asked && word::is_word(message.bytes) {
            self.word = Some(word::Exchange::of(message.bytes));
            return Ok(());
        }
        if self.word.is_some() {
            // The end of a line, or what nobody reads.
            return Ok(());
        }
        let mut wire = Wire(message.bytes.get(4..).unwrap_or_default());
        let is_first = !std::mem::replace(&mut self.is_asked, true);
        let (number, request) = if is_first {
            (0, Request::connect(wire).ok_or(Outcome::GaveUp)?)
        } else {
            let number = wire.u32().ok_or(Outcome::GaveUp)?;
            let operation = wire.u32().ok_or(Outcome::GaveUp)?;
            (number, Request::read(operation, wire, message.total_bytes, out).ok_or(Outcome::GaveUp)?)
        };
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        let exchange = Exchange { id: self.next_id, number, request };
        self.next_id += 1;
        self.pending.hold(exchange, direction, out, |exchange, out| {
            out.record(exchange.id, |record| exchange.request.tell(record));
        });
        Ok(())
    }

    fn response<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let direction = Direction::ToClient;
        let mut wire = Wire(message.bytes.get(4..).unwrap_or_default());
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        if !std::mem::replace(&mut self.is_answered, true) {
            let connected = request::Connected::parse(wire);
            if let Some(exchange) = self.pending.take(|exchange| exchange.number == 0) {
                out.record(exchange.id, |record| {
                    exchange.request.tell(record);
                    if let Some(connected) = &connected {
                        connected.tell(record);
                    }
                });
            }
            return Ok(());
        }
        let number = wire.u32().ok_or(Outcome::GaveUp)?;
        let transaction = wire.u64().ok_or(Outcome::GaveUp)?;
        let error = wire.u32().ok_or(Outcome::GaveUp)?;
        if number == NOTIFICATION {
            request::tell_notification(self.next_id, wire, out);
            self.next_id += 1;
            return Ok(());
        }
        let Some(exchange) = self.pending.take(|exchange| exchange.number == number) else { return Ok(()) };
        if error == 0 && exchange.request.asks_for_data() {
            out.field(direction, Field::MqMessage, request::buffer(&mut wire).unwrap_or_default());
        }
        if exchange.request.is_told() {
            out.record(exchange.id, |record| {
                exchange.request.tell(record);
                record.number("zxid", transaction);
                record.display("error_code", error.cast_signed());
                record.number("response_bytes", message.total_bytes);
            });
        }
        Ok(())
    }
}

/// The length does not count itself. Commands of four letters have none.
fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u32() {
        None => Measure::More,
        Some(length) if length <= MESSAGE_BYTES_MAX => Measure::Whole(4 + u64::from(length)),
        Some(_) if word::is_word(bytes) => Measure::Whole(4),
        Some(_) => Measure::Broken,
    }
}
