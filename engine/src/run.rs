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

use self::links::Claimed;
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
    let (config, mut mistakes) = Config::examine(&args.config);
    if mistakes.is_empty() {
        mistakes.extend(without_link(&args.config, &config));
    }
    let mut failures = Vec::new();
    if !mistakes.is_empty() {
        failures.push(Failure::Mistakes(mistakes));
    }
    // Whatever fails, the rest is looked at as well: an operator is told of everything at once.
    let rules = or_note(load(&config), &mut failures);
    let signals = Signals::install().context("cannot listen to signals")?;
    let log = or_note(open_log(&config, &signals), &mut failures);
    let claimed = or_note(links::claim_all(&config, args.takeover), &mut failures);
    if let Some(failure) = Failure::all(failures) {
        return Err(failure);
    }
    let (Some(rules), Some(log), Some(claimed)) = (rules, log, claimed) else {
        unreachable!("what is missing has failed")
    };
    let reloader = Reloader::new(args.config.clone(), config.clone(), Arc::new(rules));
    inspect(&config, reloader, claimed, log, &signals)
}

fn or_note<T>(outcome: Result<T, Failure>, failures: &mut Vec<Failure>) -> Option<T> {
    outcome.map_err(|failure| failures.push(failure)).ok()
}

fn open_log(config: &Config, signals: &Signals) -> Result<EveLog, Failure> {
    let names = config.links.iter().map(|link| link.ports.name.clone()).collect();
    EveLog::open(&config.events, names, signals.reopen()).map_err(|error| no_events(config, &error))
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

fn inspect(
    config: &Config,
    mut reloader: Reloader,
    (claimed, mut incumbent): Claimed,
    mut log: EveLog,
    signals: &Signals,
) -> Result<(), Failure> {
    let ready = links::prepare(config, claimed, &reloader.rules())?;
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
    let (outcome, (counters, links)) = match supervisor.watch(&mut reloader, &mut log, signals) {
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
    let failure =
        Failure::from(anyhow!("cannot open the file of events: {}", Failure::unusable(path, error)));
    match &config.events.place {
        Some(place) => failure.at(place),
        None => failure,
    }
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
