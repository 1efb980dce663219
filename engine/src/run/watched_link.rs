//! A link while the engine runs: open, or waiting for its devices.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use af_xdp::limits::MTU_BYTES_MAX;
use af_xdp::{DeviceState, LeftPrograms, Link, Port, ProgramCounters, Queue};

use super::call::Call;
use super::claim::Claim;
use super::crew::Post;
use super::link_health::{LinkHealth, Step};
use super::links::OpenLink;
use super::now_ns;
use super::worker_thread::Books;
use crate::eve::{EveLog, LinkChange, LinkState, What};
use crate::latency::Latency;
use crate::port::{LinkCounters, PortCounters};

type Opened = Result<(Link, Vec<Queue>), af_xdp::Error>;

/// A link, its health, and what its programs counted.
///
/// Invariant: its totals never fall, however often it is closed and opened.
pub(super) struct WatchedLink {
    config: af_xdp::LinkConfig,
    /// `None` once it is left to another engine.
    claim: Option<Claim>,
    health: LinkHealth,
    /// `None` from when its workers have ended until it is opened again.
    link: Option<Link>,
    /// Its programs, which go on while it is closed.
    left: Option<LeftPrograms>,
    /// Opens it again. To make its memory takes a moment, in which the other links are watched over.
    opening: Option<JoinHandle<Opened>>,
    /// Ends its workers.
    stop: Arc<AtomicBool>,
    /// What its programs counted when they were asked last.
    programs: [ProgramCounters; 2],
    /// What was counted by programs and sockets that are no more.
    past: [PortCounters; 2],
    /// Frames that workers lent to each other who are no more.
    past_lent: u64,
}

impl WatchedLink {
    /// A link that was just opened, and what its workers are to have.
    pub(super) fn new(open: OpenLink) -> (WatchedLink, Vec<Post>) {
        let OpenLink { link, posts, config, claim, former_losses } = open;
        let ports = config.ports;
        let mtu_bytes_max = if link.is_multi_buffer() { MTU_BYTES_MAX } else { ports.mtu_bytes_max() };
        let health = LinkHealth::opened(link.device_indexes(), posts.len() as u32, mtu_bytes_max);
        let mut watched = WatchedLink {
            config: ports,
            claim: Some(claim),
            health,
            link: Some(link),
            left: None,
            opening: None,
            stop: Arc::default(),
            programs: <[ProgramCounters; 2]>::default(),
            past: former_losses.map(PortCounters::from),
            past_lent: 0,
        };
        if let Some(seen) = watched.read() {
            watched.health.look_first(seen);
        }
        if watched.health.state() != LinkState::Up {
            tracing::warn!("link {}", watched.status());
        }
        (watched, posts)
    }

    pub(super) fn config(&self) -> &af_xdp::LinkConfig {
        &self.config
    }

    /// Somebody who wants something of this engine, if anybody does.
    pub(super) fn next_call(&self) -> Option<Call> {
        self.claim.as_ref()?.next_call()
    }

    /// Lets another engine claim it. Whatever was about to be opened is closed.
    pub(super) fn release(&mut self) {
        if let Some((link, _queues)) = self.end_opening() {
            self.left = Some(link.abandon());
        }
        self.claim = None;
    }

    /// The link, while it is open.
    pub(super) fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// Ends its workers once it is set.
    pub(super) fn stop(&self) -> &Arc<AtomicBool> {
        &self.stop
    }

    /// One of its workers found that a device is gone.
    pub(super) fn lose(&mut self) {
        self.health.lose();
    }

    /// Looks at the devices, and tells what has changed.
    pub(super) fn look(&mut self, log: &mut EveLog, now: Instant) {
        let Some(seen) = self.read() else { return };
        for (port, what) in self.health.look(seen, now) {
            self.tell(Some(port), what, log);
        }
    }

    /// Does what follows from its health, as far as its workers need not have ended for it. The queues of a link that was
    /// opened again, for which workers are to be started.
    pub(super) fn turn(&mut self, log: &mut EveLog, now: Instant) -> Option<Vec<Queue>> {
        match self.health.step(now) {
            Step::Stay => {}
            Step::Close => self.stop.store(true, Ordering::Relaxed),
            Step::Open => self.begin_opening(log, now),
        }
        let thread = self.opening.take_if(|thread| thread.is_finished())?;
        match thread.join() {
            Ok(Ok((link, queues))) => {
                self.health.reopened(link.device_indexes(), queues.len() as u32);
                self.forget_programs();
                self.stop = Arc::default();
                self.link = Some(link);
                self.tell(None, What::Reopened, log);
                Some(queues)
            }
            Ok(Err(error)) => {
                self.refused(&error.to_string(), Some(error.hint()), log, now);
                None
            }
            Err(_) => {
                self.refused("opening it panicked", None, log, now);
                None
            }
        }
    }

    /// Whether its workers are to end, or have.
    pub(super) fn is_closing(&self) -> bool {
        self.link.is_some() && self.stop.load(Ordering::Relaxed)
    }

