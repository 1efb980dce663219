//! What rules cost the engine beyond their scans: the same capture through the engine without rules, through the engine
//! with rules, and what these read through the bare matcher: alone, and inside of the engine without rules. By turns, in one
//! process, on one core.

mod in_place;
mod recording;
mod report;
mod scanner;
mod tally;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use dataplane::event::EventSink;
use dataplane::pipeline::Counters;
use dataplane::policy::{Mode, Settings};
use dlp_patterns::RuleSet;
use engine::io::pcap::Capture;
use engine::replay::Replay;

use crate::matching::{lines, read_packs};
use crate::measure::{self, timed};
use in_place::InPlace;
use recording::{Recorder, Recording};
use report::{Report, Round};
use tally::{Tally, differences};

/// The bare matcher works at least so long in a round, in seconds: turns are repeated, so that what else goes on in the
/// machine falls on all alike.
const ROUND_S_MIN: f64 = 0.3;

/// A round takes no longer than this, in seconds, if one turn of each doesn't: where rules read little, the bare matcher
/// works less, and its figure is the less certain.
const ROUND_S_MAX: f64 = 5.0;

/// What is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    /// The capture.
    #[arg(long)]
    pcap: PathBuf,
    /// A pack; more than one may be given.
    #[arg(long = "pack", required = true)]
    packs: Vec<PathBuf>,
    /// Rounds of each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=999))]
    rounds: u32,
    /// The core; the last one unless told otherwise.
    #[arg(long)]
    core: Option<usize>,
}

impl Plan {
    /// Records what the rules read, compares what they find, and measures.
    ///
    /// # Errors
    /// Among others if engine and matcher find different things: then there is nothing to measure.
    pub(crate) fn run(&self) -> Result<Report> {
        self.run_for(ROUND_S_MIN)
    }

    fn run_for(&self, round_s_min: f64) -> Result<Report> {
        // Once pinned, it would seem to have one core.
        let machine = measure::machine();
        measure::pin(self.core)?;
        let compiled = RuleSet::compile(&read_packs(&self.packs)?);
        let rules = Arc::new(compiled.map_err(|mistakes| anyhow!("{}", lines(&mistakes)))?);
        let none = Arc::new(RuleSet::compile(&[]).expect("no rules have no mistakes"));
        let name = || self.pcap.display().to_string();
        let capture = std::fs::read(&self.pcap).with_context(name)?;
        let (recorder, counters) =
            play(&capture, &rules, Recorder::new(Arc::clone(&rules))).with_context(name)?;
        let recording = recorder.finish();
        ensure!(recording.bytes() > 0, "the rules read nothing of {}", name());

        let turns = Turns { capture: &capture, none, rules, recording: &recording, flows: counters.flows };
        let (first, hits) = turns.take()?;
        let count = (round_s_min / first.scan_s).ceil().min(ROUND_S_MAX / first.sum_s()).max(1.0) as u32;
        let mut report = Report {
            date: measure::date(),
            machine,
            load: measure::load(),
            capture: name(),
            packs: self.packs.iter().map(|path| path.display().to_string()).collect(),
            frames: counters.frames_in,
            frame_bytes: counters.bytes_in,
            fields: recording.fields(),
            chunks: recording.chunks(),
            bytes: recording.bytes(),
            hits,
            turns: count,
            rounds: Vec::new(),
        };
        for _ in 0..self.rounds {
            let mut round = Round::default();
            for _ in 0..count {
                round += turns.take()?.0;
            }
            report.rounds.push(round);
        }
        Ok(report)
    }
}

/// Those who take turns, ready to work.
struct Turns<'t> {
    capture: &'t [u8],
    none: Arc<RuleSet>,
    rules: Arc<RuleSet>,
    recording: &'t Recording,
    /// Of the capture.
    flows: u64,
}

impl Turns<'_> {
    /// One turn of each: what it took, and how many hits there were.
    fn take(&self) -> Result<(Round, u64)> {
        let (bare, bare_s) = timed(|| play(self.capture, &self.none, Tally::new()));
        bare?;
        let (whole, whole_s) = timed(|| play(self.capture, &self.rules, Tally::new()));
        let (tally, counters) = whole?;
        let (scanned, scan_s) = self.recording.play(&self.rules);
        let differences = differences(&self.rules, &tally, &scanned, counters.hits_unlisted);
        ensure!(
            differences.is_empty(),
            "engine and matcher find different things, so nothing was measured:\n{}",
            differences.join("\n")
        );
        let in_place = InPlace::new(&self.rules, self.flows);
        let (in_place, in_place_s) = timed(|| play(self.capture, &self.none, in_place));
        ensure!(
            in_place?.0.counts() == scanned,
            "the matcher finds different things in the engine and alone"
        );
        Ok((Round { bare_s, whole_s, scan_s, in_place_s }, scanned.iter().sum()))
    }
}

/// The capture through the engine. Nothing is dropped for a rule, so that each rule set is shown the same bytes.
fn play<S: EventSink>(capture: &[u8], rules: &Arc<RuleSet>, sink: S) -> Result<(S, Counters)> {
    let settings = Settings { mode: Mode::Monitor, ..Settings::default() };
    let mut replay = Replay::new(settings, Arc::clone(rules), sink, None);
    replay.play(&mut Capture::open(capture)?)?;
    Ok(replay.end()?)
}

#[cfg(test)]
mod tests;
