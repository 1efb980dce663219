//! Tabular Data Stream of SQL Server, versions 7.x: [MS-TDS],
//! <https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-tds/>.

mod login;
mod request;
mod response;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{login::Login, request::Request, response::Response};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::{flow::Direction, limits::MESSAGE_BYTES_HELD_MAX};

/// The first packet of a client, or of a server's answer to its PRELOGIN.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Tds, stream: Some(is_begun_by), datagram: None };

/// Types of packets ([MS-TDS] 2.2.3.1.1).
const SQL_BATCH: u8 = 0x01;
const RPC: u8 = 0x03;
const TABULAR_RESULT: u8 = 0x04;
const ATTENTION: u8 = 0x06;
const BULK_LOAD: u8 = 0x07;
const TRANSACTION: u8 = 0x0e;
const LOGIN7: u8 = 0x10;
const SSPI: u8 = 0x11;
const PRELOGIN: u8 = 0x12;
/// What a record of TLS begins with: its type is none of a packet's.
const TLS_RECORDS: std::ops::RangeInclusive<u8> = 0x14..=0x17;

/// What a head of [MC-SMP] begins with.
const SESSIONS: u8 = 0x53;

const HEAD_BYTES: usize = 8;
const END_OF_MESSAGE: u8 = 1;
/// Of the headers in front of a request: the one that tells the transaction (2.2.5.3).
const TRANSACTION_HEADERS: [u8; 10] = [22, 0, 0, 0, 18, 0, 0, 0, 2, 0];

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    let is_kind = |first: &[u8]| {
        matches!(first, [SQL_BATCH..=TABULAR_RESULT | BULK_LOAD | TRANSACTION | LOGIN7..=PRELOGIN])
    };
    let is_head = |first: &[u8]| match (prefix.direction, first) {
        (Direction::ToServer, [kind, 0 | 1 | 4 | 5 | 8 | 9, high, low, .., 0]) => {
            let length = u16::from_be_bytes([*high, *low]);
            matches!(*kind, SQL_BATCH | RPC | BULK_LOAD | TRANSACTION | LOGIN7 | PRELOGIN) && length > 12
        }
        (Direction::ToClient, [TABULAR_RESULT, 1, 0, 20..=255, 0, 0, 0 | 1, 0]) => true,
        _ => false,
    };
    let head = Answer::when(prefix.bytes, 1, is_kind).and(|| Answer::when(prefix.bytes, HEAD_BYTES, is_head));
    head.and(|| {
        let body = prefix.bytes.get(HEAD_BYTES..).unwrap_or_default();
        let begins = match prefix.bytes.first() {
            // Before version 7.2 there are no headers: the statement begins, or the name of the procedure.
            Some(&SQL_BATCH) => Answer::begins(body, &TRANSACTION_HEADERS).or(is_utf16(body)),
            Some(&RPC) => Answer::begins(body, &TRANSACTION_HEADERS).or(is_procedure(body)),
            Some(&TRANSACTION) => Answer::begins(body, &TRANSACTION_HEADERS),
            // Its length, and its version.
            Some(&LOGIN7) => Answer::when(body, 8, |first| {
                matches!(first, [_, _, 0, 0, _, _, 0, 0x70..=0x7f] | [_, _, 0, 0, 0x07, _, _, _])
            }),
            // The version, six bytes of it, is the first option; its offset is no more than all options need.
            Some(&(PRELOGIN | TABULAR_RESULT)) => {
                Answer::when(body, 6, |first| matches!(first, [0, 0, 6..=0x60, 0, 6, 1..=7 | 0xff]))
            }
            _ => Answer::No,
        };
        match begins {
            Answer::Yes(bytes) => Answer::Yes(HEAD_BYTES + bytes),
            other => other,
        }
    })
}

/// Signs of ASCII in UTF-16.
fn is_utf16(body: &[u8]) -> Answer {
    Answer::when(body, 12, |first| {
        let is_sign = |pair: &[u8; 2]| matches!(pair, [b'\t' | b'\n' | b'\r' | b' '..=b'~', 0]);
        first.as_chunks().0.iter().all(is_sign)
    })
}

/// The number of one behind what says so, or a name behind its length.
fn is_procedure(body: &[u8]) -> Answer {
    let named = Answer::when(body, 8, |first| {
        let [length, high, name @ ..] = first else { return false };
        *high == 0 && *length >= 3 && name.as_chunks().0.iter().all(|pair| matches!(pair, [b'.'..=b'z', 0]))
    });
    // No options, or that metadata is not wanted again.
    Answer::when(body, 6, |first| matches!(first, [0xff, 0xff, 1..=15, 0, 0..=2, 0])).or(named)
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Tds {
    ends: [End; 2],
    session: Session,
}

/// One direction: packets, of which messages are made.
#[derive(Debug, Default)]
struct End {
    packets: Messages,
    message: Whole,
}

/// The message under way.
#[derive(Debug, Default)]
struct Whole {
    kind: u8,
    held: Vec<u8>,
    /// Its last bytes.
    end: Vec<u8>,
    bytes: u64,
    is_cut: bool,
}

/// What the last token of a response may need.
const END_BYTES: usize = 13;

#[derive(Debug, Default)]
struct Session {
    /// What the client said of encryption.
    encryption: Option<u8>,
    pending: Pending<Exchange>,
    next_id: u64,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Exchange {
    id: u64,
    request: Request,
}

impl AppParser for Tds {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Tds { ends, session } = self;
        let End { packets, message } = &mut ends[direction as usize];
        let read = packets.read(bytes, measure, |packet| {
            if packet.bytes.first() == Some(&SESSIONS) {
                return Err(Outcome::Over);
            }
            if packet.bytes.first().is_some_and(|kind| TLS_RECORDS.contains(kind)) || !message.add(packet) {
                return Ok(());
            }
            let whole = std::mem::take(message);
            match direction {
                Direction::ToServer => session.request(&whole, out),
                Direction::ToClient => session.response(&whole, out),
            }
        });
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].packets.skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        // A long request may still be under way.
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(None, out);
        }
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }

    fn held_bytes(&self) -> usize {
        let Tds { ends, session } = self;
        let ends = ends.iter().map(|end| end.packets.held_bytes() + end.message.held.capacity());
        ends.sum::<usize>() + session.pending.held_bytes()
    }
}

