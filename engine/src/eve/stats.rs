//! The counters as the body of a `stats` event.

use std::collections::BTreeMap;

use af_xdp::Port;
use dataplane::decode::DecodeError;
use dataplane::pipeline::Counters;
use dataplane::policy::{BypassCause, Threat, ThreatCounts};
use dataplane::verdict::DropReason;
use serde::{Serialize, Serializer};

use crate::port::LinkCounters;

/// What a `stats` event tells: totals since the start.
#[derive(Clone, Copy, Debug)]
pub struct Totals<'a> {
    /// The books of all pipelines.
    pub counters: &'a Counters,
    /// What the kernel counted; nothing for a replay.
    pub links: &'a [LinkCounters],
    /// Since the start, in seconds.
    pub uptime_s: u64,
    /// Events that no writer took.
    pub events_lost: u64,
}

/// The body: `decoder.pkts = ips.accepted + ips.blocked`.
#[derive(Serialize)]
pub(super) struct StatsBody<'a> {
    /// In seconds.
    uptime: u64,
    /// Of the kernel: frames on their way to the engine, and those that missed it.
    #[serde(skip_serializing_if = "Capture::is_empty")]
    capture: Capture<'a>,
    /// Of the engine, by link: how long frames were with it since the `stats` event before.
    #[serde(skip_serializing_if = "Latencies::is_empty")]
    latency: Latencies<'a>,
    /// Of the engine, by link: frames that another worker judged than the one that received them.
    #[serde(skip_serializing_if = "Lent::is_empty")]
    lent: Lent<'a>,
    decoder: Decoder,
    flow: Flow,
    detect: Detect,
    ips: Ips,
    /// Events that were not written.
    events_lost: u64,
}

#[derive(Serialize)]
struct Decoder {
    pkts: u64,
    bytes: u64,
    non_ip: u64,
    /// Of them, ARP.
    arp: u64,
    /// Frames whose packet was in a tunnel, MPLS or PPPoE.
    decapsulated: u64,
    checksums_completed: u64,
    urgent_cleared: u64,
    overlap_conflicts: u64,
    overlaps_rewritten: u64,
    /// Frames that are no packets, by error.
    invalid: DecodeErrors,
}

#[derive(Serialize)]
struct Flow {
    total: u64,
    /// Of them, those that were half-open and made room for newer ones.
    half_open_evicted: u64,
    /// Of these, those whose source had as many as it may.
    half_open_source_evicted: u64,
    /// Of them, those that passed without a further look, by cause.
    bypassed: BypassCauses,
}

#[derive(Serialize)]
struct Detect {
    alert: u64,
    alerts_suppressed: u64,
    /// Transactions, records and anomalies beyond what one packet may tell.
    app_events_suppressed: u64,
    /// What is part of a threat, by threat; an event tells of the first of each offender.
    threats: Threats,
    /// Scans that lost their rules to too many reloads.
    scans_restarted: u64,
    /// Packets with fields that were given up because their flow had used up its steps.
    flow_steps_exceeded: u64,
    /// The most steps that any flow had caused beyond what its bytes pay for.
    flow_steps_highest: u64,
}

#[derive(Serialize)]
struct Ips {
    accepted: u64,
    /// Of them, those of bypassed flows. What the XDP programs passed on is not among them.
    bypassed: u64,
    /// Pieces of datagrams that wait, now, for the others.
    held: u64,
    blocked: u64,
    /// Connections that were cut.
    resets: u64,
    /// RST segments sent for them, and those for which a port had no room.
    injected: u64,
    injections_failed: u64,
    drop_reason: DropReasons,
    /// Frames that a cause spoke against and that passed all the same, by cause.
    excepted: DropReasons,
    /// Drops without a flow that became no event.
    drops_untold: u64,
    /// Frames that came in and were neither accepted nor blocked, or the other way round; above zero is a bug.
    unaccounted: u64,
}

/// What the kernel counted, by link and port.
struct Capture<'a>(&'a [LinkCounters]);

