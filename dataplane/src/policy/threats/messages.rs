//! The specs of threats that messages of applications show.

use super::{ThreatAction, ThreatList, ThreatSpec, Threshold};
use crate::limits::{
    THREAT_COUNT_BOUNDS, THREAT_DATAGRAM_BYTES_BOUNDS, THREAT_SECONDS_BOUNDS, THREAT_TLS_VERSION_BOUNDS,
};

pub(super) const DNS_TUNNEL: ThreatSpec = ThreatSpec {
    name: "dns_tunnel",
    about: "Data carried in names and answers of DNS, by client and parent domain (two labels, or three below one like `co.uk`)",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "score",
            default: 100,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "points",
            about: "Points that it takes. Names that were asked before count nothing. A new one counts 4 for a type with \
                    free-form data (TXT, CNAME, MX, SRV), 16 for NULL and types without a name, up to 24 by its length if it \
                    reads as encoded, with 8 for bytes that no host name has; an answer counts 4 if it is encoded, 8 for NULL. \
                    One long name of padded base64 counts 100 more",
        },
        Threshold {
            name: "names_min",
            default: 6,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "names",
            about: "Different names among them, unless one is of padded base64",
        },
        Threshold {
            name: "window_s",
            default: 600,
            bounds: THREAT_SECONDS_BOUNDS,
            unit: "s",
            about: "Time in which they come; who was told of is forgotten after as long without another",
        },
    ],
};

/// What is a threat as soon as it is seen once is not told of the same two ends again and again.
const SEEN_WINDOW_S: Threshold = Threshold {
    name: "window_s",
    default: 3600,
    bounds: THREAT_SECONDS_BOUNDS,
    unit: "s",
    about: "Two ends of which it was told are told of again after as long without another",
};

pub(super) const TLS_DOWNGRADE: ThreatSpec = ThreatSpec {
    name: "tls_downgrade",
    about: "Two ends agree on an old version of TLS, SSL or DTLS (RFC 7568, RFC 8996). Where old hosts are still \
            in use each of their connections is one: then lower `version_min` rather than ignore it",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "version_min",
            default: 12,
            bounds: THREAT_TLS_VERSION_BOUNDS,
            unit: "by number",
            about: "The oldest version that is none: 13 TLS 1.3, 12 TLS 1.2, 11 TLS 1.1 or DTLS 1.0, 10 TLS 1.0, 3 SSL 3.0, \
                    2 SSL 2.0",
        },
        SEEN_WINDOW_S,
    ],
};

