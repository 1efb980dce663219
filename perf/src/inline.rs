//! Weir on a wire beside a bare AF_XDP forwarder, which looks at nothing: what inspection costs, and how fast frames
//! may come before any is lost.

mod lab;

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::lab::{Lab, Running};
use crate::build::built;
use crate::measure::{date, load, machine, median, version};

/// Frames a second at which losses are counted.
const PACED_PPS: [u64; 4] = [500_000, 600_000, 700_000, 800_000];
/// For the last frames of a flood to arrive.
const SETTLE: Duration = Duration::from_millis(500);

/// What is to be measured.
pub(crate) struct Plan {
    /// Floods at full rate for each contestant.
    pub(crate) rounds: u32,
    /// Length of each flood.
    pub(crate) seconds: u64,
    /// Core of the flood; both contestants have the next one.
    pub(crate) core: usize,
}

/// Frames of one flood.
#[derive(Clone, Copy, Debug)]
struct Flood {
    sent: u64,
    received: u64,
}

impl Flood {
    fn mpps(self, seconds: u64) -> f64 {
        self.received as f64 / seconds as f64 / 1e6
    }

    fn lost(self) -> u64 {
        self.sent.saturating_sub(self.received)
    }
}

/// What one contestant did.
#[derive(Debug, Default)]
struct Floods {
    full: Vec<Flood>,
    /// One for each of [`PACED_PPS`].
    paced: Vec<Flood>,
}

/// What was measured.
pub(crate) struct Report {
    date: String,
    machine: String,
    load: String,
    version: String,
    seconds: u64,
    bare: Floods,
    weir: Floods,
    /// Of Weir over its paced floods, by its own books.
    books: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contestant {
    Bare,
    Weir,
}

struct Bench {
    plan: Plan,
    lab: Lab,
    folder: TempDir,
    weir: PathBuf,
    bare: PathBuf,
    flood: PathBuf,
}

impl Plan {
    /// Measures.
    pub(crate) fn run(self) -> Result<Report> {
        // An interrupt ends the child that is waited for, and so this process by way of an error, which cleans up.
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        let (date, load) = (date(), load());
        let weir = built(&["--package", "engine", "--bin", "weir"], "weir")?;
        let bare = built(&["--package", "af-xdp", "--example", "bare_forwarder"], "bare_forwarder")?;
        let flood = built(&["--package", "af-xdp", "--example", "flood"], "flood")?;
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let bench = Bench { lab: Lab::new(&weir)?, plan: self, folder, weir, bare, flood };
        bench.write_config()?;
        let (mut bare, mut weir) = (Floods::default(), Floods::default());
        for round in 1..=bench.plan.rounds {
            for (contestant, floods) in [(Contestant::Bare, &mut bare), (Contestant::Weir, &mut weir)] {
                let running = bench.start(contestant)?;
                floods.full.push(bench.flood(0)?);
                running.stop()?;
            }
            eprintln!("round {round} of {}", bench.plan.rounds);
        }
        for (contestant, floods) in [(Contestant::Bare, &mut bare), (Contestant::Weir, &mut weir)] {
            let running = bench.start(contestant)?;
            for pps in PACED_PPS {
                floods.paced.push(bench.flood(pps)?);
            }
            running.stop()?;
        }
        Ok(Report {
            date,
            machine: machine(),
            load,
            version: version(&bench.weir, "--version").unwrap_or_default(),
            seconds: bench.plan.seconds,
            books: bench.books()?,
            bare,
            weir,
        })
    }
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything that is not named stays at its default; a loaded machine must not look like a lost engine.
    fn write_config(&self) -> Result<()> {
        let (link, core, eve) = (self.lab.link(), self.plan.core + 1, self.path("eve.json"));
        let text = format!(
            "[[link]]\nname = \"{link}\"\ninside = \"inside\"\noutside = \"outside\"\non_engine_loss = \"drop\"\n\
             heartbeat_timeout_ms = 2000\ncores = [{core}]\n\n[events]\neve = \"{}\"\n",
            eve.display()
        );
        fs::write(self.path("weir.toml"), text).context("cannot write the configuration")
    }

    /// A contestant between the two ports, ready to forward.
    fn start(&self, contestant: Contestant) -> Result<Running> {
        let core = self.plan.core + 1;
        let (command, ready) = match contestant {
            Contestant::Bare => {
                let mut command = self.lab.command("middle", core, &self.bare);
                command.args(["--inside", "inside", "--outside", "outside", "--name", self.lab.link()]);
                command.args(["--core", &core.to_string()]);
                (command, "Mpps forwarded")
            }
            Contestant::Weir => {
                let _ = fs::remove_file(self.path("eve.json"));
                let mut command = self.lab.command("middle", core, &self.weir);
                command.args(["run", "--config"]).arg(self.path("weir.toml"));
                (command, "weir: ready")
            }
        };
        Running::start(command, &self.path("log"), ready)
    }

