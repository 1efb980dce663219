//! One worker: owns a queue and a pipeline, and moves every frame between them.

use std::sync::Arc;
use std::time::Instant;

use dataplane::decode::LinkType;
use dataplane::event::EventSink;
use dataplane::inspect::Epoch;
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::verdict::Verdict;
use dlp_patterns::RuleSet;

use crate::latency::{Latency, Stage};
use crate::port::{Batch, PacketIo, Port};

/// A queue, the pipeline that judges its frames, and who hears of it.
pub struct Worker<I, S> {
    io: I,
    pipeline: Pipeline,
    sink: S,
    link: u16,
    verdicts: Vec<Verdict>,
    /// Resets to inject once their batch is answered: port and frame.
    resets: Vec<(Port, Vec<u8>)>,
    latency: Latency,
}

/// A batch that was judged and is not sent yet.
#[derive(Clone, Copy)]
struct Judged {
    frames: usize,
    /// Of these, those on their way out.
    forwarded: u64,
    received: Instant,
    judged: Instant,
}

impl<I: PacketIo, S: EventSink> Worker<I, S> {
    /// A worker for one queue of the link with index `link`.
    pub fn new(io: I, pipeline: Pipeline, sink: S, link: u16) -> Worker<I, S> {
        Worker {
            io,
            pipeline,
            sink,
            link,
            verdicts: Vec::new(),
            resets: Vec::new(),
            latency: Latency::default(),
        }
    }

    /// Answers what waits at both ports, a batch each, received at `now_ns`. How many frames that were.
    pub fn turn(&mut self, now_ns: u64) -> usize {
        let batches = Port::BOTH.map(|port| {
            let judged = self.answer(port, now_ns);
            for (port, frame) in self.resets.drain(..) {
                self.pipeline.injected(self.io.inject(port, &frame));
            }
            judged
        });
        self.io.flush();
        for batch in batches.iter().flatten() {
            self.time(batch);
        }
        self.pipeline.expire(now_ns, &mut self.sink);
        self.take_back(now_ns);
        self.pipeline.hand_over(|flow, handling| self.io.settle(flow, handling));
        batches.iter().flatten().map(|batch| batch.frames).sum()
    }

    /// How long frames were here, since it was emptied last.
    pub fn latency(&mut self) -> &mut Latency {
        &mut self.latency
    }

    /// Notes the times of a batch, now that it is sent.
    fn time(&mut self, batch: &Judged) {
        let (sent, frames) = (Instant::now(), batch.frames as u64);
        self.latency.record(Stage::Judge, batch.judged - batch.received, frames);
        self.latency.record(Stage::Send, sent - batch.judged, batch.forwarded);
        self.latency.record(Stage::Transit, sent - batch.received, batch.forwarded);
    }

    /// Judges by other rules from the next turn on.
    pub fn swap_rules(&mut self, epoch: Epoch, rules: Arc<RuleSet>, now_ns: u64) {
        self.pipeline.swap_rules(epoch, rules, now_ns);
    }

    /// Its parts, each as it is: no flow has ended.
    pub fn into_parts(self) -> (I, Pipeline, S) {
        (self.io, self.pipeline, self.sink)
    }

    /// The books so far.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The queue, to wait at.
    pub fn io(&mut self) -> &mut I {
        &mut self.io
    }

    /// The sink, for what is no event of the dataplane.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Ends the flows that were settled and are over, with all that was done with them elsewhere.
    fn take_back(&mut self, now_ns: u64) {
        self.pipeline.take_back(|flow| self.io.unsettle(flow, now_ns), &mut self.sink);
    }

    /// Answers what waits at a port; `None` if nothing does.
    fn answer(&mut self, port: Port, now_ns: u64) -> Option<Judged> {
        let mut batch = self.io.receive(port);
        let frames = batch.len();
        if frames == 0 {
            return None;
        }
        let received = Instant::now();
        self.verdicts.clear();
        for index in 0..frames {
            let frame = batch.frame(index);
            let wire_bytes = frame.len() as u32;
            let meta = RxMeta {
                now_ns,
                link: self.link,
                link_type: LinkType::Ethernet,
                side: Some(side(port)),
                wire_bytes,
            };
            let verdict = self.pipeline.process(frame, meta, &mut self.sink);
            if let Verdict::Reset(_) = verdict {
                let resets = self.pipeline.resets();
                self.resets.extend(resets.to_sender().map(|frame| (port, frame.to_vec())));
                self.resets.extend(resets.to_receiver().map(|frame| (port.other(), frame.to_vec())));
            }
            self.verdicts.push(verdict);
        }
        let applied = batch.apply(&self.verdicts);
        self.pipeline.egress_failed(applied.refused);
        Some(Judged { frames, forwarded: applied.forwarded, received, judged: Instant::now() })
    }
}

/// The side of the link that a port's frames come from.
fn side(port: Port) -> Side {
    match port {
        Port::Inside => Side::Inside,
        Port::Outside => Side::Outside,
    }
}

#[cfg(test)]
mod tests;
