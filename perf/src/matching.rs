//! Weir's matcher beside Hyperscan or Vectorscan: the same patterns, the same segments, one process, one core, by turns.

mod automata;
mod case;
mod check;
mod contestant;
#[expect(unsafe_code, reason = "the peer is a library of C")]
mod hyperscan;
mod peer;
mod report;
mod setup;
mod streams;
mod subjects;
mod translate;

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use dlp_patterns::{ScanState, Tier};

use crate::measure;
use automata::Automata;
use contestant::{Contestant, FirstHit, Weir, differences, said};
use report::{Report, Side};
use setup::Setup;
use streams::{Cut, Step};
use subjects::Subjects;

pub(crate) use check::CheckPlan;
pub(crate) use setup::read_packs;
pub(crate) use subjects::lines;

/// A round of a contestant lasts at least this long, in seconds: the clock and the caches of the other then don't count.
const ROUND_S_MIN: f64 = 0.2;
/// Differences that are printed.
const DIFFERENCES_SAID: usize = 10;

/// What is measured, and against whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    #[command(flatten)]
    setup: Setup,
    /// The file that is scanned.
    #[arg(long)]
    data: PathBuf,
    /// Bytes of a segment.
    #[arg(long, default_value = "1460")]
    segment: NonZeroUsize,
    /// Bytes of a stream.
    #[arg(long, default_value = "65536")]
    stream: NonZeroUsize,
    /// Streams that are open at once, and get a segment each by turns.
    #[arg(long, default_value = "1")]
    flows: NonZeroUsize,
    /// Weir scans the segments that the flows get in one turn together; that takes several flows. The peer has no call for
    /// that.
    #[arg(long)]
    batch: bool,
    /// The vector instructions that Weir uses; the fastest of this machine unless told otherwise.
    #[arg(long, value_parser = setup::tier)]
    tier: Option<Tier>,
    /// Rounds of each.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=999))]
    rounds: u32,
    /// The core that both are pinned to; the last one unless told otherwise.
    #[arg(long)]
    core: Option<usize>,
}

impl Plan {
    /// Compiles, compares and measures.
    ///
    /// # Errors
    /// Among others if the hits of the contestants differ: then there is nothing to measure.
    pub(crate) fn run(&self) -> Result<Report> {
        let are_several = self.flows.get() > 1;
        ensure!(are_several || !self.batch, "--batch scans several flows together: give --flows 2 or more");
        // Once pinned, it would seem to have one core.
        let machine = measure::machine();
        measure::pin(self.core)?;
        let data =
            std::fs::read(&self.data).with_context(|| format!("cannot read {}", self.data.display()))?;
        ensure!(!data.is_empty(), "{} is empty", self.data.display());
        let cut = Cut { stream_bytes: self.stream, segment_bytes: self.segment, flows: self.flows };
        let steps = cut.steps(&data);
        let mut ready = self.setup.compile(self.tier(), self.flows.get())?;

        if self.batch {
            ready.weir.batch();
        }
        let ours = ready.weir.first_hits(&steps);
        let mut report = self.report(machine, &ready.subjects, data.len(), &ready.weir);
        report.weir.hits = ours.len();
        report.weir.compile_s = ready.weir_compile_s;
        if let Some(peer) = &mut ready.peer {
            let theirs = peer.contestant.first_hits(&steps);
            report.peer_wrong = self.compare(&ours, &theirs, &ready.subjects, &data)?;
            report.peer_library = Some(peer.library.clone());
            report.peer = Some(Side {
                name: peer.name.clone(),
                hits: theirs.len(),
                state_bytes: peer.contestant.scanner().stream_bytes(),
                compile_s: peer.compile_s,
                memory_bytes: peer.contestant.scanner().database_bytes(),
                gb_s: Vec::new(),
            });
        }
        let mut paces = vec![Pace::new(&mut ready.weir, &steps, data.len())];
        paces.extend(ready.peer.as_mut().map(|peer| Pace::new(&mut peer.contestant, &steps, data.len())));
        (0..self.rounds).for_each(|_| paces.iter_mut().for_each(Pace::round));
        let mut speeds = paces.into_iter().map(|pace| pace.gb_s);
        for side in std::iter::once(&mut report.weir).chain(&mut report.peer) {
            side.gb_s = speeds.next().expect("each side had a pace");
        }
        Ok(report)
    }

