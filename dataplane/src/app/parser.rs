//! The parsers that read beside the payload: what is drawn out of a flow whose bytes are scanned as they are.

use dlp_patterns::Field;

use super::{AppProtocol, AppSink, beside::Beside, messages::Lost};
use super::{
    amqp::Amqp, cassandra::Cassandra, couchbase::Couchbase, dns::Dns, dtls::Dtls, ftp::Ftp, imap::Imap,
    kafka::Kafka, kerberos::Kerberos, ldap::Ldap, memcached::Memcached, mongodb::MongoDb, mqtt::Mqtt,
    mysql::MySql, nats::Nats, openwire::OpenWire, pgsql::PgSql, pop3::Pop3, quic::Quic, redis::Redis,
    rtsp::Rtsp, sip::Sip, smb::Smb, smtp::Smtp, ssh::Ssh, start_tls::StartTls, stomp::Stomp, tds::Tds,
    tls::Tls, tns::Tns, zookeeper::ZooKeeper,
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

impl From<Result<(), Lost>> for Outcome {
    fn from(read: Result<(), Lost>) -> Outcome {
        read.map_or_else(Outcome::from, |()| Outcome::More)
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

    /// Bytes of memory beside itself that traffic made it hold, or what they may come to at most.
    fn held_bytes(&self) -> usize;

    /// Whether nothing is under way that a record will tell of.
    fn is_between_messages(&self) -> bool {
        true
    }
}

/// One variant a protocol.
#[derive(Debug)]
pub(super) enum Parser {
    Amqp(Box<Amqp>),
    Cassandra(Box<Cassandra>),
    Couchbase(Box<Couchbase>),
    Dns(Dns),
    Dtls(Box<Dtls>),
    Ftp(Box<Ftp>),
    Imap(Box<Imap>),
    Kafka(Box<Kafka>),
    Kerberos(Box<Kerberos>),
    Ldap(Box<Ldap>),
    Memcached(Box<Memcached>),
    MongoDb(Box<MongoDb>),
    Mqtt(Box<Mqtt>),
    MySql(Box<MySql>),
    Nats(Box<Nats>),
    OpenWire(Box<OpenWire>),
    PgSql(Box<PgSql>),
    Pop3(Box<Pop3>),
    Quic(Box<Quic>),
    Redis(Box<Redis>),
    Rtsp(Box<Rtsp>),
    Sip(Box<Sip>),
    Smb(Box<Smb>),
    Smtp(Box<Smtp>),
    Ssh(Box<Ssh>),
    StartTls(Box<StartTls>),
    Stomp(Box<Stomp>),
    Tds(Box<Tds>),
    Tls(Box<Tls>),
    Tns(Box<Tns>),
    ZooKeeper(Box<ZooKeeper>),
}

impl Parser {
    /// The parser of a protocol, where there is one.
    pub(super) fn new(protocol: AppProtocol) -> Option<Parser> {
        Some(match protocol {
            AppProtocol::Amqp => Parser::Amqp(Box::default()),
            AppProtocol::Cassandra => Parser::Cassandra(Box::default()),
            AppProtocol::Couchbase => Parser::Couchbase(Box::default()),
            AppProtocol::Dns | AppProtocol::Mdns | AppProtocol::Llmnr => Parser::Dns(Dns::default()),
            AppProtocol::Dtls => Parser::Dtls(Box::default()),
            AppProtocol::Ftp => Parser::Ftp(Box::default()),
            AppProtocol::Imap => Parser::Imap(Box::default()),
            AppProtocol::Kafka => Parser::Kafka(Box::default()),
            AppProtocol::Kerberos => Parser::Kerberos(Box::default()),
            AppProtocol::Ldap => Parser::Ldap(Box::default()),
            AppProtocol::Memcached => Parser::Memcached(Box::default()),
            AppProtocol::MongoDb => Parser::MongoDb(Box::default()),
            AppProtocol::Mqtt => Parser::Mqtt(Box::default()),
            AppProtocol::MySql => Parser::MySql(Box::default()),
            AppProtocol::Nats => Parser::Nats(Box::default()),
            AppProtocol::OpenWire => Parser::OpenWire(Box::default()),
            AppProtocol::PgSql => Parser::PgSql(Box::default()),
            AppProtocol::Pop3 => Parser::Pop3(Box::default()),
            AppProtocol::Quic => Parser::Quic(Box::default()),
            AppProtocol::Redis => Parser::Redis(Box::default()),
            AppProtocol::Rtsp => Parser::Rtsp(Box::default()),
            AppProtocol::Sip => Parser::Sip(Box::default()),
            AppProtocol::Smb => Parser::Smb(Box::default()),
            AppProtocol::Smtp => Parser::Smtp(Box::default()),
            AppProtocol::Ssh => Parser::Ssh(Box::default()),
            AppProtocol::Stomp => Parser::Stomp(Box::default()),
            AppProtocol::Tds => Parser::Tds(Box::default()),
            AppProtocol::Tls => Parser::Tls(Box::default()),
            AppProtocol::Tns => Parser::Tns(Box::default()),
            AppProtocol::ZooKeeper => Parser::ZooKeeper(Box::default()),
            _ => return StartTls::of(protocol).map(Parser::StartTls),
        })
    }

    /// What it draws out of the payload.
    pub(super) fn fields(&self) -> &'static [Field] {
        match self {
            Parser::Amqp(_) => Amqp::FIELDS,
            Parser::Cassandra(_) => Cassandra::FIELDS,
            Parser::Couchbase(_) => Couchbase::FIELDS,
            Parser::Dns(_) => Dns::FIELDS,
            Parser::Dtls(_) => Dtls::FIELDS,
            Parser::Ftp(_) => Ftp::FIELDS,
            Parser::Imap(_) => Imap::FIELDS,
            Parser::Kafka(_) => Kafka::FIELDS,
            Parser::Kerberos(_) => Kerberos::FIELDS,
            Parser::Ldap(_) => Ldap::FIELDS,
            Parser::Memcached(_) => Memcached::FIELDS,
            Parser::MongoDb(_) => MongoDb::FIELDS,
            Parser::Mqtt(_) => Mqtt::FIELDS,
            Parser::MySql(_) => MySql::FIELDS,
            Parser::Nats(_) => Nats::FIELDS,
            Parser::OpenWire(_) => OpenWire::FIELDS,
            Parser::PgSql(_) => PgSql::FIELDS,
            Parser::Pop3(_) => Pop3::FIELDS,
            Parser::Quic(_) => Quic::FIELDS,
            Parser::Redis(_) => Redis::FIELDS,
            Parser::Rtsp(_) => Rtsp::FIELDS,
            Parser::Sip(_) => Sip::FIELDS,
            Parser::Smb(_) => Smb::FIELDS,
            Parser::Smtp(_) => Smtp::FIELDS,
            Parser::Ssh(_) => Ssh::FIELDS,
            Parser::StartTls(_) => StartTls::FIELDS,
            Parser::Stomp(_) => Stomp::FIELDS,
            Parser::Tds(_) => Tds::FIELDS,
            Parser::Tls(_) => Tls::FIELDS,
            Parser::Tns(_) => Tns::FIELDS,
            Parser::ZooKeeper(_) => ZooKeeper::FIELDS,
        }
    }

    pub(super) fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Amqp(parser) => parser.data(direction, bytes, out),
            Parser::Cassandra(parser) => parser.data(direction, bytes, out),
            Parser::Couchbase(parser) => parser.data(direction, bytes, out),
            Parser::Dns(parser) => parser.data(direction, bytes, out),
            Parser::Dtls(parser) => parser.data(direction, bytes, out),
            Parser::Ftp(parser) => parser.data(direction, bytes, out),
            Parser::Imap(parser) => parser.data(direction, bytes, out),
            Parser::Kafka(parser) => parser.data(direction, bytes, out),
            Parser::Kerberos(parser) => parser.data(direction, bytes, out),
            Parser::Ldap(parser) => parser.data(direction, bytes, out),
            Parser::Memcached(parser) => parser.data(direction, bytes, out),
            Parser::MongoDb(parser) => parser.data(direction, bytes, out),
            Parser::Mqtt(parser) => parser.data(direction, bytes, out),
            Parser::MySql(parser) => parser.data(direction, bytes, out),
            Parser::Nats(parser) => parser.data(direction, bytes, out),
            Parser::OpenWire(parser) => parser.data(direction, bytes, out),
            Parser::PgSql(parser) => parser.data(direction, bytes, out),
            Parser::Pop3(parser) => parser.data(direction, bytes, out),
            Parser::Quic(parser) => parser.data(direction, bytes, out),
            Parser::Redis(parser) => parser.data(direction, bytes, out),
            Parser::Rtsp(parser) => parser.data(direction, bytes, out),
            Parser::Sip(parser) => parser.data(direction, bytes, out),
            Parser::Smb(parser) => parser.data(direction, bytes, out),
            Parser::Smtp(parser) => parser.data(direction, bytes, out),
            Parser::Ssh(parser) => parser.data(direction, bytes, out),
            Parser::StartTls(parser) => parser.data(direction, bytes, out),
            Parser::Stomp(parser) => parser.data(direction, bytes, out),
            Parser::Tds(parser) => parser.data(direction, bytes, out),
            Parser::Tls(parser) => parser.data(direction, bytes, out),
            Parser::Tns(parser) => parser.data(direction, bytes, out),
            Parser::ZooKeeper(parser) => parser.data(direction, bytes, out),
        }
    }

    pub(super) fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Amqp(parser) => parser.gap(direction, bytes, out),
            Parser::Cassandra(parser) => parser.gap(direction, bytes, out),
            Parser::Couchbase(parser) => parser.gap(direction, bytes, out),
            Parser::Dns(parser) => parser.gap(direction, bytes, out),
            Parser::Dtls(parser) => parser.gap(direction, bytes, out),
            Parser::Ftp(parser) => parser.gap(direction, bytes, out),
            Parser::Imap(parser) => parser.gap(direction, bytes, out),
            Parser::Kafka(parser) => parser.gap(direction, bytes, out),
            Parser::Kerberos(parser) => parser.gap(direction, bytes, out),
            Parser::Ldap(parser) => parser.gap(direction, bytes, out),
            Parser::Memcached(parser) => parser.gap(direction, bytes, out),
            Parser::MongoDb(parser) => parser.gap(direction, bytes, out),
            Parser::Mqtt(parser) => parser.gap(direction, bytes, out),
            Parser::MySql(parser) => parser.gap(direction, bytes, out),
            Parser::Nats(parser) => parser.gap(direction, bytes, out),
            Parser::OpenWire(parser) => parser.gap(direction, bytes, out),
            Parser::PgSql(parser) => parser.gap(direction, bytes, out),
            Parser::Pop3(parser) => parser.gap(direction, bytes, out),
            Parser::Quic(parser) => parser.gap(direction, bytes, out),
            Parser::Redis(parser) => parser.gap(direction, bytes, out),
            Parser::Rtsp(parser) => parser.gap(direction, bytes, out),
            Parser::Sip(parser) => parser.gap(direction, bytes, out),
            Parser::Smb(parser) => parser.gap(direction, bytes, out),
            Parser::Smtp(parser) => parser.gap(direction, bytes, out),
            Parser::Ssh(parser) => parser.gap(direction, bytes, out),
            Parser::StartTls(parser) => parser.gap(direction, bytes, out),
            Parser::Stomp(parser) => parser.gap(direction, bytes, out),
            Parser::Tds(parser) => parser.gap(direction, bytes, out),
            Parser::Tls(parser) => parser.gap(direction, bytes, out),
            Parser::Tns(parser) => parser.gap(direction, bytes, out),
            Parser::ZooKeeper(parser) => parser.gap(direction, bytes, out),
        }
    }

    pub(super) fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match self {
            Parser::Amqp(parser) => parser.datagram(direction, bytes, out),
            Parser::Cassandra(parser) => parser.datagram(direction, bytes, out),
            Parser::Couchbase(parser) => parser.datagram(direction, bytes, out),
            Parser::Dns(parser) => parser.datagram(direction, bytes, out),
            Parser::Dtls(parser) => parser.datagram(direction, bytes, out),
            Parser::Ftp(parser) => parser.datagram(direction, bytes, out),
            Parser::Imap(parser) => parser.datagram(direction, bytes, out),
            Parser::Kafka(parser) => parser.datagram(direction, bytes, out),
            Parser::Kerberos(parser) => parser.datagram(direction, bytes, out),
            Parser::Ldap(parser) => parser.datagram(direction, bytes, out),
            Parser::Memcached(parser) => parser.datagram(direction, bytes, out),
            Parser::MongoDb(parser) => parser.datagram(direction, bytes, out),
            Parser::Mqtt(parser) => parser.datagram(direction, bytes, out),
            Parser::MySql(parser) => parser.datagram(direction, bytes, out),
            Parser::Nats(parser) => parser.datagram(direction, bytes, out),
            Parser::OpenWire(parser) => parser.datagram(direction, bytes, out),
            Parser::PgSql(parser) => parser.datagram(direction, bytes, out),
            Parser::Pop3(parser) => parser.datagram(direction, bytes, out),
            Parser::Quic(parser) => parser.datagram(direction, bytes, out),
            Parser::Redis(parser) => parser.datagram(direction, bytes, out),
            Parser::Rtsp(parser) => parser.datagram(direction, bytes, out),
            Parser::Sip(parser) => parser.datagram(direction, bytes, out),
            Parser::Smb(parser) => parser.datagram(direction, bytes, out),
            Parser::Smtp(parser) => parser.datagram(direction, bytes, out),
            Parser::Ssh(parser) => parser.datagram(direction, bytes, out),
            Parser::StartTls(parser) => parser.datagram(direction, bytes, out),
            Parser::Stomp(parser) => parser.datagram(direction, bytes, out),
            Parser::Tds(parser) => parser.datagram(direction, bytes, out),
            Parser::Tls(parser) => parser.datagram(direction, bytes, out),
            Parser::Tns(parser) => parser.datagram(direction, bytes, out),
            Parser::ZooKeeper(parser) => parser.datagram(direction, bytes, out),
        }
    }

    pub(super) fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        match self {
            Parser::Amqp(parser) => parser.finish(out),
            Parser::Cassandra(parser) => parser.finish(out),
            Parser::Couchbase(parser) => parser.finish(out),
            Parser::Dns(parser) => parser.finish(out),
            Parser::Dtls(parser) => parser.finish(out),
            Parser::Ftp(parser) => parser.finish(out),
            Parser::Imap(parser) => parser.finish(out),
            Parser::Kafka(parser) => parser.finish(out),
            Parser::Kerberos(parser) => parser.finish(out),
            Parser::Ldap(parser) => parser.finish(out),
            Parser::Memcached(parser) => parser.finish(out),
            Parser::MongoDb(parser) => parser.finish(out),
            Parser::Mqtt(parser) => parser.finish(out),
            Parser::MySql(parser) => parser.finish(out),
            Parser::Nats(parser) => parser.finish(out),
            Parser::OpenWire(parser) => parser.finish(out),
            Parser::PgSql(parser) => parser.finish(out),
            Parser::Pop3(parser) => parser.finish(out),
            Parser::Quic(parser) => parser.finish(out),
            Parser::Redis(parser) => parser.finish(out),
            Parser::Rtsp(parser) => parser.finish(out),
            Parser::Sip(parser) => parser.finish(out),
            Parser::Smb(parser) => parser.finish(out),
            Parser::Smtp(parser) => parser.finish(out),
            Parser::Ssh(parser) => parser.finish(out),
            Parser::StartTls(parser) => parser.finish(out),
            Parser::Stomp(parser) => parser.finish(out),
            Parser::Tds(parser) => parser.finish(out),
            Parser::Tls(parser) => parser.finish(out),
            Parser::Tns(parser) => parser.finish(out),
            Parser::ZooKeeper(parser) => parser.finish(out),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Parser::Amqp(parser) => parser.held_bytes(),
            Parser::Cassandra(parser) => parser.held_bytes(),
            Parser::Couchbase(parser) => parser.held_bytes(),
            Parser::Dns(parser) => parser.held_bytes(),
            Parser::Dtls(parser) => parser.held_bytes(),
            Parser::Ftp(parser) => parser.held_bytes(),
            Parser::Imap(parser) => parser.held_bytes(),
            Parser::Kafka(parser) => parser.held_bytes(),
            Parser::Kerberos(parser) => parser.held_bytes(),
            Parser::Ldap(parser) => parser.held_bytes(),
            Parser::Memcached(parser) => parser.held_bytes(),
            Parser::MongoDb(parser) => parser.held_bytes(),
            Parser::Mqtt(parser) => parser.held_bytes(),
            Parser::MySql(parser) => parser.held_bytes(),
            Parser::Nats(parser) => parser.held_bytes(),
            Parser::OpenWire(parser) => parser.held_bytes(),
            Parser::PgSql(parser) => parser.held_bytes(),
            Parser::Pop3(parser) => parser.held_bytes(),
            Parser::Quic(parser) => parser.held_bytes(),
            Parser::Redis(parser) => parser.held_bytes(),
            Parser::Rtsp(parser) => parser.held_bytes(),
            Parser::Sip(parser) => parser.held_bytes(),
            Parser::Smb(parser) => parser.held_bytes(),
            Parser::Smtp(parser) => parser.held_bytes(),
            Parser::Ssh(parser) => parser.held_bytes(),
            Parser::StartTls(parser) => parser.held_bytes(),
            Parser::Stomp(parser) => parser.held_bytes(),
            Parser::Tds(parser) => parser.held_bytes(),
            Parser::Tls(parser) => parser.held_bytes(),
            Parser::Tns(parser) => parser.held_bytes(),
            Parser::ZooKeeper(parser) => parser.held_bytes(),
        }
    }

    pub(super) fn is_between_messages(&self) -> bool {
        match self {
            Parser::Amqp(parser) => parser.is_between_messages(),
            Parser::Cassandra(parser) => parser.is_between_messages(),
            Parser::Couchbase(parser) => parser.is_between_messages(),
            Parser::Dns(parser) => parser.is_between_messages(),
            Parser::Dtls(parser) => parser.is_between_messages(),
            Parser::Ftp(parser) => parser.is_between_messages(),
            Parser::Imap(parser) => parser.is_between_messages(),
            Parser::Kafka(parser) => parser.is_between_messages(),
            Parser::Kerberos(parser) => parser.is_between_messages(),
            Parser::Ldap(parser) => parser.is_between_messages(),
            Parser::Memcached(parser) => parser.is_between_messages(),
            Parser::MongoDb(parser) => parser.is_between_messages(),
            Parser::Mqtt(parser) => parser.is_between_messages(),
            Parser::MySql(parser) => parser.is_between_messages(),
            Parser::Nats(parser) => parser.is_between_messages(),
            Parser::OpenWire(parser) => parser.is_between_messages(),
            Parser::PgSql(parser) => parser.is_between_messages(),
            Parser::Pop3(parser) => parser.is_between_messages(),
            Parser::Quic(parser) => parser.is_between_messages(),
            Parser::Redis(parser) => parser.is_between_messages(),
            Parser::Rtsp(parser) => parser.is_between_messages(),
            Parser::Sip(parser) => parser.is_between_messages(),
            Parser::Smb(parser) => parser.is_between_messages(),
            Parser::Smtp(parser) => parser.is_between_messages(),
            Parser::Ssh(parser) => parser.is_between_messages(),
            Parser::StartTls(parser) => parser.is_between_messages(),
            Parser::Stomp(parser) => parser.is_between_messages(),
            Parser::Tds(parser) => parser.is_between_messages(),
            Parser::Tls(parser) => parser.is_between_messages(),
            Parser::Tns(parser) => parser.is_between_messages(),
            Parser::ZooKeeper(parser) => parser.is_between_messages(),
        }
    }
}
