//! Flows and records that detectors are shown in their tests.

use std::net::{IpAddr, Ipv4Addr};

use crate::app::{AppProtocol, Record};
use crate::decode::Vlans;
use crate::flow::{FlowRecord, protocol};

/// Datagrams of a client to a port of a server.
pub(super) fn flow(port: u16) -> FlowRecord {
    let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    FlowRecord {
        id: 1,
        link: 0,
        client: (address(1), 40_000),
        server: (address(2), port),
        protocol: protocol::UDP,
        vlans: Vlans::default(),
        tunnels: Box::default(),
        icmp: None,
        start_ns: 0,
        last_ns: 0,
        frames: [1, 1],
        bytes: [100, 100],
        tcp_flags: [0, 0],
    }
}

/// What a parser tells.
pub(super) fn record(protocol: AppProtocol, fill: impl FnOnce(&mut Record)) -> Record {
    let mut record = Record::default();
    record.begin(protocol, 0);
    fill(&mut record);
    record
}

/// A question of DNS.
pub(super) fn asked(kind: &str) -> Record {
    record(AppProtocol::Dns, |record| {
        record.text("type", b"request");
        record.list("queries", |record| {
            record.object("", |record| {
                record.text("rrname", b"www.example.org");
                record.text("rrtype", kind.as_bytes());
            });
        });
    })
}

/// A server refuses, in the words of its protocol.
pub(super) fn denied(protocol: AppProtocol) -> Record {
    record(protocol, |record| match protocol {
        AppProtocol::MySql => record.object("error", |record| record.number("code", 1045)),
        AppProtocol::PgSql => record.object("response", |record| record.text("code", b"28P01")),
        AppProtocol::Tds => record.object("error", |record| record.number("code", 18456)),
        AppProtocol::Tns => record.text("error", b"ORA-01017: invalid username/password; logon denied"),
        AppProtocol::Redis => record.text("error", b"WRONGPASS invalid username-password pair"),
        AppProtocol::MongoDb => record.object("error", |record| record.text("code", b"18")),
        AppProtocol::Cassandra => record.object("error", |record| record.number("code", 0x100)),
        AppProtocol::Imap => {
            record.object("request", |record| record.text("command", b"LOGIN"));
            record.object("response", |record| record.text("status", b"NO"));
        }
        AppProtocol::Ldap => record.text("result_code", b"invalid_credentials"),
        AppProtocol::Kerberos => record.text("error_code", b"KDC_ERR_PREAUTH_FAILED"),
        AppProtocol::Smb => record.text("status", b"STATUS_LOGON_FAILURE"),
        AppProtocol::Kafka => record.number("error_code", 58),
        AppProtocol::Mqtt => record.object("connack", |record| {
            record.flag("session_present", false);
            record.number("return_code", 5);
        }),
        AppProtocol::Amqp => {
            record.text("method", b"connection.close");
            record.number("reply_code", 403);
        }
        AppProtocol::Nats => {
            record.text("command", b"-ERR");
            record.text("error", b"'Authorization Violation'");
        }
        AppProtocol::Stomp => {
            record.text("command", b"ERROR");
            record.text("message", b"Bad CONNECT");
        }
        other => panic!("{other:?} has no words for it here"),
    })
}

/// A command of FTP, and the codes that answer it.
pub(super) fn ftp(command: &str, codes: &[&str]) -> Record {
    record(AppProtocol::Ftp, |record| {
        record.text("command", command.as_bytes());
        record
            .list("completion_code", |record| codes.iter().for_each(|code| record.text("", code.as_bytes())));
        record.text("reply_received", b"yes");
    })
}

/// A command of POP3, and whether the answer is good.
pub(super) fn pop3(command: &str, is_good: bool) -> Record {
    record(AppProtocol::Pop3, |record| {
        record.object("request", |record| record.text("command", command.as_bytes()));
        record.object("response", |record| record.flag("success", is_good));
    })
}
