//! The parsers that read beside the payload: what is drawn out of a flow whose bytes are scanned as they are.

use dlp_patterns::Field;

use super::{AppProtocol, AppSink, beside::Beside, messages::Lost};
use super::{
    cassandra::Cassandra, couchbase::Couchbase, dns::Dns, dtls::Dtls, ftp::Ftp, imap::Imap,
    memcached::Memcached, mongodb::MongoDb, mysql::MySql, pgsql::PgSql, pop3::Pop3, quic::Quic, redis::Redis,
    rtsp::Rtsp, sip::Sip, smtp::Smtp, ssh::Ssh, start_tls::StartTls, tds::Tds, tls::Tls, tns::Tns,
};
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

impl From<Lost> for Outcome {
    fn from(_: Lost) -> Outcome {
        Outcome::GaveUp
    }
}

/// A parser of one protocol: it reads both directions of a flow, whatever pieces they come in, and tells what it finds.
pub(super) trait AppParser {
    /// What it draws out of the payload.
    const FIELDS: &'static [Field] = &[];

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
    Cassandra(Box<Cassandra>),
    Couchbase(Box<Couchbase>),
    Dns(Dns),
    Dtls(Box<Dtls>),
    Ftp(Box<Ftp>),
    Imap(Box<Imap>),
    Memcached(Box<Memcached>),
    MongoDb(Box<MongoDb>),
    MySql(Box<MySql>),
    PgSql(Box<PgSql>),
    Pop3(Box<Pop3>),
    Quic(Box<Quic>),
    Redis(Box<Redis>),
    Rtsp(Box<Rtsp>),
    Sip(Box<Sip>),
    Smtp(Box<Smtp>),
    Ssh(Box<Ssh>),
    StartTls(Box<StartTls>),
    Tds(Box<Tds>),
    Tls(Box<Tls>),
    Tns(Box<Tns>),
}

impl Parser {
    /// The parser of a protocol, where there is one.
    pub(super) fn new(protocol: AppProtocol) -> Option<Parser> {
        Some(match protocol {
            AppProtocol::Cassandra => Parser::Cassandra(Box::default()),
            AppProtocol::Couchbase => Parser::Couchbase(Box::default()),
            AppProtocol::Dns | AppProtocol::Mdns | AppProtocol::Llmnr => Parser::Dns(Dns::default()),
            AppProtocol::Dtls => Parser::Dtls(Box::default()),
            AppProtocol::Ftp => Parser::Ftp(Box::default()),
            AppProtocol::Imap => Parser::Imap(Box::default()),
            AppProtocol::Memcached => Parser::Memcached(Box::default()),
            AppProtocol::MongoDb => Parser::MongoDb(Box::default()),
            AppProtocol::MySql => Parser::MySql(Box::default()),
            AppProtocol::PgSql => Parser::PgSql(Box::default()),
            AppProtocol::Pop3 => Parser::Pop3(Box::default()),
            AppProtocol::Quic => Parser::Quic(Box::default()),
            AppProtocol::Redis => Parser::Redis(Box::default()),
            AppProtocol::Rtsp => Parser::Rtsp(Box::default()),
            AppProtocol::Sip => Parser::Sip(Box::default()),
            AppProtocol::Smtp => Parser::Smtp(Box::default()),
            AppProtocol::Ssh => Parser::Ssh(Box::default()),
            AppProtocol::Tds => Parser::Tds(Box::default()),
            AppProtocol::Tls => Parser::Tls(Box::default()),
            AppProtocol::Tns => Parser::Tns(Box::default()),
            _ => return StartTls::of(protocol).map(Parser::StartTls),
        })
    }

