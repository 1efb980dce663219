//! Weir on a wire beside a Linux bridge, a bare AF_XDP forwarder and Suricata: frames a second and how many before any is
//! lost, requests a second, round trips under load, and what each takes of its core.

mod contestant;
mod echo;
mod flood;
mod http;
mod lab;
mod load;
mod plot;
mod running;
mod settled;
mod sheet;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::contestant::{Contestant, InPlace, Programs};
use self::flood::Flood;
use self::http::Http;
use self::lab::Lab;
use self::load::Load;
use self::running::Running;
pub(crate) use self::settled::Plan as SettledPlan;
use self::sheet::{Figure, Sheet};
use crate::build::{Profile, built, installed};
use crate::measure::{self, date, machine, version};
use crate::suricata::Suricata;

/// Bytes of a flood's frames, without their checksum: the smallest, and the largest at an MTU of 1500.
const FRAMES_BYTES: [u16; 2] = [60, 1514];
/// Bytes of a response's body.
const RESPONSES_BYTES: [u32; 2] = [200, 21_800];
/// Share of the samples that are not above: p50, p99, p99.9.
const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];
/// Of the load, before the first round trip.
const LEAD_S: u64 = 1;

/// What is to be measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    /// Who is compared, by turns in this order; ratios are to the first.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["bridge", "bare", "weir", "suricata", "nfqueue"])]
    contestants: Vec<Contestant>,
    /// What is measured of each in each round.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["flood", "http", "rtt"])]
    measures: Vec<Measure>,
    /// Turns of each contestant.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Seconds of each flood, of each run of requests, and of the round trips.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Floods of one second that look for the highest rate without loss, each halving what is left.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=20))]
    search_steps: u32,
    /// Core of flood and round trips; contestants have the next one, requests and responses both.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Frames of 60 bytes a second that load the wire during the round trips, the same for everybody; without it, each carries
    /// half of its own highest rate without loss.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    load_pps: Option<u64>,
    /// Microseconds for which Weir looks for more frames before it sleeps (`spin_us` of its link).
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1000))]
    spin_us: u64,
    /// Folder for a bar chart (SVG) of each figure.
    #[arg(long)]
    plots: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// Frames a second at full rate and without loss, of 60 and of 1514 bytes.
    Flood,
    /// Requests a second, with responses of 200 and of 21 800 bytes.
    Http,
    /// Round trips under a load of 60-byte frames.
    Rtt,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Report {
    date: String,
    machine: String,
    load: String,
    versions: Vec<String>,
    skipped: Vec<String>,
    plan: Plan,
    sheet: Sheet,
}

struct Bench {
    plan: Plan,
    programs: Programs,
    flood: Flood,
    /// Ends before the namespace that it serves in.
    server: Option<Running>,
    http: Option<Http>,
    lab: Lab,
    sheet: Sheet,
    interrupted: Arc<AtomicBool>,
    /// What a contestant or a measure lacks, as `NAME: REASON`.
    skipped: Vec<String>,
    _folder: TempDir,
}

impl Plan {
    /// Measures.
    pub(crate) fn run(self) -> Result<Report> {
        self.run_built(Profile::Release)
    }

