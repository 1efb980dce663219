//! Starts the workers, watches over them, and tells systemd and the log how they are.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use af_xdp::{Link, ProgramCounters};
use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use dataplane::pipeline::Counters;
use sd_notify::NotifyState;

use super::claim::Claim;
use super::cores::Cores;
use super::hand_over::Knowledge;
use super::idle::Idle;
use super::links::OpenLink;
use super::now_ns;
use super::reloader::Reloader;
use super::signals::Signals;
use super::successor::Successor;
use super::upgrade::Upgrade;
use super::worker_thread::{Books, Ended, Report, Retired, WorkerThread};
use crate::config::Config;
use crate::eve::EveLog;
use crate::failure::Failure;
use crate::latency::Latency;
use crate::limits::REPORTS_MAX;
use crate::port::{LinkCounters, PortCounters};
use crate::worker::Worker;

/// How long the supervisor waits for a report before it looks at everything else.
const TICK: Duration = Duration::from_millis(50);
/// A worker that has not reported for so long is stuck: systemd's watchdog is no longer fed.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// How the watch over the workers ended.
pub(super) enum Ending {
    /// The operator wants it.
    Stop,
    /// Another engine is ready to work on the links.
    HandOver(Successor),
}

/// The links, and the threads that work on them.
pub(super) struct Supervisor {
    started: Instant,
    links: Vec<WatchedLink>,
    crew: Vec<Member>,
    reports: Receiver<Report>,
    stop: Arc<AtomicBool>,
    stats_interval: Duration,
}

/// A link, and what its programs counted when they were asked last.
struct WatchedLink {
    config: af_xdp::LinkConfig,
    link: Link,
    programs: [ProgramCounters; 2],
    /// Of its workers, since it was asked for last.
    latency: Latency,
    /// `None` once it is left to another engine.
    claim: Option<Claim>,
}

/// One worker as the supervisor knows it.
struct Member {
    /// Index of its link.
    link: usize,
    thread: Option<JoinHandle<Retired>>,
    books: Books,
    heard: Instant,
}

impl Supervisor {
    /// Starts one worker a queue.
    pub(super) fn start(
        config: &Config,
        reloader: &Reloader,
        links: Vec<OpenLink>,
        log: &EveLog,
    ) -> Result<Supervisor, Failure> {
        let (sender, reports) = bounded(REPORTS_MAX);
        let mut supervisor = Supervisor {
            started: Instant::now(),
            links: Vec::new(),
            crew: Vec::new(),
            reports,
            stop: Arc::default(),
            stats_interval: Duration::from_secs(config.events.stats_interval_s.into()),
        };
        let mut cores = free_cores(config);
        for (link_index, open) in links.into_iter().enumerate() {
            let mut chosen = open.config.cores.iter().copied();
            for (queue, pipeline, lending) in open.queues {
                let index = supervisor.crew.len();
                let queue_index = queue.index();
                let mut worker = Worker::new(queue, pipeline, log.sender(), link_index as u16);
                if let Some(lending) = lending {
                    worker.share(lending);
                }
                let thread = WorkerThread {
                    index,
                    queue: queue_index,
                    idle: Idle::new(open.config.spin, open.config.ports.heartbeat_timeout_ns),
                    core: chosen.next().map(usize::from).or_else(|| cores.next()),
                    worker,
                    rules: reloader.watch(),
                    heartbeat: open.link.heartbeat(),
                    reports: sender.clone(),
                };
                supervisor.crew.push(Member::start(link_index, thread, Arc::clone(&supervisor.stop))?);
            }
            let programs = [ProgramCounters::default(); 2];
            supervisor.links.push(WatchedLink {
                config: open.config.ports,
                link: open.link,
                programs,
                latency: Latency::default(),
                claim: Some(open.claim),
            });
        }
        Ok(supervisor)
    }

