//! Event lines of a live engine: collected by each worker, written by one thread.
//!
//! A worker never waits: where no buffer is free its events are counted as lost. The writer never gives up: a
//! full disk is reported once, its events are counted as lost, and writing goes on when there is room.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use dataplane::event::{Event, EventSink};
use dataplane::pipeline::Counters;

use super::{EveFormat, LinkChange, Reload, Totals};
use crate::config::{EventTypes, EventsConfig};
use crate::limits::{EVENT_BUFFER_BYTES, EVENT_BUFFERS_MAX};
use crate::port::LinkCounters;

/// How long a request to reopen the file may wait where no events come.
const IDLE: Duration = Duration::from_millis(200);

/// Whole lines, and how many.
#[derive(Debug, Default)]
struct Batch {
    lines: Vec<u8>,
    events: u64,
}

/// The writer thread, and the ends that workers get. The thread lives until every sender is gone.
#[derive(Debug)]
pub struct EveLog {
    sender: EveSender,
    thread: JoinHandle<()>,
}

/// One worker's end: a sink that collects lines and hands them over when a buffer is full, or on
/// [`EveSender::flush`].
#[derive(Debug)]
pub struct EveSender {
    format: Arc<EveFormat>,
    batch: Batch,
    full: Sender<Batch>,
    empty: Receiver<Batch>,
    lost: Arc<AtomicU64>,
}

impl EveLog {
    /// Opens the file that `config` names and starts its writer. Setting `reopen` makes the writer open the
    /// file anew, after a log rotation moved it away. Without a file, events go nowhere.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(config: &EventsConfig, links: Vec<String>, reopen: Arc<AtomicBool>) -> io::Result<EveLog> {
        let target = config.eve.as_deref().map(Target::open).transpose()?;
        let types = if target.is_some() { config.types } else { EventTypes::NONE };
        let (full, full_in) = bounded(EVENT_BUFFERS_MAX);
        let (empty_out, empty) = bounded(EVENT_BUFFERS_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = target.map(|target| Writer {
            target,
            full: full_in,
            empty: empty_out,
            lost: Arc::clone(&lost),
            reopen,
            failing: false,
            is_torn: false,
        });
        let thread = thread::Builder::new()
            .name("eve".to_owned())
            .spawn(move || writer.into_iter().for_each(Writer::run))?;
        let format = Arc::new(EveFormat::new(types, links));
        Ok(EveLog { sender: EveSender { format, batch: Batch::default(), full, empty, lost }, thread })
    }

    /// An end for one more worker.
    pub fn sender(&self) -> EveSender {
        let EveSender { format, full, empty, lost, .. } = &self.sender;
        EveSender {
            format: Arc::clone(format),
            batch: Batch::default(),
            full: full.clone(),
            empty: empty.clone(),
            lost: Arc::clone(lost),
        }
    }

    /// Events that were not written.
    pub fn lost(&self) -> u64 {
        self.sender.lost.load(Ordering::Relaxed)
    }

    /// Tells of the counters of the whole engine, and of those of the kernel.
    pub fn stats(&mut self, counters: &Counters, links: &[LinkCounters], uptime_s: u64, now_ns: u64) {
        self.sender.stats(counters, links, uptime_s, now_ns);
        self.sender.flush();
    }

    /// Tells what became of a reload of the packs.
    pub fn reload(&mut self, reload: &Reload, now_ns: u64) {
        self.tell(|format, lines| format.reload(reload, now_ns, lines));
    }

    /// Tells of a change of a link.
    pub fn link(&mut self, change: &LinkChange<'_>, now_ns: u64) {
        self.tell(|format, lines| format.link(change, now_ns, lines));
    }

    fn tell(&mut self, append: impl FnOnce(&EveFormat, &mut Vec<u8>)) {
        let EveSender { format, batch, .. } = &mut self.sender;
        let before = batch.lines.len();
        append(format, &mut batch.lines);
        batch.events += u64::from(batch.lines.len() > before);
        self.sender.flush();
    }

