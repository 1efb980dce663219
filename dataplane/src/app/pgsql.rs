//! PostgreSQL's protocol, versions 3.x: <https://www.postgresql.org/docs/current/protocol.html>.

mod request;
mod response;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{
    request::{CopyIn, Request, Startup},
    response::Response,
};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    prepared::Prepared,
    record::kept,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// What a client says first; a server says nothing before.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::PgSql, stream: Some(is_begun_by), datagram: None };

/// Codes in the place of a version (§53.2.10).
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const VERSION_MAJOR: u32 = 3;
/// `MAX_STARTUP_PACKET_LENGTH` of its server.
const STARTUP_BYTES_MAX: u32 = 10_000;
/// Its server takes no longer message.
const MESSAGE_BYTES_MAX: u32 = 0x3fff_ffff;

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::No;
    }
    let is_short = |first: &[u8]| matches!(first, [0, 0..=0x27]);
    let code = |first: &[u8]| {
        let mut wire = Wire(first);
        match (wire.u32(), wire.u32()) {
            (Some(8), Some(SSL_REQUEST | GSS_REQUEST)) | (Some(16), Some(CANCEL_REQUEST)) => true,
            (Some(9..=STARTUP_BYTES_MAX), Some(version)) => version >> 16 == VERSION_MAJOR,
            _ => false,
        }
    };
    let begins = Answer::when(prefix.bytes, 2, is_short).and(|| Answer::when(prefix.bytes, 8, code));
    let is_startup = prefix.bytes.get(4..6) == Some(&[0, 3]);
    // The name of a parameter, or, where nothing else has room, the end of them: requests of Kafka have other bytes there.
    let named = |first: &[u8]| {
        let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
        first.last().is_some_and(is_name) || matches!(first, [0, 0, 0, 9, .., 0])
    };
    if is_startup { begins.and(|| Answer::when(prefix.bytes, 9, named)) } else { begins }
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct PgSql {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    /// Whether the client said who it is: from then on its messages have a type.
    is_started: bool,
    asked: Asked,
    pending: Pending<Exchange>,
    prepared: Prepared<Vec<u8>>,
    /// The statement that was bound last.
    bound: Vec<u8>,
    next_id: u64,
}

/// What the server asked the client to prove itself by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Password,
    SaslInitial,
    Sasl,
}

/// A request, and what its response said so far.
#[derive(Debug)]
struct Exchange {
    id: u64,
    request: Request,
    response: Response,
}

impl AppParser for PgSql {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let read = match direction {
            Direction::ToServer => self.read_client(bytes, out),
            Direction::ToClient => self.read_server(bytes, out),
        };
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(out);
        }
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }

    fn held_bytes(&self) -> usize {
        let Self { ends, session } = self;
        let ends = ends.iter().map(Messages::held_bytes).sum::<usize>();
        ends + session.pending.held_bytes() + session.prepared.held_bytes()
    }
}

impl PgSql {
    fn read_client<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let PgSql { ends: [client, _], session } = self;
        while !bytes.is_empty() && !client.is_lost() {
            let is_started = session.is_started;
            let measure = if is_started { measure_of_client } else { measure_of_startup };
            let read = client.read(bytes, measure, |message| {
                if is_started {
                    session.request(message, out)
                } else {
                    session.startup(message, out)?;
                    // Another measure may be due.
                    Err(Outcome::More)
                }
            });
            match read {
                Ok(()) | Err(Outcome::More) => {}
                Err(outcome) => return Err(outcome),
            }
        }
        Ok(())
    }

    fn read_server<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let PgSql { ends: [_, server], session } = self;
        while !bytes.is_empty() && !server.is_lost() {
            if !server.is_within() && session.awaits_byte() && !bytes.starts_with(b"E") {
                session.answer_encryption(bytes, out)?;
                continue;
            }
            server.read(bytes, measure_of_server, |message| session.response(message, out))?;
        }
        Ok(())
    }
}

impl Session {
    fn push<S: AppSink>(&mut self, request: Request, out: &mut Beside<'_, S>) {
        let id = self.next_id;
        self.next_id += u64::from(request.is_told());
        let ends_at_ready = request.ends_at_ready();
        let exchange = Exchange { id, request, response: Response::default() };
        let is_held =
            self.pending.hold(exchange, Direction::ToServer, out, |exchange, out| exchange.tell(out));
        if !is_held && !ends_at_ready {
            self.pending.forget_beyond();
        }
    }