    /// Watches until asked to stop, until another engine asks for the links, or until a worker ends by itself. Loads packs
    /// anew when asked to.
    pub(super) fn watch(
        &mut self,
        reloader: &mut Reloader,
        log: &mut EveLog,
        signals: &Signals,
    ) -> Result<Ending, Failure> {
        let mut upgrade = Upgrade::default();
        let mut stats_at = self.started + self.stats_interval;
        let mut feed_at = self.started;
        let feed_interval = sd_notify::watchdog_enabled().map_or(Duration::MAX, |period| period / 3);
        while !signals.is_stopping() {
            match self.reports.recv_timeout(TICK) {
                Ok(report) => {
                    let member = &mut self.crew[report.worker];
                    (member.books, member.heard) = (report.books, Instant::now());
                    self.links[member.link].latency.add(&report.latency);
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The last worker is gone: below is told why, once its thread has ended.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
            }
            if let Some(index) = self.crew.iter().position(Member::has_ended) {
                return Err(self.failure(index));
            }
            if let Some(successor) = self.links.iter().find_map(WatchedLink::successor) {
                return Ok(Ending::HandOver(successor));
            }
            if signals.take_upgrade() {
                upgrade.start();
            }
            upgrade.watch();
            if signals.take_reload() {
                reloader.ask();
            }
            if let Some(reload) = reloader.turn() {
                log.reload(&reload, now_ns());
            }
            let now = Instant::now();
            if now >= stats_at {
                let links = self.link_counters();
                log.stats(&self.counters(), &links, self.uptime_s(), now_ns());
                stats_at = now + self.stats_interval;
            }
            let alive = self.crew.iter().all(|member| now - member.heard < SILENCE_MAX);
            if feed_interval != Duration::MAX && now >= feed_at && alive {
                tell_systemd(&[NotifyState::Watchdog]);
                feed_at = now + feed_interval;
            }
        }
        Ok(Ending::Stop)
    }

    /// Stops all workers and hands back the books of all, and the kernel's of their links. After a clean stop the links are
    /// detached; after a failure their programs stay, to do with the frames what the operator chose for the loss of the
    /// engine.
    pub(super) fn stop(&mut self, clean: bool) -> (Counters, Vec<LinkCounters>) {
        tell_systemd(&[NotifyState::Stopping]);
        let retired = self.retire();
        self.finish(retired);
        let links = self.link_counters();
        for watched in self.links.drain(..) {
            if clean {
                watched.link.detach();
            } else {
                watched.link.abandon();
            }
        }
        (self.counters(), links)
    }

    /// Leaves the links to another engine, and hands back the books as [`stop`](Supervisor::stop) does. Until that one has put
    /// its programs in place of ours, these do what the operator chose for the loss of the engine, and drop what was blocked.
    ///
    /// # Errors
    /// If the other engine did not begin: then nobody works on the links.
    pub(super) fn hand_over(
        &mut self,
        mut successor: Successor,
    ) -> (Result<(), Failure>, (Counters, Vec<LinkCounters>)) {
        let process = successor.pid().as_raw_nonzero().get();
        tracing::info!(process, "another engine takes over");
        let retired = self.retire();
        let (mut knowledge, mut untold) = (Knowledge::default(), 0);
        for (member, worker) in &retired {
            let name = &self.links[self.crew[*member].link].config.name;
            untold += knowledge.add(name, worker.queue(), worker.blocked());
        }
        if untold > 0 {
            tracing::warn!(
                flows = untold,
                "more flows are blocked than can be handed over: these are judged anew"
            );
        }
        self.links.iter_mut().for_each(|watched| watched.claim = None);
        let begun = successor.begin(&knowledge).with_context(|| {
            format!(
                "process {process} asked for the links and did not begin to work on them\n  hint: they do what their \
                 on_engine_loss says; its log says why, and `weir run` takes them up again"
            )
        });
        if begun.is_ok() {
            tell_systemd(&[NotifyState::MainPid(process.unsigned_abs())]);
            successor.farewell();
        }
        self.finish(retired);
        let links = self.link_counters();
        for watched in self.links.drain(..) {
            // Of a link that nobody goes on with, nothing is left behind, as after a clean stop.
            if begun.is_ok() && !successor.wants(&watched.config.name) {
                watched.link.detach();
            } else {
                watched.link.abandon();
            }
        }
        (begun.map_err(Failure::from), (self.counters(), links))
    }

    /// Has all workers let go of their ports. Those that panicked are told of.
    fn retire(&mut self) -> Vec<(usize, Retired)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut retired = Vec::new();
        for (index, member) in self.crew.iter_mut().enumerate() {
            match member.thread.take().map(JoinHandle::join) {
                Some(Ok(worker)) => retired.push((index, worker)),
                Some(Err(_)) => tracing::error!(worker = index, "worker panicked"),
                None => {}
            }
        }
        retired
    }

