//! The command line: what can be asked of `weir`, and who answers.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Config, PackDir, PacksConfig};
use crate::failure::Failure;
use crate::flows::{FlowVerdict, network};
use crate::limits::FLOWS_LISTED;

mod check;
mod flows;
mod lint;
mod packs;
mod protocols;
mod replay;
mod sample;
mod threats;
mod verdicts;

/// An inline packet engine on AF_XDP that stops attacks and leaks.
#[derive(Debug, Parser)]
#[command(name = "weir", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0   ok
  1   no: a check or test failed, a capture is damaged, or something went wrong while running
  2   usage: the command line is wrong
  77  the machine or the user lacks what it takes: AF_XDP, a capability, a kernel feature
  78  the config or a pack is wrong; every mistake is listed with file, line and column

Environment:
  WEIR_LOG  what is logged to standard error, such as `debug` or `engine=trace,warn` [default: info]";

#[derive(Debug, Subcommand)]
enum Command {
    /// Inspect the links of a config, inline, until stopped.
    Run(RunArgs),
    /// Remove what an engine that is gone left attached to a link.
    Detach(DetachArgs),
    /// Ask the running engine of a config to load its packs and `[threats]` anew.
    Reload(ReloadArgs),
    /// List the live flows of the running engine of a config.
    Flows(FlowsArgs),
    /// Have the running engine of a config replaced by what now stands in the place of its binary.
    Upgrade(UpgradeArgs),
    /// Find every mistake in a config and in packs.
    Check(CheckArgs),
    /// Look at signature packs.
    #[command(subcommand)]
    Packs(PacksCommand),
    /// List the protocols that are recognised, and what is read of those that are parsed.
    Protocols(ProtocolsArgs),
    /// List the threats that are looked for, when they are ones, and what is done about them unless a config says otherwise.
    Threats(ThreatsArgs),
    /// Lead captures through the engine as if it were inline.
    Replay(ReplayArgs),
    /// Show the verdicts in a file of EVE lines as a table.
    Verdicts(VerdictsArgs),
    /// Write a small capture with an attack and a leak in it, the same at every call.
    SampleCapture(SampleArgs),
}

/// Arguments of `weir run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Config in TOML.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Take over the links that another engine works on: it ends once this one is ready. Blocked flows stay blocked.
    #[arg(long = TAKEOVER)]
    pub takeover: bool,
}

/// The flag with which an engine takes over.
pub(crate) const TAKEOVER: &str = "takeover";

/// Arguments of `weir upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// Config in TOML, the one that the engine runs with.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `weir reload`.
#[derive(Debug, Args)]
pub struct ReloadArgs {
    /// Config in TOML, the one that the engine runs with.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `weir flows`.
#[derive(Debug, Args)]
struct FlowsArgs {
    /// Config in TOML, the one that the engine runs with.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only flows of which either end has this address, or one of a network: 192.0.2.0/24.
    #[arg(long, value_name = "ADDRESS", value_parser = network)]
    address: Option<(IpAddr, u32)>,
    /// Only flows of which either end has this port.
    #[arg(long)]
    port: Option<u16>,
    /// Only flows that speak this, or that this product answers, by a name of `weir protocols`; or `unknown`, or `failed` where
    /// it was broken.
    #[arg(long, value_name = "PROTOCOL", value_parser = protocols::name)]
    app: Option<String>,
    /// Only flows with which this is done.
    #[arg(long, value_enum)]
    verdict: Option<FlowVerdict>,
    /// Only flows that are `new`, `established` or `closed`.
    #[arg(long, value_parser = ["new", "established", "closed"])]
    state: Option<String>,
    /// Only flows of one link.
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// List no more than so many, up to 100000.
    #[arg(long, value_name = "FLOWS", default_value_t = 1000, value_parser = flows_listed())]
    max: usize,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

fn flows_listed() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(*FLOWS_LISTED.start() as u64..=*FLOWS_LISTED.end() as u64)
}

/// Arguments of `weir detach`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DetachArgs {
    /// Config in TOML, all of whose links are detached.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of one link.
    pub link: Option<String>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Config in TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    packs: PacksArgs,
}

