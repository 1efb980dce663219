//! Starts the workers, watches over them, and tells systemd and the log how they are.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use af_xdp::Link;
use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use dataplane::pipeline::{Counters, Pipeline};
use dataplane::policy::Settings;
use dlp_patterns::RuleSet;
use sd_notify::NotifyState;

use super::links::OpenLink;
use super::now_ns;
use super::signals::Signals;
use super::worker_thread::{Report, WorkerThread};
use crate::config::Config;
use crate::eve::EveLog;
use crate::failure::Failure;
use crate::worker::Worker;

/// How long the supervisor waits for a report before it looks at everything else.
const TICK: Duration = Duration::from_millis(50);
/// A worker that has not reported for so long is stuck: systemd's watchdog is no longer fed.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// The links, and the threads that work on them.
pub(super) struct Supervisor {
    started: Instant,
    links: Vec<Link>,
    crew: Vec<Member>,
    reports: Receiver<Report>,
    stop: Arc<AtomicBool>,
    stats_interval: Duration,
}

/// One worker as the supervisor knows it.
struct Member {
    thread: Option<JoinHandle<io::Result<Counters>>>,
    counters: Counters,
    heard: Instant,
}

impl Supervisor {
    /// Starts one worker a queue.
    pub(super) fn start(
        config: &Config,
        rules: &Arc<RuleSet>,
        links: Vec<OpenLink>,
        log: &EveLog,
        signals: &Signals,
    ) -> Result<Supervisor, Failure> {
        let (sender, reports) = bounded(64);
        let mut supervisor = Supervisor {
            started: Instant::now(),
            links: Vec::new(),
            crew: Vec::new(),
            reports,
            stop: Arc::default(),
            stats_interval: Duration::from_secs(config.events.stats_interval_s.into()),
        };
        let mut cores =
            core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).cycle();
        for (link_index, open) in links.into_iter().enumerate() {
            let mut chosen = open.cores.into_iter();
            for queue in open.queues {
                let index = supervisor.crew.len();
                let pipeline = Pipeline::new(worker_settings(config, index), Arc::clone(rules));
                let thread = WorkerThread {
                    index,
                    queue: queue.index(),
                    core: chosen.next().map(usize::from).or_else(|| cores.next()),
                    worker: Worker::new(queue, pipeline, log.sender(), link_index as u16),
                    heartbeat: open.link.heartbeat(),
                    reports: sender.clone(),
                };
                supervisor.crew.push(Member::start(thread, Arc::clone(&supervisor.stop))?);
            }
            supervisor.links.push(open.link);
        }
        if !signals.is_stopping() {
            tell_systemd(&[NotifyState::Ready]);
            eprintln!("weir: ready");
        }
        Ok(supervisor)
    }

    /// Watches until asked to stop, or until a worker ends by itself.
    pub(super) fn watch(&mut self, log: &mut EveLog, signals: &Signals) -> Result<(), Failure> {
        let mut stats_at = self.started + self.stats_interval;
        let mut feed_at = self.started;
        let feed_interval = sd_notify::watchdog_enabled().map_or(Duration::MAX, |period| period / 3);
        while !signals.is_stopping() {
            match self.reports.recv_timeout(TICK) {
                Ok(report) => {
                    let member = &mut self.crew[report.worker];
                    (member.counters, member.heard) = (report.counters, Instant::now());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(anyhow!("all workers are gone").into()),
            }
            if let Some(index) = self.crew.iter().position(Member::has_ended) {
                return Err(self.crew[index].failure(index));
            }
            let now = Instant::now();
            if now >= stats_at {
                log.stats(&self.counters(), self.uptime_s(), now_ns());
                stats_at = now + self.stats_interval;
            }
            let alive = self.crew.iter().all(|member| now - member.heard < SILENCE_MAX);
            if feed_interval != Duration::MAX && now >= feed_at && alive {
                tell_systemd(&[NotifyState::Watchdog]);
                feed_at = now + feed_interval;
            }
        }
        Ok(())
    }

    /// Stops all workers and hands back the books of all. After a clean stop the links are detached; after a
    /// failure their programs stay, to do with the frames what the operator chose for the loss of the engine.
    pub(super) fn stop(&mut self, clean: bool) -> Counters {
        tell_systemd(&[NotifyState::Stopping]);
        self.stop.store(true, Ordering::Relaxed);
        for (index, member) in self.crew.iter_mut().enumerate() {
            match member.thread.take().map(JoinHandle::join) {
                Some(Ok(Ok(counters))) => member.counters = counters,
                Some(Ok(Err(error))) => tracing::error!(worker = index, %error, "worker failed"),
                Some(Err(_)) => tracing::error!(worker = index, "worker panicked"),
                None => {}
            }
        }
        for link in self.links.drain(..) {
            if clean {
                link.detach();
            } else {
                link.abandon();
            }
        }
        self.counters()
    }

    /// Seconds since the workers began.
    pub(super) fn uptime_s(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    fn counters(&self) -> Counters {
        let mut all = Counters::default();
        for member in &self.crew {
            all.add(&member.counters);
        }
        all
    }
}

impl Member {
    fn start(thread: WorkerThread, stop: Arc<AtomicBool>) -> Result<Member, Failure> {
        let name = format!("worker-{}", thread.index);
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || thread.run(&stop))
            .context("cannot start a worker's thread")?;
        Ok(Member { thread: Some(thread), counters: Counters::default(), heard: Instant::now() })
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Why a worker ended that nobody told to.
    fn failure(&mut self, index: usize) -> Failure {
        let why = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => anyhow::Error::from(error).context("a port's device is gone"),
            Some(Err(_)) => anyhow!("it panicked"),
            Some(Ok(Ok(_))) | None => anyhow!("it ended"),
        };
        why.context(format!("worker {index} failed")).into()
    }
}

/// The settings of one worker: a secret hash seed, and flow identifiers that no other worker hands out.
fn worker_settings(config: &Config, index: usize) -> Settings {
    let secret = RandomState::new();
    let start_s = now_ns() / 1_000_000_000;
    Settings {
        hash_seed: [secret.hash_one(0), secret.hash_one(1)],
        // 15 bits of start time, 8 of worker, 40 of count: positive as an i64.
        first_flow_id: (start_s & 0x7fff) << 48 | (index as u64 & 0xff) << 40 | 1,
        ..config.settings()
    }
}

/// Without systemd there is nobody to tell.
fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