    /// A message without a type (§53.2.1, §53.2.8 to §53.2.10).
    fn startup<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let _length = wire.u32();
        let request = match wire.u32() {
            Some(SSL_REQUEST) => Request::Ssl,
            Some(GSS_REQUEST) => Request::Gss,
            Some(CANCEL_REQUEST) => {
                let (process, key) = (wire.u32(), wire.u32());
                Request::Cancel { process: process.unwrap_or(0), key: key.unwrap_or(0) }
            }
            Some(version) if version >> 16 == VERSION_MAJOR => {
                self.is_started = true;
                let startup = Startup::parse(version, wire.rest());
                out.field(Direction::ToServer, Field::DbUser, &startup.user);
                out.field(Direction::ToServer, Field::DbName, startup.database());
                Request::Startup(startup)
            }
            _ => return Err(Outcome::GaveUp),
        };
        self.push(request, out);
        Ok(())
    }

    /// A message with a type from the client (§53.7).
    fn request<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let (kind, _length) = (wire.u8(), wire.u32());
        let request = match kind.unwrap_or(0) {
            b'Q' => {
                let text = until_nul(&mut wire);
                self.statement(text, &message, out);
                Request::Query(kept(text))
            }
            b'P' => {
                let (name, text) = (until_nul(&mut wire), until_nul(&mut wire));
                self.statement(text, &message, out);
                self.prepared.insert(kept(name), text);
                Request::Parse { name: kept(name), text: kept(text) }
            }
            b'B' => {
                let (_portal, statement) = (until_nul(&mut wire), until_nul(&mut wire));
                self.bound = kept(statement);
                return Ok(());
            }
            b'E' => return self.execute(out),
            b'F' => Request::Call,
            b'S' => Request::Sync,
            b'X' => Request::Terminate,
            b'p' => self.proof(wire),
            b'd' | b'c' | b'f' => return self.copy(kind, &message, out),
            // Describe, Close and Flush: their answers belong to what stands beside them.
            _ => return Ok(()),
        };
        self.push(request, out);
        Ok(())
    }

    fn statement<S: AppSink>(&mut self, text: &[u8], message: &Message<'_>, out: &mut Beside<'_, S>) {
        out.field(Direction::ToServer, Field::DbStatement, text);
        if message.is_cut() {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
    }

    /// One exchange with the Parse just before, where that is of the statement that is executed.
    fn execute<S: AppSink>(&mut self, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let text = self.prepared.text(|name| *name == self.bound).to_vec();
        let request = Request::Execute { name: self.bound.clone(), text };
        match self.pending.back() {
            Some(Exchange { request: parse @ Request::Parse { .. }, .. }) if parse.is_of(&self.bound) => {
                *parse = request;
            }
            _ => self.push(request, out),
        }
        Ok(())
    }

    /// What proves who the client is; what of it is secret is not kept.
    fn proof(&mut self, mut wire: Wire<'_>) -> Request {
        match self.asked {
            Asked::Password => Request::Password,
            Asked::Sasl => Request::Sasl(kept(wire.rest())),
            Asked::SaslInitial => {
                let mechanism = kept(until_nul(&mut wire));
                Request::SaslInitial { mechanism, data: kept(wire.prefixed_u32().unwrap_or_default()) }
            }
        }
    }

    /// Data of COPY ... FROM STDIN, or its end: all of it is one request.
    fn copy<S: AppSink>(
        &mut self,
        kind: Option<u8>,
        message: &Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        // One that was told without its response has no end here.
        if self.pending.is_beyond() {
            return Ok(());
        }
        let is_under_way = match self.pending.back() {
            Some(Exchange { request: Request::Copy(copy), .. }) => copy.end.is_none(),
            _ => false,
        };
        if !is_under_way {
            self.push(Request::Copy(CopyIn::default()), out);
        }
        if let Some(Exchange { request: Request::Copy(copy), .. }) = self.pending.back() {
            match kind {
                Some(b'd') => copy.add(message.total_bytes),
                Some(b'c') => copy.end = Some("copy_done"),
                _ => copy.end = Some("copy_fail"),
            }
        }
        Ok(())
    }

    /// Whether the next byte of the server is its answer to a request for encryption.
    fn awaits_byte(&mut self) -> bool {
        self.pending.front().is_some_and(|exchange| matches!(exchange.request, Request::Ssl | Request::Gss))
    }

    fn answer_encryption<S: AppSink>(
        &mut self,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let answer = Wire(bytes).u8();
        *bytes = bytes.get(1..).unwrap_or_default();
        let is_accepted = match answer {
            Some(b'S' | b'G') => true,
            Some(b'N') => false,
            _ => return Err(Outcome::GaveUp),
        };
        if let Some(exchange) = self.pending.front() {
            exchange.response.ssl_accepted = Some(is_accepted);
        }
        self.answered(out);
        match answer {
            Some(b'S') => Err(Outcome::Changed),
            Some(b'G') => Err(Outcome::Over),
            _ => Ok(()),
        }
    }

    /// A message of the server (§53.7).
    fn response<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let (kind, _length) = (wire.u8().unwrap_or(0), wire.u32());
        if kind == b'E' {
            self.error(wire, out);
            return Ok(());
        }
        if kind == b'R' {
            let ends = self.authentication(wire);
            if ends {
                self.answered(out);
            }
            return Ok(());
        }
        let Some(Exchange { request, response, .. }) = self.pending.front() else {
            if kind == b'Z' {
                self.pending.pop();
            }
            return Ok(());
        };
        response.add(kind, wire, message.total_bytes);
        let is_answered = match kind {
            b'Z' => return self.ready(out),
            b'1' => matches!(request, Request::Parse { .. }),
            b'C' | b'I' | b's' => request.ends_at_completion(),
            b'G' if matches!(request, Request::Query(_) | Request::Execute { .. }) => {
                let is_extended = matches!(request, Request::Execute { .. });
                self.answered(out);
                self.push(Request::Copy(CopyIn::new(is_extended)), out);
                false
            }
            _ => false,
        };
        if is_answered {
            self.answered(out);
        }
        Ok(())
    }

    /// Whether this ends the exchange.
    fn authentication(&mut self, mut wire: Wire<'_>) -> bool {
        let kind = wire.u32().unwrap_or(0);
        match kind {
            3 | 5 => self.asked = Asked::Password,
            10 => self.asked = Asked::SaslInitial,
            _ => self.asked = Asked::Sasl,
        }
        let Some(exchange) = self.pending.front() else { return false };
        exchange.response.authentication(kind, wire.rest());
        // What follows until it is ready for queries belongs to the last step.
        !matches!(kind, 0 | 12) && exchange.request.is_of_login()
    }

    fn error<S: AppSink>(&mut self, wire: Wire<'_>, out: &mut Beside<'_, S>) {
        let mut lone = None;
        let exchange = match self.pending.front() {
            Some(exchange) => {
                if !exchange.request.is_told() {
                    exchange.id = self.next_id;
                    self.next_id += 1;
                }
                exchange
            }
            // It was said for itself: the server ends, or the client was idle for too long.
            None => {
                let id = self.next_id;
                self.next_id += 1;
                lone.insert(Exchange { id, request: Request::Nothing, response: Response::default() })
            }
        };
        exchange.response.error(wire.rest());
        let text = exchange.response.error_text();
        let ends = !exchange.request.ends_at_ready();
        out.field(Direction::ToClient, Field::DbError, &text);
        match lone {
            Some(exchange) => exchange.tell(out),
            None if ends => self.answered(out),
            None => {}
        }
    }

    /// The server is ready for the next query (§53.2.3): all is answered up to the request that it was ready behind.
    fn ready<S: AppSink>(&mut self, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        while let Some(exchange) = self.pending.pop() {
            let is_last = exchange.request.ends_at_ready() || exchange.request.is_of_login();
            exchange.tell(out);
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn answered<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if let Some(exchange) = self.pending.pop() {
            exchange.tell(out);
        }
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, out: &mut Beside<'_, S>) {
        if !self.request.is_told() && !self.response.is_error() {
            return;
        }
        out.record(self.id, |record| {
            // Suricata counts from one.
            record.number("tx_id", self.id + 1);
            if self.request != Request::Nothing {
                record.object("request", |record| self.request.tell(record));
            }
            if self.response != Response::default() {
                record.object("response", |record| self.response.tell(record));
            }
        });
    }
}

