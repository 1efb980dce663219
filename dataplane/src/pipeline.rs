//! Frame → verdict: leads each packet through the stages, and keeps the flows between them.

mod admission;
mod blocked;
mod bypass;
mod counters;
mod exceptions;
mod flow_label;
mod flowless;
mod foresight;
mod fragments;
mod ftp_transfers;
mod half_open;
mod hand_over;
mod heard;
mod identity;
mod leaving_flow;
mod listener;
mod live_flow;
mod owners;
mod reader;
mod reading;
mod reset;
mod rewrite;
mod secrets;
mod shown_threats;
mod threats;
mod tracked;

use std::sync::Arc;

use dlp_patterns::RuleSet;
use flow_table::{FlowId, FlowTable};

pub use self::blocked::BlockedFlow;
pub use self::counters::Counters;
use self::exceptions::Answer;
use self::flowless::FlowlessEvents;
use self::foresight::Foresight;
use self::ftp_transfers::FtpTransfers;
use self::hand_over::HandOver;
pub use self::hand_over::Handling;
pub use self::leaving_flow::LeavingFlow;
use self::live_flow::LIVE_WORDS;
pub use self::live_flow::{LiveFlow, LiveFlows, Standing};
pub use self::owners::Owners;
use self::reading::Reading;
pub use self::reset::Resets;
use self::rewrite::Rewrite;
use self::tracked::{Inspection, Tracked};
use crate::app::SpareParsers;
use crate::decode::{LinkType, Packet, Transport, decode};
use crate::defrag::{Defragmenter, Identifications, Piece, Whole};
use crate::event::{Alert, Dropped, Event, EventSink, FlowEndCause, Owner};
use crate::flow::{Direction, FlowKeys};
use crate::inspect::{Epoch, Findings, RuleSets};
use crate::limits::FLOWS_EXPIRED_PER_CALL_MAX;
use crate::policy::{Disposition, Settings, Threat, ThreatPolicy};
use crate::reassembly::Memory;
pub use crate::rx_meta::{RxMeta, Side};
use crate::threat::{self, Threats};
use crate::verdict::{DropReason, Verdict};

/// Why looking up the flow of the packet at hand cannot fail.
const FOUND: &str = "the flow was found or begun for this packet";

/// One worker's share of the dataplane.
pub struct Pipeline {
    settings: Settings,
    rules: RuleSets,
    flows: FlowTable<Tracked, LIVE_WORDS>,
    keys: FlowKeys,
    defragmenter: Defragmenter,
    identifications: Identifications,
    /// Pieces that were held and leave now, by datagram.
    released: Vec<Vec<Piece>>,
    departing: Vec<(usize, Box<Whole>)>,
    /// Where several workers share a link: whose each flow is, and which worker this is.
    owners: Option<(Owners, usize)>,
    memory: Memory,
    findings: Findings,
    parsers: SpareParsers,
    threats: Threats,
    transfers: FtpTransfers,
    resets: Resets,
    /// What the payload of the frame at hand is to say, where that is not what it says.
    restored: Vec<u8>,
    counters: Counters,
    next_flow_id: u64,
    /// How long any flow may be silent, whatever its protocol and however far it came.
    timeout_min_ns: u64,
    /// The newest time seen: captures may step back, deadlines must not.
    newest_ns: u64,
    flowless: FlowlessEvents,
    /// The same of threats, which no flood of drops is to hide.
    flowless_threats: FlowlessEvents,
    /// For what the frame at hand is refused, where it is of no flow and that is a threat.
    refused_for: Option<Threat>,
    foresight: Foresight,
    hand_over: HandOver,
}

