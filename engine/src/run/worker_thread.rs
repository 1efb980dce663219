//! The thread of one worker: pinned to a core, beating for its queue, until told to stop.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use af_xdp::{Heartbeat, Queue};
use core_affinity::CoreId;
use crossbeam_channel::Sender;
use dataplane::pipeline::Counters;

use super::now_ns;
use crate::eve::EveSender;
use crate::limits::WORKER_WAIT_MS;
use crate::worker::Worker;

/// Between two reports to the supervisor, and the longest that an event waits for others.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// The books of one worker, as it stands.
pub(super) struct Report {
    pub(super) worker: usize,
    pub(super) counters: Counters,
}

/// All that one worker's thread owns.
pub(super) struct WorkerThread {
    pub(super) index: usize,
    pub(super) queue: u32,
    pub(super) core: Option<usize>,
    pub(super) worker: Worker<Queue, EveSender>,
    pub(super) heartbeat: Heartbeat,
    pub(super) reports: Sender<Report>,
}

impl WorkerThread {
    /// Moves frames until `stop` is set; then ends all flows and hands back the books.
    ///
    /// # Errors
    /// If a port's device is gone.
    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<Counters> {
        if let Some(id) = self.core
            && !core_affinity::set_for_current(CoreId { id })
        {
            tracing::warn!(worker = self.index, core = id, "cannot be pinned to its core");
        }
        let mut report_at = Instant::now() + REPORT_INTERVAL;
        while !stop.load(Ordering::Relaxed) {
            self.heartbeat.beat(self.queue);
            if self.worker.turn(now_ns()) == 0 {
                self.worker.io().wait(WORKER_WAIT_MS)?;
            }
            if Instant::now() >= report_at {
                self.report();
                report_at = Instant::now() + REPORT_INTERVAL;
            }
        }
        let (pipeline, _sink) = self.worker.finish(now_ns());
        Ok(*pipeline.counters())
    }

    /// A supervisor that is behind misses a report: the next one tells more.
    fn report(&mut self) {
        self.worker.sink().flush();
        let counters = *self.worker.pipeline().counters();
        let _ = self.reports.try_send(Report { worker: self.index, counters });
    }
}
