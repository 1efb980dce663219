//! The specs of threats that lie in single packets, or in how a connection is opened.

use super::{ThreatAction, ThreatSpec, Threshold};
use crate::limits::{THREAT_COUNT_BOUNDS, THREAT_SECONDS_BOUNDS};

const COUNT: Threshold = Threshold {
    name: "count",
    default: 1,
    bounds: THREAT_COUNT_BOUNDS,
    unit: "packets",
    about: "Packets of one source at which it is told; with \"drop\", those before pass",
};

const WINDOW_S: Threshold = Threshold {
    name: "window_s",
    default: 60,
    bounds: THREAT_SECONDS_BOUNDS,
    unit: "s",
    about: "Time in which they come; who was told of is told of again after as long without another",
};

/// A threat that a packet is, whatever it comes with.
const fn packet(name: &'static str, about: &'static str) -> ThreatSpec {
    ThreatSpec { name, about, action: ThreatAction::Alert, thresholds: &[COUNT, WINDOW_S] }
}

pub(super) const TCP_FLAGS: ThreatSpec = ThreatSpec {
    name: "tcp_flags",
    about: "Control bits that no TCP sends: none, SYN with FIN or RST, FIN with RST, or FIN without ACK (as in XMAS scans)",
    action: ThreatAction::Alert,
    // One alone may be broken, and there are hosts that repeat a FIN without ACK.
    thresholds: &[Threshold { default: 3, ..COUNT }, WINDOW_S],
};

pub(super) const LAND: ThreatSpec = packet(
    "land",
    "A TCP segment or datagram of UDP from an address and port to the same, as in the land attack",
);

pub(super) const SYN_DATA: ThreatSpec = packet(
    "syn_data",
    "A SYN with data, without a cookie of TCP Fast Open (RFC 7413) that would allow for it",
);

pub(super) const SPLIT_HANDSHAKE: ThreatSpec = packet(
    "split_handshake",
    "A SYN without ACK from the end that was sent one: the server opens the connection the other way round",
);

pub(super) const TEARDROP: ThreatSpec = packet(
    "teardrop",
    "Pieces of a datagram that overlap; they never pass, but for mode \"monitor\" and `[exceptions]`, whatever stands here",
);

pub(super) const PING_OF_DEATH: ThreatSpec = packet(
    "ping_of_death",
    "Pieces of a datagram that is longer than any; they never pass, but for mode \"monitor\" and `[exceptions]`",
);

pub(super) const SMALL_MSS: ThreatSpec = ThreatSpec {
    name: "small_mss",
    about: "A SYN that offers so small a maximum segment size that its peer drowns in headers (CVE-2019-11479)",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "mss_bytes",
            default: 88,
            bounds: [1, 65_535],
            unit: "bytes",
            about: "What is smaller is one",
        },
        COUNT,
        WINDOW_S,
    ],
};

pub(super) const SMALL_WINDOW: ThreatSpec = ThreatSpec {
    name: "small_window",
    about: "Connections of one client that it opens with next to no window, so that the server must hold what it would send (sockstress)",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "window_bytes",
            default: 64,
            bounds: [1, 65_535],
            unit: "bytes",
            about: "What is smaller is one, in the segment that completes the handshake",
        },
        Threshold {
            name: "connections",
            default: 10,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "connections",
            about: "Connections at which it is told",
        },
        WINDOW_S,
    ],
};

pub(super) const ICMP_TUNNEL: ThreatSpec = ThreatSpec {
    name: "icmp_tunnel",
    about: "Data carried in echoes of ICMP: each message between two ends brings data that was in none before, in answers too",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "messages",
            default: 20,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "messages",
            about: "Messages with new data behind the first 24 bytes, where programs that ping write times",
        },
        WINDOW_S,
    ],
};

/// How many requests of a source are slow at once.
const REQUESTS: Threshold = Threshold {
    name: "requests",
    default: 16,
    bounds: THREAT_COUNT_BOUNDS,
    unit: "requests",
    about: "Such requests of one source (of IPv6, a /64) at the same time",
};

pub(super) const SLOWLORIS: ThreatSpec = ThreatSpec {
    name: "slowloris",
    about: "Requests of HTTP/1 whose headers do not come to an end, and keep servers waiting",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "head_s",
            default: 15,
            bounds: THREAT_SECONDS_BOUNDS,
            unit: "s",
            about: "Time that a request line and its headers may take",
        },
        REQUESTS,
    ],
};

pub(super) const SLOW_BODY: ThreatSpec = ThreatSpec {
    name: "slow_body",
    about: "Requests of HTTP/1 whose bodies trickle in, and keep servers waiting",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "body_s",
            default: 30,
            bounds: THREAT_SECONDS_BOUNDS,
            unit: "s",
            about: "Time for which a body is slow",
        },
        Threshold {
            name: "bytes_per_s",
            default: 128,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "bytes",
            about: "Bytes of a second, with all headers, below which a body is slow",
        },
        REQUESTS,
    ],
};