    fn tier(&self) -> Tier {
        self.tier.unwrap_or_else(Tier::best)
    }

    /// Compares hits; yields how often they differ and the peer is wrong, as plain automata say.
    fn compare(
        &self,
        weir: &[FirstHit],
        peer: &[FirstHit],
        subjects: &Subjects,
        data: &[u8],
    ) -> Result<usize> {
        let found = differences(weir, peer);
        let differing = |id: u32| found.iter().any(|difference| difference.id == id);
        let mut automata =
            Automata::new(subjects.signatures().filter(|signature| differing(signature.id())))?;
        let streams: Vec<&[u8]> = data.chunks(self.stream.get()).collect();
        let wrong = automata.against_weir(&found, |stream| streams[stream]);
        ensure!(
            wrong.is_empty(),
            "{} first hits of rules in streams are wrong, by {} and by plain automata, the first of them:\n{}",
            wrong.len(),
            self.setup.peer.name(),
            said(&wrong, DIFFERENCES_SAID)
        );
        Ok(found.len())
    }

    /// The report without what a scan tells.
    fn report(&self, machine: String, subjects: &Subjects, bytes: usize, weir: &Weir) -> Report {
        let side = Side {
            name: "Weir".to_owned(),
            gb_s: Vec::new(),
            hits: 0,
            state_bytes: size_of::<ScanState>(),
            compile_s: 0.0,
            memory_bytes: weir.rules().size().bytes,
        };
        Report {
            date: measure::date(),
            machine,
            load: measure::load(),
            packs: self.setup.packs.iter().map(|path| path.display().to_string()).collect(),
            data: self.data.display().to_string(),
            bytes,
            stream_bytes: self.stream.get(),
            segment_bytes: self.segment.get(),
            flows: self.flows.get(),
            is_batch: self.batch,
            context: self.setup.context(),
            tier: self.tier().as_str(),
            rules: subjects.len(),
            elsewhere: subjects.elsewhere,
            validators: subjects.validators,
            not_afters: subjects.not_afters,
            left_out: subjects.left_out.clone(),
            overflows: weir.overflows,
            weir: side,
            peer: None,
            peer_wrong: 0,
            peer_library: None,
        }
    }
}

/// A contestant with its speed in each round so far.
struct Pace<'c> {
    contestant: &'c mut dyn Contestant,
    steps: &'c [Step<'c>],
    bytes: usize,
    /// Passes over all steps that make a round.
    passes: u32,
    gb_s: Vec<f64>,
}

impl<'c> Pace<'c> {
    /// Warms up, and learns how many passes make a round that is long enough.
    fn new(contestant: &'c mut dyn Contestant, steps: &'c [Step<'c>], bytes: usize) -> Pace<'c> {
        let mut pace = Pace { contestant, steps, bytes, passes: 1, gb_s: Vec::new() };
        pace.passes(1);
        let pass_s = pace.passes(1);
        pace.passes = (ROUND_S_MIN / pass_s).ceil().clamp(1.0, 1e6) as u32;
        pace
    }

    fn round(&mut self) {
        let seconds = self.passes(self.passes);
        self.gb_s.push(f64::from(self.passes) * self.bytes as f64 / seconds / 1e9);
    }

    /// How long so many passes take, in seconds.
    fn passes(&mut self, count: u32) -> f64 {
        let begin = Instant::now();
        let mut hits = 0u64;
        for _ in 0..count {
            self.contestant.play(self.steps, &mut |_| hits += 1);
        }
        black_box(hits);
        begin.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests;