pub(super) const HEARTBLEED: ThreatSpec = ThreatSpec {
    name: "heartbleed",
    about: "A heartbeat of TLS says that it is longer than its record: who believes it answers \
            with what else is in its memory (CVE-2014-0160)",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const SSLV2_CIPHER_OVERFLOW: ThreatSpec = ThreatSpec {
    name: "sslv2_cipher_overflow",
    about: "A key of SSL 2.0 with an argument that is longer than any cipher takes (CVE-2002-0656)",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const SSH_V1: ThreatSpec = ThreatSpec {
    name: "ssh_v1",
    about: "An end of SSH that speaks nothing later than SSH 1",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const DNS_LOOP_POINTER: ThreatSpec = ThreatSpec {
    name: "dns_loop_pointer",
    about: "A compressed name of DNS that leads to itself, or to what stands behind it",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const DNS_OVERSIZE: ThreatSpec = ThreatSpec {
    name: "dns_oversize",
    about: "A name of DNS that is longer than any may be, or a longer datagram than is asked for",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "udp_bytes_max",
            default: 4096,
            bounds: THREAT_DATAGRAM_BYTES_BOUNDS,
            unit: "bytes",
            about: "The longest datagram that is none; few resolvers ask for more than 4096 (RFC 6891 §6.2.5)",
        },
        SEEN_WINDOW_S,
    ],
};

pub(super) const DNS_NULL_TYPE: ThreatSpec = ThreatSpec {
    name: "dns_null_type",
    about: "A question or an answer of DNS of type NULL, which has no use but to carry anything",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const DNS_ZONE_TRANSFER: ThreatSpec = ThreatSpec {
    name: "dns_zone_transfer",
    about: "A zone of DNS that is asked for as a whole (AXFR), or what changed of it (IXFR)",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const DB_ACCESS_DENIED: ThreatSpec = ThreatSpec {
    name: "db_access_denied",
    about: "A database that refuses a login, or denies access: PostgreSQL, MySQL, SQL Server, \
            Oracle, Redis, MongoDB, Cassandra",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const BRUTE_FORCE: ThreatSpec = ThreatSpec {
    name: "brute_force",
    about: "One client that one server refuses again and again: databases, Kafka, MQTT, AMQP, NATS, \
            STOMP, LDAP, Kerberos, SMB, FTP, IMAP, POP3, SMTP, HTTP (401, 403), and short sessions of SSH",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "failures",
            default: 10,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "refusals",
            about: "Refusals that it takes",
        },
        Threshold {
            name: "http_failures",
            default: 50,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "refusals",
            about: "The same of HTTP, where a browser asks without a password first",
        },
        Threshold {
            name: "ssh_sessions",
            default: 20,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "sessions",
            about: "Sessions of SSH that it takes, of at most 16 KiB in both directions: a login that fails ends so",
        },
        Threshold {
            name: "window_s",
            default: 60,
            bounds: THREAT_SECONDS_BOUNDS,
            unit: "s",
            about: "Time in which they come; who was told of is forgotten after as long without another",
        },
    ],
};

pub(super) const HTTP_NEGATIVE_LENGTH: ThreatSpec = ThreatSpec {
    name: "http_negative_length",
    about: "A Content-Length below zero",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const REQUEST_SMUGGLING: ThreatSpec = ThreatSpec {
    name: "request_smuggling",
    about: "Framing of HTTP that two ends may read differently: what `app_error` is about, named",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const PROTOCOL_MISMATCH: ThreatSpec = ThreatSpec {
    name: "protocol_mismatch",
    about: "A well-known port (22, 25, 53, 80, 110, 123, 143, 443, 465, 587, 853, 993, \
            995) that speaks another protocol than those which are at home there, or TLS \
            or QUIC for another by its ALPN; or what is no HTTP/2 behind an upgrade of \
            HTTP to it. What is not recognised is held against nobody",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "strict",
            default: 0,
            bounds: [0, 1],
            unit: "as no or yes",
            about: "With 1 what is met there without harm is one, too: OpenVPN and DNS on 443, multicast DNS and \
                    NetBIOS on 53",
        },
        SEEN_WINDOW_S,
    ],
};

pub(super) const CONNECT_TUNNEL: ThreatSpec = ThreatSpec {
    name: "connect_tunnel",
    about: "A tunnel through a proxy of HTTP, or an upgrade of HTTP, that carries neither TLS \
            nor HTTP nor WebSocket",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const WEBSOCKET_TUNNEL: ThreatSpec = ThreatSpec {
    name: "websocket_tunnel",
    about: "Messages of WebSocket that begin as a connection of SSH, TLS, SMB, RDP or OpenVPN does",
    action: ThreatAction::Alert,
    thresholds: &[SEEN_WINDOW_S],
};

pub(super) const OWN_RESOLVERS: ThreatList = ThreatList {
    name: "own_resolvers",
    about: "Resolvers of your own, to which it is none: names of hosts, with what stands below \
            them, and addresses or networks",
};

pub(super) const DOH: ThreatSpec = ThreatSpec {
    name: "doh",
    about: "DNS over HTTPS, by the host of a public resolver in TLS or QUIC, or in HTTP that can be \
            read by an answer of type application/dns-message. Browsers do this by themselves",
    action: ThreatAction::Ignore,
    thresholds: &[SEEN_WINDOW_S],
};
