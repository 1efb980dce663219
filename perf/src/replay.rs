//! Weir and a peer on the same capture, by turns.
//!
//! Raw is the wall time of a whole run. Net takes off what the same program needs for a capture of one
//! connection: starting, compiling rules and writing nothing is no packet processing.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bench::http::Kind;
use engine::io::pcap::Capture;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Peer;
use crate::generate;
use crate::measure::{Run, date, machine, median, run, version};
use crate::suricata::Suricata;
use crate::weir::Weir;

/// By how much the counts of events may differ for two runs to be comparable.
const COUNT_TOLERANCE: f64 = 0.01;

/// What is to be measured.
pub(crate) struct Plan {
    pub(crate) pcap: PathBuf,
    pub(crate) peer: Peer,
    pub(crate) rounds: u32,
    pub(crate) core: Option<usize>,
}

/// One contestant's runs on the capture, and on the capture of one connection.
#[derive(Debug, Default)]
struct Runs {
    version: String,
    whole: Vec<Run>,
    idle: Vec<Run>,
}

impl Runs {
    fn push(&mut self, run: Run, is_idle: bool) {
        let runs = if is_idle { &mut self.idle } else { &mut self.whole };
        runs.push(run);
    }

    fn raw_s(&self) -> f64 {
        median(self.whole.iter().map(|run| run.wall_s))
    }

    fn net_s(&self) -> f64 {
        self.raw_s() - median(self.idle.iter().map(|run| run.wall_s))
    }
}

/// What was measured.
pub(crate) struct Report {
    /// UTC, when the measuring began.
    date: String,
    machine: String,
    capture: String,
    frames: u64,
    bytes: u64,
    rules: Option<usize>,
    weir: Runs,
    peer: Option<Runs>,
}

impl Plan {
    /// Measures.
    pub(crate) fn run(self) -> Result<Report> {
        let scratch = tempfile::tempdir().context("no temporary folder")?;
        let (frames, bytes) = frames_and_bytes(&self.pcap)?;
        let last_core = std::thread::available_parallelism().map_or(1, usize::from) - 1;
        let core = self.core.unwrap_or(last_core);
        let idle = scratch.path().join("idle.pcap");
        generate::run(Kind::HttpSmall, 1, &idle)?;
        let weir = Weir::prepare(scratch.path())?;
        let peer = match self.peer {
            Peer::None => None,
            Peer::Suricata => {
                let found = Suricata::prepare(scratch.path())?;
                Some(found.context(
                    "suricata is not installed (Debian 12: apt-get install -t bookworm-backports suricata)",
                )?)
            }
        };
        let mut report = Report {
            date: date(),
            machine: machine(),
            capture: self.pcap.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            frames,
            bytes,
            rules: peer.as_ref().map(|peer| peer.rules),
            weir: Runs { version: version(&weir.binary, "--version").unwrap_or_default(), ..Runs::default() },
            peer: None,
        };
        let mut peer_runs = Runs::default();
        for round in 1..=self.rounds {
            for (capture, is_idle) in [(&self.pcap, false), (&idle, true)] {
                let run = run_weir(&weir, capture, core)?;
                report.weir.push(run, is_idle);
                if let Some(peer) = &peer {
                    let run = run_suricata(peer, capture, core)?;
                    peer_runs.push(run, is_idle);
                }
            }
            eprintln!("round {round} of {}", self.rounds);
        }
        if let Some(peer) = &peer {
            peer_runs.version = version(&peer.binary, "-V").unwrap_or_default();
            report.peer = Some(peer_runs);
        }
        report.check()?;
        Ok(report)
    }
}

fn run_weir(weir: &Weir, capture: &Path, core: usize) -> Result<Run> {
    let folder = log_folder()?;
    let eve = folder.path().join("eve.json");
    run(&weir.binary, &weir.arguments(capture, &eve), core, &eve)
}

fn run_suricata(suricata: &Suricata, capture: &Path, core: usize) -> Result<Run> {
    let folder = log_folder()?;
    let arguments = suricata.arguments(capture, folder.path());
    run(&suricata.binary, &arguments, core, &folder.path().join("eve.json"))
}

/// A folder in memory where there is one, so that no disk is measured.
fn log_folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.context("no folder for the logs")
}

/// Frames of a capture, and their bytes on the wire.
fn frames_and_bytes(path: &Path) -> Result<(u64, u64)> {
    let name = || path.display().to_string();
    let mut capture = Capture::open(File::open(path).with_context(name)?).with_context(name)?;
    let (mut frames, mut bytes) = (0, 0);
    while let Some(record) = capture.next_record().with_context(name)? {
        frames += 1;
        bytes += u64::from(record.wire_bytes);
    }
    Ok((frames, bytes))
}

