//! [`Judged`]: what a dialogue came to: what the rules read and found in it, and what reached the other end.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use dataplane::app::{AppProtocol, HttpTransaction, Lane, Record};
use dataplane::decode::{ChecksumMode, LinkType, decode};
use dataplane::event::{AnomalyKind, Event, EventSink, Reading};
use dataplane::flow::{Direction, FlowRecord};
use dataplane::inspect::FlowSteps;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Field, RuleSet};

use crate::cut::{Cut, Sent};
use crate::dialogue::Dialogue;

/// Rule, field, way, and where in the field the match begins and ends.
pub type Found = (u32, Field, Direction, u64, u64);

/// What must not depend on how a dialogue is cut, but for [`refused`](Self::refused) and
/// [`received_bytes`](Self::received_bytes), which say how far it came before it was blocked, and for
/// [`refusal`](Self::refusal): nobody is reset through a tunnel, or for pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Sorted.
    pub alerts: Vec<Found>,
    /// Whether no packet had more hits than are listed. One that had hides the text of transactions, too, for what may be a
    /// secret in it.
    pub is_listed: bool,
    /// Those that are not listed, too.
    pub hits: u64,
    /// By direction, what the rules read: fields, bytes, and a digest of both.
    pub read: [Read; 2],
    /// The same of what was drawn out beside that.
    pub read_beside: [Read; 2],
    /// Sorted: which way, and what.
    pub anomalies: Vec<(Direction, &'static str)>,
    /// Requests with their responses, in order.
    pub transactions: Vec<HttpTransaction>,
    /// Transactions of other protocols, in order.
    pub records: Vec<Record>,
    /// Protocol of each flow.
    pub apps: Vec<AppProtocol>,
    /// Why each flow was blocked, where it was.
    pub blocked: Vec<Option<DropReason>>,
    /// The turn in which something did not pass first, and which way it went.
    pub refused: Option<(usize, Direction)>,
    /// What was said of it.
    pub refusal: Option<Verdict>,
    /// By direction, how much of the stream its receiver has in order, or how many datagrams.
    pub received_bytes: [usize; 2],
    /// Frames that were judged.
    pub frames: u64,
}

/// What was read in one direction.
#[derive(Clone, Debug, Default)]
pub struct Read {
    fields: usize,
    bytes: usize,
    digest: DefaultHasher,
}

impl PartialEq for Read {
    fn eq(&self, other: &Read) -> bool {
        let all = |read: &Read| (read.fields, read.bytes, read.digest.finish());
        all(self) == all(other)
    }
}

impl Eq for Read {}

impl Judged {
    /// Has a pipeline of its own judge a dialogue that is cut so.
    ///
    /// # Panics
    /// Where a frame is not accounted for, or other bytes pass than a receiver is to read.
    pub fn of(dialogue: &Dialogue, cut: Cut, seed: u64, mode: Mode, rules: &Arc<RuleSet>) -> Judged {
        // What packets and flows may cost is the one thing that does depend on what is in one packet.
        let flow_steps = FlowSteps { max: u64::MAX, ..FlowSteps::default() };
        let settings =
            Settings { mode, flows_max: 16, packet_steps_max: u64::MAX, flow_steps, ..Settings::default() };
        let pipeline = Pipeline::new(settings, Arc::clone(rules));
        let mut bench =
            Bench { pipeline, mode, told: Judged::default(), now_ns: 0, received: Default::default() };
        cut.deliver(dialogue, seed, |sent| bench.judge(sent));
        bench.finish(dialogue.is_tcp())
    }
}

