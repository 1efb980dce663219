//! NATS (<https://docs.nats.io/reference/reference-protocols/nats-protocol>): operations in lines, messages behind them.

mod operation;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::operation::Operation;
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    lines::{Line, Lines},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
    streamed::Streamed,
};
use crate::flow::Direction;

/// What a server says first, and what a client answers.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Nats, stream: Some(is_begun_by), datagram: None };

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToServer => Answer::begins_any(prefix.bytes, &[b"CONNECT {\"", b"CONNECT {}"]),
        Direction::ToClient => Answer::begins(prefix.bytes, b"INFO {\""),
    }
}

/// Both ends of one connection.
#[derive(Debug)]
pub(super) struct Nats {
    ends: [End; 2],
    /// Number of the next operation.
    next_id: u64,
}

/// One direction: lines, and the messages behind some of them.
#[derive(Debug)]
struct End {
    lines: Lines,
    message: Streamed,
    /// Bytes of the message that are still to come, without the CRLF behind it.
    message_bytes: u64,
    /// Bytes of that CRLF.
    end_bytes: u8,
    /// Whether it said something.
    is_begun: bool,
}

impl Default for Nats {
    fn default() -> Nats {
        Nats { ends: Direction::BOTH.map(End::new), next_id: 0 }
    }
}

/// The first byte of a record of TLS with a handshake.
const TLS: u8 = 0x16;

impl AppParser for Nats {
    const FIELDS: &'static [Field] = &[Field::MqTopic, Field::MqClient, Field::MqMessage, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Nats { ends, next_id } = self;
        let end = &mut ends[direction as usize];
        let is_first = !std::mem::replace(&mut end.is_begun, true);
        // A server that asks for encryption says so in its INFO; nothing else comes before it.
        if is_first && direction == Direction::ToServer && bytes.first() == Some(&TLS) {
            return Outcome::Changed;
        }
        end.read(direction, bytes, next_id, out).err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, out: &mut Beside<'_, S>) -> Outcome {
        let end = &mut self.ends[direction as usize];
        match end.message_bytes.checked_sub(bytes.into()) {
            Some(left) if left > 0 => {
                end.message.end(out);
                end.message_bytes = left;
                Outcome::More
            }
            _ => Outcome::GaveUp,
        }
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        self.ends.iter_mut().for_each(|end| end.message.end(out));
    }
}

impl End {
    fn new(direction: Direction) -> End {
        End {
            lines: Lines::default(),
            message: Streamed::new(direction),
            message_bytes: 0,
            end_bytes: 0,
            is_begun: false,
        }
    }

    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        next_id: &mut u64,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        while !bytes.is_empty() {
            if self.message_bytes > 0 {
                let count = usize::try_from(self.message_bytes).unwrap_or(usize::MAX).min(bytes.len());
                let (piece, rest) = bytes.split_at(count);
                *bytes = rest;
                self.message_bytes -= count as u64;
                self.message.data(Field::MqMessage, piece, out);
            } else if self.end_bytes > 0 {
                self.message.end(out);
                let count = usize::from(self.end_bytes).min(bytes.len());
                let (piece, rest) = bytes.split_at(count);
                *bytes = rest;
                if !piece.iter().all(u8::is_ascii_whitespace) {
                    return Err(Outcome::GaveUp);
                }
                self.end_bytes -= count as u8;
            } else {
                self.read_line(direction, bytes, next_id, out)?;
            }
        }
        Ok(())
    }

    /// Reads one line, or what is there of it.
    fn read_line<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        next_id: &mut u64,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let End { lines, message_bytes, end_bytes, .. } = self;
        let read = lines.read(bytes, |line| {
            let Line { bytes: line, is_cut } = line;
            if is_cut {
                out.anomaly(direction, AppAnomaly::MessageCut);
            }
            if line.is_empty() {
                return Ok(());
            }
            let operation = Operation::parse(line, is_cut).ok_or(Outcome::GaveUp)?;
            if let Some(bytes) = operation.message_bytes() {
                (*message_bytes, *end_bytes) = (bytes, 2);
            }
            operation.tell_fields(direction, out);
            if operation.is_told() {
                out.record(*next_id, |record| operation.tell(record));
                *next_id += 1;
            }
            // What follows may be a message.
            Err(Outcome::More)
        });
        match read {
            Ok(()) | Err(Outcome::More) => Ok(()),
            Err(outcome) => Err(outcome),
        }
    }
}
