//! The thread of one worker: pinned to a core, beating for its queue, until told to stop.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use af_xdp::{Heartbeat, Port, Queue, SocketStatistics};
use core_affinity::CoreId;
use crossbeam_channel::Sender;
use dataplane::pipeline::Counters;

use super::idle::{Idle, Rest};
use super::now_ns;
use super::rule_slot::RuleWatch;
use crate::eve::EveSender;
use crate::latency::Latency;
use crate::worker::Worker;

/// Between two reports to the supervisor, and the longest that an event waits for others.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// The books of one worker, and the kernel's of its queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Books {
    pub(super) counters: Counters,
    /// By port.
    pub(super) sockets: [SocketStatistics; 2],
}

/// The books as they stand.
pub(super) struct Report {
    pub(super) worker: usize,
    pub(super) books: Books,
    /// Since the report before.
    pub(super) latency: Latency,
}

/// How a worker's thread ended: its last books, and why it ended if nobody told it to.
pub(super) struct Ended {
    pub(super) books: Books,
    /// Since the last report.
    pub(super) latency: Latency,
    pub(super) outcome: io::Result<()>,
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
    /// Moves frames until `stop` is set or a port's device is gone; then ends all flows.
    pub(super) fn run(mut self, stop: &AtomicBool) -> Ended {
        if let Some(id) = self.core
            && !core_affinity::set_for_current(CoreId { id })
        {
            tracing::warn!(worker = self.index, core = id, "cannot be pinned to its core");
        }
        let outcome = self.work(stop);
        let sockets = self.sockets().unwrap_or_default();
        let latency = mem::take(self.worker.latency());
        let (pipeline, _sink) = self.worker.finish(now_ns());
        Ended { books: Books { counters: *pipeline.counters(), sockets }, latency, outcome }
    }

    fn work(&mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut report_at = Instant::now() + REPORT_INTERVAL;
        while !stop.load(Ordering::Relaxed) {
            self.heartbeat.beat(self.queue);
            let now_ns = now_ns();
            if let Some((epoch, rules)) = self.rules.newer() {
                self.worker.swap_rules(epoch, rules, now_ns);
            }
            match self.idle.after(self.worker.turn(now_ns), Instant::now) {
                Rest::None => {}
                Rest::Yield => thread::yield_now(),
                Rest::Sleep => {
                    let queue = self.worker.io();
                    queue.wait(self.idle.sleep_ms(queue.is_sending()))?;
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
        let books = Books { counters: *self.worker.pipeline().counters(), sockets: self.sockets()? };
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
