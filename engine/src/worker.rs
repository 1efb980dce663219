//! One worker: owns a queue and a pipeline, and moves every frame between them.

mod shared;

use std::sync::Arc;
use std::time::Instant;

use arrayvec::ArrayVec;
use dataplane::decode::LinkType;
use dataplane::event::EventSink;
use dataplane::inspect::Epoch;
use dataplane::limits::FRAGMENTS_PER_DATAGRAM_MAX;
use dataplane::pipeline::{Pipeline, Resets, RxMeta, Side};
use dataplane::policy::ThreatPolicy;
use dataplane::verdict::Verdict;
use dlp_patterns::RuleSet;

use crate::latency::{Latency, Stage};
use crate::lending::{Lending, Loan, Owner};
use crate::port::{Batch, PacketIo, Port};

/// A queue, the pipeline that judges its frames, and who hears of it.
pub struct Worker<I: PacketIo, S> {
    io: I,
    pipeline: Pipeline,
    sink: S,
    link: u16,
    /// `None` where no other worker has frames of the same link.
    lending: Option<Lending<I::Lent>>,
    /// Of each frame of the batch at hand, the other worker that its flow belongs to.
    owners: Vec<Option<usize>>,
    verdicts: Vec<Verdict>,
    /// Resets to inject once their batch is answered: port and frame.
    resets: Vec<(Port, Vec<u8>)>,
    /// Frames that others judged and that came home in this turn.
    came_home: Vec<Judged>,
    latency: Latency,
}