impl Pipeline {
    /// A pipeline that knows no flow yet. Memory for `settings.flows_max` flows is reserved here.
    pub fn new(settings: Settings, rules: Arc<RuleSet>) -> Pipeline {
        Pipeline {
            flows: FlowTable::with_capacity(settings.flows_max, settings.hash_seed),
            keys: FlowKeys::new(settings.hash_seed),
            defragmenter: Defragmenter::new(settings.fragments.bytes_max, settings.fragments.wait_s),
            identifications: identifications(&settings),
            released: Vec::new(),
            departing: Vec::new(),
            owners: None,
            memory: Memory::new(settings.held_bytes_max, settings.retained_bytes_max),
            restored: Vec::new(),
            findings: Findings::new(settings.packet_steps_max, settings.flow_steps),
            parsers: SpareParsers::with_bytes_max(settings.app_bytes_max).framed(settings.http_framing),
            threats: Threats::new(&settings.threats, settings.hash_seed),
            transfers: FtpTransfers::new(settings.hash_seed),
            resets: Resets::default(),
            counters: Counters::default(),
            next_flow_id: settings.first_flow_id,
            timeout_min_ns: settings.timeouts.shortest_ns(),
            newest_ns: 0,
            flowless: FlowlessEvents::default(),
            flowless_threats: FlowlessEvents::default(),
            refused_for: None,
            foresight: Foresight::default(),
            hand_over: HandOver::default(),
            rules: RuleSets::new(rules, settings.reload),
            settings,
        }
    }

    /// Judges one frame. In one that passes, a checksum that the sending kernel left partial is completed, and
    /// the mark of urgent data is cleared; data that contradicts what was inspected before it says that.
    pub fn process<S: EventSink>(&mut self, frame: &mut [u8], meta: RxMeta, sink: &mut S) -> Verdict {
        self.counters.frames_in += 1;
        self.counters.bytes_in += u64::from(meta.wire_bytes);
        self.newest_ns = self.newest_ns.max(meta.now_ns);
        self.resets.clear();
        self.restored.clear();
        let decoded = decode(frame, meta.wire_bytes, meta.link_type, self.settings.checksums);
        // By reference: a packet is large enough that moving it would cost more than reading it.
        let (verdict, rewrite) = match &decoded {
            Ok(packet) if matches!(packet.transport, Transport::Fragment { .. }) => {
                return self.process_piece(frame, packet, meta, sink);
            }
            Ok(packet) => (self.judge(frame, packet, 1, meta, sink), Rewrite::of(packet)),
            Err(error) => {
                self.counters.undecodable[*error as usize] += 1;
                (self.refuse_flowless(DropReason::Malformed, frame, meta, sink), Rewrite::default())
            }
        };
        self.counters.count(verdict);
        if verdict == Verdict::Forward {
            rewrite.apply(frame, &self.restored, &mut self.counters);
        }
        verdict
    }

    /// The frames that a [`Verdict::Reset`] asks to inject; valid until the next frame is judged.
    pub fn resets(&self) -> &Resets {
        &self.resets
    }

    /// Puts other rules in force from the next frame on; to be called between two batches. Fields that are open come
    /// under them as `settings.reload` says, without a gap. Drops nothing that other owners of the old set still hold.
    ///
    /// # Panics
    /// If `epoch` is not later than the one in force.
    pub fn swap_rules(&mut self, epoch: Epoch, rules: Arc<RuleSet>, now_ns: u64) {
        self.newest_ns = self.newest_ns.max(now_ns);
        self.findings.clear();
        self.counters.scans_restarted += self.rules.swap(epoch, rules, self.newest_ns);
    }

    /// Judges threats by other thresholds and actions from the next frame on. What was counted stays.
    pub fn set_threats(&mut self, policy: &ThreatPolicy) {
        self.threats.set_policy(policy);
    }

    /// The rules in force, and those that open fields still need.
    pub fn rules(&self) -> &RuleSets {
        &self.rules
    }

    /// Ends flows that were silent for too long, a bounded number at a time, and lets go of rules that nobody needs.
    /// To be called between two batches.
    pub fn expire<S: EventSink>(&mut self, now_ns: u64, sink: &mut S) {
        let Pipeline {
            flows, memory, findings, parsers, threats, transfers, rules, counters, hand_over, ..
        } = self;
        let flows_max = FLOWS_EXPIRED_PER_CALL_MAX.min(hand_over.room());
        flows.expire(now_ns, flows_max, |key, mut tracked| {
            if tracked.is_elsewhere {
                return hand_over.leave(key, tracked, FlowEndCause::Timeout, now_ns);
            }
            let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
            end_flow(&mut tracked, FlowEndCause::Timeout, memory, counters, &mut inspection);
        });
        self.findings.clear();
        self.rules.release_unused();
        self.defragmenter.expire(now_ns);
        self.answer_fallen(sink);
        self.look_after_requests(now_ns, sink);
    }

