//! The protocol of MySQL and MariaDB:
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>, <https://mariadb.com/kb/en/clientserver-protocol/>.

mod command;
mod handshake;
mod packet;
mod response;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{
    command::Command,
    handshake::{Capabilities, Greeting, Login},
    packet::{Packet, measure},
    response::{Progress, Response},
};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::Messages,
    parser::{AppParser, Outcome},
    pending::Pending,
    prepared::Prepared,
    record::kept,
    signature::Signature,
};
use crate::flow::Direction;

/// The server's greeting; a client says nothing before.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::MySql, stream: Some(handshake::is_begun_by), datagram: None };

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct MySql {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    phase: Phase,
    greeting: Greeting,
    /// What both ends can.
    capabilities: Capabilities,
    pending: Pending<Exchange>,
    prepared: Prepared<u32>,
    next_id: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Greeting,
    /// The client is to say who it is.
    Login,
    /// The server does not believe it yet; all but its answer is secret.
    Proof,
    Commands,
    /// The client sends the file that the server asked for.
    File,
}

/// A command, and what its response said so far.
#[derive(Debug)]
struct Exchange {
    id: u64,
    command: Command,
    response: Response,
}

impl AppParser for MySql {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let MySql { ends: [client, server], session } = self;
        let read = match direction {
            Direction::ToServer => client.read(bytes, measure, |message| match Packet::of(message) {
                Some(packet) => session.said_by_client(packet, out),
                None => Ok(()),
            }),
            Direction::ToClient => server.read(bytes, measure, |message| match Packet::of(message) {
                Some(packet) => session.said_by_server(packet, out),
                None => Ok(()),
            }),
        };
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(&self.session.greeting, self.session.capabilities, out);
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

impl Session {
    fn said_by_client<S: AppSink>(
        &mut self,
        packet: Packet<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        match self.phase {
            // Nobody answers before being spoken to.
            Phase::Greeting => Err(Outcome::GaveUp),
            Phase::Login => self.login(packet, out),
            Phase::Proof => Ok(()),
            Phase::File => {
                if packet.body.is_empty() {
                    self.phase = Phase::Commands;
                }
                Ok(())
            }
            // What continues a command, or proves who the user is that a command changes to.
            Phase::Commands if packet.sequence != 0 => Ok(()),
            Phase::Commands => {
                self.command(packet, out);
                Ok(())
            }
        }
    }

    fn login<S: AppSink>(&mut self, packet: Packet<'_>, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let login = Login::parse(packet.body, &self.greeting).ok_or(Outcome::GaveUp)?;
        self.capabilities = login.capabilities.common(self.greeting.capabilities);
        self.phase = Phase::Proof;
        if login.is_tls_request {
            self.push(Command::login(login), out);
            // What this connection will do stays hidden: it is told that it is.
            return Err(Outcome::Changed);
        }
        out.field(Direction::ToServer, Field::DbUser, &login.user);
        out.field(Direction::ToServer, Field::DbName, &login.database);
        self.push(Command::login(login), out);
        Ok(())
    }

    fn command<S: AppSink>(&mut self, packet: Packet<'_>, out: &mut Beside<'_, S>) {
        let direction = Direction::ToServer;
        let command = Command::parse(packet.body, self.capabilities);
        out.field(direction, Field::DbStatement, command.statement);
        out.field(direction, Field::DbUser, command.user);
        out.field(direction, Field::DbName, command.database);
        if packet.is_cut && !command.statement.is_empty() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        if let Some(id) = command.closes {
            self.prepared.remove(|of| *of == id);
        }
        let text = command.executes.map(|id| kept(self.prepared.text(|of| *of == id)));
        let told = command.told(text);
        if command.is_answered {
            return self.push(told, out);
        }
        if command.is_told {
            let id = self.take_id();
            let exchange = Exchange { id, command: told, response: Response::default() };
            exchange.tell(&self.greeting, self.capabilities, out);
        }
    }

    fn push<S: AppSink>(&mut self, command: Command, out: &mut Beside<'_, S>) {
        let id = self.take_id();
        let response = Response::new(command.expects);
        let Session { pending, greeting, capabilities, .. } = self;
        let exchange = Exchange { id, command, response };
        pending.hold(exchange, Direction::ToServer, out, |exchange, out| {
            exchange.tell(greeting, *capabilities, out);
        });
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn said_by_server<S: AppSink>(
        &mut self,
        packet: Packet<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        if self.phase == Phase::Greeting {
            self.greeting = Greeting::parse(packet.body).ok_or(Outcome::GaveUp)?;
            self.phase = Phase::Login;
            if let Some(error) = self.greeting.error.take() {
                let response = Response::refused(error);
                out.field(Direction::ToClient, Field::DbError, &response.error_text());
                let (id, command) = (self.take_id(), Command::nothing());
                Exchange { id, command, response }.tell(&self.greeting, self.capabilities, out);
                return Err(Outcome::Over);
            }
            return Ok(());
        }
        let Some(exchange) = self.pending.front() else {
            // Whose response that is was forgotten, and so where it ends.
            return if self.pending.is_empty() { Ok(()) } else { Err(Outcome::Over) };
        };
        match exchange.response.read(packet, self.capabilities) {
            Progress::More => Ok(()),
            Progress::File => {
                self.phase = Phase::File;
                Ok(())
            }
            Progress::Stream => {
                self.answered(out);
                Err(Outcome::Over)
            }
            Progress::Done => self.done(out),
            Progress::Broken => Err(Outcome::GaveUp),
        }
    }

    fn done<S: AppSink>(&mut self, out: &mut Beside<'_, S>) -> Result<(), Outcome> {
        let Some(Exchange { command, response, .. }) = self.pending.front() else { return Ok(()) };
        let is_login = command.is_login;
        if response.is_error() {
            let text = response.error_text();
            out.field(Direction::ToClient, Field::DbError, &text);
        } else if let Some(id) = response.prepared {
            self.prepared.insert(id, &command.text);
        }
        let is_accepted = !response.is_error();
        self.answered(out);
        if self.phase == Phase::Proof && is_login && is_accepted {
            self.phase = Phase::Commands;
            if self.capabilities.is_compressed() {
                return Err(Outcome::Over);
            }
        }
        Ok(())
    }

    fn answered<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if let Some(exchange) = self.pending.pop() {
            exchange.tell(&self.greeting, self.capabilities, out);
        }
    }
}

impl Exchange {
    /// Tells it, in a session that began so.
    fn tell<S: AppSink>(&self, greeting: &Greeting, capabilities: Capabilities, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            record.number("tx_id", self.id);
            record.text_if_any("version", &greeting.version);
            record.flag("tls", self.command.is_tls);
            self.command.tell(record);
            if self.command.is_login && capabilities.is_compressed() {
                record.flag("compressed", true);
            }
            self.response.tell(record);
        });
    }
}