    /// Waits until everything is written. Every other sender has to be gone by then.
    pub fn close(self) {
        let EveLog { mut sender, thread } = self;
        sender.flush();
        drop(sender);
        if thread.join().is_err() {
            tracing::error!("the writer of events panicked");
        }
    }
}

impl EveSender {
    /// Hands over what was collected. To be called when a worker has nothing else to do, so that events do
    /// not wait for others.
    pub fn flush(&mut self) {
        if self.batch.events == 0 {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        match self.full.try_send(batch) {
            Ok(()) => self.batch = self.empty.try_recv().unwrap_or_default(),
            Err(refused) => {
                let mut batch = refused.into_inner();
                self.lost.fetch_add(batch.events, Ordering::Relaxed);
                batch.clear();
                self.batch = batch;
            }
        }
    }

    fn stats(&mut self, counters: &Counters, links: &[LinkCounters], uptime_s: u64, now_ns: u64) {
        let totals = Totals { counters, links, uptime_s, events_lost: self.lost.load(Ordering::Relaxed) };
        let before = self.batch.lines.len();
        self.format.stats(&totals, now_ns, &mut self.batch.lines);
        self.batch.events += u64::from(self.batch.lines.len() > before);
    }
}

impl EventSink for EveSender {
    fn emit(&mut self, event: Event<'_>) {
        self.batch.events += u64::from(self.format.event(&event, &mut self.batch.lines));
        if self.batch.lines.len() >= EVENT_BUFFER_BYTES {
            self.flush();
        }
    }
}

impl Drop for EveSender {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Batch {
    fn clear(&mut self) {
        self.lines.clear();
        self.events = 0;
    }
}

/// Where lines end up.
#[derive(Debug)]
enum Target {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Target {
    fn open(path: &Path) -> io::Result<Target> {
        if path == Path::new("-") {
            return Ok(Target::Stdout);
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Target::File { path: path.to_owned(), file })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Target::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Target::File { file, .. } => file.write_all(bytes),
        }
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Target::File { path, .. } = self {
            *self = Target::open(&path.clone())?;
        }
        Ok(())
    }
}

/// What the thread owns.
struct Writer {
    target: Target,
    full: Receiver<Batch>,
    empty: Sender<Batch>,
    lost: Arc<AtomicU64>,
    reopen: Arc<AtomicBool>,
    /// The last write failed, and that was reported.
    failing: bool,
    /// A failed write may have left a part of a line.
    is_torn: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            let received = self.full.recv_timeout(IDLE);
            if self.reopen.swap(false, Ordering::Relaxed) {
                self.reopen();
            }
            match received {
                Ok(batch) => self.write(batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn reopen(&mut self) {
        match self.target.reopen() {
            Ok(()) => {
                tracing::info!("events go to a reopened file");
                self.is_torn = false;
            }
            Err(error) => {
                tracing::error!(%error, "the file of events cannot be reopened; the old one is kept");
            }
        }
    }

    fn write(&mut self, mut batch: Batch) {
        let closed = if self.is_torn { self.target.write(b"\n") } else { Ok(()) };
        match closed.and_then(|()| self.target.write(&batch.lines)) {
            Ok(()) => {
                if self.failing {
                    tracing::warn!(lost = self.lost.load(Ordering::Relaxed), "events are written again");
                }
                (self.failing, self.is_torn) = (false, false);
            }
            Err(error) => {
                self.lost.fetch_add(batch.events, Ordering::Relaxed);
                if !self.failing {
                    tracing::error!(%error, "events cannot be written and are lost until they can");
                }
                (self.failing, self.is_torn) = (true, true);
            }
        }
        batch.clear();
        // A full pool only means that this buffer is not needed.
        let _ = self.empty.try_send(batch);
    }
}

#[cfg(test)]
mod tests;
