//! Captures through the pipeline, as if their frames arrived on a port. Time comes from the captures.

use std::io::{self, Read, Write};
use std::sync::Arc;

use dataplane::event::EventSink;
use dataplane::pipeline::{Counters, Pipeline, RxMeta};
use dataplane::policy::Settings;
use dataplane::verdict::Verdict;
use dlp_patterns::RuleSet;

use crate::eve::EveFile;
use crate::io::pcap::{Capture, CaptureError, Record};

mod passed;
mod summary;

pub use passed::Passed;
pub use summary::Summary;

/// Frames between two looks at the flows that may have timed out.
const FRAMES_PER_EXPIRY: u32 = 64;

/// Several captures as one run: flows go on from one to the next.
pub struct Replay<S> {
    pipeline: Pipeline,
    sink: S,
    passed: Option<Passed>,
    first_ns: Option<u64>,
    newest_ns: u64,
    until_expiry: u32,
}

impl<S: EventSink> Replay<S> {
    /// A run that tells `sink` of its events and writes the frames that pass to `passed`.
    pub fn new(settings: Settings, rules: Arc<RuleSet>, sink: S, passed: Option<Passed>) -> Replay<S> {
        Replay {
            pipeline: Pipeline::new(settings, rules),
            sink,
            passed,
            first_ns: None,
            newest_ns: 0,
            until_expiry: FRAMES_PER_EXPIRY,
        }
    }

    /// Plays one capture to its end, or to the first fault.
    ///
    /// # Errors
    /// The fault. What was readable before it has been played.
    pub fn play<R: Read>(&mut self, capture: &mut Capture<R>) -> Result<(), CaptureError> {
        while let Some(record) = capture.next_record()? {
            self.judge(record);
        }
        Ok(())
    }

    /// Frames that were judged so far.
    pub fn frames(&self) -> u64 {
        self.pipeline.counters().frames_in
    }

    /// Ends all flows; yields the sink and the books.
    ///
    /// # Errors
    /// If the frames that pass could not be written.
    pub fn end(mut self) -> Result<(S, Counters), io::Error> {
        let counters = self.close();
        self.passed.map_or(Ok(()), Passed::finish)?;
        Ok((self.sink, counters))
    }

    fn close(&mut self) -> Counters {
        self.pipeline.finish(self.newest_ns, &mut self.sink);
        self.release();
        *self.pipeline.counters()
    }

    /// Writes what was held until its datagram was whole.
    fn release(&mut self) {
        for piece in self.pipeline.take_released().flatten() {
            if let Some(passed) = &mut self.passed {
                passed.frame(&piece.frame, &piece.meta);
            }
        }
    }

    #[inline]
    fn judge(&mut self, record: Record<'_>) {
        let Record { frame, time_ns, link_type, wire_bytes } = record;
        self.first_ns = Some(self.first_ns.map_or(time_ns, |first| first.min(time_ns)));
        self.newest_ns = self.newest_ns.max(time_ns);
        let meta = RxMeta { now_ns: time_ns, link: 0, link_type, side: None, wire_bytes };
        let verdict = self.pipeline.process(frame, meta, &mut self.sink);
        if let Verdict::Reset(_) = verdict {
            // An inline engine would inject them, through ports with room.
            let resets = self.pipeline.resets();
            let count = [resets.to_sender(), resets.to_receiver()].iter().flatten().count();
            (0..count).for_each(|_| self.pipeline.injected(true));
        }
        self.release();
        if let Some(passed) = &mut self.passed {
            match verdict {
                Verdict::Forward => passed.frame(frame, &meta),
                Verdict::Reset(_) => passed.resets(self.pipeline.resets(), &meta),
                Verdict::Drop(_) | Verdict::Hold => {}
            }
        }
        self.until_expiry -= 1;
        if self.until_expiry == 0 {
            self.until_expiry = FRAMES_PER_EXPIRY;
            self.pipeline.expire(self.newest_ns, &mut self.sink);
        }
    }
}

impl<W: Write> Replay<EveFile<W>> {
    /// Ends all flows and closes the books.
    ///
    /// # Errors
    /// If events, or the frames that pass, could not be written.
    pub fn finish(mut self) -> Result<Summary, io::Error> {
        let counters = self.close();
        let span_ns = self.newest_ns - self.first_ns.unwrap_or(self.newest_ns);
        self.sink.stats(&counters, span_ns / 1_000_000_000, self.newest_ns);
        self.sink.finish()?;
        self.passed.map_or(Ok(()), Passed::finish)?;
        Ok(Summary::new(counters, span_ns))
    }
}
