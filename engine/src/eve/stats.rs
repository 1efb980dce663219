//! The counters as the body of a `stats` event.

use dataplane::decode::DecodeError;
use dataplane::pipeline::Counters;
use dataplane::verdict::DropReason;
use serde::{Serialize, Serializer};

/// Totals since the start: `decoder.pkts = ips.accepted + ips.blocked`.
#[derive(Serialize)]
pub(super) struct StatsBody {
    /// In seconds.
    uptime: u64,
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
    checksums_completed: u64,
    urgent_cleared: u64,
    /// Frames that are no packets, by error.
    invalid: DecodeErrors,
}

#[derive(Serialize)]
struct Flow {
    total: u64,
}

#[derive(Serialize)]
struct Detect {
    alert: u64,
    alerts_suppressed: u64,
}

#[derive(Serialize)]
struct Ips {
    accepted: u64,
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
}

/// Drops by reason; every reason is written.
pub(crate) struct DropReasons(pub(crate) [u64; DropReason::COUNT]);

impl Serialize for DropReasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(DropReason::ALL.map(|reason| (reason.as_str(), self.0[reason as usize])))
    }
}

/// Undecodable frames by error; every error is written.
struct DecodeErrors([u64; DecodeError::COUNT]);

impl Serialize for DecodeErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(DecodeError::ALL.map(|error| (error.as_str(), self.0[error as usize])))
    }
}

impl StatsBody {
    pub(super) fn new(counters: &Counters, uptime_s: u64, events_lost: u64) -> StatsBody {
        StatsBody {
            uptime: uptime_s,
            decoder: Decoder {
                pkts: counters.frames_in,
                bytes: counters.bytes_in,
                non_ip: counters.non_ip,
                checksums_completed: counters.checksums_completed,
                urgent_cleared: counters.urgent_cleared,
                invalid: DecodeErrors(counters.undecodable),
            },
            flow: Flow { total: counters.flows },
            detect: Detect { alert: counters.alerts, alerts_suppressed: counters.hits_unlisted },
            ips: Ips {
                accepted: counters.forwarded,
                blocked: counters.dropped_total(),
                resets: counters.resets,
                injected: counters.injected,
                injections_failed: counters.injections_failed,
                drop_reason: DropReasons(counters.dropped),
                excepted: DropReasons(counters.excepted),
                drops_untold: counters.drops_untold,
            },
            events_lost,
        }
    }
}
