//! Starts the workers, watches over them and their links, and tells systemd and the log how they are.

use std::io;
use std::mem;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use af_xdp::DeviceWatch;
use anyhow::{Context, anyhow};
use dataplane::pipeline::{Counters, LiveFlows};
use sd_notify::NotifyState;

use super::call::Call;
use super::crew::{Crew, Leaver, Supplies};
use super::hand_over::Knowledge;
use super::links::{OpenLink, remark};
use super::listing::Listing;
use super::now_ns;
use super::reloader::Reloader;
use super::shares;
use super::signals::Signals;
use super::successor::Successor;
use super::upgrade::Upgrade;
use super::watched_link::WatchedLink;
use super::worker_thread::Retired;
use crate::config::Config;
use crate::eve::EveLog;
use crate::failure::Failure;
use crate::limits::{LINK_LOOK_INTERVAL, WORKERS_MAX};
use crate::port::LinkCounters;

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
    config: Config,
    links: Vec<WatchedLink>,
    crew: Crew,
    devices: DeviceWatch,
    /// When the devices are looked at, whatever was announced.
    look_at: Instant,
    /// What systemd was told last of the links.
    status: String,
    upgrade: Upgrade,
    listing: Listing,
}

impl Supervisor {
    /// Starts one worker a queue.
    pub(super) fn start(
        config: &Config,
        reloader: &Reloader,
        links: Vec<OpenLink>,
        log: &EveLog,
    ) -> Result<Supervisor, Failure> {
        let started = Instant::now();
        let mut supervisor = Supervisor {
            started,
            config: config.clone(),
            links: Vec::new(),
            crew: Crew::new(config),
            devices: DeviceWatch::open().context("cannot watch the devices of the links")?,
            look_at: started,
            status: String::new(),
            upgrade: Upgrade::default(),
            listing: Listing::default(),
        };
        for (index, open) in links.into_iter().enumerate() {
            let heartbeat = open.link.heartbeat();
            let (watched, posts) = WatchedLink::new(open);
            let supplies = Supplies { config, reloader, log };
            supervisor.crew.start(index, posts, &heartbeat, watched.stop(), supplies)?;
            supervisor.links.push(watched);
        }
        Ok(supervisor)
    }

