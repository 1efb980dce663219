//! The result of a replay, the same for the same captures.

use std::fmt;

use dataplane::pipeline::Counters;
use serde::Serialize;

use crate::counters::CountersTable;
use crate::eve::DropReasons;

/// Totals of a replay: `frames = forwarded + Σ dropped`.
#[derive(Serialize)]
pub struct Summary {
    frames: u64,
    bytes: u64,
    forwarded: u64,
    dropped: DropReasons,
    flows: u64,
    alerts: u64,
    /// From the first to the last frame, by the clock of the captures.
    seconds: f64,
    #[serde(skip)]
    counters: Counters,
}

impl Summary {
    pub(super) fn new(counters: Counters, span_ns: u64) -> Summary {
        Summary {
            frames: counters.frames_in,
            bytes: counters.bytes_in,
            forwarded: counters.forwarded,
            dropped: DropReasons(counters.dropped),
            flows: counters.flows,
            alerts: counters.alerts,
            seconds: span_ns as f64 / 1e9,
            counters,
        }
    }

    /// Frames that were judged.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Their bytes on the wire.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All that was counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", CountersTable(&self.counters))?;
        write!(f, "seconds of capture    {:>12.6}", self.seconds)
    }
}
