//! Loads packs, and what is a threat, anew while the engine runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dataplane::policy::ThreatPolicy;
use dlp_patterns::RuleSet;

use super::rule_slot::{InForce, RuleSlot, RuleWatch};
use crate::config::{Config, PacksConfig};
use crate::eve::Reload;
use crate::failure::Failure;
use crate::packs::Packs;

/// What a thread that compiles gives way to: everything else.
pub(super) const NICENESS_MAX: i32 = 19;

/// Compiles rule sets on a thread of its own, one at a time, and puts them in force.
///
/// Invariant: what is in force compiled without a mistake; whatever goes wrong with a later set changes nothing.
pub(super) struct Reloader {
    path: PathBuf,
    /// As it was read at the start.
    config: Config,
    slot: Arc<RuleSlot>,
    /// Former sets, until no worker has them any more: freeing one takes longer than a worker may pause.
    former: Vec<Arc<RuleSet>>,
    compiling: Option<JoinHandle<Compiled>>,
    is_asked: bool,
}

/// What a thread made of the packs.
struct Compiled {
    outcome: Result<Loaded, Vec<String>>,
    took: Duration,
}

struct Loaded {
    packs: usize,
    rules: RuleSet,
    threats: ThreatPolicy,
    cache: Option<&'static str>,
}

impl Reloader {
    /// For the config at `path`, as it was read, with the rules that it asks for.
    pub(super) fn new(path: PathBuf, config: Config, rules: Arc<RuleSet>) -> Reloader {
        let slot = Arc::new(RuleSlot::new(InForce { rules, threats: config.threats.clone() }));
        Reloader { path, config, slot, former: Vec::new(), compiling: None, is_asked: false }
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        self.slot.latest().1.rules
    }

    /// For one more worker, that begins with the first set.
    pub(super) fn watch(&self) -> RuleWatch {
        RuleWatch::new(Arc::clone(&self.slot))
    }

    /// Takes a request to load the packs anew. While packs are being loaded one request waits, however often it is
    /// made: it will find what is there then.
    pub(super) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// Begins what was asked, or tells what became of it. Never waits.
    pub(super) fn turn(&mut self) -> Option<Reload> {
        self.former.retain(|rules| Arc::strong_count(rules) > 1);
        let ended = self.compiling.take_if(|thread| thread.is_finished());
        if let Some(thread) = ended {
            let crashed = |_| Compiled {
                outcome: Err(vec!["the compiler of rules panicked".to_owned()]),
                took: Duration::ZERO,
            };
            return Some(self.settle(thread.join().unwrap_or_else(crashed)));
        }
        if self.compiling.is_some() || !std::mem::take(&mut self.is_asked) {
            return None;
        }
        tracing::info!(config = %self.path.display(), "loading packs anew");
        let (path, config) = (self.path.clone(), self.config.clone());
        let thread = thread::Builder::new().name("rules".to_owned()).spawn(move || compile(&path, &config));
        match thread {
            Ok(thread) => {
                self.compiling = Some(thread);
                None
            }
            Err(error) => {
                let outcome = Err(vec![format!("cannot start a thread to compile rules: {error}")]);
                Some(self.settle(Compiled { outcome, took: Duration::ZERO }))
            }
        }
    }

    /// Puts a set in force, or says why the old one stays.
    fn settle(&mut self, compiled: Compiled) -> Reload {
        let ms = u64::try_from(compiled.took.as_millis()).unwrap_or(u64::MAX);
        match compiled.outcome {
            Ok(Loaded { packs, rules, threats, cache }) => {
                let count = rules.rules().len();
                let (epoch, former) = self.slot.put(InForce { rules: Arc::new(rules), threats });
                self.former.push(former);
                let found = cache.unwrap_or("none");
                tracing::info!(
                    epoch = epoch.0,
                    packs,
                    rules = count,
                    ms,
                    cache = found,
                    "new rules are in force"
                );
                Reload { epoch: epoch.0, packs, rules: count, ms, cache, mistakes: Vec::new() }
            }
            Err(mistakes) => {
                let (epoch, InForce { rules, .. }) = self.slot.latest();
                for mistake in &mistakes {
                    tracing::error!("{mistake}");
                }
                tracing::error!(
                    epoch = epoch.0,
                    mistakes = mistakes.len(),
                    "the packs cannot be loaded; the old rules stay in force"
                );
                Reload { epoch: epoch.0, packs: 0, rules: rules.rules().len(), ms, cache: None, mistakes }
            }
        }
    }
}

/// Reads config and packs and compiles them, out of everybody's way.
fn compile(path: &Path, running: &Config) -> Compiled {
    let started = Instant::now();
    // On Linux this is about the calling thread alone (setpriority(2), "NOTES").
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS_MAX) {
        tracing::warn!(%error, "the compiler of rules keeps its priority");
    }
    let outcome = Config::read(path).and_then(|config| {
        if needs_restart(running, &config) {
            tracing::warn!(
                config = %path.display(),
                "only packs and threats are loaded anew; what else has changed in the config takes effect at the next start"
            );
        }
        load(&config)
    });
    let outcome = outcome.map_err(|failure| match failure {
        Failure::Mistakes(mistakes) => mistakes,
        other => vec![other.to_string()],
    });
    Compiled { outcome, took: started.elapsed() }
}

fn load(config: &Config) -> Result<Loaded, Failure> {
    let packs = Packs::read(&config.packs);
    let count = packs.count();
    let (rules, cache) = packs.compile_cached()?;
    Ok(Loaded {
        packs: count,
        rules,
        threats: config.threats.clone(),
        cache: cache.map(|outcome| outcome.lookup.as_str()),
    })
}

/// Whether anything has changed but where the packs are, what is a threat, and where in the text the links stand.
fn needs_restart(running: &Config, read: &Config) -> bool {
    let PacksConfig { default, dirs, cache, .. } = read.packs.clone();
    let packs = PacksConfig { default, dirs, cache, reload_policy: running.packs.reload_policy };
    let mut running = Config { packs, threats: read.threats.clone(), ..running.clone() };
    for (link, read) in running.links.iter_mut().zip(&read.links) {
        link.place = read.place.clone();
    }
    *read != running
}

#[cfg(test)]
mod tests;
