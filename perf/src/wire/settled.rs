//! What the XDP program does with settled flows by itself, beside the shortest programs that do the same with every frame.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::flood::Flood;
use super::lab::Lab;
use super::running::Running;
use crate::build::{Profile, built};
use crate::measure::{date, load, machine, median};

/// What is to be measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    /// Turns of each contestant.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Seconds of each flood.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Core of the flood, on which the programs run too; the engine has the next one.
    #[arg(long, default_value_t = 0)]
    core: usize,
}

/// Who handles the flood, in the order of the turns: each reference stands before that which is compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contestant {
    /// A program that drops everything.
    DropAll,
    /// A link that blocked the flow of the flood.
    Blocked,
    /// A program that redirects everything.
    RedirectAll,
    /// A link that bypasses the flow of the flood.
    Bypassed,
}

/// What was measured, in millions of frames a second, by contestant and round.
#[derive(Debug)]
pub(crate) struct Report {
    date: String,
    machine: String,
    load: [String; 2],
    mpps: [Vec<f64>; Contestant::ALL.len()],
}

/// The programs of all contestants.
struct Programs {
    reference: PathBuf,
    bare: PathBuf,
    log: PathBuf,
    core: usize,
}

impl Contestant {
    const ALL: [Contestant; 4] =
        [Contestant::DropAll, Contestant::Blocked, Contestant::RedirectAll, Contestant::Bypassed];

    fn as_str(self) -> &'static str {
        match self {
            Contestant::DropAll => "drop all",
            Contestant::Blocked => "blocked",
            Contestant::RedirectAll => "redirect all",
            Contestant::Bypassed => "bypassed",
        }
    }

    /// Where its frames are counted: those that it drops at its own port, the others where they arrive.
    fn counted_at(self) -> (&'static str, &'static str) {
        match self {
            Contestant::DropAll | Contestant::Blocked => ("middle", "outside"),
            Contestant::RedirectAll | Contestant::Bypassed => ("server", "to-client"),
        }
    }

    fn start(self, lab: &Lab, programs: &Programs) -> Result<Running> {
        let core = programs.core.to_string();
        let link = ["--inside", "inside", "--outside", "outside", "--name", lab.link(), "--core", &core];
        let run = |program: &Path, arguments: &[&str], ready| {
            let mut command: Command = lab.command("middle", &core, program);
            command.args(arguments);
            Running::start(command, &programs.log, ready)
        };
        let forwarding = "Mpps forwarded";
        match self {
            Contestant::DropAll => run(&programs.reference, &["--interface", "outside"], "ready"),
            Contestant::RedirectAll => {
                run(&programs.reference, &["--interface", "outside", "--to", "inside"], "ready")
            }
            Contestant::Blocked => run(&programs.bare, &[&link[..], &["--block-flood"]].concat(), forwarding),
            Contestant::Bypassed => {
                run(&programs.bare, &[&link[..], &["--bypass-flood"]].concat(), forwarding)
            }
        }
    }
}

impl Plan {
    /// Measures.
    pub(crate) fn run(self) -> Result<Report> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let example = |name: &str| built(Profile::Release, &["--package", "af-xdp", "--example", name], name);
        let weir = built(Profile::Release, &["--package", "engine", "--bin", "weir"], "weir")?;
        let programs = Programs {
            reference: example("reference")?,
            bare: example("bare_forwarder")?,
            log: folder.path().join("contestant.log"),
            core: self.core + 1,
        };
        let flood = Flood { program: example("flood")?, core: self.core, search_steps: 0 };
        let lab = Lab::new(&weir)?;
        lab.leave_checksums(false)?;
        lab.take_redirected()?;
        let (before, mut mpps) = (load(), [const { Vec::new() }; Contestant::ALL.len()]);
        for _ in 0..self.rounds {
            for (contestant, mpps) in Contestant::ALL.into_iter().zip(&mut mpps) {
                let (host, device) = contestant.counted_at();
                let running = contestant.start(&lab, &programs)?;
                let counted = lab.arrived(host, device)?;
                let (_, elapsed_s) = flood.start(&lab, 60, 0, self.seconds)?.finish()?;
                mpps.push((lab.arrived(host, device)? - counted) as f64 / elapsed_s / 1e6);
                running.stop()?;
            }
        }
        Ok(Report { date: date(), machine: machine(), load: [before, load()], mpps })
    }
}

impl Report {
    fn median(&self, contestant: Contestant) -> f64 {
        median(self.mpps[contestant as usize].iter().copied())
    }

    /// The median over the rounds of one value over the other of the same round.
    fn ratio(&self, of: Contestant, to: Contestant) -> f64 {
        let [of, to] = [of, to].map(|contestant| &self.mpps[contestant as usize]);
        median(of.iter().zip(to).map(|(of, to)| of / to))
    }

    fn ratios(&self) -> [f64; 2] {
        [
            self.ratio(Contestant::Blocked, Contestant::DropAll),
            self.ratio(Contestant::Bypassed, Contestant::RedirectAll),
        ]
    }

    pub(crate) fn to_json(&self) -> Value {
        let [blocked, bypassed] = self.ratios();
        let mpps: serde_json::Map<String, Value> = Contestant::ALL
            .map(|contestant| (contestant.as_str().to_owned(), json!(self.mpps[contestant as usize])))
            .into_iter()
            .collect();
        json!({
            "date": self.date,
            "machine": self.machine,
            "load": self.load,
            "mpps": mpps,
            "ratios": {"blocked": blocked, "bypassed": bypassed},
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { date, machine, load: [before, after], mpps } = self;
        writeln!(f, "{date}  {machine}\nload before {before}, after {after}; {} rounds\n", mpps[0].len())?;
        writeln!(f, "{:<16}{:>12}{:>12}", "frames of 60 B", "Mpps", "ratio")?;
        let [blocked, bypassed] = self.ratios();
        let ratios = [None, Some(blocked), None, Some(bypassed)];
        for (contestant, ratio) in Contestant::ALL.into_iter().zip(ratios) {
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.3}"));
            writeln!(f, "{:<16}{:>12.3}{ratio:>12}", contestant.as_str(), self.median(contestant))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_one_round() {
        let mpps = [vec![4.0, 2.0, 1.0], vec![2.0, 1.0, 1.0], vec![1.0; 3], vec![0.5, 0.9, 0.9]];
        let report = Report { date: String::new(), machine: String::new(), load: Default::default(), mpps };
        assert_eq!(report.ratios(), [0.5, 0.9]);
        assert_eq!(report.to_json()["mpps"]["drop all"], json!([4.0, 2.0, 1.0]));
        let text = report.to_string();
        assert!(text.contains("blocked                1.000       0.500"), "{text}");
    }
}