    /// What it draws out of the payload.
    pub(super) fn fields(&self) -> &'static [Field] {
        match self {
            Parser::Cassandra(_) => Cassandra::FIELDS,
            Parser::Couchbase(_) => Couchbase::FIELDS,
            Parser::Dns(_) => Dns::FIELDS,
            Parser::Dtls(_) => Dtls::FIELDS,
            Parser::Ftp(_) => Ftp::FIELDS,
            Parser::Imap(_) => Imap::FIELDS,
            Parser::Memcached(_) => Memcached::FIELDS,
            Parser::MongoDb(_) => MongoDb::FIELDS,
            Parser::MySql(_) => MySql::FIELDS,
            Parser::PgSql(_) => PgSql::FIELDS,
            Parser::Pop3(_) => Pop3::FIELDS,
            Parser::Quic(_) => Quic::FIELDS,
            Parser::Redis(_) => Redis::FIELDS,
            Parser::Rtsp(_) => Rtsp::FIELDS,
            Parser::Sip(_) => Sip::FIELDS,
            Parser::Smtp(_) => Smtp::FIELDS,
            Parser::Ssh(_) => Ssh::FIELDS,
            Parser::StartTls(_) => StartTls::FIELDS,
            Parser::Tds(_) => Tds::FIELDS,
            Parser::Tls(_) => Tls::FIELDS,
            Parser::Tns(_) => Tns::FIELDS,
        }
    }

    pub(super) fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Cassandra(parser) => parser.data(direction, bytes, out),
            Parser::Couchbase(parser) => parser.data(direction, bytes, out),
            Parser::Dns(parser) => parser.data(direction, bytes, out),
            Parser::Dtls(parser) => parser.data(direction, bytes, out),
            Parser::Ftp(parser) => parser.data(direction, bytes, out),
            Parser::Imap(parser) => parser.data(direction, bytes, out),
            Parser::Memcached(parser) => parser.data(direction, bytes, out),
            Parser::MongoDb(parser) => parser.data(direction, bytes, out),
            Parser::MySql(parser) => parser.data(direction, bytes, out),
            Parser::PgSql(parser) => parser.data(direction, bytes, out),
            Parser::Pop3(parser) => parser.data(direction, bytes, out),
            Parser::Quic(parser) => parser.data(direction, bytes, out),
            Parser::Redis(parser) => parser.data(direction, bytes, out),
            Parser::Rtsp(parser) => parser.data(direction, bytes, out),
            Parser::Sip(parser) => parser.data(direction, bytes, out),
            Parser::Smtp(parser) => parser.data(direction, bytes, out),
            Parser::Ssh(parser) => parser.data(direction, bytes, out),
            Parser::StartTls(parser) => parser.data(direction, bytes, out),
            Parser::Tds(parser) => parser.data(direction, bytes, out),
            Parser::Tls(parser) => parser.data(direction, bytes, out),
            Parser::Tns(parser) => parser.data(direction, bytes, out),
        }
    }

    pub(super) fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Cassandra(parser) => parser.gap(direction, bytes, out),
            Parser::Couchbase(parser) => parser.gap(direction, bytes, out),
            Parser::Dns(parser) => parser.gap(direction, bytes, out),
            Parser::Dtls(parser) => parser.gap(direction, bytes, out),
            Parser::Ftp(parser) => parser.gap(direction, bytes, out),
            Parser::Imap(parser) => parser.gap(direction, bytes, out),
            Parser::Memcached(parser) => parser.gap(direction, bytes, out),
            Parser::MongoDb(parser) => parser.gap(direction, bytes, out),
            Parser::MySql(parser) => parser.gap(direction, bytes, out),
            Parser::PgSql(parser) => parser.gap(direction, bytes, out),
            Parser::Pop3(parser) => parser.gap(direction, bytes, out),
            Parser::Quic(parser) => parser.gap(direction, bytes, out),
            Parser::Redis(parser) => parser.gap(direction, bytes, out),
            Parser::Rtsp(parser) => parser.gap(direction, bytes, out),
            Parser::Sip(parser) => parser.gap(direction, bytes, out),
            Parser::Smtp(parser) => parser.gap(direction, bytes, out),
            Parser::Ssh(parser) => parser.gap(direction, bytes, out),
            Parser::StartTls(parser) => parser.gap(direction, bytes, out),
            Parser::Tds(parser) => parser.gap(direction, bytes, out),
            Parser::Tls(parser) => parser.gap(direction, bytes, out),
            Parser::Tns(parser) => parser.gap(direction, bytes, out),
        }
    }

    pub(super) fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Cassandra(parser) => parser.datagram(direction, bytes, out),
            Parser::Couchbase(parser) => parser.datagram(direction, bytes, out),
            Parser::Dns(parser) => parser.datagram(direction, bytes, out),
            Parser::Dtls(parser) => parser.datagram(direction, bytes, out),
            Parser::Ftp(parser) => parser.datagram(direction, bytes, out),
            Parser::Imap(parser) => parser.datagram(direction, bytes, out),
            Parser::Memcached(parser) => parser.datagram(direction, bytes, out),
            Parser::MongoDb(parser) => parser.datagram(direction, bytes, out),
            Parser::MySql(parser) => parser.datagram(direction, bytes, out),
            Parser::PgSql(parser) => parser.datagram(direction, bytes, out),
            Parser::Pop3(parser) => parser.datagram(direction, bytes, out),
            Parser::Quic(parser) => parser.datagram(direction, bytes, out),
            Parser::Redis(parser) => parser.datagram(direction, bytes, out),
            Parser::Rtsp(parser) => parser.datagram(direction, bytes, out),
            Parser::Sip(parser) => parser.datagram(direction, bytes, out),
            Parser::Smtp(parser) => parser.datagram(direction, bytes, out),
            Parser::Ssh(parser) => parser.datagram(direction, bytes, out),
            Parser::StartTls(parser) => parser.datagram(direction, bytes, out),
            Parser::Tds(parser) => parser.datagram(direction, bytes, out),
            Parser::Tls(parser) => parser.datagram(direction, bytes, out),
            Parser::Tns(parser) => parser.datagram(direction, bytes, out),
        }
    }

    pub(super) fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        match self {
            Parser::Cassandra(parser) => parser.finish(out),
            Parser::Couchbase(parser) => parser.finish(out),
            Parser::Dns(parser) => parser.finish(out),
            Parser::Dtls(parser) => parser.finish(out),
            Parser::Ftp(parser) => parser.finish(out),
            Parser::Imap(parser) => parser.finish(out),
            Parser::Memcached(parser) => parser.finish(out),
            Parser::MongoDb(parser) => parser.finish(out),
            Parser::MySql(parser) => parser.finish(out),
            Parser::PgSql(parser) => parser.finish(out),
            Parser::Pop3(parser) => parser.finish(out),
            Parser::Quic(parser) => parser.finish(out),
            Parser::Redis(parser) => parser.finish(out),
            Parser::Rtsp(parser) => parser.finish(out),
            Parser::Sip(parser) => parser.finish(out),
            Parser::Smtp(parser) => parser.finish(out),
            Parser::Ssh(parser) => parser.finish(out),
            Parser::StartTls(parser) => parser.finish(out),
            Parser::Tds(parser) => parser.finish(out),
            Parser::Tls(parser) => parser.finish(out),
            Parser::Tns(parser) => parser.finish(out),
        }
    }

    pub(super) fn is_between_messages(&self) -> bool {
        match self {
            Parser::Cassandra(parser) => parser.is_between_messages(),
            Parser::Couchbase(parser) => parser.is_between_messages(),
            Parser::Dns(parser) => parser.is_between_messages(),
            Parser::Dtls(parser) => parser.is_between_messages(),
            Parser::Ftp(parser) => parser.is_between_messages(),
            Parser::Imap(parser) => parser.is_between_messages(),
            Parser::Memcached(parser) => parser.is_between_messages(),
            Parser::MongoDb(parser) => parser.is_between_messages(),
            Parser::MySql(parser) => parser.is_between_messages(),
            Parser::PgSql(parser) => parser.is_between_messages(),
            Parser::Pop3(parser) => parser.is_between_messages(),
            Parser::Quic(parser) => parser.is_between_messages(),
            Parser::Redis(parser) => parser.is_between_messages(),
            Parser::Rtsp(parser) => parser.is_between_messages(),
            Parser::Sip(parser) => parser.is_between_messages(),
            Parser::Smtp(parser) => parser.is_between_messages(),
            Parser::Ssh(parser) => parser.is_between_messages(),
            Parser::StartTls(parser) => parser.is_between_messages(),
            Parser::Tds(parser) => parser.is_between_messages(),
            Parser::Tls(parser) => parser.is_between_messages(),
            Parser::Tns(parser) => parser.is_between_messages(),
        }
    }
}