/// Frames that were judged and are not sent yet.
#[derive(Clone, Copy)]
struct Judged {
    frames: u64,
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
            lending: None,
            owners: Vec::new(),
            verdicts: Vec::new(),
            resets: Vec::new(),
            came_home: Vec::new(),
            latency: Latency::default(),
        }
    }

    /// Judges only frames of flows that are its own from now on, wherever they come in, and has others judge theirs.
    pub fn share(&mut self, lending: Lending<I::Lent>) {
        self.pipeline.share(lending.owners.clone(), lending.exchange.index());
        self.lending = Some(lending);
    }

    /// Answers what waits at both ports, a batch each, received at `now_ns`, and what other workers left here. How many
    /// frames that were.
    pub fn turn(&mut self, now_ns: u64) -> usize {
        let exchanged = self.exchange();
        let batches = Port::BOTH.map(|port| {
            let answered = self.answer(port, now_ns);
            for (port, frame) in self.resets.drain(..) {
                self.pipeline.injected(self.io.inject(port, &frame));
            }
            answered
        });
        self.release();
        // Before the flush, so that the others work while the kernel sends.
        if let Some(lending) = &mut self.lending {
            lending.exchange.ring();
        }
        self.io.flush();
        let sent = Instant::now();
        for (judged, _) in batches.iter().flatten() {
            self.time(judged, sent);
        }
        self.close_turn(now_ns);
        exchanged + batches.iter().flatten().map(|(_, frames)| frames).sum::<usize>()
    }

    /// Sends what was held until its datagram was whole, or leaves it to the worker that owns its flow.
    fn release(&mut self) {
        self.hand_over_datagrams();
        let mut unsent = 0;
        for pieces in self.pipeline.take_released() {
            let side = pieces.first().and_then(|piece| piece.meta.side);
            let out = side.map_or(Port::Outside, |side| port(side).other());
            let frames: ArrayVec<&[u8], FRAGMENTS_PER_DATAGRAM_MAX> =
                pieces.iter().map(|piece| &*piece.frame).collect();
            // Where there is no room for all, none leaves: its receiver would keep the others for nothing.
            if !self.io.inject_all(out, &frames) {
                unsent += frames.len() as u64;
            }
        }
        self.pipeline.egress_failed(unsent);
    }

    /// How long frames were here, since it was emptied last.
    pub fn latency(&mut self) -> &mut Latency {
        &mut self.latency
    }

    /// What every turn ends with, once all is sent.
    fn close_turn(&mut self, now_ns: u64) {
        if !self.came_home.is_empty() {
            let sent = Instant::now();
            while let Some(judged) = self.came_home.pop() {
                self.time(&judged, sent);
            }
        }
        self.pipeline.expire(now_ns, &mut self.sink);
        self.take_back(now_ns);
        self.pipeline.hand_over(|flow, handling| self.io.settle(flow, handling));
    }

    /// Notes the times of frames that are sent.
    fn time(&mut self, judged: &Judged, sent: Instant) {
        self.latency.record(Stage::Judge, judged.judged - judged.received, judged.frames);
        self.latency.record(Stage::Send, sent - judged.judged, judged.forwarded);
        self.latency.record(Stage::Transit, sent - judged.received, judged.forwarded);
    }

    /// Judges by other rules from the next turn on.
    pub fn swap_rules(&mut self, epoch: Epoch, rules: Arc<RuleSet>, now_ns: u64) {
        self.pipeline.swap_rules(epoch, rules, now_ns);
    }

    /// Judges threats by other thresholds and actions from the next turn on.
    pub fn set_threats(&mut self, policy: &ThreatPolicy) {
        self.pipeline.set_threats(policy);
    }

    /// Its parts, each as it is: no flow has ended.
    pub fn into_parts(mut self) -> (I, Pipeline, S) {
        if let Some(lending) = &self.lending {
            self.pipeline.egress_failed(lending.exchange.take_unsent());
        }
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
        self.pipeline.take_back(|flows| self.io.unsettle(flows, now_ns), &mut self.sink);
    }

    /// Answers what waits at a port or lends it to whom it concerns, and says how many frames that were; `None` if
    /// nothing waits.
    fn answer(&mut self, port: Port, now_ns: u64) -> Option<(Judged, usize)> {
        let mut batch = self.io.receive(port);
        let frames = batch.len();
        if frames == 0 {
            return None;
        }
        let received = Instant::now();
        self.verdicts.clear();
        let link = self.link;
        let meta_of = |frame: &[u8]| RxMeta {
            now_ns,
            link,
            link_type: LinkType::Ethernet,
            side: Some(side(port)),
            wire_bytes: frame.len() as u32,
        };
        self.owners.clear();
        for index in 0..frames {
            let frame = batch.frame(index);
            self.owners.push(self.pipeline.foresee(frame, &meta_of(frame)));
        }
        self.pipeline.foreseen();
        for (index, &owner) in self.owners.iter().enumerate() {
            let frame = batch.frame(index);
            let meta = meta_of(frame);
            let verdict = match self.lending.as_ref().map_or(Owner::Here, |lending| lending.owner(owner)) {
                Owner::Here => self.pipeline.process(frame, meta, &mut self.sink),
                Owner::Behind => self.pipeline.refuse_unowned(frame, meta, &mut self.sink),
                Owner::There(owner) => {
                    let loan = Loan { frame: batch.lend(index), meta, received };
                    let lending = self.lending.as_mut().expect("it named the owner");
                    lending.exchange.lend(owner, loan);
                    continue;
                }
            };
            self.resets.extend(resets(&self.pipeline, verdict, port));
            self.verdicts.push(verdict);
        }
        let applied = batch.apply(&self.verdicts);
        self.pipeline.egress_failed(applied.refused);
        let judged = Judged {
            frames: self.verdicts.len() as u64,
            forwarded: applied.forwarded,
            received,
            judged: Instant::now(),
        };
        Some((judged, frames))
    }
}

/// What a verdict asks to inject on a frame that came in at `port` and was just judged: port and frame.
fn resets(pipeline: &Pipeline, verdict: Verdict, port: Port) -> impl Iterator<Item = (Port, Vec<u8>)> {
    let asked = matches!(verdict, Verdict::Reset(_)).then(|| pipeline.resets());
    let to_sender = asked.and_then(Resets::to_sender).map(|frame| (port, frame.to_vec()));
    let to_receiver = asked.and_then(Resets::to_receiver).map(|frame| (port.other(), frame.to_vec()));
    to_sender.into_iter().chain(to_receiver)
}

/// The side of the link that a port's frames come from.
fn side(port: Port) -> Side {
    match port {
        Port::Inside => Side::Inside,
        Port::Outside => Side::Outside,
    }
}

/// The port that frames from a side of the link come in at.
fn port(side: Side) -> Port {
    match side {
        Side::Inside => Port::Inside,
        Side::Outside => Port::Outside,
    }
}

#[cfg(test)]
mod tests;