    /// Lets go of the link, now that its workers have ended, with these books. The
    /// programs stay, to do with the frames what the operator chose for the loss of the engine.
    pub(super) fn close(&mut self, books: &[Books], log: &mut EveLog, now: Instant) {
        for books in books {
            self.past_lent += books.frames_lent;
            for (port, socket) in self.past.iter_mut().zip(&books.sockets) {
                port.add_socket(socket);
                // Only those that there are now are told.
                (port.queues, port.queues_zero_copy) = (0, 0);
            }
        }
        self.left = self.link.take().map(Link::abandon);
        self.health.closed(now);
        self.tell(None, What::Closed, log);
    }

    /// Takes down a link that was opened, but for which there can be no workers.
    pub(super) fn refuse(&mut self, reason: &str, log: &mut EveLog, now: Instant) {
        self.left = self.link.take().map(Link::abandon);
        self.refused(reason, None, log, now);
    }

    /// Ends it. After a clean stop it is detached; after a failure its programs stay, to do with the frames what the operator
    /// chose for the loss of the engine.
    pub(super) fn end(mut self, clean: bool) {
        let opened = self.end_opening().map(|(link, _queues)| link);
        let link = self.link.or(opened);
        match (link, clean) {
            (Some(link), true) => link.detach(),
            (Some(link), false) => drop(link.abandon()),
            (None, true) => {
                if let Err(error) = af_xdp::detach_leftover(&self.config.name) {
                    tracing::error!(link = self.config.name, %error, "cannot be detached");
                }
            }
            (None, false) => {}
        }
    }

    /// All that was counted, with the books of its workers. Where the programs cannot be
    /// asked, their counters are those of the last time.
    pub(super) fn counters<'b>(
        &mut self,
        workers: impl Iterator<Item = &'b Books>,
        latency: Latency,
    ) -> LinkCounters {
        self.ask_programs();
        let mut ports = self.programs.map(PortCounters::from);
        let mut frames_lent = self.past_lent;
        for books in workers {
            frames_lent += books.frames_lent;
            ports.iter_mut().zip(&books.sockets).for_each(|(port, socket)| port.add_socket(socket));
        }
        ports.iter_mut().zip(&self.past).for_each(|(port, past)| port.add(past));
        LinkCounters { name: self.config.name.clone(), ports, latency, frames_lent }
    }

    /// How it is, in a few words.
    pub(super) fn status(&self) -> String {
        let (name, state) = (&self.config.name, self.health.state().as_str());
        match self.trouble() {
            Some(trouble) => format!("{name} is {state}: {trouble}"),
            None => format!("{name} is {state}"),
        }
    }

    /// Waits for what is being opened.
    fn end_opening(&mut self) -> Option<(Link, Vec<Queue>)> {
        self.opening.take()?.join().ok()?.ok()
    }

    fn ask_programs(&mut self) {
        let (open, left) = (self.link.as_ref().map(Link::statistics), self.left.as_ref());
        match open.or_else(|| left.map(LeftPrograms::statistics)) {
            Some(Ok(programs)) => self.programs = programs,
            Some(Err(error)) => {
                tracing::warn!(link = self.config.name, %error, "counters of the kernel are stale");
            }
            None => {}
        }
    }

    /// Keeps the last counts of programs that were replaced.
    fn forget_programs(&mut self) {
        self.ask_programs();
        self.left = None;
        let last = mem::take(&mut self.programs).map(PortCounters::from);
        self.past.iter_mut().zip(&last).for_each(|(port, last)| port.add(last));
    }

    fn begin_opening(&mut self, log: &mut EveLog, now: Instant) {
        let config = self.config.clone();
        match thread::Builder::new().name("link".to_owned()).spawn(move || Link::open(&config)) {
            Ok(thread) => self.opening = Some(thread),
            Err(error) => self.refused(&format!("cannot start a thread: {error}"), None, log, now),
        }
    }

    fn refused(&mut self, reason: &str, hint: Option<&str>, log: &mut EveLog, now: Instant) {
        if self.health.refused(reason, now) {
            self.tell_with(None, What::Refused, hint, log);
        }
    }

    /// The devices of both ports; `None` where the kernel does not tell, which is no reason to do anything.
    fn read(&self) -> Option<[Option<DeviceState>; 2]> {
        let [inside, outside] = Port::BOTH.map(|port| DeviceState::read(self.config.interface(port)));
        match inside.and_then(|inside| Ok([inside, outside?])) {
            Ok(seen) => Some(seen),
            Err(error) => {
                tracing::warn!(link = self.config.name, %error, "cannot see how its devices are");
                None
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        self.health.trouble(Port::BOTH.map(|port| self.config.interface(port)))
    }

    fn tell(&self, port: Option<Port>, what: What, log: &mut EveLog) {
        self.tell_with(port, what, self.health.hint(), log);
    }

    fn tell_with(&self, port: Option<Port>, what: What, hint: Option<&str>, log: &mut EveLog) {
        let trouble = self.trouble();
        let change = LinkChange {
            link: &self.config.name,
            what,
            port: port.map(|port| (port.as_str(), self.config.interface(port))),
            state: self.health.state(),
            trouble: trouble.as_deref(),
            hint,
        };
        match change.state {
            LinkState::Up => tracing::info!("{change}"),
            // Somebody has to do something.
            _ if hint.is_some() => tracing::error!("{change}"),
            _ => tracing::warn!("{change}"),
        }
        log.link(&change, now_ns());
    }
}