impl Report {
    /// Whether both did the same work.
    fn check(&self) -> Result<()> {
        let Some(peer) = &self.peer else { return Ok(()) };
        let (ours, theirs) = (&self.weir.whole[0], &peer.whole[0]);
        for (what, ours, theirs) in [("flow", ours.flows, theirs.flows), ("http", ours.http, theirs.http)] {
            if ours.abs_diff(theirs) as f64 > COUNT_TOLERANCE * theirs.max(1) as f64 {
                bail!("not comparable: {ours} {what} events against {theirs}");
            }
        }
        if (ours.alerts == 0) != (theirs.alerts == 0) {
            bail!("not comparable: {} alerts against {}", ours.alerts, theirs.alerts);
        }
        Ok(())
    }

    fn mpps(&self, seconds: f64) -> f64 {
        self.frames as f64 / seconds / 1e6
    }

    fn gbits(&self, seconds: f64) -> f64 {
        self.bytes as f64 * 8.0 / seconds / 1e9
    }

    /// As one object.
    pub(crate) fn to_json(&self) -> Value {
        let side = |runs: &Runs| {
            let times = |runs: &[Run]| runs.iter().map(|run| run.wall_s).collect::<Vec<_>>();
            let (raw, net, first) = (runs.raw_s(), runs.net_s(), &runs.whole[0]);
            json!({
                "version": runs.version, "wall_s": times(&runs.whole), "idle_s": times(&runs.idle),
                "raw": { "seconds": raw, "mpps": self.mpps(raw), "gbits": self.gbits(raw) },
                "net": { "seconds": net, "mpps": self.mpps(net), "gbits": self.gbits(net) },
                "flows": first.flows, "alerts": first.alerts, "http": first.http,
            })
        };
        let ratio = self.peer.as_ref().map(|peer| {
            json!({ "raw": peer.raw_s() / self.weir.raw_s(), "net": peer.net_s() / self.weir.net_s() })
        });
        json!({
            "date": self.date, "machine": self.machine, "capture": self.capture, "frames": self.frames, "bytes": self.bytes,
            "peer_rules": self.rules, "weir": side(&self.weir), "peer": self.peer.as_ref().map(side), "ratio": ratio,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "date      {}", self.date)?;
        writeln!(out, "machine   {}", self.machine)?;
        writeln!(out, "capture   {}: {} frames, {} bytes", self.capture, self.frames, self.bytes)?;
        writeln!(out, "rounds    {}, medians", self.weir.whole.len())?;
        for (name, runs) in [("weir", Some(&self.weir)), ("suricata", self.peer.as_ref())] {
            let Some(runs) = runs else { continue };
            let first = &runs.whole[0];
            writeln!(out, "{name:9} {}", runs.version)?;
            for (kind, seconds) in [("raw", runs.raw_s()), ("net", runs.net_s())] {
                let (mpps, gbits) = (self.mpps(seconds), self.gbits(seconds));
                writeln!(out, "          {kind} {seconds:.3} s = {mpps:.3} Mpps, {gbits:.3} Gbit/s")?;
            }
            let Run { flows, http, alerts, .. } = first;
            writeln!(out, "          {flows} flow, {http} http, {alerts} alert events")?;
        }
        if let (Some(peer), Some(rules)) = (&self.peer, self.rules) {
            writeln!(out, "rules     {rules} rules of Suricata from the default packs")?;
            let (raw, net) = (peer.raw_s() / self.weir.raw_s(), peer.net_s() / self.weir.net_s());
            writeln!(out, "ratio     raw {raw:.2}, net {net:.2}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(whole_s: f64, flows: u64, alerts: u64) -> Runs {
        let run = |wall_s| Run { wall_s, flows, alerts, http: flows };
        Runs { version: String::new(), whole: vec![run(whole_s)], idle: vec![run(0.5)] }
    }

    fn report(weir: Runs, peer: Runs) -> Report {
        let (date, machine, capture) = (String::new(), String::new(), String::new());
        Report { date, machine, capture, frames: 1_000_000, bytes: 1, rules: Some(1), weir, peer: Some(peer) }
    }

    #[test]
    fn the_ratio_of_net_times_leaves_the_start_out() {
        let report = report(runs(1.0, 100, 1), runs(5.5, 100, 1));
        let told = report.to_json();
        assert_eq!(told["ratio"]["net"], 10.0);
        assert_eq!(told["ratio"]["raw"], 5.5);
        assert_eq!(told["weir"]["net"]["mpps"], 2.0);
        assert!(report.to_string().contains("net 10.00"));
    }

    #[test]
    fn runs_that_did_other_work_are_not_compared() {
        assert!(report(runs(1.0, 1000, 1), runs(1.0, 1005, 1)).check().is_ok());
        assert!(report(runs(1.0, 1000, 1), runs(1.0, 1200, 1)).check().is_err());
        assert!(report(runs(1.0, 1000, 0), runs(1.0, 1000, 7)).check().is_err());
    }

    #[test]
    fn a_capture_that_generate_wrote_is_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a.pcap");
        generate::run(Kind::HttpSmall, 3, &path).expect("it is writable");
        assert_eq!(frames_and_bytes(&path).expect("it is a capture").0, 30);
        assert!(!machine().is_empty());
    }
}