/// A text that ends in NUL, or what is here of it.
fn until_nul<'w>(wire: &mut Wire<'w>) -> &'w [u8] {
    wire.until_nul().unwrap_or_else(|| {
        let rest = wire.rest();
        wire.take(rest.len()).unwrap_or_default()
    })
}

fn measure_of_startup(bytes: &[u8]) -> Measure {
    match Wire(bytes).u32() {
        None => Measure::More,
        Some(length @ 8..=STARTUP_BYTES_MAX) => Measure::Whole(length.into()),
        Some(_) => Measure::Broken,
    }
}

fn measure_of_client(bytes: &[u8]) -> Measure {
    measure_of(bytes, b"BCDEFHPQSXcdfp")
}

fn measure_of_server(bytes: &[u8]) -> Measure {
    measure_of(bytes, b"123ACDEGHIKNRSTVWZcdnstv")
}

/// A message has its type in front of its length, which does not count it (§53.7).
fn measure_of(bytes: &[u8], kinds: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    match (wire.u8(), wire.u32()) {
        (Some(kind), _) if !kinds.contains(&kind) => Measure::Broken,
        (_, Some(length @ 4..=MESSAGE_BYTES_MAX)) => Measure::Whole(1 + u64::from(length)),
        (_, Some(_)) => Measure::Broken,
        (_, None) => Measure::More,
    }
}
