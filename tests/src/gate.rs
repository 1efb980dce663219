//! A pipeline with one rule, and what leaves it. Its books balance at every step.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use dataplane::decode::LinkType;
use dataplane::event::{Event, EventSink};
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::policy::Settings;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet};

/// The rule: `forbidden` is dropped.
const PACK: &str = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'drop'\n\
                    severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['payload', 'http.request.body']\n\
                    regex = 'forbidden'\nexamples = { positive = ['forbidden'], negative = ['y'] }\n";

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || {
        let pack = Pack::parse("own.toml", PACK).expect("the pack is right");
        Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"))
    };
    Arc::clone(RULES.get_or_init(compile))
}

/// What was told.
#[derive(Default)]
pub struct Told {
    /// How many alerts.
    pub alerts: usize,
    /// Drops, in order.
    pub drops: Vec<DropReason>,
    /// Frames of flows that ended.
    pub frames: Vec<[u64; 2]>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Alert(_) => self.alerts += 1,
            Event::Drop(dropped) => self.drops.push(dropped.reason),
            Event::Flow(end) => self.frames.push(end.flow.frames),
            _ => {}
        }
    }
}

/// A pipeline, and the frames that leave it.
pub struct Gate {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// What it told.
    pub told: Told,
    /// The time at it.
    pub now_ns: u64,
    /// What left it, in order.
    pub left: Vec<Vec<u8>>,
}

impl Gate {
    /// One with few flows.
    pub fn new(settings: Settings) -> Gate {
        let pipeline = Pipeline::new(Settings { flows_max: 64, ..settings }, rules());
        Gate { pipeline, told: Told::default(), now_ns: 0, left: Vec::new() }
    }

    /// Judges a frame from outside.
    ///
    /// # Panics
    /// If the books do not balance.
    pub fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.judge_from(Side::Outside, frame)
    }

    /// As [`judge`](Self::judge), one after the other.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub fn judge_all(&mut self, frames: &[Vec<u8>]) {
        for frame in frames {
            self.judge(frame);
        }
    }

    /// As [`judge`](Self::judge), from either side.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub fn judge_from(&mut self, side: Side, frame: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let meta = RxMeta {
            now_ns: self.now_ns,
            link: 0,
            link_type: LinkType::Ethernet,
            side: Some(side),
            wire_bytes: frame.len() as u32,
        };
        let mut frame = frame.to_vec();
        let verdict = self.pipeline.process(&mut frame, meta, &mut self.told);
        self.collect();
        if verdict == Verdict::Forward {
            self.left.push(frame);
        }
        assert!(self.pipeline.counters().is_balanced());
        verdict
    }

    /// Lets time go by.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub fn expire(&mut self, after_s: u64) {
        self.now_ns += after_s * 1_000_000_000;
        self.pipeline.expire(self.now_ns, &mut self.told);
        self.collect();
        assert!(self.pipeline.counters().is_balanced());
    }

    /// How many frames were dropped, for each reason for which any was.
    pub fn dropped(&self) -> BTreeMap<DropReason, u64> {
        let dropped = self.pipeline.counters().dropped;
        DropReason::ALL.into_iter().zip(dropped).filter(|(_, frames)| *frames > 0).collect()
    }

    fn collect(&mut self) {
        self.left.extend(self.pipeline.take_released().flatten().map(|piece| piece.frame.into_vec()));
    }
}
