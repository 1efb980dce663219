//! Kafka's protocol: <https://kafka.apache.org/protocol.html>.

mod api;
mod reader;
mod records;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod topic_names;

use dlp_patterns::Field;

use self::{api::Api, reader::Reader, request::Request, response::Response, topic_names::TopicNames};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    sasl,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// The header of a request; a response can't be told. Of a flow that was picked up the broker may have spoken first, so that
/// either end may be the client.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Kafka, stream: Some(is_begun_by), datagram: None };

/// What stands in front of a request.
#[derive(Clone, Copy, Debug)]
struct Head<'h> {
    api: Api,
    version: u16,
    correlation: u32,
    client: &'h [u8],
}

/// `socket.request.max.bytes` of a broker.
const MESSAGE_BYTES_MAX: u32 = 100 << 20;
/// Length, API, version, correlation.
const FIXED_BYTES: u32 = 12;
/// Clients have names that people give them.
const CLIENT_BYTES_MAX: u16 = 255;

impl<'h> Head<'h> {
    /// Looks no further than it has to: `None` where bytes are missing, `Some(None)` where it is none.
    fn look(wire: &mut Wire<'h>) -> Option<Option<Head<'h>>> {
        let length = wire.u32()?;
        if !(FIXED_BYTES - 4..=MESSAGE_BYTES_MAX).contains(&length) {
            return Some(None);
        }
        let key = wire.u16()?;
        if Api::of(key, 0).is_none() {
            return Some(None);
        }
        let version = wire.u16()?;
        let Some(api) = Api::of(key, version) else { return Some(None) };
        let correlation = wire.u32()?;
        if key == api::CONTROLLED_SHUTDOWN && version == 0 {
            return Some(Some(Head { api, version, correlation, client: &[] }));
        }
        let client_bytes = match wire.u16()? {
            u16::MAX => 0,
            bytes if bytes > CLIENT_BYTES_MAX || u32::from(bytes) + 10 > length => return Some(None),
            // Much else has zeros here.
            0 if !matches!(key, api::API_VERSIONS | api::METADATA) => return Some(None),
            bytes => bytes,
        };
        let client = wire.take(client_bytes.into())?;
        let is_text = client.iter().all(|byte| (b' '..=b'~').contains(byte));
        Some(is_text.then_some(Head { api, version, correlation, client }))
    }

    /// The same of a flow that is known to be Kafka's: names may have any bytes.
    fn parse(wire: &mut Wire<'h>) -> Option<Head<'h>> {
        let (_length, key, version, correlation) = (wire.u32()?, wire.u16()?, wire.u16()?, wire.u32()?);
        let api = Api::of(key, version)?;
        let has_client = key != api::CONTROLLED_SHUTDOWN || version > 0;
        // It is spelled in the old way in all versions.
        let mut plain = Reader { wire: *wire, is_flexible: false };
        let client = if has_client { plain.string()? } else { &[] };
        *wire = plain.wire;
        Some(Head { api, version, correlation, client })
    }
}

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| Head::look(wire).map(|head| head.is_some()))
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Kafka {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    /// Which way requests go: known with the first message.
    requests: Option<Direction>,
    pending: Pending<Exchange>,
    topics: TopicNames,
    /// By which the client logs in.
    mechanism: Vec<u8>,
    /// Whether messages without a header may come: those of a login before KIP-152.
    is_bare_login: bool,
    next_id: u64,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Exchange {
    id: u64,
    correlation: u32,
    request: Request,
}

impl AppParser for Kafka {
    const FIELDS: &'static [Field] = &[Field::MqTopic, Field::MqClient, Field::MqMessage, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Kafka { ends, session } = self;
        let read: Result<(), Outcome> =
            ends[direction as usize].read(bytes, measure, |message| session.message(direction, message, out));
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

    fn held_bytes(&self) -> usize {
        let Session { pending, topics, mechanism, .. } = &self.session;
        self.ends.iter().map(Messages::held_bytes).sum::<usize>()
            + pending.held_bytes_of(8)
            + topics.held_bytes()
            + mechanism.capacity()
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }
}

impl Session {
    fn message<S: AppSink>(
        &mut self,
        direction: Direction,
        message: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let is_request = || matches!(Head::look(&mut Wire(message.bytes)), Some(Some(_)));
        let first = || if is_request() { direction } else { direction.opposite() };
        if *self.requests.get_or_insert_with(first) == direction {
            self.request(direction, message, out)
        } else {
            self.response(direction, message, out);
            Ok(())
        }
    }

    fn request<S: AppSink>(
        &mut self,
        direction: Direction,
        message: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let Some(head) = Head::parse(&mut wire) else {
            let bare = message.bytes.get(4..).filter(|_| self.is_bare_login).ok_or(Outcome::GaveUp)?;
            out.field(direction, Field::DbUser, sasl::user(&self.mechanism, bare));
            return Ok(());
        };
        out.field(direction, Field::MqClient, head.client);
        let mut body = Reader { wire, is_flexible: head.api.is_flexible(head.version) };
        let mut request = Request::new(head, message.total_bytes);
        // Of what is cut, or of a layout that is not known, what is there was told.
        let _all = body.tags().and_then(|()| request.read(direction, body, &self.topics, out));
        match head.api.key {
            api::SASL_HANDSHAKE => {
                self.mechanism.clone_from(&request.mechanism);
                self.is_bare_login = head.version == 0;
            }
            api::SASL_AUTHENTICATE => {
                let (response, _) = body.bytes().unwrap_or_default();
                let user = sasl::user(&self.mechanism, response);
                out.field(direction, Field::DbUser, user);
                request.logs_in(user);
            }
            _ => {}
        }
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        let is_answered = request.is_answered;
        let exchange = Exchange { id: self.next_id, correlation: head.correlation, request };
        self.next_id += 1;
        if !is_answered {
            exchange.tell(None, out);
        } else {
            self.pending.hold(exchange, direction, out, |exchange, out| exchange.tell(None, out));
        }
        Ok(())
    }

    /// One that nobody asked for is of a request before the flow was picked up, or of a login without headers.
    fn response<S: AppSink>(&mut self, direction: Direction, message: Message<'_>, out: &mut Beside<'_, S>) {
        let mut wire = Wire(message.bytes);
        let (Some(_length), Some(correlation)) = (wire.u32(), wire.u32()) else { return };
        let Some(exchange) = self.pending.take(|exchange| exchange.correlation == correlation) else {
            return;
        };
        let response = Response::read(&exchange.request, direction, wire, message.total_bytes, out);
        if exchange.request.api.key == api::METADATA && (10..=13).contains(&exchange.request.version) {
            let mut body = Reader { wire, is_flexible: true };
            // Of what is cut the first topics are known.
            let _all = body.tags().and_then(|()| self.topics.learn(&mut body));
        }
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        exchange.tell(Some(&response), out);
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, response: Option<&Response>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            self.request.tell(self.correlation, record);
            if let Some(response) = response {
                response.tell(record);
            }
        });
    }
}

/// The length does not count itself.
fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u32() {
        None => Measure::More,
        Some(length @ ..=MESSAGE_BYTES_MAX) => Measure::Whole(4 + u64::from(length)),
        Some(_) => Measure::Broken,
    }
}