impl Whole {
    /// Takes in a packet; whether the message is complete.
    fn add(&mut self, packet: Message<'_>) -> bool {
        let [kind, status] = *packet.bytes.first_chunk().unwrap_or(&[0, END_OF_MESSAGE]);
        let body = packet.bytes.get(HEAD_BYTES..).unwrap_or_default();
        self.kind = kind;
        self.bytes += packet.total_bytes - HEAD_BYTES as u64;
        let room = MESSAGE_BYTES_HELD_MAX.saturating_sub(self.held.len());
        self.held.extend_from_slice(body.get(..room).unwrap_or(body));
        self.is_cut |= body.len() > room || packet.is_cut();
        self.end.extend_from_slice(body.get(body.len().saturating_sub(END_BYTES)..).unwrap_or_default());
        let beyond = self.end.len().saturating_sub(END_BYTES);
        self.end.drain(..beyond);
        if packet.is_cut() {
            self.end.clear();
        }
        status & END_OF_MESSAGE != 0
    }
}

impl Session {
    fn request<S: AppSink>(&mut self, message: &Whole, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let direction = Direction::ToServer;
        let request = match message.kind {
            PRELOGIN => {
                // Behind the first one, what is in it is the handshake of TLS.
                if self.encryption.is_none() {
                    self.encryption = Some(login::encryption(&message.held).unwrap_or(login::NOT_SUPPORTED));
                    self.push(Request::named("prelogin"), out);
                }
                return Ok(());
            }
            LOGIN7 => {
                let login = Login::parse(&message.held).ok_or(Outcome::GaveUp)?;
                out.field(direction, Field::DbUser, login.user.as_bytes());
                out.field(direction, Field::DbName, login.database.as_bytes());
                Request::login(login)
            }
            SQL_BATCH => Request::batch(&message.held),
            RPC => Request::rpc(&message.held),
            BULK_LOAD => Request::named("bulk_load"),
            TRANSACTION => Request::named("transaction"),
            ATTENTION => Request::named("attention"),
            SSPI => return Ok(()),
            _ => return Err(Outcome::GaveUp),
        };
        out.field(direction, Field::DbStatement, request.text.as_bytes());
        if message.is_cut && !request.text.is_empty() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        self.push(request.kept(message.bytes), out);
        Ok(())
    }

    fn push<S: AppSink>(&mut self, request: Request, out: &mut Beside<'_, S>) {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.hold(Exchange { id, request }, Direction::ToServer, out, |exchange, out| {
            exchange.tell(None, out);
        });
    }

    fn response<S: AppSink>(&mut self, message: &Whole, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        if message.kind == PRELOGIN {
            return Ok(());
        }
        if message.kind != TABULAR_RESULT {
            return Err(Outcome::GaveUp);
        }
        let is_prelogin = self.pending.front().is_some_and(|exchange| exchange.request.is_prelogin());
        let response = if is_prelogin { Response::default() } else { Response::parse(message) };
        for error in response.errors() {
            out.field(Direction::ToClient, Field::DbError, error.as_bytes());
        }
        // The proof goes on in further messages.
        if response.is_sspi() {
            return Ok(());
        }
        if let Some(exchange) = self.pending.pop() {
            exchange.tell(Some(&response), out);
        }
        if is_prelogin {
            let server = login::encryption(&message.held).unwrap_or(login::NOT_SUPPORTED);
            // 2.2.6.5: what both do. Where only the login is encrypted, what follows it is not.
            if login::encrypts_all(self.encryption.unwrap_or(login::NOT_SUPPORTED), server) {
                return Err(Outcome::Over);
            }
        }
        Ok(())
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, response: Option<&Response>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            self.request.tell(record);
            if let Some(response) = response {
                response.tell(record);
            }
        });
    }
}

/// The length counts its head; beside packets there are records of TLS that encrypt a login.
fn measure(bytes: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    match wire.u8() {
        None => Measure::More,
        Some(kind) if TLS_RECORDS.contains(&kind) => match (wire.u8(), wire.u8(), wire.u16()) {
            (Some(3), Some(_), Some(length)) => Measure::Whole(5 + u64::from(length)),
            (Some(3) | None, _, None) => Measure::More,
            _ => Measure::Broken,
        },
        Some(SQL_BATCH..=ATTENTION | BULK_LOAD | TRANSACTION | LOGIN7..=PRELOGIN) => {
            match (wire.u8(), wire.u16()) {
                (_, None) => Measure::More,
                (_, Some(length)) if usize::from(length) >= HEAD_BYTES => Measure::Whole(length.into()),
                _ => Measure::Broken,
            }
        }
        // Sessions side by side within the connection ([MC-SMP]) are not read.
        Some(SESSIONS) => Measure::Whole(1),
        Some(_) => Measure::Broken,
    }
}
