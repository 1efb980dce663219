//! STOMP 1.0 to 1.2 (<https://stomp.github.io/stomp-specification-1.2.html>): frames of a command, header lines and a body.

#[cfg(test)]
mod tests;

use dlp_patterns::Field;
use memchr::memchr;

use super::{
    AppAnomaly, AppProtocol, AppSink, Record,
    beside::Beside,
    lines::{Line, Lines},
    names::named,
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
    streamed::Streamed,
};
use crate::flow::Direction;

/// The command that a client begins with, and what a server answers it.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Stomp, stream: Some(is_begun_by), datagram: None };

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToServer => {
            Answer::begins_with_words(prefix.bytes, &[b"CONNECT", b"STOMP"], &[b"\n", b"\r\n"])
        }
        Direction::ToClient => Answer::begins_with_words(prefix.bytes, &[b"CONNECTED"], &[b"\n", b"\r\n"]),
    }
}

/// Both ends of one connection.
#[derive(Debug)]
pub(super) struct Stomp {
    ends: [End; 2],
    /// Number of the next frame.
    next_id: u64,
}

/// One direction.
#[derive(Debug)]
struct End {
    lines: Lines,
    /// The frame under way, once its command is known.
    frame: Option<Frame>,
    message: Streamed,
}

/// A frame under way.
#[derive(Debug)]
struct Frame {
    command: &'static str,
    /// What records tell of its headers, by their names there.
    told: Vec<(&'static str, Vec<u8>)>,
    /// As its header says.
    content_bytes: Option<u64>,
    /// Of the body, once the headers are over.
    body: Option<u64>,
}

const COMMANDS: [&str; 15] = [
    "CONNECT",
    "STOMP",
    "CONNECTED",
    "SEND",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "BEGIN",
    "COMMIT",
    "ABORT",
    "ACK",
    "NACK",
    "DISCONNECT",
    "MESSAGE",
    "RECEIPT",
    "ERROR",
];

/// Headers that records tell; `passcode` is none.
const HEADERS: [&str; 17] = [
    "accept-version",
    "ack",
    "client-id",
    "content-type",
    "destination",
    "host",
    "id",
    "login",
    "message",
    "message-id",
    "receipt",
    "receipt-id",
    "server",
    "session",
    "subscription",
    "transaction",
    "version",
];

impl Default for Stomp {
    fn default() -> Stomp {
        let end = |direction| End { lines: Lines::default(), frame: None, message: Streamed::new(direction) };
        Stomp { ends: Direction::BOTH.map(end), next_id: 0 }
    }
}

impl AppParser for Stomp {
    const FIELDS: &'static [Field] = &[Field::MqTopic, Field::MqClient, Field::MqMessage, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Stomp { ends, next_id } = self;
        let end = &mut ends[direction as usize];
        while !bytes.is_empty() {
            if let Err(outcome) = end.read(direction, bytes, next_id, out) {
                return outcome;
            }
        }
        Outcome::More
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, out: &mut Beside<'_, S>) -> Outcome {
        let end = &mut self.ends[direction as usize];
        let Some(Frame { content_bytes: Some(length), body: Some(read), .. }) = &mut end.frame else {
            return Outcome::GaveUp;
        };
        *read += u64::from(bytes);
        end.message.end(out);
        if *read <= *length { Outcome::More } else { Outcome::GaveUp }
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        for end in &mut self.ends {
            end.finish_frame(&mut self.next_id, out);
        }
    }

    fn is_between_messages(&self) -> bool {
        self.ends.iter().all(|end| end.frame.is_none())
    }
}

impl End {
    /// Reads up to the end of a line or of a body.
    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        next_id: &mut u64,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        if let Some(Frame { content_bytes, body: Some(read), .. }) = &mut self.frame {
            let left = content_bytes.map(|length| length - (*read).min(length));
            let count = match left {
                Some(left) => usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()),
                None => memchr(0, bytes).unwrap_or(bytes.len()),
            };
            let (piece, rest) = bytes.split_at(count);
            *bytes = rest;
            *read += count as u64;
            self.message.data(Field::MqMessage, piece, out);
            if let Some((&end, rest)) = bytes.split_first() {
                // Behind a counted body, too, a NUL stands.
                if end != 0 {
                    return Err(Outcome::GaveUp);
                }
                *bytes = rest;
                self.finish_frame(next_id, out);
            }
            return Ok(());
        }
        let End { lines, frame, .. } = self;
        let read = lines
            .read(bytes, |line| Err(see_line(direction, line, frame, out).err().unwrap_or(Outcome::More)));
        match read {
            Ok(()) | Err(Outcome::More) => Ok(()),
            Err(outcome) => Err(outcome),
        }
    }

    /// The frame is complete, or broken off.
    fn finish_frame<S: AppSink>(&mut self, next_id: &mut u64, out: &mut Beside<'_, S>) {
        self.message.end(out);
        if let Some(frame) = self.frame.take() {
            out.record(*next_id, |record| frame.tell(record));
            *next_id += 1;
        }
    }
}

/// A line in front of a body: a command, a header, or the empty line behind them. Between frames there may be empty lines.
fn see_line<S: AppSink>(
    direction: Direction,
    line: Line<'_>,
    frame: &mut Option<Frame>,
    out: &mut Beside<'_, S>,
) -> Result<(), Outcome> {
    if line.is_cut {
        out.anomaly(direction, AppAnomaly::MessageCut);
    }
    match frame {
        None if line.bytes.is_empty() => Ok(()),
        None => {
            let is_it = |command: &&str| command.as_bytes() == line.bytes;
            let command = COMMANDS.into_iter().find(is_it).ok_or(Outcome::GaveUp)?;
            *frame = Some(Frame { command, told: Vec::new(), content_bytes: None, body: None });
            Ok(())
        }
        Some(frame) if line.bytes.is_empty() => {
            frame.body = Some(0);
            Ok(())
        }
        Some(frame) => {
            let colon = memchr(b':', line.bytes).ok_or(Outcome::GaveUp)?;
            let (name, value) = line.bytes.split_at(colon);
            frame.header(direction, name, value.get(1..).unwrap_or_default(), out);
            Ok(())
        }
    }
}

impl Frame {
    /// Of a header that is repeated the first one counts.
    fn header<S: AppSink>(
        &mut self,
        direction: Direction,
        name: &[u8],
        value: &[u8],
        out: &mut Beside<'_, S>,
    ) {
        if name == b"content-length" {
            let number = std::str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
            self.content_bytes = self.content_bytes.or(number);
        }
        let told = HEADERS.into_iter().find(|told| told.as_bytes() == name);
        let Some(told) = told.filter(|told| self.told.iter().all(|(of, _)| of != told)) else { return };
        match told {
            "destination" => out.field(direction, Field::MqTopic, value),
            "client-id" => out.field(direction, Field::MqClient, value),
            "login" => out.field(direction, Field::DbUser, value),
            _ => {}
        }
        self.told.push((told, named(value)));
    }

    fn tell(&self, record: &mut Record) {
        record.text("command", self.command.as_bytes());
        for (name, value) in &self.told {
            record.text(name, value);
        }
        record.number("message_bytes", self.body.unwrap_or(0));
    }
}
