//! MongoDB's protocol: <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

mod bson;
mod command;
mod reply;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{command::Command, reply::Reply};
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

/// A head with an operation that there is.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::MongoDb, stream: Some(is_begun_by), datagram: None };

/// The head of each message.
#[derive(Clone, Copy, Debug)]
struct Head {
    length: u32,
    id: u32,
    /// The request that it answers.
    answers: u32,
    operation: u32,
}

const HEAD_BYTES: usize = 16;
/// `maxMessageSizeBytes` of its server.
const MESSAGE_BYTES_MAX: u32 = 48_000_000;

const REPLY: u32 = 1;
const UPDATE: u32 = 2001;
const INSERT: u32 = 2002;
const QUERY: u32 = 2004;
const GET_MORE: u32 = 2005;
const DELETE: u32 = 2006;
const KILL_CURSORS: u32 = 2007;
const COMPRESSED: u32 = 2012;
const MSG: u32 = 2013;

impl Head {
    fn parse(wire: &mut Wire<'_>) -> Option<Head> {
        let (length, id) = (wire.u32_le()?, wire.u32_le()?);
        let (answers, operation) = (wire.u32_le()?, wire.u32_le()?);
        let is_sound = (HEAD_BYTES as u32..=MESSAGE_BYTES_MAX).contains(&length)
            && matches!(operation, REPLY | UPDATE | INSERT | QUERY..=KILL_CURSORS | COMPRESSED | MSG);
        is_sound.then_some(Head { length, id, answers, operation })
    }
}

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    // Most others are none by their length.
    let is_length = |first: &[u8]| Wire(first).u32_le().is_some_and(|length| length <= MESSAGE_BYTES_MAX);
    let head = |first: &[u8]| {
        Head::parse(&mut Wire(first)).is_some_and(|head| match prefix.direction {
            Direction::ToServer => head.answers == 0 && head.operation != REPLY,
            Direction::ToClient => matches!(head.operation, REPLY | MSG | COMPRESSED),
        })
    };
    Answer::when(prefix.bytes, 4, is_length).and(|| Answer::when(prefix.bytes, HEAD_BYTES, head))
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct MongoDb {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<Exchange>,
    next_id: u64,
}

/// A command that waits for its reply.
#[derive(Debug)]
struct Exchange {
    id: u64,
    request: u32,
    command: Command,
}

impl AppParser for MongoDb {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let MongoDb { ends: [client, server], session } = self;
        let read: Result<(), Outcome> = match direction {
            Direction::ToServer => client.read(bytes, measure, |message| session.request(message, out)),
            Direction::ToClient => server.read(bytes, measure, |message| session.reply(message, out)),
        };
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
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
        let Self { ends, session } = self;
        let ends = ends.iter().map(Messages::held_bytes).sum::<usize>();
        ends + session.pending.held_bytes()
    }
}

impl Session {
    fn request<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let direction = Direction::ToServer;
        let mut wire = Wire(message.bytes);
        let head = Head::parse(&mut wire).ok_or(Outcome::GaveUp)?;
        let read = Command::parse(head.operation, wire, message.is_cut()).ok_or(Outcome::GaveUp)?;
        out.field(direction, Field::DbStatement, &read.statement);
        out.field(direction, Field::DbUser, &read.user);
        out.field(direction, Field::DbName, &read.database);
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        let is_answered = read.is_answered;
        let id = self.next_id;
        self.next_id += 1;
        let exchange = Exchange { id, request: head.id, command: read.kept(message.total_bytes) };
        if !is_answered {
            exchange.tell(None, out);
        } else {
            self.pending.hold(exchange, direction, out, |exchange, out| exchange.tell(None, out));
        }
        Ok(())
    }

    fn reply<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let head = Head::parse(&mut wire).ok_or(Outcome::GaveUp)?;
        let reply = Reply::parse(head.operation, wire, message).ok_or(Outcome::GaveUp)?;
        out.field(Direction::ToClient, Field::DbError, &reply.error_text());
        if let Some(exchange) = self.pending.take(|exchange| exchange.request == head.answers) {
            exchange.tell(Some(&reply), out);
        }
        Ok(())
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, reply: Option<&Reply>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            self.command.tell(record);
            if let Some(reply) = reply {
                reply.tell(record);
            }
        });
    }
}

/// The length counts all of the message.
fn measure(bytes: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    match bytes.len() {
        HEAD_BYTES.. => {
            Head::parse(&mut wire).map_or(Measure::Broken, |head| Measure::Whole(head.length.into()))
        }
        _ => Measure::More,
    }
}
