//! The thread of one worker: pinned to a core, beating for its queue, until told to stop.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use af_xdp::{Heartbeat, Port, Queue, SettledFlows, SocketStatistics};
use core_affinity::CoreId;
use crossbeam_channel::Sender;
use dataplane::pipeline::{BlockedFlow, Counters, Pipeline};

use super::idle::{Idle, Rest};
use super::now_ns;
use super::rule_slot::{InForce, RuleWatch};
use crate::eve::EveSender;
use crate::latency::Latency;
use crate::limits::{RETIRE_MS_MAX, RETIRE_QUIET_US, WIND_UP_MS};
use crate::port::xdp;
use crate::worker::Worker;

/// Between two reports to the supervisor, and the longest that an event waits for others.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// The books of one worker, and the kernel's of its queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Books {
    pub(super) counters: Counters,
    /// By port.
    pub(super) sockets: [SocketStatistics; 2],
    /// Frames that were lent to other workers.
    pub(super) frames_lent: u64,
}

/// The books as they stand.
pub(super) struct Report {
    pub(super) worker: usize,
    pub(super) books: Books,
    /// Since the report before.
    pub(super) latency: Latency,
}

/// How a worker ended: its last books, and why it ended if nobody told it to.
pub(super) struct Ended {
    pub(super) books: Books,
    /// Since the last report.
    pub(super) latency: Latency,
    pub(super) outcome: io::Result<()>,
}

/// A worker that has let go of its ports. Its flows are as they were, and those that the XDP programs drop are still
/// dropped.
pub(super) struct Retired {
    index: usize,
    queue: u32,
    sockets: [SocketStatistics; 2],
    frames_lent: u64,
    latency: Latency,
    outcome: io::Result<()>,
    pipeline: Pipeline,
    sink: EveSender,
    settled: Option<SettledFlows>,
}

impl Retired {
    /// Its number.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The queue on which it worked.
    pub(super) fn queue(&self) -> u32 {
        self.queue
    }

    /// Its flows of which nothing may pass.
    pub(super) fn blocked(&self) -> impl Iterator<Item = BlockedFlow> {
        self.pipeline.blocked()
    }

    /// Ends all flows, with all that was dropped of them. What is blocked stays so for as long as the XDP programs do.
    pub(super) fn finish(mut self, now_ns: u64) -> Ended {
        self.pipeline.finish(now_ns, &mut self.sink);
        let settled = self.settled.as_ref();
        self.pipeline.take_back(|flows| xdp::look_up(settled, flows, now_ns), &mut self.sink);
        let Retired { sockets, frames_lent, .. } = self;
        let books = Books { counters: *self.pipeline.counters(), sockets, frames_lent };
        Ended { books, latency: self.latency, outcome: self.outcome }
    }
}

/// All that one worker's thread owns.
pub(super) struct WorkerThread {
    pub(super) index: usize,
    pub(super) queue: u32,
    pub(super) core: Option<usize>,
    pub(super) idle: Idle,
    pub(super) worker: Worker<Queue, EveSender>,
    pub(super) rules: RuleWatch,
    pub(super) heartbeat: Heartbeat,
    pub(super) reports: Sender<Report>,
}

impl WorkerThread {
    /// Moves frames until `stop` is set or a port's device is gone; then lets go of the ports.
    pub(super) fn run(mut self, stop: &AtomicBool) -> Retired {
        if let Some(id) = self.core
            && !core_affinity::set_for_current(CoreId { id })
        {
            tracing::warn!(worker = self.index, core = id, "cannot be pinned to its core");
        }
        let attendance = self.heartbeat.attend(self.queue);
        let outcome = match &attendance {
            Ok(_) => self.work(stop),
            Err(error) => Err(io::Error::new(error.kind(), format!("its end cannot be made known: {error}"))),
        };
        // From now on, frames take the way of a lost engine.
        drop(attendance);
        if outcome.is_ok() {
            self.see_off();
            self.wind_up();
        }
        let sockets = self.sockets().unwrap_or_default();
        let frames_lent = self.worker.frames_lent();
        let latency = mem::take(self.worker.latency());
        let (mut queue, pipeline, sink) = self.worker.into_parts();
        let settled = queue.settled().cloned();
        // Closes the sockets.
        drop(queue);
        let index = self.index;
        Retired { index, queue: self.queue, sockets, frames_lent, latency, outcome, pipeline, sink, settled }
    }

    /// Judges and sends what is still under way. Nothing new comes, since the heart has stopped beating.
    fn see_off(&mut self) {
        let begun = Instant::now();
        let mut last_frame = begun;
        while begun.elapsed() < Duration::from_millis(RETIRE_MS_MAX) {
            if self.worker.turn(now_ns()) > 0 {
                last_frame = Instant::now();
            }
            let is_quiet = last_frame.elapsed() > Duration::from_micros(RETIRE_QUIET_US);
            if is_quiet && !self.worker.io().is_sending() {
                return;
            }
            thread::sleep(Duration::from_micros(RETIRE_QUIET_US / 10));
        }
    }

    /// Brings what is under way between the workers of the link to its end, as long as none of them hangs: all of them see
    /// off their frames at the same time.
    fn wind_up(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(WIND_UP_MS);
        while !self.worker.wind_up(now_ns()) || (self.worker.is_shared() && self.worker.io().is_sending()) {
            if Instant::now() >= deadline {
                let (worker, frames) = (self.index, self.worker.frames_away());
                tracing::warn!(worker, frames, "another worker hangs: frames under way to it are lost");
                return;
            }
            thread::yield_now();
        }
    }

    fn work(&mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut report_at = Instant::now() + REPORT_INTERVAL;
        while !stop.load(Ordering::Relaxed) {
            self.heartbeat.beat(self.queue);
            let now_ns = now_ns();
            if let Some((epoch, InForce { rules, threats })) = self.rules.newer() {
                self.worker.swap_rules(epoch, rules, now_ns);
                self.worker.set_threats(&threats);
            }
            match self.idle.after(self.worker.turn(now_ns), Instant::now) {
                Rest::None => {}
                Rest::Yield => thread::yield_now(),
                Rest::Sleep => {
                    let idle = &mut self.idle;
                    self.worker
                        .sleep(|queue, call| queue.wait_or_called(idle.sleep_ms(queue.is_sending()), call))?;
                }
            }
            if Instant::now() >= report_at {
                self.report()?;
                report_at = Instant::now() + REPORT_INTERVAL;
            }
        }
        Ok(())
    }

    /// A supervisor that is behind misses a report: the next one tells more.
    fn report(&mut self) -> io::Result<()> {
        self.worker.sink().flush();
        let books = Books {
            counters: *self.worker.pipeline().counters(),
            sockets: self.sockets()?,
            frames_lent: self.worker.frames_lent(),
        };
        if !books.counters.is_balanced() || !self.worker.io().is_balanced() {
            let counters = books.counters;
            tracing::error!(worker = self.index, ?counters, "ALARM: frames are not accounted for");
        }
        let latency = mem::take(self.worker.latency());
        if let Err(refused) = self.reports.try_send(Report { worker: self.index, books, latency }) {
            self.worker.latency().add(&refused.into_inner().latency);
        }
        Ok(())
    }

    /// What the kernel counted on the sockets of the queue, by port.
    fn sockets(&mut self) -> io::Result<[SocketStatistics; 2]> {
        let queue = self.worker.io();
        Ok([queue.statistics(Port::Inside)?, queue.statistics(Port::Outside)?])
    }
}