    /// Ends all flows: the engine stops, or the capture is over.
    pub fn finish<S: EventSink>(&mut self, now_ns: u64, sink: &mut S) {
        let Pipeline {
            flows, memory, findings, parsers, threats, transfers, rules, counters, hand_over, ..
        } = self;
        for (key, mut tracked) in flows.drain() {
            if tracked.is_elsewhere {
                hand_over.leave(key, tracked, FlowEndCause::Shutdown, now_ns);
                continue;
            }
            let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
            end_flow(&mut tracked, FlowEndCause::Shutdown, memory, counters, &mut inspection);
        }
        self.give_up_pieces(sink);
    }

    /// The books.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Corrects the books: `frames` that were to be forwarded could not leave.
    pub fn egress_failed(&mut self, frames: u64) {
        self.counters.egress_failed(frames);
    }

    /// Enters a frame of our own in the books, and whether it could be sent.
    pub fn injected(&mut self, sent: bool) {
        self.counters.injected += u64::from(sent);
        self.counters.injections_failed += u64::from(!sent);
    }

    /// Flows that are tracked now.
    pub fn flows_active(&self) -> usize {
        self.flows.len()
    }

    fn judge<S: EventSink>(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        frames: u32,
        meta: RxMeta,
        sink: &mut S,
    ) -> Verdict {
        let Some(network) = &packet.network else {
            self.counters.non_ip += 1;
            self.counters.arp += u64::from(packet.transport == Transport::Arp);
            return Verdict::Forward;
        };
        self.counters.decapsulated += u64::from(!packet.tunnels.is_empty());
        let (id, direction) = match self.find_or_refuse(frame, packet, network, meta, sink) {
            Ok(found) => found,
            Err(cause) => return self.refuse_flowless(cause, frame, meta, sink),
        };
        let mut tracked = self.flows.value_mut(id).expect(FOUND);
        tracked.record.account(direction, frames, meta.wire_bytes, meta.now_ns);
        tracked.note(direction, meta.side, packet);
        let (client, mut is_spoofed) = (tracked.client, false);
        self.findings.clear();
        if !threat::is_ordinary(packet) || tracked.is_wrong_side(direction, meta.side) {
            is_spoofed = self.look_closer(id, direction, packet, meta, sink);
            tracked = self.flows.value_mut(id).expect(FOUND);
        }
        let (rules, findings, parsers) = (&mut self.rules, &mut self.findings, &mut self.parsers);
        let (threats, transfers, now_ns) = (&mut self.threats, &mut self.transfers, meta.now_ns);
        let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
        let read = match tracked.disposition {
            Disposition::Blocked { .. } => Err(DropReason::FlowBlocked),
            Disposition::Inspect | Disposition::Bypassed(_) if is_spoofed => Err(DropReason::WrongSide),
            Disposition::Bypassed(_) => return self.pass_unseen(id),
            Disposition::Inspect => {
                let (settings, memory, counters) = (&self.settings, &mut self.memory, &mut self.counters);
                let mut reading = Reading { settings, memory, counters, restored: &mut self.restored };
                inspection.findings.charge_to(tracked.account);
                let read = reading.read(tracked, direction, packet, &mut inspection);
                tracked.account = inspection.findings.account();
                self.counters.note_steps(inspection.findings);
                read
            }
        };
        let direction = if tracked.client == client { direction } else { direction.opposite() };
        let bypass = read.ok().and_then(|_| tracked.bypass_cause_behind(meta.wire_bytes));
        if bypass.is_some() {
            // What was begun ends here, and what it matches still speaks against this frame.
            tracked.finish(&mut inspection);
        }
        let Answer { verdict, exempt } = match read {
            Err(cause) => self.except(id, cause, packet),
            Ok(_) => self.decide(id, packet),
        };
        if matches!(verdict, Verdict::Reset(_)) {
            let before = |tracked| reading::standing_before(tracked, direction, packet);
            let standing = read.unwrap_or_else(|_| self.flows.value(id).and_then(before));
            self.resets.build(frame, meta.link_type == LinkType::Ethernet, network, standing.as_ref());
        }
        if exempt.is_some() {
            self.finish_reading(id, meta.now_ns, sink);
        }
        self.tell(id, direction, verdict, meta, sink);
        if let (Some(cause), Verdict::Forward) = (bypass.or(exempt), verdict) {
            self.bypass(id, cause);
        }
        self.conclude_judged(id, direction, packet, meta.now_ns, sink);
        verdict
    }

