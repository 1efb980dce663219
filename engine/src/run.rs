//! `weir run` and `weir detach`: the process that owns links, workers and the log of events.

mod claim;
mod cores;
mod crew;
mod hand_over;
mod idle;
mod incumbent;
mod link_health;
mod links;
mod reloader;
mod rule_slot;
mod shares;
mod signals;
mod successor;
mod supervisor;
mod upgrade;
mod watched_link;
mod worker_settings;
mod worker_thread;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use dlp_patterns::RuleSet;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sd_notify::NotifyState;

use self::claim::Claim;
use self::reloader::Reloader;
use self::signals::Signals;
use self::supervisor::{Ending, Supervisor, tell_systemd};
use crate::cli::{DetachArgs, ReloadArgs, RunArgs, UpgradeArgs};
use crate::config::Config;
use crate::counters::{CountersTable, LinksTable};
use crate::eve::EveLog;
use crate::failure::Failure;
use crate::packs::Packs;

/// How long an upgrade may take: to start, to compile rules, and to bind.
const UPGRADE_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at who works on a link.
const UPGRADE_LOOK: Duration = Duration::from_millis(50);

/// Inspects the links of a config until stopped by SIGTERM or SIGINT.
///
/// # Errors
/// If config or packs are wrong, the machine lacks what it takes, or a worker fails.
pub fn run(args: &RunArgs) -> Result<(), Failure> {
    let config = Config::read(&args.config)?;
    if let Some(mistake) = without_link(&args.config, &config) {
        return Err(Failure::Mistakes(vec![mistake]));
    }
    let rules = Arc::new(load(&config)?);
    inspect(&config, Reloader::new(args.config.clone(), config.clone(), rules), args.takeover)
}

/// The rules that the engine starts with.
fn load(config: &Config) -> Result<RuleSet, Failure> {
    let started = Instant::now();
    let packs = Packs::read(&config.packs);
    let count = packs.count();
    let (rules, cache) = packs.compile_cached()?;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let cache = cache.map_or("none", |outcome| outcome.lookup.as_str());
    tracing::info!(packs = count, rules = rules.rules().len(), ms, cache, "rules are ready");
    Ok(rules)
}

/// The mistake of a config without any link.
pub(crate) fn without_link(file: &Path, config: &Config) -> Option<String> {
    let told = "there is no [[link]], so nothing to inspect";
    let hint =
        "name two interfaces, as in deploy/weir.toml; `--packs DIR` alone checks packs without a config";
    config.links.is_empty().then(|| format!("{}: {told}\n  hint: {hint}", file.display()))
}

fn inspect(config: &Config, mut reloader: Reloader, takes_over: bool) -> Result<(), Failure> {
    let signals = Signals::install().context("cannot listen to signals")?;
    let names = config.links.iter().map(|link| link.ports.name.clone()).collect();
    let mut log =
        EveLog::open(&config.events, names, signals.reopen()).map_err(|error| no_events(config, &error))?;
    let (ready, mut incumbent) = links::prepare(config, &reloader.rules(), takes_over)?;
    let links = links::open(config, ready, incumbent.as_mut())?;
    let mut supervisor = Supervisor::start(config, &reloader, links, &log)?;
    if let Some(incumbent) = incumbent {
        let gap_ms = incumbent.relieve().as_secs_f64() * 1000.0;
        tracing::info!(gap_ms, "links are taken over");
    }
    if !signals.is_stopping() {
        tell_systemd(&[NotifyState::Ready]);
        eprintln!("weir: ready");
    }
    let (outcome, (counters, links)) = match supervisor.watch(&mut reloader, &mut log, &signals) {
        Ok(Ending::Stop) => (Ok(()), supervisor.stop(true)),
        Ok(Ending::HandOver(successor)) => supervisor.hand_over(successor),
        Err(failure) => (Err(failure), supervisor.stop(false)),
    };
    log.stats(&counters, &links, supervisor.uptime_s(), now_ns());
    log.close();
    eprintln!("{}\n{}", CountersTable(&counters), LinksTable(&links));
    outcome
}

