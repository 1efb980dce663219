//! Redis: commands and replies in RESP2 and RESP3, <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

mod command;
mod reply;
mod resp;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::{
    command::{Arguments, Command, Replies},
    reply::Reply,
    resp::{Broken, Resp},
};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    lines::Lines,
    parser::{AppParser, Outcome},
    pending::Pending,
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

/// An array of strings, or what health checks ask in a line.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Redis, stream: Some(is_begun_by), datagram: None };

/// A command has few arguments, or a pipeline puts many into one: no more than so many digits.
const COUNT_DIGITS_MAX: usize = 7;

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToServer => {
            let alone = Answer::begins_any(prefix.bytes, &[b"PING\r\n", b"ping\r\n", b"PING\n", b"INFO\r\n"]);
            let inline = Answer::begins_any(prefix.bytes, INLINE).and(|| prefix.first_line(is_inline));
            is_array(prefix.bytes).or(alone).or(inline)
        }
        Direction::ToClient => {
            let words = Answer::begins_any(prefix.bytes, &[b"+PONG\r\n", b"-NOAUTH ", b"-DENIED Redis"]);
            words.or(is_aggregate(prefix.bytes))
        }
    }
}

/// Commands that are typed, or sent by what is no library; memcached takes its own in lower case.
const INLINE: &[&[u8]] =
    &[b"AUTH ", b"CONFIG ", b"KEYS ", b"PUBLISH ", b"SELECT ", b"SET ", b"SLAVEOF ", b"SUBSCRIBE "];

/// Whether no line of HTTP begins so, and all of it is graphic.
fn is_inline(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let is_target =
        |word: &[u8]| word.first() == Some(&b'/') || word.contains(&b':') || word.starts_with(b"HTTP");
    // Mails know an AUTH, too, of a mechanism in capital letters (RFC 4422 §3.1).
    let is_mechanism = |word: &[u8]| line.starts_with(b"AUTH") && !word.iter().any(u8::is_ascii_lowercase);
    words.next().is_some_and(|word| !word.is_empty() && !is_target(word) && !is_mechanism(word))
        && !words.any(|word| word.starts_with(b"HTTP/"))
        && line.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// `*3\r\n:1`, as a server answers: how many values of an array, a map, a set or an attribute, and the type of the first.
fn is_aggregate(bytes: &[u8]) -> Answer {
    let kind = Answer::when(bytes, 1, |first| first.iter().all(|byte| b"*%~|".contains(byte)));
    let rest = bytes.get(1..).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = rest.get(digits..).unwrap_or_default();
    match kind {
        Answer::Yes(_) if digits > COUNT_DIGITS_MAX || rest.first() == Some(&b'0') => Answer::No,
        Answer::Yes(_) if end.is_empty() => Answer::More,
        Answer::Yes(_) if digits == 0 => Answer::No,
        Answer::Yes(_) => Answer::begins(end, b"\r\n").and(|| {
            let first = end.get(2..).unwrap_or_default();
            Answer::when(first, 1, |first| first.iter().all(|byte| b"+-:$*%~|,#_(=!".contains(byte)))
                .and(|| Answer::Yes(digits + 4))
        }),
        other => other,
    }
}

/// `*3\r\n$3`, as all libraries send commands.
fn is_array(bytes: &[u8]) -> Answer {
    let Some((b'*', rest)) = bytes.split_first() else {
        return if bytes.is_empty() { Answer::More } else { Answer::No };
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits..) {
        _ if digits > COUNT_DIGITS_MAX || rest.first() == Some(&b'0') => Answer::No,
        Some([]) => Answer::More,
        Some(_) if digits == 0 => Answer::No,
        Some(end) => Answer::begins(end, b"\r\n$").and(|| {
            let size = end.get(3..).unwrap_or_default();
            Answer::when(size, 1, |first| first.iter().all(u8::is_ascii_digit))
                .and(|| Answer::Yes(digits + 5))
        }),
        None => Answer::No,
    }
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Redis {
    lines: Lines,
    asked: Resp,
    arguments: Arguments,
    answered: Resp,
    reply: Reply,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<Exchange>,
    /// What the client wants of replies.
    replies: Replies,
    /// Whether messages come that nobody asked for one by one.
    is_subscribed: bool,
    /// Whether what follows is a copy of the database.
    is_over: bool,
    next_id: u64,
}

/// A command that waits for its reply.
#[derive(Debug)]
struct Exchange {
    id: u64,
    command: Command,
}

impl AppParser for Redis {
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
        match read {
            Err(Broken) => Outcome::GaveUp,
            Ok(()) if self.session.is_over => Outcome::Over,
            Ok(()) => Outcome::More,
        }
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        let resp = match direction {
            Direction::ToServer => &mut self.asked,
            Direction::ToClient => &mut self.answered,
        };
        // Within a long value its end is known.
        resp.skip(bytes).map_or(Outcome::GaveUp, |()| Outcome::More)
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
        let Redis { lines, asked, arguments, answered, reply, session } = self;
        let texts = asked.held_bytes() + arguments.held_bytes() + answered.held_bytes() + reply.held_bytes();
        lines.held_bytes() + texts + session.pending.held_bytes()
    }
}

impl Redis {
    fn read_client<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Result<(), Broken> {
        while let Some(first) = bytes.first() {
            let is_array = !self.asked.is_at_begin() || (self.lines.held().is_empty() && *first == b'*');
            if is_array {
                let Redis { asked, arguments, .. } = self;
                if !asked.read(bytes, &mut |item| arguments.take(item))? {
                    return Ok(());
                }
            } else {
                let mut line = None;
                let arguments = &mut self.arguments;
                let _ = self.lines.read(bytes, |read| {
                    arguments.take_line(read.bytes);
                    line = Some(());
                    Err(())
                });
                if line.is_none() {
                    return Ok(());
                }
            }
            self.session.command(&mut self.arguments, out);
            if self.session.is_over {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_server<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Result<(), Broken> {
        let Redis { answered, reply, session, .. } = self;
        while !bytes.is_empty() {
            if answered.read(bytes, &mut |item| reply.take(item))? {
                session.reply(reply, out);
                reply.clear();
            }
        }
        Ok(())
    }
}

impl Session {
    fn command<S: AppSink>(&mut self, arguments: &mut Arguments, out: &mut Beside<'_, S>) {
        let is_cut = arguments.is_cut();
        let Some(command) = Command::of(arguments) else { return };
        out.field(Direction::ToServer, Field::DbStatement, arguments.text());
        out.field(Direction::ToServer, Field::DbUser, &command.user);
        out.field(Direction::ToServer, Field::DbName, &command.database);
        arguments.clear();
        if is_cut {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
        let id = self.next_id;
        self.next_id += 1;
        let is_answered = self.replies.of(&command);
        self.is_subscribed |= command.subscribes();
        self.is_over |= command.replicates();
        let exchange = Exchange { id, command };
        if !is_answered || exchange.command.subscribes() {
            return exchange.tell(None, out);
        }
        self.pending.hold(exchange, Direction::ToServer, out, |exchange, out| exchange.tell(None, out));
    }

    fn reply<S: AppSink>(&mut self, reply: &Reply, out: &mut Beside<'_, S>) {
        if let Some(error) = reply.error() {
            out.field(Direction::ToClient, Field::DbError, error);
        }
        if reply.is_push() || (self.is_subscribed && reply.is_message()) {
            return;
        }
        if let Some(exchange) = self.pending.pop() {
            self.is_subscribed &= !exchange.command.ends_subscriptions();
            exchange.tell(Some(reply), out);
        }
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