    /// Measures programs built so. An interrupt ends the children, and so this process by way of an error, which cleans up.
    fn run_built(mut self, profile: Profile) -> Result<Report> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let (programs, flood) = self.build(profile, folder.path())?;
        let (http, skipped) = self.leave_out(&programs);
        let reference = *self.contestants.first().context("nobody is left to be measured")?;
        let (date, load) = (date(), measure::load());
        let lab = Lab::new(&programs.weir)?;
        let sheet = Sheet::new(reference);
        let server =
            http.as_ref().map(|http| http.serve(&lab, folder.path(), &RESPONSES_BYTES)).transpose()?;
        let plan = self;
        let mut bench =
            Bench { plan, programs, flood, server, http, lab, sheet, interrupted, skipped, _folder: folder };
        bench.run()?;
        bench.report(date, load)
    }

    fn build(&self, profile: Profile, folder: &Path) -> Result<(Programs, Flood)> {
        let programs = Programs {
            weir: built(profile, &["--package", "engine", "--bin", "weir"], "weir")?,
            bare: built(profile, &["--package", "af-xdp", "--example", "bare_forwarder"], "bare_forwarder")?,
            suricata: Suricata::prepare(folder)?,
            core: self.core + 1,
            spin_us: self.spin_us,
            folder: folder.to_owned(),
        };
        let flood = built(profile, &["--package", "af-xdp", "--example", "flood"], "flood")?;
        Ok((programs, Flood { program: flood, core: self.core, search_steps: self.search_steps }))
    }

    /// Takes off the plan what this machine lacks the programs for, and says so.
    fn leave_out(&mut self, programs: &Programs) -> (Option<Http>, Vec<String>) {
        let mut skipped = Vec::new();
        for contestant in self.contestants.clone() {
            if let Some(reason) = contestant.lacks(programs) {
                self.contestants.retain(|other| *other != contestant);
                skipped.push(format!("{}: {reason}", contestant.as_str()));
            }
        }
        let mut http = None;
        if self.measures.contains(&Measure::Http) {
            match (installed("wrk"), installed("nginx")) {
                (Some(wrk), Some(nginx)) => {
                    http = Some(Http { wrk, nginx, cores: format!("{},{}", self.core, self.core + 1) });
                }
                (wrk, _) => {
                    let name = if wrk.is_none() { "wrk" } else { "nginx" };
                    skipped.push(format!("http: {name} is not installed (apt-get install wrk nginx-light)"));
                }
            }
        }
        for reason in &skipped {
            eprintln!("SKIPPED: {reason}");
        }
        (http, skipped)
    }
}

impl Bench {
    fn run(&mut self) -> Result<()> {
        for round in 1..=self.plan.rounds {
            for contestant in self.plan.contestants.clone() {
                let in_place = contestant.start(&self.lab, &self.programs)?;
                let measured = self.measure(contestant, &in_place);
                measured.with_context(|| format!("{}, round {round}", contestant.as_str()))?;
                in_place.stop(&self.lab)?;
                eprintln!("round {round} of {}: {}", self.plan.rounds, contestant.as_str());
            }
        }
        Ok(())
    }

    fn measure(&mut self, contestant: Contestant, in_place: &InPlace) -> Result<()> {
        let [small_bytes, _] = FRAMES_BYTES;
        let is_planned = |measure| self.plan.measures.contains(&measure);
        let (floods, trips) = (is_planned(Measure::Flood), is_planned(Measure::Rtt));
        let mut load_pps = self.plan.load_pps;
        for frame_bytes in FRAMES_BYTES {
            let is_for_trips = trips && load_pps.is_none() && frame_bytes == small_bytes;
            if floods || is_for_trips {
                let lossless_pps = self.flood(contestant, in_place, frame_bytes)?;
                load_pps = load_pps.or(Some(lossless_pps / 2));
            }
        }
        if let (true, Some(load_pps)) = (trips, load_pps) {
            self.round_trips(contestant, load_pps)?;
        }
        for response_bytes in RESPONSES_BYTES {
            self.requests(contestant, in_place, response_bytes)?;
        }
        Ok(())
    }

    /// Floods at full rate, and looks for the highest rate without loss, which is returned, in frames a second.
    fn flood(&mut self, contestant: Contestant, in_place: &InPlace, frame_bytes: u16) -> Result<u64> {
        self.go_on()?;
        let before_s = in_place.cpu_s()?;
        let flooded = self.flood.run(&self.lab, frame_bytes, 0, self.plan.seconds)?;
        let after_s = in_place.cpu_s()?;
        self.go_on()?;
        let ceiling_pps = (flooded.mpps() * 1e6) as u64;
        let lossless_pps = self.flood.lossless_pps(&self.lab, frame_bytes, ceiling_pps)?;
        let gbit = flooded.received as f64 * f64::from(frame_bytes) * 8.0 / 1e9;
        let mut record = |key: &str, title: &str, unit, value| {
            let key = format!("flood-{frame_bytes}-{key}");
            let title = format!("{title}, frames of {frame_bytes} bytes");
            self.sheet.record(Figure { key, title, unit }, contestant, value);
        };
        record("mpps", "received at full rate", "Mpps", flooded.mpps());
        record("gbits", "received at full rate", "Gbit/s", gbit / flooded.elapsed_s);
        if let Some(cpu) = per_gbit(before_s, after_s, gbit) {
            record("cpu", "CPU time at full rate", "s/Gbit", cpu);
        }
        record("lossless", "highest rate without loss", "Mpps", lossless_pps as f64 / 1e6);
        Ok(lossless_pps)
    }