fn no_events(config: &Config, error: &io::Error) -> Failure {
    let Some(path) = &config.events.eve else {
        return anyhow!("cannot start the writer of events: {error}").into();
    };
    anyhow!("cannot open the file of events (`eve` in [events]): {}", Failure::unusable(path, error)).into()
}

/// Removes what an engine that is gone left attached to links.
///
/// # Errors
/// If the config is wrong, or the machine or the user lacks what it takes.
pub fn detach(args: &DetachArgs) -> Result<(), Failure> {
    let names = match (&args.config, &args.link) {
        (Some(path), _) => Config::read(path)?.links.into_iter().map(|link| link.ports.name).collect(),
        (None, link) => Vec::from_iter(link.clone()),
    };
    for name in names {
        let _claim = links::claim(&name)?;
        let ports = af_xdp::detach_leftover(&name).map_err(|error| links::failure(&name, &error))?;
        eprintln!("weir: link {name}: detached from {ports} port{}", if ports == 1 { "" } else { "s" });
    }
    Ok(())
}

/// Asks the engine that runs with a config to load its packs anew, after a check that they can be.
///
/// # Errors
/// If config or packs are wrong, no engine works on the links, or this user may not ask it.
pub fn reload(args: &ReloadArgs) -> Result<(), Failure> {
    let config = Config::read(&args.config)?;
    if let Some(mistake) = without_link(&args.config, &config) {
        return Err(Failure::Mistakes(vec![mistake]));
    }
    // What is compiled here, the engine finds in the cache.
    let (rules, _) = Packs::read(&config.packs).compile_cached()?;
    let engine = signal_engine(&config, Signal::HUP)?;
    let (count, process) = (rules.rules().len(), engine.as_raw_nonzero());
    eprintln!(
        "weir: the engine, process {process}, was asked to load {count} rules; its log says when they are in force"
    );
    Ok(())
}

/// Has the engine that runs with a config replaced by one of the binary that now stands in its place, after a check that
/// this can read config and packs.
///
/// # Errors
/// If config or packs are wrong, no engine works on the links, this user may not ask it, or nobody takes over.
pub fn upgrade(args: &UpgradeArgs) -> Result<(), Failure> {
    let config = Config::read(&args.config)?;
    if let Some(mistake) = without_link(&args.config, &config) {
        return Err(Failure::Mistakes(vec![mistake]));
    }
    Packs::read(&config.packs).compile_cached()?;
    let former = signal_engine(&config, Signal::USR2)?;
    let name = &config.links[0].ports.name;
    let begun = Instant::now();
    while begun.elapsed() < UPGRADE_WITHIN {
        thread::sleep(UPGRADE_LOOK);
        let holder = Claim::holder(name).with_context(|| format!("cannot see who works on link {name}"))?;
        // The former one is gone once the next one works, and not before.
        let is_gone = test_kill_process(former).is_err();
        if let Some(engine) = holder.filter(|engine| is_gone && *engine != former) {
            let (former, engine) = (former.as_raw_nonzero(), engine.as_raw_nonzero());
            eprintln!("weir: process {engine} has taken over from process {former}");
            return Ok(());
        }
    }
    let (seconds, former) = (UPGRADE_WITHIN.as_secs(), former.as_raw_nonzero());
    Err(anyhow!(
        "within {seconds} s nobody has taken over from the engine, process {former}\n  hint: its log says why; it goes on \
         unless it says otherwise"
    )
    .into())
}

/// Sends a signal to the engine that works on the links of a config: its process.
fn signal_engine(config: &Config, signal: Signal) -> Result<Pid, Failure> {
    let name = &config.links[0].ports.name;
    let holder = Claim::holder(name).with_context(|| format!("cannot see who works on link {name}"))?;
    let engine = holder.ok_or_else(|| {
        anyhow!("link {name}: no engine works on it\n  hint: run this in the network namespace of the engine")
    })?;
    kill_process(engine, signal)
        .with_context(|| format!("cannot ask the engine, process {}", engine.as_raw_nonzero()))?;
    Ok(engine)
}

/// The time of day, in ns since the epoch.
fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos() as u64)
}
