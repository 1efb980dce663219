//! A pipeline of many flows, and their least frames judged: each batch as it comes, or shown ahead.

use std::sync::Arc;

use dataplane::decode::LinkType;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::{RuleSet, default_packs};

use crate::flow_frames::{FRAME_BYTES, Frame, frame};

/// Frames that a port hands over at once.
const BATCH: usize = 64;

const META: RxMeta =
    RxMeta { now_ns: 1, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes: FRAME_BYTES as u32 };

/// A pipeline that knows so many flows, by a frame of each.
///
/// # Panics
/// If the default packs do not compile.
pub fn pipeline(flows: u32) -> Pipeline {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let settings = Settings {
        flows_max: flows as usize,
        half_open_percent: 100,
        half_open_per_source_max: 0,
        ..Settings::default()
    };
    let mut pipeline = Pipeline::new(settings, rules);
    for number in 0..flows {
        pipeline.process(&mut frame(number), META, &mut ());
    }
    assert_eq!(pipeline.flows_active(), flows as usize);
    pipeline
}

/// How many frames pass.
pub fn judge_one_by_one(pipeline: &mut Pipeline, frames: &[Frame]) -> usize {
    let before = pipeline.counters().forwarded;
    for frame in frames {
        pipeline.process(&mut frame.to_owned(), META, &mut ());
    }
    (pipeline.counters().forwarded - before) as usize
}

/// Likewise, where the frames of each batch are shown ahead.
pub fn judge_foreseen(pipeline: &mut Pipeline, frames: &[Frame]) -> usize {
    let show = |pipeline: &mut Pipeline, batch: &[Frame]| {
        batch.iter().for_each(|frame| assert_eq!(pipeline.foresee(frame, &META), None));
        pipeline.foreseen();
        judge_one_by_one(pipeline, batch)
    };
    frames.chunks(BATCH).map(|batch| show(pipeline, batch)).sum()
}