    /// Tells of what was found in a packet, and of what became of it.
    #[inline(always)]
    fn tell<S: EventSink>(
        &mut self,
        id: FlowId,
        direction: Direction,
        verdict: Verdict,
        meta: RxMeta,
        sink: &mut S,
    ) {
        book(&self.findings, &mut self.threats, &mut self.counters);
        if verdict != Verdict::Forward || !self.findings.listed().is_empty() {
            self.tell_in_flow(id, direction, verdict, meta, sink);
        }
    }

    #[cold]
    fn tell_in_flow<S: EventSink>(
        &mut self,
        id: FlowId,
        direction: Direction,
        verdict: Verdict,
        meta: RxMeta,
        sink: &mut S,
    ) {
        let Pipeline { flows, rules, findings, parsers, threats, transfers, counters, .. } = self;
        let tracked = flows.value_mut(id).expect(FOUND);
        let blocked = verdict != Verdict::Forward;
        let now_ns = meta.now_ns;
        let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
        tell_alerts(tracked, blocked, counters, &mut inspection);
        if let Some(reason) = verdict.reason()
            && tracked.tell_once(reason)
        {
            sink.emit(Event::Drop(Dropped {
                now_ns: meta.now_ns,
                owner: Owner::Flow { record: &tracked.record, direction },
                side: meta.side,
                reason,
                threat: tracked.threat_behind(reason),
                reset: matches!(verdict, Verdict::Reset(_)),
                wire_bytes: meta.wire_bytes,
            }));
        }
    }
}

/// Where the workers of an engine begin to count differs, as their flows do.
fn identifications(settings: &Settings) -> Identifications {
    let [first, second] = settings.hash_seed;
    Identifications::new([first, second ^ settings.first_flow_id], settings.fragments.reuse_s)
}

/// Enters what a packet showed in the books.
#[inline(always)]
fn book(findings: &Findings, threats: &mut Threats, counters: &mut Counters) {
    threats.book(&mut counters.threats);
    counters.hits_unlisted += findings.unlisted();
    counters.app_events_untold += findings.untold();
}

/// Tells of what the rules found.
fn tell_alerts<S: EventSink>(
    tracked: &mut Tracked,
    blocked: bool,
    counters: &mut Counters,
    inspection: &mut Inspection<'_, S>,
) {
    for finding in inspection.findings.listed() {
        tracked.alerted = true;
        counters.alerts += 1;
        inspection.sink.emit(Event::Alert(Alert {
            now_ns: inspection.now_ns,
            flow: &tracked.record,
            direction: finding.direction,
            rule: inspection.rules.rule(finding),
            field: finding.field,
            hit: &finding.hit,
            app: tracked.named_protocol(),
            app_before: tracked.app().outer_protocol(),
            blocked,
        }));
    }
}

/// The last words of a flow that has left the table.
fn end_flow<S: EventSink>(
    tracked: &mut Tracked,
    cause: FlowEndCause,
    memory: &mut Memory,
    counters: &mut Counters,
    inspection: &mut Inspection<'_, S>,
) {
    inspection.findings.clear();
    if tracked.disposition == Disposition::Inspect {
        tracked.finish(inspection);
        book(inspection.findings, inspection.threats, counters);
        tell_alerts(tracked, false, counters, inspection);
    }
    tracked.release(memory, inspection.rules);
    if let Some(source) = tracked.counted_source() {
        inspection.threats.see_gone(source);
    }
    if tracked.is_ftp_data() {
        inspection.transfers.tell_end(&tracked.record, inspection.now_ns, inspection.sink);
    }
    inspection.sink.emit(Event::Flow(tracked.end(inspection.now_ns, cause)));
}