impl Capture<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Capture<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ports = |link: &LinkCounters| Port::BOTH.map(|port| (port.as_str(), *link.port(port)));
        serializer.collect_map(self.0.iter().map(|link| (&link.name, BTreeMap::from(ports(link)))))
    }
}

/// How long frames were with the engine, by link; nothing of a link that had none.
struct Latencies<'a>(&'a [LinkCounters]);

impl Latencies<'_> {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|link| link.latency.is_empty())
    }
}

impl Serialize for Latencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let busy = self.0.iter().filter(|link| !link.latency.is_empty());
        serializer.collect_map(busy.map(|link| (&link.name, &link.latency)))
    }
}

/// Frames lent between the workers of a link; nothing of a link that lent none.
struct Lent<'a>(&'a [LinkCounters]);

impl Lent<'_> {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|link| link.frames_lent == 0)
    }
}

impl Serialize for Lent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lenders = self.0.iter().filter(|link| link.frames_lent > 0);
        serializer.collect_map(lenders.map(|link| (&link.name, link.frames_lent)))
    }
}

/// Drops by reason; every reason is written.
pub(crate) struct DropReasons(pub(crate) [u64; DropReason::COUNT]);

impl Serialize for DropReasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(DropReason::ALL.map(|reason| (reason.as_str(), self.0[reason as usize])))
    }
}

/// Bypassed flows by cause; every cause is written.
struct BypassCauses([u64; BypassCause::COUNT]);

impl Serialize for BypassCauses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(BypassCause::ALL.map(|cause| (cause.as_str(), self.0[cause as usize])))
    }
}

/// What is part of a threat, by threat; every one is written.
struct Threats(ThreatCounts);

impl Serialize for Threats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Threat::ALL.map(|threat| (threat.as_str(), self.0[threat])))
    }
}

/// Undecodable frames by error; every error is written.
struct DecodeErrors([u64; DecodeError::COUNT]);

impl Serialize for DecodeErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(DecodeError::ALL.map(|error| (error.as_str(), self.0[error as usize])))
    }
}

impl StatsBody<'_> {
    pub(super) fn new<'a>(totals: &Totals<'a>) -> StatsBody<'a> {
        let Totals { counters, links, uptime_s, events_lost } = *totals;
        StatsBody {
            uptime: uptime_s,
            capture: Capture(links),
            latency: Latencies(links),
            lent: Lent(links),
            decoder: Decoder {
                pkts: counters.frames_in,
                bytes: counters.bytes_in,
                non_ip: counters.non_ip,
                arp: counters.arp,
                decapsulated: counters.decapsulated,
                checksums_completed: counters.checksums_completed,
                urgent_cleared: counters.urgent_cleared,
                overlap_conflicts: counters.overlap_conflicts,
                overlaps_rewritten: counters.overlaps_rewritten,
                invalid: DecodeErrors(counters.undecodable),
            },
            flow: Flow {
                total: counters.flows,
                half_open_evicted: counters.half_open_evicted,
                half_open_source_evicted: counters.half_open_source_evicted,
                bypassed: BypassCauses(counters.flows_bypassed),
            },
            detect: Detect {
                alert: counters.alerts,
                alerts_suppressed: counters.hits_unlisted,
                app_events_suppressed: counters.app_events_untold,
                threats: Threats(counters.threats),
                scans_restarted: counters.scans_restarted,
                flow_steps_exceeded: counters.flow_steps_exceeded,
                flow_steps_highest: counters.flow_steps_highest,
            },
            ips: Ips {
                accepted: counters.forwarded,
                held: counters.held,
                bypassed: counters.bypassed,
                blocked: counters.dropped_total(),
                resets: counters.resets,
                injected: counters.injected,
                injections_failed: counters.injections_failed,
                drop_reason: DropReasons(counters.dropped),
                excepted: DropReasons(counters.excepted),
                drops_untold: counters.drops_untold,
                unaccounted: counters.unaccounted(),
            },
            events_lost,
        }
    }
}