    /// Ends the flows of all, side by side, and closes their books.
    fn finish(&mut self, retired: Vec<(usize, Retired)>) {
        let now_ns = now_ns();
        let ended: Vec<(usize, Ended)> = thread::scope(|scope| {
            let threads: Vec<_> = retired
                .into_iter()
                .map(|(index, worker)| (index, scope.spawn(move || worker.finish(now_ns))))
                .collect();
            threads.into_iter().filter_map(|(index, thread)| Some((index, thread.join().ok()?))).collect()
        });
        for (index, Ended { books, latency, outcome }) in ended {
            let member = &mut self.crew[index];
            member.books = books;
            self.links[member.link].latency.add(&latency);
            if let Err(error) = outcome {
                tracing::error!(worker = index, %error, "worker failed");
            }
        }
    }

    /// Seconds since the workers began.
    pub(super) fn uptime_s(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    fn counters(&self) -> Counters {
        let mut all = Counters::default();
        for member in &self.crew {
            all.add(&member.books.counters);
        }
        all
    }

    /// What the kernel counted: the programs of each link now, and its queues when their workers last told.
    fn link_counters(&mut self) -> Vec<LinkCounters> {
        let links = self.links.iter_mut().map(WatchedLink::counters);
        let mut all: Vec<LinkCounters> = links.collect();
        for member in &self.crew {
            for (port, socket) in all[member.link].ports.iter_mut().zip(&member.books.sockets) {
                port.add_socket(socket);
            }
            all[member.link].frames_lent += member.books.frames_lent;
        }
        all
    }

    /// Why a worker ended that nobody told to.
    fn failure(&mut self, index: usize) -> Failure {
        let member = &mut self.crew[index];
        let config = &self.links[member.link].config;
        let (inside, outside) = (&config.inside, &config.outside);
        let ended = member.thread.take().map(|thread| {
            thread.join().map(|worker| {
                let ended = worker.finish(now_ns());
                member.books = ended.books;
                ended.outcome
            })
        });
        let why = match ended {
            Some(Ok(Err(error))) if error.kind() == io::ErrorKind::NetworkDown => anyhow!(
                "the interface {inside} or {outside} is gone, or was taken down: {error}\n  hint: `ip link` shows \
                 which; start the engine again once both are back"
            ),
            Some(Ok(Err(error))) => anyhow!("cannot wait for frames of {inside} and {outside}: {error}"),
            Some(Err(_)) => anyhow!("it panicked"),
            Some(Ok(Ok(()))) | None => anyhow!("it ended"),
        };
        why.context(format!("worker {index} of link {} failed", config.name)).into()
    }
}

impl WatchedLink {
    fn successor(&self) -> Option<Successor> {
        self.claim.as_ref()?.successor()
    }

    /// The counters of its programs; where they cannot be read, those of the last time.
    fn counters(&mut self) -> LinkCounters {
        match self.link.statistics() {
            Ok(programs) => self.programs = programs,
            Err(error) => tracing::warn!(link = self.config.name, %error, "counters of the kernel are stale"),
        }
        LinkCounters {
            name: self.config.name.clone(),
            ports: self.programs.map(PortCounters::from),
            latency: mem::take(&mut self.latency),
            frames_lent: 0,
        }
    }
}

impl Member {
    fn start(link: usize, thread: WorkerThread, stop: Arc<AtomicBool>) -> Result<Member, Failure> {
        let name = format!("worker-{}", thread.index);
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || thread.run(&stop))
            .context("cannot start a worker's thread")?;
        Ok(Member { link, thread: Some(thread), books: Books::default(), heard: Instant::now() })
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// The cores of this process that the operator gave to no link.
fn free_cores(config: &Config) -> Cores {
    let available = core_affinity::get_core_ids().unwrap_or_default();
    let available: Vec<usize> = available.into_iter().map(|core| core.id).collect();
    let taken: Vec<u16> = config.links.iter().flat_map(|link| link.cores.iter().copied()).collect();
    Cores::new(&available, &taken)
}

/// Without systemd there is nobody to tell.
pub(super) fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