    /// Watches until asked to stop, until another engine asks for the links, or until a worker ends for no reason that its
    /// link would survive. Loads packs anew when asked to, and closes and opens links as their devices go and come.
    pub(super) fn watch(
        &mut self,
        reloader: &mut Reloader,
        log: &mut EveLog,
        signals: &Signals,
    ) -> Result<Ending, Failure> {
        let stats_interval = Duration::from_secs(self.config.events.stats_interval_s.into());
        let mut stats_at = self.started + stats_interval;
        let mut feed_at = self.started;
        let feed_interval = sd_notify::watchdog_enabled().map_or(Duration::MAX, |period| period / 3);
        while !signals.is_stopping() {
            self.crew.hear(TICK);
            while let Some(leaver) = self.crew.take_leaver() {
                self.part_with(leaver)?;
            }
            self.mind_links(reloader, log)?;
            match self.links.iter().find_map(WatchedLink::next_call) {
                Some(Call::HandOver(successor)) => return Ok(Ending::HandOver(successor)),
                Some(Call::Upgrade(asker)) => self.upgrade.start(Some(asker)),
                Some(Call::Reload(asker)) => {
                    signals.ask_reload();
                    asker.yes("");
                }
                Some(Call::List(asker, query)) => self.listing.begin(asker, query, self.live_flows()),
                None => {}
            }
            if signals.take_upgrade() {
                self.upgrade.start(None);
            }
            self.upgrade.watch(Instant::now());
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
                stats_at = now + stats_interval;
            }
            if feed_interval != Duration::MAX && now >= feed_at && self.crew.is_alive(now, SILENCE_MAX) {
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
        self.crew.finish(retired);
        let links = self.link_counters();
        self.links.drain(..).for_each(|watched| watched.end(clean));
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
        for (link, worker) in &retired {
            let name = &self.links[*link].config().name;
            untold += knowledge.add(name, worker.queue(), worker.blocked());
        }
        if untold > 0 {
            tracing::warn!(
                flows = untold,
                "more flows are blocked than can be handed over: these are judged anew"
            );
        }
        // The others stay locked until they are detached.
        let wanted = self.links.iter_mut().filter(|watched| successor.wants(&watched.config().name));
        wanted.for_each(WatchedLink::release);
        let begun = successor.begin(&knowledge).with_context(|| {
            format!(
                "process {process} asked for the links and did not begin to work on them\n  hint: they do what their \
                 on_engine_loss says; its log says why, and `weir run` takes them up again"
            )
        });
        match &begun {
            Ok(()) => {
                tell_systemd(&[NotifyState::MainPid(process.unsigned_abs())]);
                successor.farewell();
                self.upgrade.succeed(process.unsigned_abs());
            }
            Err(error) => {
                let cause = error.root_cause();
                self.upgrade.fail(&format!("process {process} did not begin to work on the links: {cause}"));
            }
        }
        self.crew.finish(retired);
        let links = self.link_counters();
        for watched in self.links.drain(..) {
            // Of a link that nobody goes on with, nothing is left behind, as after a clean stop.
            let is_over = begun.is_ok() && !successor.wants(&watched.config().name);
            watched.end(is_over);
        }
        (begun.map_err(Failure::from), (self.counters(), links))
    }

    /// Has all workers let go of their ports. With the link of each.
    fn retire(&mut self) -> Vec<(usize, Retired)> {
        self.links.iter().for_each(|watched| watched.stop().store(true, Ordering::Relaxed));
        self.crew.retire()
    }

    /// Seconds since the workers began.
    pub(super) fn uptime_s(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    fn counters(&self) -> Counters {
        self.crew.counters()
    }

    /// Who sees the flows of each worker, by the name of its link; those that are closed have none.
    fn live_flows(&self) -> Vec<(String, Vec<LiveFlows>)> {
        let links = self.links.iter().map(|link| (link.config().name.clone(), Vec::new()));
        let mut flows: Vec<(String, Vec<LiveFlows>)> = links.collect();
        self.crew.live_flows().for_each(|(link, live)| flows[link].1.push(live));
        flows
    }

    /// What the kernel counted: the programs of each link now, and its queues when their workers last told.
    fn link_counters(&mut self) -> Vec<LinkCounters> {
        let Supervisor { links, crew, .. } = self;
        let counters = |(index, watched): (usize, &mut WatchedLink)| {
            let latency = crew.take_latency(index);
            watched.counters(crew.books(index), latency)
        };
        links.iter_mut().enumerate().map(counters).collect()
    }

    /// Looks at the devices of the links where some have changed, and does what follows.
    fn mind_links(&mut self, reloader: &Reloader, log: &mut EveLog) -> Result<(), Failure> {
        let now = Instant::now();
        let announced = self.devices.take_changed().unwrap_or_else(|error| {
            tracing::warn!(%error, "changes of devices are noticed late");
            false
        });
        let looks = announced || now >= self.look_at;
        if looks {
            self.look_at = now + LINK_LOOK_INTERVAL;
        }
        for (index, watched) in self.links.iter_mut().enumerate() {
            if looks {
                watched.look(log, now);
            }
            let opened = watched.turn(log, now);
            if watched.is_closing()
                && let Some(books) = self.crew.dismiss(index)
            {
                watched.close(&books, log, now);
            }
            let (Some(queues), Some(link)) = (opened, watched.link()) else { continue };
            if self.crew.has_room(queues.len()) {
                remark(&self.config.links[index], &self.config, link, &queues);
                let posts = shares::posts(&self.config.links[index], queues, index as u16)?;
                let supplies = Supplies { config: &self.config, reloader, log };
                self.crew.start(index, posts, &link.heartbeat(), watched.stop(), supplies)?;
            } else {
                let told = format!("its {} queues are more than {WORKERS_MAX} workers allow", queues.len());
                watched.refuse(&told, log, now);
            }
        }
        self.tell_status();
        Ok(())
    }

    /// Takes leave of a worker: of one whose devices went away, or who was told to stop, its link takes care.
    fn part_with(&mut self, leaver: Leaver) -> Result<(), Failure> {
        let watched = &mut self.links[leaver.link];
        let config = watched.config();
        let (inside, outside) = (&config.inside, &config.outside);
        let why = match leaver.outcome {
            Ok(Ok(())) if watched.is_closing() => return Ok(()),
            Ok(Err(error)) if watched.is_closing() || error.kind() == io::ErrorKind::NetworkDown => {
                watched.lose();
                return Ok(());
            }
            Ok(Err(error)) => anyhow!("cannot wait for frames of {inside} and {outside}: {error}"),
            Ok(Ok(())) => anyhow!("it ended"),
            Err(_) => anyhow!("it panicked"),
        };
        Err(why.context(format!("worker {} of link {} failed", leaver.number, config.name)).into())
    }

    /// Tells systemd how each link is, where that has changed.
    fn tell_status(&mut self) {
        let states: Vec<String> = self.links.iter().map(WatchedLink::status).collect();
        let status = states.join("; ");
        if mem::replace(&mut self.status, status) != self.status {
            tell_systemd(&[NotifyState::Status(&self.status)]);
        }
    }
}

/// Without systemd there is nobody to tell.
pub(super) fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
