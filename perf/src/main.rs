//! Whole-program measuring: makes deterministic captures, and runs Weir beside peers on them.
#![deny(unsafe_code)]

mod build;
mod generate;
mod glue;
mod matching;
mod measure;
mod replay;
mod rules;
mod suricata;
#[cfg(test)]
mod test_pack;
mod weir;
mod wire;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use bench::http::Kind;
use clap::{Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(about = "Measures Weir as a whole", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a capture that is the same on every machine.
    Generate {
        /// What it holds.
        #[arg(long, value_enum)]
        kind: Workload,
        /// How many TCP connections.
        #[arg(long, default_value_t = 100_000)]
        flows: u32,
        /// Where it goes.
        #[arg(long)]
        out: PathBuf,
    },
    /// Replay a capture through Weir and a peer by turns, each on one core, and print medians and their ratio.
    Replay {
        /// The capture.
        #[arg(long)]
        pcap: PathBuf,
        /// Whom to run beside Weir.
        #[arg(long, value_enum, default_value = "none")]
        peer: Peer,
        /// Runs of each.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
        rounds: u32,
        /// How the result is printed.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
        /// The core that both are pinned to; the last one unless told otherwise.
        #[arg(long)]
        core: Option<usize>,
    },
    /// Write a pack for measuring the matcher, the same on every machine.
    GeneratePack(workload::PackPlan),
    /// Write a file for measuring the matcher, the same on every machine.
    GenerateData(workload::DataPlan),
    /// Scan a file with the same patterns by Weir's matcher and a peer's by turns, and print medians and their ratio.
    Match {
        /// What is measured.
        #[command(flatten)]
        plan: matching::Plan,
        /// How the result is printed.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Scan random texts of the rules, cut anywhere, by Weir's matcher, a peer's, and plain automata, and stop at the first
    /// difference.
    MatchCheck(matching::CheckPlan),
    /// Replay a capture through Weir without rules, through Weir with rules, and through the bare matcher by turns, on one
    /// core: what rules cost beyond their scans.
    Glue {
        /// What is measured.
        #[command(flatten)]
        plan: glue::Plan,
        /// How the result is printed.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Flood the XDP program with a blocked and with a bypassed flow by turns with programs that only drop and only redirect, as
    /// root: frames a second, and ratios.
    Settled {
        /// What is measured.
        #[command(flatten)]
        plan: wire::SettledPlan,
        /// How the result is printed.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Put Weir, a Linux bridge, a bare AF_XDP forwarder and Suricata by turns between namespaces of this machine, as root:
    /// frames and requests a second, round trips under load, and CPU time.
    Wire {
        /// What is measured.
        #[command(flatten)]
        plan: wire::Plan,
        /// How the result is printed.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Workload {
    /// One request of some 350 bytes and one response of some 800: 10 frames a connection.
    HttpSmall,
    /// One request and a response of 256 KiB.
    HttpBulk,
}

impl From<Workload> for Kind {
    fn from(workload: Workload) -> Kind {
        match workload {
            Workload::HttpSmall => Kind::HttpSmall,
            Workload::HttpBulk => Kind::HttpBulk,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// Nobody.
    None,
    /// Suricata in its single-thread mode, where it is installed.
    Suricata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// One object.
    Json,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Generate { kind, flows, out } => generate::run(kind.into(), flows, &out),
        Command::Replay { pcap, peer, rounds, output, core } => {
            let plan = replay::Plan { pcap, peer, rounds, core };
            plan.run().map(|report| match output {
                Output::Text => print!("{report}"),
                Output::Json => println!("{}", report.to_json()),
            })
        }
        Command::GeneratePack(plan) => plan.run(),
        Command::GenerateData(plan) => plan.run(),
        Command::Match { plan, output } => plan.run().map(|report| match output {
            Output::Text => print!("{report}"),
            Output::Json => println!("{}", report.to_json()),
        }),
        Command::MatchCheck(plan) => plan.run(),
        Command::Glue { plan, output } => plan.run().map(|report| match output {
            Output::Text => print!("{report}"),
            Output::Json => println!("{}", report.to_json()),
        }),
        Command::Settled { plan, output } => plan.run().map(|report| match output {
            Output::Text => print!("{report}"),
            Output::Json => println!("{}", report.to_json()),
        }),
        Command::Wire { plan, output } => plan.run().map(|report| match output {
            Output::Text => print!("{report}"),
            Output::Json => println!("{}", report.to_json()),
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("perf: {error:#}");
            ExitCode::FAILURE
        }
    }
}
