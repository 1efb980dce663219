//! The parsers that read beside the payload: what is drawn out of a flow whose bytes are scanned as they are.

use super::dns::Dns;
use super::ssh::Ssh;
use super::{AppProtocol, AppSink, beside::Beside};
use crate::flow::Direction;

/// How a parser goes on behind what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It reads on.
    More,
    /// It has told all; what follows is nothing that it could read.
    Over,
    /// What follows, in both directions, is another protocol: it is told by its first bytes.
    Changed,
    /// The peers broke the protocol, or too much is missing.
    GaveUp,
}

/// A parser of one protocol: it reads both directions of a flow, whatever pieces they come in, and tells what it finds.
pub(super) trait AppParser {
    /// Reads the next bytes of a stream; what is not read is left in `bytes`, where the outcome is [`Outcome::Changed`].
    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome;

    /// So many bytes of a stream are missing.
    fn gap<S: AppSink>(&mut self, _: Direction, _bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        Outcome::GaveUp
    }

    /// Reads one datagram.
    fn datagram<S: AppSink>(&mut self, _: Direction, _: &[u8], _: &mut Beside<'_, S>) -> Outcome {
        Outcome::Over
    }

    /// The flow is over: tells what is left.
    fn finish<S: AppSink>(&mut self, _: &mut Beside<'_, S>) {}

    /// Whether nothing is under way that a record will tell of.
    fn is_between_messages(&self) -> bool {
        true
    }
}

/// One variant a protocol.
#[derive(Debug)]
pub(super) enum Parser {
    Dns(Dns),
    Ssh(Box<Ssh>),
}

impl Parser {
    /// The parser of a protocol, where there is one.
    pub(super) fn new(protocol: AppProtocol) -> Option<Parser> {
        Some(match protocol {
            AppProtocol::Dns | AppProtocol::Mdns | AppProtocol::Llmnr => Parser::Dns(Dns::default()),
            AppProtocol::Ssh => Parser::Ssh(Box::default()),
            _ => return None,
        })
    }

    pub(super) fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Dns(parser) => parser.data(direction, bytes, out),
            Parser::Ssh(parser) => parser.data(direction, bytes, out),
        }
    }

    pub(super) fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Dns(parser) => parser.gap(direction, bytes, out),
            Parser::Ssh(parser) => parser.gap(direction, bytes, out),
        }
    }

    pub(super) fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Dns(parser) => parser.datagram(direction, bytes, out),
            Parser::Ssh(parser) => parser.datagram(direction, bytes, out),
        }
    }

    pub(super) fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        match self {
            Parser::Dns(parser) => parser.finish(out),
            Parser::Ssh(parser) => parser.finish(out),
        }
    }

    pub(super) fn is_between_messages(&self) -> bool {
        match self {
            Parser::Dns(parser) => parser.is_between_messages(),
            Parser::Ssh(parser) => parser.is_between_messages(),
        }
    }
}