/// Which packs are meant.
#[derive(Debug, Args)]
struct PacksArgs {
    /// Folder of packs (*.toml), in place of those of the config and of the built-in ones; may be repeated.
    #[arg(long, value_name = "DIR")]
    packs: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum PacksCommand {
    /// Run every rule against its own examples.
    Test(PacksTestArgs),
    /// List every rule.
    List(PacksListArgs),
    /// Say what every rule costs, the dearest first, and what would make it cheaper. Exits with 1 if any is dear.
    Lint(PacksListArgs),
    /// Compile all rules, and keep them compiled for an engine that starts or loads its packs anew.
    Compile(PacksCompileArgs),
}

#[derive(Debug, Args)]
struct PacksTestArgs {
    /// Config in TOML, whose packs are tested.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    packs: PacksArgs,
}

#[derive(Debug, Args)]
struct PacksListArgs {
    /// Config in TOML, whose packs are shown.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    packs: PacksArgs,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Args)]
struct PacksCompileArgs {
    /// Config in TOML, whose packs are compiled.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    packs: PacksArgs,
    /// Folder of compiled rules, in place of that of the config.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Captures, pcap or pcapng; `-` is standard input. Several are one run, in this order.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Config in TOML. Its links do not matter here, nor does the file of its events.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    packs: PacksArgs,
    /// Write events as EVE lines to this file. With `-` they go to standard output, and the summary to
    /// standard error.
    #[arg(long, value_name = "FILE")]
    eve: Option<PathBuf>,
    /// Write the frames that pass, and the resets, to this capture (pcap).
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Form of the summary.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Do not verify checksums: for captures taken where the network card fills them in.
    #[arg(long)]
    ignore_checksums: bool,
    /// Say on standard error how long it took.
    #[arg(long)]
    timing: bool,
}

#[derive(Debug, Args)]
struct ProtocolsArgs {
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Args)]
struct ThreatsArgs {
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: ThreatsOutput,
}

#[derive(Debug, Args)]
struct VerdictsArgs {
    /// File of EVE lines; `-` is standard input.
    #[arg(value_name = "EVEFILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
struct SampleArgs {
    /// The capture (pcap) to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Form of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Form of the list of threats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ThreatsOutput {
    /// For people.
    #[default]
    Text,
    /// One JSON document, with all that is said of each.
    Json,
    /// Lines of a config, each threshold with what it decides.
    Toml,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why it could not be done, or that the answer is no.
    pub fn execute(self) -> Result<(), Failure> {
        match self.command {
            Command::Run(args) => crate::run::run(&args),
            Command::Reload(args) => crate::run::reload(&args),
            Command::Flows(args) => flows::flows(&args),
            Command::Upgrade(args) => crate::run::upgrade(&args),
            Command::Detach(args) => crate::run::detach(&args),
            Command::Check(args) => check::check(&args),
            Command::Packs(PacksCommand::Test(args)) => packs::test(&args),
            Command::Packs(PacksCommand::List(args)) => packs::list(&args),
            Command::Packs(PacksCommand::Lint(args)) => lint::lint(&args),
            Command::Packs(PacksCommand::Compile(args)) => packs::compile(&args),
            Command::Protocols(args) => protocols::protocols(&args),
            Command::Threats(args) => threats::threats(&args),
            Command::Replay(args) => replay::replay(&args),
            Command::Verdicts(args) => verdicts::verdicts(&args),
            Command::SampleCapture(args) => sample::write(&args),
        }
    }
}

impl PacksArgs {
    /// The packs of the command line; without any, those of the config.
    fn or(&self, config: &Config) -> PacksConfig {
        if self.packs.is_empty() {
            return config.packs.clone();
        }
        let dirs = self.packs.iter().map(|path| PackDir { path: path.clone(), place: None }).collect();
        PacksConfig { default: false, dirs, ..PacksConfig::default() }
    }
}

/// The config of the command line; without any, the defaults.
fn read_config(path: Option<&PathBuf>) -> Result<Config, Failure> {
    path.map_or_else(|| Ok(Config::default()), |path| Config::read(path))
}

/// Writes a text and a newline to standard output. A reader that went away is none of our business.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("standard output").into())
        }
        _ => Ok(()),
    }
}
