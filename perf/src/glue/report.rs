//! What a measurement says, for people and for programs.

use std::fmt;
use std::ops::AddAssign;

use serde_json::{Value, json};

use crate::measure::median;

/// What each took in a round, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    /// The engine without rules.
    pub(super) bare_s: f64,
    /// The engine with rules.
    pub(super) whole_s: f64,
    /// The bare matcher.
    pub(super) scan_s: f64,
    /// The engine without rules, and the bare matcher inside of it.
    pub(super) in_place_s: f64,
}

impl Round {
    /// What all took.
    pub(super) fn sum_s(&self) -> f64 {
        self.bare_s + self.whole_s + self.scan_s + self.in_place_s
    }

    /// What the rules cost the engine over what their scans cost alone: 1 where nothing else comes with them.
    fn ratio(&self) -> f64 {
        (self.whole_s - self.bare_s) / self.scan_s
    }

    /// The same over what their scans cost inside of the engine, where packets have been through the caches in between.
    fn ratio_in_place(&self) -> f64 {
        (self.whole_s - self.bare_s) / (self.in_place_s - self.bare_s)
    }
}

impl AddAssign for Round {
    fn add_assign(&mut self, other: Round) {
        self.bare_s += other.bare_s;
        self.whole_s += other.whole_s;
        self.scan_s += other.scan_s;
        self.in_place_s += other.in_place_s;
    }
}

/// A measurement: what was measured, and what came out.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// When, where, and how busy the machine was.
    pub(super) date: String,
    pub(super) machine: String,
    pub(super) load: String,
    /// File names.
    pub(super) capture: String,
    pub(super) packs: Vec<String>,
    /// Of the capture.
    pub(super) frames: u64,
    pub(super) frame_bytes: u64,
    /// What the rules read in one turn.
    pub(super) fields: usize,
    pub(super) chunks: usize,
    pub(super) bytes: usize,
    /// What they found.
    pub(super) hits: u64,
    /// Turns of a round.
    pub(super) turns: u32,
    pub(super) rounds: Vec<Round>,
}

impl Report {
    /// Median over the rounds of a time, in ns for each byte that the rules read.
    fn ns_per_byte(&self, time_s: fn(&Round) -> f64) -> f64 {
        let bytes = self.bytes as f64 * f64::from(self.turns);
        median(self.rounds.iter().map(|round| time_s(round) * 1e9 / bytes))
    }

    /// Median over the rounds of a ratio.
    fn ratio(&self, ratio: fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(ratio))
    }

    fn write_ratio(&self, f: &mut fmt::Formatter<'_>, of: &str, ratio: fn(&Round) -> f64) -> fmt::Result {
        let rounds: Vec<_> = self.rounds.iter().map(|round| format!("{:.3}", ratio(round))).collect();
        writeln!(f, "(with - without) / {of:<8} {:.3} (rounds {})", self.ratio(ratio), rounds.join(", "))
    }

    /// As one object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "date": self.date,
            "machine": self.machine,
            "load": self.load,
            "capture": self.capture,
            "packs": self.packs,
            "frames": self.frames,
            "frame_bytes": self.frame_bytes,
            "fields": self.fields,
            "chunks": self.chunks,
            "bytes": self.bytes,
            "hits": self.hits,
            "turns": self.turns,
            "without_rules_ns_per_byte": self.ns_per_byte(|round| round.bare_s),
            "with_rules_ns_per_byte": self.ns_per_byte(|round| round.whole_s),
            "scan_ns_per_byte": self.ns_per_byte(|round| round.scan_s),
            "scan_in_place_ns_per_byte": self.ns_per_byte(|round| round.in_place_s - round.bare_s),
            "ratio": self.ratio(Round::ratio),
            "ratio_rounds": self.rounds.iter().map(Round::ratio).collect::<Vec<_>>(),
            "ratio_in_place": self.ratio(Round::ratio_in_place),
            "ratio_in_place_rounds": self.rounds.iter().map(Round::ratio_in_place).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, load {}, {}", self.machine, self.load, self.date)?;
        let packs = self.packs.join(" + ");
        writeln!(f, "{packs} on {} ({} frames, {} bytes)", self.capture, self.frames, self.frame_bytes)?;
        writeln!(
            f,
            "{} bytes read in {} fields and {} pieces; {} hits, the same in the engine and alone",
            self.bytes, self.fields, self.chunks, self.hits
        )?;
        writeln!(
            f,
            "ns for each byte read, medians of {} rounds of {} turns",
            self.rounds.len(),
            self.turns
        )?;
        writeln!(f, "  engine without rules {:>9.4}", self.ns_per_byte(|round| round.bare_s))?;
        writeln!(f, "  engine with rules    {:>9.4}", self.ns_per_byte(|round| round.whole_s))?;
        writeln!(f, "  scan alone           {:>9.4}", self.ns_per_byte(|round| round.scan_s))?;
        writeln!(
            f,
            "  scan in place        {:>9.4}",
            self.ns_per_byte(|round| round.in_place_s - round.bare_s)
        )?;
        self.write_ratio(f, "alone", Round::ratio)?;
        self.write_ratio(f, "in place", Round::ratio_in_place)
    }
}