    /// Sends round trips through a wire that carries `load_pps` frames a second.
    fn round_trips(&mut self, contestant: Contestant, load_pps: u64) -> Result<()> {
        self.go_on()?;
        let mut load = (load_pps > 0).then(|| Load::new(&self.lab, load_pps)).transpose()?;
        let times = [LEAD_S, self.plan.seconds].map(Duration::from_secs);
        let trips = echo::round_trips(&self.lab, self.plan.core, load.as_mut(), times)?;
        let load_mpps = load.map_or(0.0, |load| load.mpps());
        let mut record = |key: &str, title: String, unit, value| {
            self.sheet.record(Figure { key: format!("rtt-{key}"), title, unit }, contestant, value);
        };
        record("load", "load during the round trips".into(), "Mpps", load_mpps);
        record("lost", "round trips lost".into(), "count", trips.lost as f64);
        record("count", "round trips".into(), "count", trips.times_ns.len() as f64);
        for (name, share) in PERCENTILES {
            let us = trips.percentile_us(share).context("no datagram came back")?;
            record(name, format!("round trip under load, {name}"), "µs", us);
        }
        Ok(())
    }

    fn requests(&mut self, contestant: Contestant, in_place: &InPlace, response_bytes: u32) -> Result<()> {
        let Some(http) = &self.http else { return Ok(()) };
        self.go_on()?;
        let before_s = in_place.cpu_s()?;
        let served = http.ask(&self.lab, response_bytes, self.plan.seconds)?;
        let mut record = |key: &str, title: &str, unit, value| {
            let key = format!("http-{response_bytes}-{key}");
            let title = format!("{title}, responses of {response_bytes} bytes");
            self.sheet.record(Figure { key, title, unit }, contestant, value);
        };
        record("requests", "requests", "1/s", served.requests_per_s);
        record("errors", "errors of sockets", "count", served.errors as f64);
        if let Some(cpu) = per_gbit(before_s, in_place.cpu_s()?, served.read_bytes * 8.0 / 1e9) {
            record("cpu", "CPU time", "s/Gbit", cpu);
        }
        Ok(())
    }

    /// Fails after an interrupt: not every child that is waited for gets it.
    fn go_on(&self) -> Result<()> {
        ensure!(!self.interrupted.load(Relaxed), "interrupted");
        Ok(())
    }

    fn report(self, date: String, load: String) -> Result<Report> {
        if let Some(server) = self.server {
            server.stop()?;
        }
        if let Some(folder) = &self.plan.plots {
            plot::write(&self.sheet, folder)?;
        }
        let weir = version(&self.programs.weir, "--version");
        let suricata = self.programs.suricata.as_ref().and_then(|it| version(&it.binary, "-V"));
        let is_in = |contestant| self.plan.contestants.contains(&contestant);
        let versions = [
            weir.filter(|_| is_in(Contestant::Weir)),
            suricata.filter(|_| is_in(Contestant::Suricata) || is_in(Contestant::Nfqueue)),
        ];
        Ok(Report {
            date,
            machine: machine(),
            load,
            versions: versions.into_iter().flatten().collect(),
            skipped: self.skipped,
            plan: self.plan,
            sheet: self.sheet,
        })
    }
}

/// What a program worked between two times, over what was moved meanwhile; none without a program, or where nothing came.
fn per_gbit(before_s: Option<f64>, after_s: Option<f64>, gbit: f64) -> Option<f64> {
    (gbit > 0.0).then_some((after_s? - before_s?) / gbit)
}

impl Report {
    /// One object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "date": self.date, "machine": self.machine, "load": self.load, "versions": self.versions,
            "skipped": self.skipped, "load_pps": self.plan.load_pps, "spin_us": self.plan.spin_us, "rounds": self.plan.rounds, "seconds": self.plan.seconds, "figures": self.sheet.to_json(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "date      {}", self.date)?;
        writeln!(out, "machine   {}", self.machine)?;
        writeln!(out, "load      {} before the start", self.load)?;
        for version in &self.versions {
            writeln!(out, "version   {version}")?;
        }
        for reason in &self.skipped {
            writeln!(out, "SKIPPED   {reason}")?;
        }
        writeln!(out, "rounds    {} of {} s", self.plan.rounds, self.plan.seconds)?;
        writeln!(out, "spin      {} µs, of Weir", self.plan.spin_us)?;
        write!(out, "{}", self.sheet)
    }
}
