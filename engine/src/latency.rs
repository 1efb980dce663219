//! How long frames are with the engine.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::limits::LATENCY_NS_MAX;

/// Figures that are kept of a time: one in a hundred is as exact as anybody reads it.
const SIGNIFICANT_DIGITS: u8 = 2;

/// A part of a frame's way through a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From when its batch was received until that was judged.
    Judge,
    /// From then until it was handed to the kernel to be sent.
    Send,
    /// Both together.
    Transit,
}

impl Stage {
    /// In the order of a frame's way.
    pub const ALL: [Stage; 3] = [Stage::Judge, Stage::Send, Stage::Transit];

    /// Its name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Judge => "judge",
            Stage::Send => "send",
            Stage::Transit => "transit",
        }
    }
}

/// A histogram of the times of each stage, in ns, a count a frame. What a frame waits before the engine receives it is the
/// kernel's, and not in here.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency([Histogram<u64>; Stage::ALL.len()]);

impl Default for Latency {
    fn default() -> Latency {
        let histogram = Histogram::new_with_bounds(1, LATENCY_NS_MAX, SIGNIFICANT_DIGITS);
        Latency(Stage::ALL.map(|_| histogram.clone().expect("the bounds are right")))
    }
}

impl Latency {
    /// Counts so many frames.
    #[inline]
    pub fn record(&mut self, stage: Stage, time: Duration, frames: u64) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0[stage as usize].saturating_record_n(time_ns, frames);
    }

    /// Adds those of another worker.
    pub fn add(&mut self, other: &Latency) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            own.add(other).expect("all have the same bounds");
        }
    }

    /// Frames counted in a stage.
    pub fn frames(&self, stage: Stage) -> u64 {
        self.0[stage as usize].len()
    }

    /// The time that so many percent of the frames did not exceed, in ns; 0 if there were none.
    pub fn percentile_ns(&self, stage: Stage, percent: f64) -> u64 {
        self.0[stage as usize].value_at_percentile(percent)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Histogram::is_empty)
    }
}

/// One stage, as an event tells it.
#[derive(Serialize)]
struct StageBody {
    frames: u64,
    p50_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stages = serializer.serialize_map(Some(Stage::ALL.len()))?;
        for stage in Stage::ALL {
            let [p50_ns, p99_ns, p999_ns] =
                [50.0, 99.0, 99.9].map(|percent| self.percentile_ns(stage, percent));
            let (frames, max_ns) = (self.frames(stage), self.0[stage as usize].max());
            stages.serialize_entry(stage.as_str(), &StageBody { frames, p50_ns, p99_ns, p999_ns, max_ns })?;
        }
        stages.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_all_workers_are_told_by_stage() {
        let [mut one, mut other] = [Latency::default(), Latency::default()];
        assert!(one.is_empty());
        one.record(Stage::Transit, Duration::from_micros(10), 98);
        other.record(Stage::Transit, Duration::from_millis(1), 2);
        other.record(Stage::Judge, Duration::from_secs(3600), 1);
        one.add(&other);
        assert!(!one.is_empty());
        assert_eq!((one.frames(Stage::Transit), one.frames(Stage::Send)), (100, 0));
        let told = serde_json::to_value(&one).expect("plain");
        assert_eq!(told["transit"]["frames"], 100);
        let near = |told: &serde_json::Value, ns: u64| {
            told.as_u64().is_some_and(|told_ns| told_ns.abs_diff(ns) <= ns / 100)
        };
        assert!(near(&told["transit"]["p50_ns"], 10_000), "{told}");
        assert!(near(&told["transit"]["p99_ns"], 1_000_000), "{told}");
        assert!(
            near(&told["judge"]["max_ns"], LATENCY_NS_MAX),
            "what is longer counts as the longest: {told}"
        );
        assert_eq!(told["send"]["p999_ns"], 0);
    }
}
