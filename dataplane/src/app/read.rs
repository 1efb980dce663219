//! A flow whose bytes are payload, and beside that are read by a parser, or for what protocol they are of.

use super::{
    AppAnomaly, AppProtocol, AppSink, Payload, SIGNATURES, SpareParsers,
    beside::Beside,
    held::{Held, Told},
    parser::{Outcome, Parser},
};
use crate::flow::Direction;
use crate::limits::APP_CHANGES_MAX;
use crate::reassembly::StreamChunk;

/// A flow that is read twice: all of it as payload, and what a parser draws out of it. So a parser that is led astray hides
/// nothing from the rules for payload.
#[derive(Debug)]
pub struct Read {
    payload: Payload,
    protocol: AppProtocol,
    reading: Reading,
    /// How often it went on as another protocol.
    changes: u8,
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
            Some(parser) => {
                Ok(parsers.read(Read { payload, protocol, reading: Reading::Parser(parser), changes: 0 }))
            }
            None => Err(payload.take_as(protocol)),
        }
    }

    /// A flow of which one direction is of no protocol: the other one may tell. What is held was told as payload.
    pub(super) fn probing(payload: Payload, held: Held) -> Box<Read> {
        let reading = Reading::Probing(Box::new(held));
        Box::new(Read { payload, protocol: AppProtocol::Unknown, reading, changes: 0 })
    }

    /// Reads a piece that was told as payload.
    pub(super) fn replay<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        match chunk {
            StreamChunk::Data(mut bytes) => self.data(direction, &mut bytes, parsers, sink),
            StreamChunk::Gap(0) | StreamChunk::Fin => {}
            StreamChunk::Gap(bytes) => self.gap(direction, bytes, parsers, sink),
        }
    }

    /// Reads the next piece of one direction; `Some` is how the flow goes on when nothing is read beside its payload.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Option<Payload> {
        self.payload.advance(direction, chunk, sink);
        self.replay(direction, chunk, parsers, sink);
        self.rest()
    }

    /// Reads one datagram, which was told as payload.
    pub(super) fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Option<Payload> {
        if let Reading::Parser(parser) = &mut self.reading {
            let mut out = Beside::of(self.protocol, sink, parsers).behind(self.payload.before());
            match parser.datagram(direction, bytes, &mut out) {
                Outcome::More | Outcome::Changed => {}
                Outcome::Over => self.reading = Reading::Nothing,
                Outcome::GaveUp => out.anomaly(direction, AppAnomaly::Malformed),
            }
        }
        self.rest()
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, parsers: &mut SpareParsers, sink: &mut S) {
        self.payload.finish(sink);
        if let Reading::Parser(parser) = &mut self.reading {
            parser.finish(&mut Beside::of(self.protocol, sink, parsers).behind(self.payload.before()));
        }
    }

    /// What is left of it once it is over: nothing is read beside the payload any more.
    pub(super) fn remains(&mut self) -> Payload {
        // What a parser held goes now, not with the room.
        self.reading = Reading::Nothing;
        self.payload.take_as(self.protocol)
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.reading {
            Reading::Parser(parser) => parser.held_bytes(),
            Reading::Probing(held) => held.held_bytes(),
            Reading::Nothing => 0,
        }
    }

    /// There is no room for what it holds: nothing is read beside the payload any more.
    pub(super) fn abandon<S: AppSink>(&mut self, parsers: &mut SpareParsers, sink: &mut S) -> Payload {
        if let Reading::Parser(parser) = &mut self.reading {
            parser.finish(&mut Beside::of(self.protocol, sink, parsers).behind(self.payload.before()));
        }
        self.remains()
    }

    pub(super) fn is_between_messages(&self) -> bool {
        match &self.reading {
            Reading::Parser(parser) => parser.is_between_messages(),
            // What was said in them may still be told.
            Reading::Probing(_) => false,
            Reading::Nothing => true,
        }
    }

    pub(super) fn protocol(&self) -> AppProtocol {
        self.protocol
    }

    /// The protocol that made way for it.
    pub(super) fn before(&self) -> Option<AppProtocol> {
        self.payload.before()
    }

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        parsers: &mut SpareParsers,
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
                        self.replay(direction, turn, parsers, sink);
                    }
                    return;
                }
            }
        }
        self.parse(direction, bytes, parsers, sink);
    }

    fn parse<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        let Reading::Parser(parser) = &mut self.reading else { return };
        let mut out = Beside::of(self.protocol, sink, parsers).behind(self.payload.before());
        let outcome = match parser.data(direction, bytes, &mut out) {
            Outcome::Changed if self.changes == APP_CHANGES_MAX => Outcome::GaveUp,
            outcome => outcome,
        };
        match outcome {
            Outcome::More => return,
            Outcome::GaveUp => out.anomaly(direction, AppAnomaly::Malformed),
            Outcome::Over | Outcome::Changed => {}
        }
        parser.finish(&mut out);
        self.reading = Reading::Nothing;
        if outcome == Outcome::Changed {
            self.changes += 1;
            self.reading = Reading::Probing(Box::default());
            if !bytes.is_empty() {
                self.data(direction, bytes, parsers, sink);
            }
        }
    }

    fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        match &mut self.reading {
            Reading::Probing(held) => {
                if held.gap(direction, bytes) == Told::Nothing {
                    self.give_up(AppProtocol::Unknown);
                }
            }
            Reading::Parser(parser) => {
                let mut out = Beside::of(self.protocol, sink, parsers).behind(self.payload.before());
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
        let outer = std::mem::replace(&mut self.protocol, protocol);
        if outer.is_known() && outer != protocol {
            self.payload.follow(outer);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tls::tests::{client_hello, record};
    use crate::app::{App, Holding, recorder::Recorder};

    /// What a flow is of, and what it was of before, once an end of it said this.
    type Labels = (AppProtocol, Option<AppProtocol>);

    /// NATS makes way for TLS, which the server's INFO shows to be NATS again.
    #[test]
    fn ends_that_change_for_ever_are_read_no_further() {
        let (mut app, mut parsers, mut sink) = (App::new(), SpareParsers::default(), Recorder::default());
        let turns: [(_, &[u8]); 2] =
            [(Direction::ToServer, b"\x16"), (Direction::ToClient, b"INFO {\"server_id\":\"a\"}\r\n")];
        for (direction, bytes) in turns {
            app.advance(direction, StreamChunk::Data(bytes), &mut parsers, &mut sink);
        }
        app.finish(&mut parsers, &mut sink);
        assert_eq!(sink.anomalies(), [AppAnomaly::Malformed]);
        for (direction, bytes) in turns {
            assert_eq!(sink.instances(direction, dlp_patterns::Field::Payload), [bytes]);
        }
    }

    #[test]
    fn what_made_way_for_tls_is_remembered_to_the_end() {
        let (mut app, mut parsers, mut sink) = (App::new(), SpareParsers::default(), Recorder::default());
        let mut say = |direction, bytes: &[u8]| -> Labels {
            app.advance(direction, StreamChunk::Data(bytes), &mut parsers, &mut sink);
            (app.protocol(), app.outer_protocol())
        };
        say(Direction::ToServer, b"\x00\x00\x00\x08\x04\xd2\x16\x2f");
        assert_eq!(say(Direction::ToClient, b"S"), (AppProtocol::PgSql, None));
        let both = (AppProtocol::Tls, Some(AppProtocol::PgSql));
        assert_eq!(say(Direction::ToServer, &record(22, &client_hello(b"db.test"))), both);
        // Nothing is read of it any more.
        assert_eq!(say(Direction::ToClient, b"no TLS"), both);
        app.finish(&mut parsers, &mut sink);
        assert_eq!((app.protocol(), app.outer_protocol()), both);
        app.forget(&mut Holding::default());
        assert_eq!((app.protocol(), app.outer_protocol()), both);
    }
}
