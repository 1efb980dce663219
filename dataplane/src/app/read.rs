//! A flow whose bytes are payload, and beside that are read by a parser, or for what protocol they are of.

use super::{
    AppAnomaly, AppProtocol, AppSink, Payload, Record, SIGNATURES, SpareParsers,
    beside::Beside,
    held::{Held, Told},
    parser::{Outcome, Parser},
};
use crate::flow::Direction;
use crate::reassembly::StreamChunk;

/// A flow that is read twice: all of it as payload, and what a parser draws out of it. So a parser that is led astray hides
/// nothing from the rules for payload.
#[derive(Debug)]
pub struct Read {
    payload: Payload,
    protocol: AppProtocol,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    /// What the ends said so far does not tell their protocol.
    Probing(Box<Held>),
    Parser(Parser),
    Nothing,
}

impl Read {
    /// What a flow of a known protocol goes on as, of which `payload` was told; its parser is still to read that. `Err` where
    /// there is none.
    pub(super) fn begin(
        mut payload: Payload,
        protocol: AppProtocol,
        parsers: &mut SpareParsers,
    ) -> Result<Box<Read>, Payload> {
        match Parser::new(protocol) {
            Some(parser) => Ok(parsers.read(Read { payload, protocol, reading: Reading::Parser(parser) })),
            None => Err(payload.take_as(protocol)),
        }
    }

    /// A flow of which one direction is of no protocol: the other one may tell. What is held was told as payload.
    pub(super) fn probing(payload: Payload, held: Held) -> Box<Read> {
        Box::new(Read { payload, protocol: AppProtocol::Unknown, reading: Reading::Probing(Box::new(held)) })
    }

    /// Reads a piece that was told as payload.
    pub(super) fn replay<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        record: &mut Record,
        sink: &mut S,
    ) {
        match chunk {
            StreamChunk::Data(mut bytes) => self.data(direction, &mut bytes, record, sink),
            StreamChunk::Gap(0) | StreamChunk::Fin => {}
            StreamChunk::Gap(bytes) => self.gap(direction, bytes, record, sink),
        }
    }

    /// Reads the next piece of one direction; `Some` is how the flow goes on when nothing is read beside its payload.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        record: &mut Record,
        sink: &mut S,
    ) -> Option<Payload> {
        self.payload.advance(direction, chunk, sink);
        self.replay(direction, chunk, record, sink);
        self.rest()
    }

    /// Reads one datagram, which was told as payload.
    pub(super) fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        record: &mut Record,
        sink: &mut S,
    ) -> Option<Payload> {
        if let Reading::Parser(parser) = &mut self.reading {
            let mut out = Beside { protocol: self.protocol, before: self.payload.before(), sink, record };
            match parser.datagram(direction, bytes, &mut out) {
                Outcome::More | Outcome::Changed => {}
                Outcome::Over => self.reading = Reading::Nothing,
                Outcome::GaveUp => out.anomaly(direction, AppAnomaly::Malformed),
            }
        }
        self.rest()
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, record: &mut Record, sink: &mut S) {
        self.payload.finish(sink);
        if let Reading::Parser(parser) = &mut self.reading {
            parser.finish(&mut Beside {
                protocol: self.protocol,
                before: self.payload.before(),
                sink,
                record,
            });
        }
    }

    /// What is left of it once it is over: nothing is read beside the payload any more.
    pub(super) fn remains(&mut self) -> Payload {
        // What a parser held goes now, not with the room.
        self.reading = Reading::Nothing;
        self.payload.take_as(self.protocol)
    }

    pub(super) fn is_between_messages(&self) -> bool {
        match &self.reading {
            Reading::Parser(parser) => parser.is_between_messages(),
            // What was said in them may still be told.
            Reading::Probing(_) => false,
            Reading::Nothing => true,
        }
    }

    /// What the flow spoke before its protocol.
    pub(super) fn before(&self) -> Option<AppProtocol> {
        self.payload.before()
    }

    pub(super) fn protocol(&self) -> AppProtocol {
        self.protocol
    }

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        record: &mut Record,
        sink: &mut S,
    ) {
        if let Reading::Probing(held) = &mut self.reading {
            match held.read(SIGNATURES, direction, bytes) {
                Told::More | Told::Unknown => return,
                // HTTP is read by a parser that all goes through, or it is none.
                Told::Nothing | Told::Protocol(AppProtocol::Http | AppProtocol::Http2, _) => {
                    return self.give_up(AppProtocol::Unknown);
                }
                Told::Protocol(protocol, _) => {
                    let held = std::mem::take(held);
                    self.start(protocol);
                    for (direction, turn) in held.turns() {
                        self.replay(direction, turn, record, sink);
                    }
                    return;
                }
            }
        }
        self.parse(direction, bytes, record, sink);
    }

    fn parse<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        record: &mut Record,
        sink: &mut S,
    ) {
        let Reading::Parser(parser) = &mut self.reading else { return };
        let mut out = Beside { protocol: self.protocol, before: self.payload.before(), sink, record };
        let outcome = parser.data(direction, bytes, &mut out);
        match outcome {
            Outcome::More => return,
            Outcome::GaveUp => out.anomaly(direction, AppAnomaly::Malformed),
            Outcome::Over | Outcome::Changed => {}
        }
        parser.finish(&mut out);
        self.reading = Reading::Nothing;
        if outcome == Outcome::Changed {
            self.reading = Reading::Probing(Box::default());
            if !bytes.is_empty() {
                self.data(direction, bytes, record, sink);
            }
        }
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, record: &mut Record, sink: &mut S) {
        match &mut self.reading {
            Reading::Probing(held) => {
                if held.gap(direction, bytes) == Told::Nothing {
                    self.give_up(AppProtocol::Unknown);
                }
            }
            Reading::Parser(parser) => {
                let mut out = Beside { protocol: self.protocol, before: self.payload.before(), sink, record };
                if parser.gap(direction, bytes, &mut out) != Outcome::More {
                    out.anomaly(direction, AppAnomaly::Gap);
                    parser.finish(&mut out);
                    self.reading = Reading::Nothing;
                }
            }
            Reading::Nothing => {}
        }
    }

    fn start(&mut self, protocol: AppProtocol) {
        if self.protocol.is_known() {
            self.payload.note_before(self.protocol);
        }
        self.protocol = protocol;
        self.reading = Parser::new(protocol).map_or(Reading::Nothing, Reading::Parser);
    }

    fn give_up(&mut self, protocol: AppProtocol) {
        self.reading = Reading::Nothing;
        // Behind a protocol that another one follows, it stays what it was.
        if !self.protocol.is_known() {
            self.protocol = protocol;
        }
    }

    fn rest(&mut self) -> Option<Payload> {
        matches!(self.reading, Reading::Nothing).then(|| self.payload.take_as(self.protocol))
    }
}