impl EventSink for Judged {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Alert(alert) => {
                let (start, end) = (alert.hit.start, alert.hit.end);
                self.alerts.push((alert.rule.id(), alert.field, alert.direction, start, end));
            }
            Event::Anomaly(anomaly) => {
                if let AnomalyKind::App(_, kind) = anomaly.kind {
                    self.anomalies.push((anomaly.direction, kind.as_str()));
                }
            }
            Event::Http(http) => self.transactions.push(http.transaction.clone()),
            Event::App(told) => self.records.push(told.record.clone()),
            Event::Flow(end) => {
                self.apps.push(end.app);
                self.blocked.push(end.blocked.map(|(reason, _)| reason));
            }
            Event::Drop(_) | Event::HttpFile(_) | Event::Threat(_) => {}
        }
    }

    fn reads(&mut self, _: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        let read = if lane.is_main() { &mut self.read } else { &mut self.read_beside };
        let read = &mut read[lane.direction as usize];
        match reading {
            Reading::Begin(field) => {
                read.fields += 1;
                read.digest.write(field.as_str().as_bytes());
            }
            Reading::Data(bytes) => {
                read.bytes += bytes.len();
                read.digest.write(bytes);
            }
            Reading::End => read.digest.write_u8(0xff),
        }
    }
}

/// A pipeline, the time that it was told, and what passed.
struct Bench {
    pipeline: Pipeline,
    mode: Mode,
    told: Judged,
    now_ns: u64,
    received: [Received; 2],
}

impl Bench {
    fn judge(&mut self, mut sent: Sent<'_>) {
        let (mut passed, mut refusal) = (0, None);
        for frame in &mut sent.frames {
            self.now_ns += 1000;
            let (now_ns, wire_bytes) = (self.now_ns, frame.len() as u32);
            let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
            let verdict = self.pipeline.process(frame, meta, &mut self.told);
            let released: usize = self.pipeline.take_released().map(|pieces| pieces.len()).sum();
            passed += usize::from(verdict == Verdict::Forward) + released;
            refusal = Some(verdict);
        }
        let counters = self.pipeline.counters();
        assert!(counters.is_balanced(), "{counters:?}");
        assert!(
            passed == 0 || passed == sent.frames.len(),
            "{passed} of {} pieces passed",
            sent.frames.len()
        );
        let passed = passed > 0;
        assert!(passed || self.mode == Mode::Protect, "nothing is kept back in monitor mode");
        if !passed && self.told.refused.is_none() {
            self.told.refused = Some((sent.turn, sent.direction));
            self.told.refusal = refusal;
        }
        if let (true, Mode::Protect, true, [frame]) = (passed, self.mode, sent.is_altered, &sent.frames[..]) {
            let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify);
            let packet = packet.expect("it is still well-formed");
            assert_eq!(packet.payload, sent.payload, "what passes is what was read");
        }
        if passed {
            self.received[sent.direction as usize].take(&sent);
        }
    }

    fn finish(mut self, is_tcp: bool) -> Judged {
        self.pipeline.finish(self.now_ns, &mut self.told);
        let counters = self.pipeline.counters();
        assert!(counters.is_balanced() && counters.held == 0, "{counters:?}");
        let mut told = self.told;
        told.hits = counters.alerts + counters.hits_unlisted;
        told.frames = counters.frames_in;
        told.is_listed = counters.hits_unlisted == 0;
        told.alerts.sort();
        told.anomalies.sort();
        told.received_bytes =
            self.received.map(|received| if is_tcp { received.in_order } else { received.datagrams });
        told
    }
}

/// What one end has of a stream.
#[derive(Debug, Default)]
struct Received {
    in_order: usize,
    datagrams: usize,
    /// Where what waits begins and ends.
    waiting: BTreeMap<usize, usize>,
}

impl Received {
    fn take(&mut self, sent: &Sent<'_>) {
        self.datagrams += 1;
        let known = self.waiting.entry(sent.start).or_default();
        *known = (*known).max(sent.start + sent.payload.len());
        while let Some(next) = self.waiting.first_entry().filter(|next| *next.key() <= self.in_order) {
            self.in_order = self.in_order.max(next.remove());
        }
    }
}
