//! The parsers that read beside the payload: what is drawn out of a flow whose bytes are scanned as they are.

use super::ftp::Ftp;
use super::imap::Imap;
use super::pop3::Pop3;
use super::rtsp::Rtsp;
use super::sip::Sip;
use super::smtp::Smtp;
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
    Ftp(Box<Ftp>),
    Imap(Box<Imap>),
    Pop3(Box<Pop3>),
    Rtsp(Box<Rtsp>),
    Sip(Box<Sip>),
    Smtp(Box<Smtp>),
    Ssh(Box<Ssh>),
}

impl Parser {
    /// The parser of a protocol, where there is one.
    pub(super) fn new(protocol: AppProtocol) -> Option<Parser> {
        Some(match protocol {
            AppProtocol::Ftp => Parser::Ftp(Box::default()),
            AppProtocol::Imap => Parser::Imap(Box::default()),
            AppProtocol::Pop3 => Parser::Pop3(Box::default()),
            AppProtocol::Rtsp => Parser::Rtsp(Box::default()),
            AppProtocol::Sip => Parser::Sip(Box::default()),
            AppProtocol::Smtp => Parser::Smtp(Box::default()),
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
            Parser::Ftp(parser) => parser.data(direction, bytes, out),
            Parser::Imap(parser) => parser.data(direction, bytes, out),
            Parser::Pop3(parser) => parser.data(direction, bytes, out),
            Parser::Rtsp(parser) => parser.data(direction, bytes, out),
            Parser::Sip(parser) => parser.data(direction, bytes, out),
            Parser::Smtp(parser) => parser.data(direction, bytes, out),
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
            Parser::Ftp(parser) => parser.gap(direction, bytes, out),
            Parser::Imap(parser) => parser.gap(direction, bytes, out),
            Parser::Pop3(parser) => parser.gap(direction, bytes, out),
            Parser::Rtsp(parser) => parser.gap(direction, bytes, out),
            Parser::Sip(parser) => parser.gap(direction, bytes, out),
            Parser::Smtp(parser) => parser.gap(direction, bytes, out),
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
            Parser::Ftp(parser) => parser.datagram(direction, bytes, out),
            Parser::Imap(parser) => parser.datagram(direction, bytes, out),
            Parser::Pop3(parser) => parser.datagram(direction, bytes, out),
            Parser::Rtsp(parser) => parser.datagram(direction, bytes, out),
            Parser::Sip(parser) => parser.datagram(direction, bytes, out),
            Parser::Smtp(parser) => parser.datagram(direction, bytes, out),
            Parser::Ssh(parser) => parser.datagram(direction, bytes, out),
        }
    }

    pub(super) fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        match self {
            Parser::Ftp(parser) => parser.finish(out),
            Parser::Imap(parser) => parser.finish(out),
            Parser::Pop3(parser) => parser.finish(out),
            Parser::Rtsp(parser) => parser.finish(out),
            Parser::Sip(parser) => parser.finish(out),
            Parser::Smtp(parser) => parser.finish(out),
            Parser::Ssh(parser) => parser.finish(out),
        }
    }

    pub(super) fn is_between_messages(&self) -> bool {
        match self {
            Parser::Ftp(parser) => parser.is_between_messages(),
            Parser::Imap(parser) => parser.is_between_messages(),
            Parser::Pop3(parser) => parser.is_between_messages(),
            Parser::Rtsp(parser) => parser.is_between_messages(),
            Parser::Sip(parser) => parser.is_between_messages(),
            Parser::Smtp(parser) => parser.is_between_messages(),
            Parser::Ssh(parser) => parser.is_between_messages(),
        }
    }
}
