//! What a measurement says, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::subjects::LeftOut;
use crate::measure::median;

/// One contestant's figures.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Whose, with its version.
    pub(crate) name: String,
    /// Speed in each round, in bytes a nanosecond, which is GB/s.
    pub(crate) gb_s: Vec<f64>,
    /// First hits of rules in streams.
    pub(crate) hits: usize,
    /// State of a flow when nothing is going on in it, in bytes.
    pub(crate) state_bytes: usize,
    /// Compilation from nothing, in seconds.
    pub(crate) compile_s: f64,
    /// Memory of what was compiled, in bytes.
    pub(crate) memory_bytes: usize,
}

/// A measurement: what was measured, and what came out.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// When, where, and how busy the machine was.
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) load: String,
    /// Names of the packs and of the file.
    pub(crate) packs: Vec<String>,
    pub(crate) data: String,
    /// Of the file.
    pub(crate) bytes: usize,
    pub(crate) stream_bytes: usize,
    pub(crate) segment_bytes: usize,
    pub(crate) flows: usize,
    /// Weir scanned the segments of a turn together.
    pub(crate) is_batch: bool,
    /// Field and direction.
    pub(crate) context: String,
    /// The vector instructions that Weir used.
    pub(crate) tier: &'static str,
    /// Rules measured, and rules that look elsewhere.
    pub(crate) rules: usize,
    pub(crate) elsewhere: usize,
    /// Checks that both run without.
    pub(crate) validators: usize,
    pub(crate) not_afters: usize,
    pub(crate) left_out: Vec<LeftOut>,
    /// Fields in which Weir's scan reached its work that a field may cause, in one pass.
    pub(crate) overflows: u64,
    pub(crate) weir: Side,
    pub(crate) peer: Option<Side>,
    /// First hits of rules in streams that the peer reports elsewhere than Weir and plain automata.
    pub(crate) peer_wrong: usize,
    /// The peer's library.
    pub(crate) peer_library: Option<String>,
}

impl Side {
    fn median_gb_s(&self) -> f64 {
        median(self.gb_s.iter().copied())
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "gb_s": self.median_gb_s(),
            "gb_s_rounds": self.gb_s,
            "hits": self.hits,
            "state_bytes": self.state_bytes,
            "compile_s": self.compile_s,
            "memory_bytes": self.memory_bytes,
        })
    }
}

impl Report {
    /// Median over the rounds of Weir's speed over the peer's.
    fn ratio(&self) -> Option<f64> {
        let peer = self.peer.as_ref()?;
        Some(median(self.weir.gb_s.iter().zip(&peer.gb_s).map(|(weir, peer)| weir / peer)))
    }

    /// As one object.
    pub(crate) fn to_json(&self) -> Value {
        let left_out = |rule: &LeftOut| json!({ "id": rule.id, "name": rule.name, "by": rule.by, "reason": rule.reason });
        json!({
            "date": self.date,
            "machine": self.machine,
            "load": self.load,
            "packs": self.packs,
            "data": self.data,
            "bytes": self.bytes,
            "stream_bytes": self.stream_bytes,
            "segment_bytes": self.segment_bytes,
            "flows": self.flows,
            "batch": self.is_batch,
            "context": self.context,
            "tier": self.tier,
            "rules": self.rules,
            "rules_elsewhere": self.elsewhere,
            "without_validator": self.validators,
            "without_not_after": self.not_afters,
            "left_out": self.left_out.iter().map(left_out).collect::<Vec<_>>(),
            "weir": self.weir.to_json(),
            "peer": self.peer.as_ref().map(Side::to_json),
            "peer_wrong": self.peer_wrong,
            "peer_library": self.peer_library,
            "ratio": self.ratio(),
            "overflows": self.overflows,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, load {}, {}", self.machine, self.load, self.date)?;
        writeln!(
            f,
            "{} on {} ({} bytes) as {}",
            self.packs.join(" + "),
            self.data,
            self.bytes,
            self.context
        )?;
        writeln!(
            f,
            "streams of {} bytes in segments of {}, {} at once{}; Weir on {}",
            self.stream_bytes,
            self.segment_bytes,
            self.flows,
            if self.is_batch { ", which Weir scans in batches" } else { "" },
            self.tier
        )?;
        writeln!(
            f,
            "{} rules; {} look elsewhere; run without {} validators and {} not_after, which the peer has not",
            self.rules, self.elsewhere, self.validators, self.not_afters
        )?;
        writeln!(f, "{} rules left out on both sides", self.left_out.len())?;
        for rule in &self.left_out {
            writeln!(f, "  {} {} by {}: {}", rule.id, rule.name, rule.by, rule.reason.replace('\n', " "))?;
        }
        writeln!(
            f,
            "{:<32} {:>8} {:>9} {:>12} {:>11} {:>12}",
            "", "GB/s", "hits", "state bytes", "compile s", "memory bytes"
        )?;
        for side in std::iter::once(&self.weir).chain(&self.peer) {
            writeln!(
                f,
                "{:<32} {:>8.3} {:>9} {:>12} {:>11.3} {:>12}",
                side.name,
                side.median_gb_s(),
                side.hits,
                side.state_bytes,
                side.compile_s,
                side.memory_bytes
            )?;
        }
        if let Some(ratio) = self.ratio() {
            writeln!(f, "ratio {ratio:.2} (median of {} rounds by turns)", self.weir.gb_s.len())?;
        }
        if self.peer_wrong > 0 {
            writeln!(
                f,
                "{} hits that the peer reports elsewhere than Weir and plain automata",
                self.peer_wrong
            )?;
        }
        if self.overflows > 0 {
            writeln!(f, "Weir reached its work that a field may cause in {} streams", self.overflows)?;
        }
        Ok(())
    }
}
