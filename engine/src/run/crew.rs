//! The threads that work on the links, and what they last told.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use af_xdp::{Heartbeat, LentFrame, Queue};
use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, bounded};
use dataplane::pipeline::{Counters, LiveFlows, Pipeline};

use super::cores::Cores;
use super::idle::Idle;
use super::now_ns;
use super::reloader::Reloader;
use super::worker_settings::worker_settings;
use super::worker_thread::{Books, Ended, Report, Retired, WorkerThread};
use crate::config::Config;
use crate::eve::EveLog;
use crate::failure::Failure;
use crate::latency::Latency;
use crate::lending::Lending;
use crate::limits::{REPORTS_MAX, WORKERS_MAX};
use crate::worker::Worker;

/// The workers of all links.
///
/// Invariant: the books of a worker are among the totals from its first report on, whether its thread lives or not.
pub(super) struct Crew {
    members: Vec<Member>,
    reports: Receiver<Report>,
    sender: Sender<Report>,
    cores: Cores,
    /// Of those whose link was closed.
    past: Counters,
    /// By link: how long frames were here, since it was asked for last.
    latencies: Vec<Latency>,
    started: usize,
}

/// One worker as the supervisor knows it.
struct Member {
    /// Index of its link.
    link: usize,
    /// No other worker that lives has it.
    number: usize,
    core: Option<usize>,
    /// `None` once it was joined.
    thread: Option<JoinHandle<Retired>>,
    books: Books,
    live_flows: LiveFlows,
    heard: Instant,
}

/// What one new worker is to work with.
pub(super) struct Post {
    pub(super) queue: Queue,
    /// What judges its frames, where that was made already: at the start of the engine, when all workers are new.
    pub(super) pipeline: Option<Pipeline>,
    /// How frames of others' flows reach these; `None` where all are its own.
    pub(super) lending: Option<Lending<LentFrame>>,
}

/// What every new worker is given.
#[derive(Clone, Copy)]
pub(super) struct Supplies<'a> {
    pub(super) config: &'a Config,
    pub(super) reloader: &'a Reloader,
    pub(super) log: &'a EveLog,
}

/// A worker whose thread is over.
pub(super) struct Leaver {
    /// Index of its link.
    pub(super) link: usize,
    pub(super) number: usize,
    /// `Err` where it panicked.
    pub(super) outcome: thread::Result<io::Result<()>>,
}

impl Crew {
    /// Nobody yet, for the links of a config.
    pub(super) fn new(config: &Config) -> Crew {
        let (sender, reports) = bounded(REPORTS_MAX);
        Crew {
            members: Vec::new(),
            reports,
            sender,
            cores: free_cores(config),
            past: Counters::default(),
            latencies: vec![Latency::default(); config.links.len()],
            started: 0,
        }
    }

    /// Whether there may be so many workers more.
    pub(super) fn has_room(&self, workers: usize) -> bool {
        self.members.len() + workers <= WORKERS_MAX
    }

    /// Starts the workers of a link, which work until `stop` is set.
    pub(super) fn start(
        &mut self,
        link: usize,
        posts: Vec<Post>,
        heartbeat: &Heartbeat,
        stop: &Arc<AtomicBool>,
        supplies: Supplies<'_>,
    ) -> Result<(), Failure> {
        let config = &supplies.config.links[link];
        let mut chosen = config.cores.iter().copied().map(usize::from);
        for Post { queue, pipeline, lending } in posts {
            let number = self.free_number();
            let used = self.members.iter().filter_map(|member| member.core);
            let core = chosen.next().or_else(|| self.cores.pick(&used));
            let new =
                || Pipeline::new(worker_settings(supplies.config, config, number), supplies.reloader.rules());
            let pipeline = pipeline.unwrap_or_else(new);
            let queue_index = queue.index();
            let mut worker = Worker::new(queue, pipeline, supplies.log.sender(), link as u16);
            if let Some(lending) = lending {
                worker.share(lending);
            }
            let thread = WorkerThread {
                index: number,
                queue: queue_index,
                idle: Idle::new(config.spin, config.ports.heartbeat_timeout_ns),
                core,
                worker,
                rules: supplies.reloader.watch(),
                heartbeat: heartbeat.clone(),
                reports: self.sender.clone(),
            };
            self.members.push(Member::start(link, thread, Arc::clone(stop))?);
        }
        Ok(())
    }

    /// Waits for a report, for a bounded time.
    pub(super) fn hear(&mut self, patience: Duration) {
        if let Ok(report) = self.reports.recv_timeout(patience) {
            self.accept(&report);
        }
    }

    /// A worker that has ended since the last time, if any has.
    pub(super) fn take_leaver(&mut self) -> Option<Leaver> {
        let index = self.members.iter().position(Member::has_ended)?;
        // What it told before must not come after its last books.
        while let Ok(report) = self.reports.try_recv() {
            self.accept(&report);
        }
        Some(self.join(index))
    }