    /// Floods for as long as planned, at `pps` or at full rate (0).
    fn flood(&self, pps: u64) -> Result<Flood> {
        let before = self.lab.received()?;
        let mut command = self.lab.command("left", self.plan.core, &self.flood);
        command.args(["--interface", "sender", "--pps", &pps.to_string()]);
        command.args(["--seconds", &self.plan.seconds.to_string()]);
        let output = command.output().context("nsenter (util-linux) does not start")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("the flood fails: {}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(SETTLE);
        let sent = said.split_whitespace().nth(1).and_then(|count| count.parse().ok());
        let sent = sent.with_context(|| format!("no count in {said:?}"))?;
        Ok(Flood { sent, received: self.lab.received()? - before })
    }

    /// What Weir said last of its counters.
    fn books(&self) -> Result<Value> {
        let log = fs::read_to_string(self.path("eve.json")).context("Weir wrote no events")?;
        let stats = log.lines().rfind(|line| line.contains(r#""event_type":"stats""#));
        let stats: Value = serde_json::from_str(stats.context("Weir told no counters")?)?;
        Ok(json!({ "frames": stats["stats"]["decoder"]["pkts"], "ips": stats["stats"]["ips"] }))
    }
}

impl Report {
    fn full_mpps(&self, floods: &Floods) -> f64 {
        median(floods.full.iter().map(|flood| flood.mpps(self.seconds)))
    }

    /// One object.
    pub(crate) fn to_json(&self) -> Value {
        let flood = |flood: &Flood| json!({ "sent": flood.sent, "received": flood.received });
        let side = |floods: &Floods| {
            let paced = PACED_PPS.iter().zip(&floods.paced);
            json!({
                "mpps": self.full_mpps(floods), "full": floods.full.iter().map(flood).collect::<Vec<_>>(),
                "paced": paced.map(|(pps, it)| json!({ "pps": pps, "flood": flood(it) })).collect::<Vec<_>>(),
            })
        };
        json!({
            "date": self.date, "machine": self.machine, "load": self.load, "version": self.version,
            "seconds": self.seconds, "bare": side(&self.bare), "weir": side(&self.weir),
            "ratio": self.full_mpps(&self.weir) / self.full_mpps(&self.bare), "books": self.books,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "date      {}", self.date)?;
        writeln!(out, "machine   {}", self.machine)?;
        writeln!(out, "load      {} before the start", self.load)?;
        writeln!(out, "version   {}", self.version)?;
        writeln!(out, "flood     one UDP flow, frames of 60 bytes, {} s each", self.seconds)?;
        for (name, floods) in [("bare", &self.bare), ("weir", &self.weir)] {
            let rounds: Vec<_> =
                floods.full.iter().map(|flood| format!("{:.3}", flood.mpps(self.seconds))).collect();
            let mpps = self.full_mpps(floods);
            writeln!(out, "{name:9} forwarded {mpps:.3} Mpps at full rate (rounds: {})", rounds.join(", "))?;
            for (pps, flood) in PACED_PPS.iter().zip(&floods.paced) {
                let (sent, received) = (flood.sent, flood.received);
                let rate = *pps as f64 / 1e6;
                writeln!(
                    out,
                    "          {rate} Mpps: sent {sent}, received {received}, lost {}",
                    flood.lost()
                )?;
            }
        }
        writeln!(out, "ratio     {:.3}", self.full_mpps(&self.weir) / self.full_mpps(&self.bare))?;
        writeln!(out, "books     of Weir, over the paced floods: {}", self.books)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_sets_the_medians_of_both_against_each_other() {
        let flood = |received| Flood { sent: received + 10, received };
        let floods = |received: [u64; 3]| Floods {
            full: received.map(flood).to_vec(),
            paced: PACED_PPS.map(flood).to_vec(),
        };
        let report = Report {
            date: String::new(),
            machine: String::new(),
            load: String::new(),
            version: String::new(),
            seconds: 1,
            bare: floods([900_000, 1_000_000, 2_000_000]),
            weir: floods([800_000, 100_000, 900_000]),
            books: Value::Null,
        };
        assert_eq!(report.to_json()["ratio"], 0.8);
        let text = report.to_string();
        assert!(
            text.contains("weir      forwarded 0.800 Mpps at full rate (rounds: 0.800, 0.100, 0.900)"),
            "{text}"
        );
        assert!(text.contains("0.5 Mpps: sent 500010, received 500000, lost 10"), "{text}");
    }
}
