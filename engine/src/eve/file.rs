//! Event lines straight into a writer, for a replay.

use std::io::{self, Write};

use dataplane::event::{Event, EventSink};
use dataplane::pipeline::Counters;

use super::{EveFormat, Totals};
use crate::limits::EVENT_BUFFER_BYTES;

/// A sink that writes on the calling thread. After a write error it takes nothing more.
#[derive(Debug)]
pub struct EveFile<W> {
    format: EveFormat,
    lines: Vec<u8>,
    writer: W,
    error: Option<io::Error>,
}

impl<W: Write> EveFile<W> {
    /// A sink that writes whole lines to `writer`, which needs no buffer of its own.
    pub fn new(format: EveFormat, writer: W) -> EveFile<W> {
        EveFile { format, lines: Vec::with_capacity(2 * EVENT_BUFFER_BYTES), writer, error: None }
    }

    /// Tells of the counters.
    pub fn stats(&mut self, counters: &Counters, uptime_s: u64, now_ns: u64) {
        self.format.stats(
            &Totals { counters, links: &[], uptime_s, events_lost: 0 },
            now_ns,
            &mut self.lines,
        );
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The first error of any write.
    pub fn finish(mut self) -> io::Result<W> {
        self.write();
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self.writer),
        }
    }

    fn write(&mut self) {
        if self.error.is_none() {
            let written = self.writer.write_all(&self.lines).and_then(|()| self.writer.flush());
            self.error = written.err();
        }
        self.lines.clear();
    }
}

impl<W: Write> EventSink for EveFile<W> {
    fn emit(&mut self, event: Event<'_>) {
        self.format.event(&event, &mut self.lines);
        if self.lines.len() >= EVENT_BUFFER_BYTES {
            self.write();
        }
    }
}