    /// Forgets the workers of a link, once all have ended; their counters stay in the totals. The last books of each.
    pub(super) fn dismiss(&mut self, link: usize) -> Option<Vec<Books>> {
        if self.of(link).any(|member| member.thread.is_some()) {
            return None;
        }
        let books = self.of(link).map(|member| member.books).collect();
        let mut past = mem::take(&mut self.past);
        self.of(link).for_each(|member| past.add(&member.books.counters));
        self.past = past;
        self.members.retain(|member| member.link != link);
        Some(books)
    }

    /// Waits until all have let go of their ports, who must have been told to stop. With the link of each. Those that
    /// panicked are told of.
    pub(super) fn retire(&mut self) -> Vec<(usize, Retired)> {
        let mut retired = Vec::new();
        for member in &mut self.members {
            match member.thread.take().map(JoinHandle::join) {
                Some(Ok(worker)) => retired.push((member.link, worker)),
                Some(Err(_)) => tracing::error!(worker = member.number, "worker panicked"),
                None => {}
            }
        }
        retired
    }

    /// Ends the flows of all of these, side by side, and closes their books.
    pub(super) fn finish(&mut self, retired: Vec<(usize, Retired)>) {
        let now_ns = now_ns();
        let ended: Vec<(usize, Ended)> = thread::scope(|scope| {
            let threads: Vec<_> = retired
                .into_iter()
                .map(|(_, worker)| (worker.index(), scope.spawn(move || worker.finish(now_ns))))
                .collect();
            threads.into_iter().filter_map(|(number, thread)| Some((number, thread.join().ok()?))).collect()
        });
        for (number, ended) in ended {
            let member = self.members.iter_mut().find(|member| member.number == number);
            let member = member.expect("it was retired, not forgotten");
            if let Err(error) = member.close(ended, &mut self.latencies) {
                tracing::error!(worker = number, %error, "worker failed");
            }
        }
    }

    /// Whether each worker has told something within this time.
    pub(super) fn is_alive(&self, now: Instant, silence_max: Duration) -> bool {
        self.members.iter().all(|member| member.thread.is_none() || now - member.heard < silence_max)
    }

    /// The books of all workers there ever were.
    pub(super) fn counters(&self) -> Counters {
        let mut all = self.past;
        self.members.iter().for_each(|member| all.add(&member.books.counters));
        all
    }

    /// Who sees the flows of each worker that lives, with the index of its link.
    pub(super) fn live_flows(&self) -> impl Iterator<Item = (usize, LiveFlows)> {
        let living = self.members.iter().filter(|member| member.thread.is_some());
        living.map(|member| (member.link, member.live_flows.clone()))
    }

    /// The books of the workers of a link.
    pub(super) fn books(&self, link: usize) -> impl Iterator<Item = &Books> {
        self.of(link).map(|member| &member.books)
    }

    /// How long the frames of a link were here, since it was asked for last.
    pub(super) fn take_latency(&mut self, link: usize) -> Latency {
        mem::take(&mut self.latencies[link])
    }

    fn of(&self, link: usize) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.link == link)
    }

    fn accept(&mut self, report: &Report) {
        let from = self.members.iter_mut().find(|member| member.number == report.worker);
        let member = from.expect("a worker is forgotten only when all its reports were heard");
        (member.books, member.heard) = (report.books, Instant::now());
        self.latencies[member.link].add(&report.latency);
    }

    fn join(&mut self, index: usize) -> Leaver {
        let member = &mut self.members[index];
        let thread = member.thread.take().expect("it was not joined yet");
        let retired = thread.join();
        let outcome = retired.map(|worker| member.close(worker.finish(now_ns()), &mut self.latencies));
        Leaver { link: member.link, number: member.number, outcome }
    }

    /// A number that no worker has who lives.
    fn free_number(&mut self) -> usize {
        loop {
            let number = self.started % WORKERS_MAX;
            self.started += 1;
            if self.members.iter().all(|member| member.number != number) {
                return number;
            }
            assert!(self.has_room(1), "the number of queues was checked when the links were opened");
        }
    }
}

impl Member {
    fn start(link: usize, thread: WorkerThread, stop: Arc<AtomicBool>) -> Result<Member, Failure> {
        let (number, core) = (thread.index, thread.core);
        let live_flows = thread.worker.pipeline().live_flows();
        let thread = thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || thread.run(&stop))
            .context("cannot start a worker's thread")?;
        let heard = Instant::now();
        Ok(Member { link, number, core, thread: Some(thread), books: Books::default(), live_flows, heard })
    }

    /// Takes the last books of this worker, and says how it ended.
    fn close(&mut self, ended: Ended, latencies: &mut [Latency]) -> io::Result<()> {
        self.books = ended.books;
        latencies[self.link].add(&ended.latency);
        ended.outcome
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }
}

/// The cores of this process that the operator gave to no link.
fn free_cores(config: &Config) -> Cores {
    let available = core_affinity::get_core_ids().unwrap_or_default();
    let available: Vec<usize> = available.into_iter().map(|core| core.id).collect();
    let taken: Vec<u16> = config.links.iter().flat_map(|link| link.cores.iter().copied()).collect();
    Cores::new(&available, &taken)
}
