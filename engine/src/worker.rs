//! One worker: owns a queue and a pipeline, and moves every frame between them.

use std::sync::Arc;

use dataplane::decode::LinkType;
use dataplane::event::EventSink;
use dataplane::inspect::Epoch;
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::verdict::Verdict;
use dlp_patterns::RuleSet;

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
}

impl<I: PacketIo, S: EventSink> Worker<I, S> {
    /// A worker for one queue of the link with index `link`.
    pub fn new(io: I, pipeline: Pipeline, sink: S, link: u16) -> Worker<I, S> {
        Worker { io, pipeline, sink, link, verdicts: Vec::new(), resets: Vec::new() }
    }

    /// Answers what waits at both ports, a batch each, received at `now_ns`. How many frames that were.
    pub fn turn(&mut self, now_ns: u64) -> usize {
        let mut frames = 0;
        for port in Port::BOTH {
            frames += self.answer(port, now_ns);
            for (port, frame) in self.resets.drain(..) {
                self.pipeline.injected(self.io.inject(port, &frame));
            }
        }
        self.io.flush();
        self.pipeline.expire(now_ns, &mut self.sink);
        frames
    }

    /// Judges by other rules from the next turn on.
    pub fn swap_rules(&mut self, epoch: Epoch, rules: Arc<RuleSet>, now_ns: u64) {
        self.pipeline.swap_rules(epoch, rules, now_ns);
    }

    /// Ends all flows and hands back the books.
    pub fn finish(mut self, now_ns: u64) -> (Pipeline, S) {
        self.pipeline.finish(now_ns, &mut self.sink);
        (self.pipeline, self.sink)
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

    fn answer(&mut self, port: Port, now_ns: u64) -> usize {
        let mut batch = self.io.receive(port);
        let frames = batch.len();
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
        frames
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
