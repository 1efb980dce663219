//! LDAP (RFC 4511), and CLDAP over datagrams: who binds, what is searched, and what came of it.

mod filter;
mod opening;
mod request;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::request::{Entry, Outcome as Ended, Request};
use super::{
    AppAnomaly, AppSink,
    ber::{Ber, SEQUENCE},
    beside::Beside,
    messages::{Measure, Message, Messages},
    names::Names,
    parser::{AppParser, Outcome},
    pending::Pending,
    wire::Wire,
};
use crate::flow::Direction;

pub(super) use self::opening::SIGNATURE;

/// A message of Active Directory may come to 10 MiB.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Ldap {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<Exchange>,
    /// Whether a login may have begun to wrap what follows (RFC 4513 §5.2.1.4).
    may_be_wrapped: bool,
    next_id: u64,
}

/// A request whose last response is to come.
#[derive(Debug)]
struct Exchange {
    id: u64,
    request: Request,
    /// What was found.
    entries: Names,
    entry_count: u64,
}

impl AppParser for Ldap {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Ldap { ends: [client, server], session } = self;
        let read: Result<(), Outcome> = match direction {
            Direction::ToServer => client.read(bytes, measure, |message| session.request(message, out)),
            Direction::ToClient => server.read(bytes, measure, |message| session.response(message, out)),
        };
        match read {
            Err(Outcome::GaveUp) if session.may_be_wrapped => Outcome::Over,
            Err(outcome) => outcome,
            Ok(()) => Outcome::More,
        }
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let message = Message { bytes, total_bytes: bytes.len() as u64 };
        let read = match direction {
            Direction::ToServer => self.session.request(message, out),
            Direction::ToClient => self.session.response(message, out),
        };
        read.err().unwrap_or(Outcome::More)
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(None, out);
        }
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum::<usize>() + self.session.pending.held_bytes_of(6)
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }
}

impl Session {
    fn request<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let direction = Direction::ToServer;
        let (number, operation, body) = head(message.bytes).ok_or(Outcome::GaveUp)?;
        let request = Request::read(number, operation, body, out).ok_or(Outcome::GaveUp)?;
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        let is_answered = request.is_answered();
        let exchange = Exchange { id: self.next_id, request, entries: Names::default(), entry_count: 0 };
        self.next_id += 1;
        if !is_answered {
            exchange.tell(None, out);
        } else {
            self.pending.hold(exchange, direction, out, |exchange, out| exchange.tell(None, out));
        }
        Ok(())
    }

    fn response<S: AppSink>(&mut self, message: Message<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let direction = Direction::ToClient;
        let (number, operation, body) = head(message.bytes).ok_or(Outcome::GaveUp)?;
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        let is_it = |exchange: &Exchange| exchange.request.number() == number;
        if let Some(entry) = Entry::parse(operation, body) {
            if let Some(exchange) = self.pending.find(is_it) {
                exchange.entries.add(entry.name);
                exchange.entry_count += 1;
            }
            return Ok(());
        }
        let Some(ended) = Ended::parse(operation, body) else { return Ok(()) };
        out.field(direction, Field::DbError, ended.error_text());
        let Some(exchange) = self.pending.take(is_it) else { return Ok(()) };
        exchange.tell(Some(&ended), out);
        self.may_be_wrapped |= exchange.request.is_login_by_sasl();
        // RFC 4511 §4.14.
        if exchange.request.asks_for_tls() && ended.is_success() { Err(Outcome::Changed) } else { Ok(()) }
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, ended: Option<&Ended<'_>>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            self.request.tell(record);
            if self.entry_count > 0 {
                record.number("entries", self.entry_count);
            }
            if let Some(ended) = ended {
                record.list("responses", |record| {
                    self.entries.each(|name| {
                        record.object("", |record| Entry { name }.tell(record));
                    });
                    record.object("", |record| ended.tell(record));
                });
            }
        });
    }
}

/// Number and operation of a message (RFC 4511 §4.1.1), and what stands in that.
fn head(message: &[u8]) -> Option<(u32, u8, Wire<'_>)> {
    let (_, envelope) = Ber::value(&mut Wire(message)).filter(|(tag, _)| *tag == SEQUENCE)?;
    let mut wire = Wire(envelope);
    let number = Ber::number(&mut wire)?;
    let (operation, body) = Ber::value(&mut wire)?;
    Some((u32::try_from(number).ok()?, operation, Wire(body)))
}

fn measure(bytes: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    if bytes.first().is_some_and(|tag| *tag != SEQUENCE) {
        return Measure::Broken;
    }
    match Ber::read(&mut wire) {
        None => Measure::More,
        Some(ber) if ber.length <= MESSAGE_BYTES_MAX => {
            Measure::Whole((bytes.len() - wire.rest().len() + ber.length) as u64)
        }
        Some(_) => Measure::Broken,
    }
}
