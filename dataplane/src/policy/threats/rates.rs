//! The specs of threats that lie in how much comes, or to how many: floods, scans and what one source holds open.

use super::{ThreatAction, ThreatSpec, Threshold};
use crate::limits::{
    THREAT_BLOCK_SECONDS_BOUNDS, THREAT_COUNT_BOUNDS, THREAT_PACKETS_BOUNDS, THREAT_SCAN_BOUNDS,
    THREAT_SECONDS_BOUNDS,
};

/// How long a source that is dropped begins no flow at all.
const BLOCK_S: Threshold = Threshold {
    name: "block_s",
    default: 0,
    bounds: THREAT_BLOCK_SECONDS_BOUNDS,
    unit: "s",
    about: "With \"drop\": time in which a source that was told of begins no other flow either; it may be another one's name",
};

const FLOOD_WINDOW_S: Threshold = Threshold {
    name: "window_s",
    default: 10,
    bounds: THREAT_SECONDS_BOUNDS,
    unit: "s",
    about: "Time in which they come; of what comes beyond that many, \"drop\" lets nothing pass until it is over",
};

const fn flood(name: &'static str, default: u32, about: &'static str) -> Threshold {
    Threshold { name, default, bounds: THREAT_PACKETS_BOUNDS, unit: "packets", about }
}

const PER_SOURCE: &str = "Packets of one source (of IPv6, a /64)";
const PER_DESTINATION: &str = "Packets to one destination, of whatever sources";

pub(super) const SYN_FLOOD: ThreatSpec = ThreatSpec {
    name: "syn_flood",
    about: "SYNs that no complete handshake follows",
    action: ThreatAction::Alert,
    thresholds: &[
        flood("per_source", 1_000, PER_SOURCE),
        flood("per_destination", 5_000, PER_DESTINATION),
        FLOOD_WINDOW_S,
        BLOCK_S,
    ],
};

pub(super) const ICMP_FLOOD: ThreatSpec = ThreatSpec {
    name: "icmp_flood",
    about: "Packets of ICMP",
    action: ThreatAction::Alert,
    thresholds: &[
        flood("per_source", 5_000, PER_SOURCE),
        flood("per_destination", 20_000, PER_DESTINATION),
        FLOOD_WINDOW_S,
        BLOCK_S,
    ],
};

pub(super) const UDP_FLOOD: ThreatSpec = ThreatSpec {
    name: "udp_flood",
    about: "Datagrams of UDP",
    action: ThreatAction::Alert,
    thresholds: &[
        flood("per_source", 1_000_000, PER_SOURCE),
        flood("per_destination", 2_000_000, PER_DESTINATION),
        FLOOD_WINDOW_S,
        BLOCK_S,
    ],
};

pub(super) const DNS_FLOOD: ThreatSpec = ThreatSpec {
    name: "dns_flood",
    about: "Datagrams to the port of DNS (53)",
    action: ThreatAction::Alert,
    thresholds: &[
        flood("per_source", 10_000, PER_SOURCE),
        flood("per_destination", 100_000, PER_DESTINATION),
        FLOOD_WINDOW_S,
        BLOCK_S,
    ],
};

pub(super) const SESSION_LIMIT: ThreatSpec = ThreatSpec {
    name: "session_limit",
    about: "Flows that one source (of IPv6, a /64) has at the same time; with \"drop\" it begins no more",
    action: ThreatAction::Alert,
    thresholds: &[Threshold {
        name: "sessions",
        default: 20_000,
        bounds: THREAT_COUNT_BOUNDS,
        unit: "flows",
        about: "Flows that it may have",
    }],
};

pub(super) const PORT_SCAN: ThreatSpec = ThreatSpec {
    name: "port_scan",
    about: "TCP connections of one source to many ports of one host, that are not answered or refused",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "ports",
            default: 40,
            bounds: THREAT_SCAN_BOUNDS,
            unit: "ports",
            about: "Different ports, less the connections that came about",
        },
        SCAN_WINDOW_S,
        BLOCK_S,
    ],
};

pub(super) const ADDRESS_SWEEP: ThreatSpec = ThreatSpec {
    name: "address_sweep",
    about: "TCP connections of one source to one port of many hosts, that are not answered or refused; or pings of many hosts",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "addresses",
            default: 40,
            bounds: THREAT_SCAN_BOUNDS,
            unit: "addresses",
            about: "Different addresses, less those that answered",
        },
        SCAN_WINDOW_S,
        BLOCK_S,
    ],
};

const SCAN_WINDOW_S: Threshold = Threshold {
    name: "window_s",
    default: 60,
    bounds: THREAT_SECONDS_BOUNDS,
    unit: "s",
    about: "Time in which they come; who was told of is forgotten after as long without another",
};

pub(super) const BEACON: ThreatSpec = ThreatSpec {
    name: "beacon",
    about: "TCP connections of one client to one port of a server, that begin at intervals of one length",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "intervals",
            default: 24,
            bounds: [4, 10_000],
            unit: "intervals",
            about: "Intervals in a row that are alike",
        },
        Threshold {
            name: "jitter_percent",
            default: 3,
            bounds: [0, 50],
            unit: "percent",
            about: "How far each may be from the mean of those before it",
        },
        Threshold {
            name: "interval_min_s",
            default: 10,
            bounds: THREAT_SECONDS_BOUNDS,
            unit: "s",
            about: "What is shorter is none",
        },
    ],
};
