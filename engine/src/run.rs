//! `weir run` and `weir detach`, and what is asked of an engine that runs: the process that owns links, workers and the log
//! of events.

mod asker;
mod call;
mod call_socket;
mod claim;
mod cores;
mod crew;
mod hand_over;
mod idle;
mod incumbent;
mod link_health;
mod links;
mod listing;
mod reloader;
mod requests;
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
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use dlp_patterns::RuleSet;
use sd_notify::NotifyState;

pub use self::listing::ListTotals;
use self::reloader::Reloader;
pub use self::requests::{list_flows, reload, upgrade};
use self::signals::Signals;
use self::supervisor::{Ending, Supervisor, tell_systemd};
use crate::cli::{DetachArgs, RunArgs};
use crate::config::Config;
use crate::counters::{CountersTable, LinksTable};
use crate::eve::EveLog;
use crate::failure::Failure;
use crate::packs::Packs;

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
        let _lock = links::lock(&name)?;
        let ports = af_xdp::detach_leftover(&name).map_err(|error| links::failure(&name, &error))?;
        if ports == 0 {
            let told = "nothing is pinned for it here, so nothing was detached";
            let hint = "run this in the network namespace of the engine, and where /sys/fs/bpf is the same";
            eprintln!("weir: link {name}: {told}\n  hint: {hint}");
        } else {
            let plural = if ports == 1 { "" } else { "s" };
            eprintln!("weir: link {name}: detached from {ports} port{plural}");
        }
    }
    Ok(())
}

/// The time of day, in ns since the epoch.
fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos() as u64)
}
