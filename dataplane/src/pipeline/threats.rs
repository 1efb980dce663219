//! What the detectors of threats are shown of packets and flows, and what becomes of those that are one.

use flow_table::FlowId;

use super::shown_threats::ShownThreats;
use super::tracked::{Tracked, UnderWay};
use super::{FOUND, Pipeline, RxMeta};
use crate::decode::{Checksum, Glimpse, Network, Packet, TcpFlags, Transport};
use crate::event::{EventSink, Owner};
use crate::flow::{Direction, FlowRecord};
use crate::limits::SLOW_REQUESTS_PER_CALL_MAX;
use crate::policy::{Disposition, Mode, Threat};
use crate::reassembly::TcpState;
use crate::threat::{self, Found, Watched};
use crate::verdict::DropReason;

impl Pipeline {
    /// The flow of a packet, as by [`find_or_begin`](Self::find_or_begin), unless the packet is part of a threat by itself, as
    /// none is that is [ordinary](threat::is_ordinary).
    #[inline(always)]
    pub(super) fn find_or_refuse<S: EventSink>(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        network: &Network,
        meta: RxMeta,
        sink: &mut S,
    ) -> Result<(FlowId, Direction), DropReason> {
        if !threat::is_ordinary(packet) && self.is_threat(frame, packet, network, meta, sink) {
            return Err(DropReason::Threat);
        }
        self.find_or_begin(packet, network, meta, sink)
    }

    fn is_threat<S: EventSink>(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        network: &Network,
        meta: RxMeta,
        sink: &mut S,
    ) -> bool {
        // Its receiver does not take it for anything.
        if packet.checksum == Checksum::Bad {
            return false;
        }
        let (now_ns, link) = (meta.now_ns, meta.link);
        let Pipeline { threats, flowless_threats: flowless, .. } = self;
        let mut shown = ShownThreats::default();
        threats.see_packet(frame, packet, network, now_ns, |found| {
            // As many sources as are made up are told of no faster than drops are.
            if found.evidence.is_none() || !flowless.may_tell(now_ns) {
                return shown.note(&found);
            }
            let glimpse = &Glimpse::of_packet(packet);
            shown.tell(found, Owner::Nobody { link, glimpse }, now_ns, sink);
        });
        self.refuses(shown)
    }

    /// Whether a flow that may begin counts as one that its source has, and the first threat that it shows by that.
    ///
    /// # Errors
    /// [`DropReason::Threat`] where it is part of one that is to be dropped.
    pub(super) fn may_begin<S: EventSink>(
        &mut self,
        record: &FlowRecord,
        direction: Direction,
        packet: &Packet<'_>,
        meta: RxMeta,
        sink: &mut S,
    ) -> Result<(bool, Option<Threat>), DropReason> {
        let (now_ns, mut shown) = (meta.now_ns, ShownThreats::default());
        let is_counted = self.threats.see_begin(record, packet, now_ns, |found| {
            shown.tell(found, Owner::Flow { record, direction }, now_ns, sink);
        });
        if !self.refuses(shown) {
            return Ok((is_counted, shown.first));
        }
        if is_counted {
            self.threats.see_gone(record.client.0);
        }
        Err(DropReason::Threat)
    }

    /// Looks at a packet that is not [ordinary](threat::is_ordinary), or comes in by the side on which its sender is not. Whether
    /// that speaks against it: somebody speaks in another's name.
    pub(super) fn look_closer<S: EventSink>(
        &mut self,
        id: FlowId,
        direction: Direction,
        packet: &Packet<'_>,
        meta: RxMeta,
        sink: &mut S,
    ) -> bool {
        let is_wrong_side = self.flows.value(id).expect(FOUND).is_wrong_side(direction, meta.side);
        let is_spoofed = is_wrong_side && !self.admits_wrong_side(id);
        if !is_spoofed && !threat::is_ordinary(packet) {
            self.see_in_flow(id, direction, packet, meta.now_ns, sink);
        }
        is_spoofed
    }

    /// Shows a packet that is not [ordinary](threat::is_ordinary) to the detectors, in its flow, which counts it already. Whether it
    /// is to be stopped is in the findings.
    fn see_in_flow<S: EventSink>(
        &mut self,
        id: FlowId,
        direction: Direction,
        packet: &Packet<'_>,
        now_ns: u64,
        sink: &mut S,
    ) {
        let Pipeline { threats, flows, .. } = self;
        let tracked = flows.value(id).expect(FOUND);
        let (record, mut shown) = (&tracked.record, ShownThreats::default());
        let mut tell = |found: Found<'_>| shown.tell(found, Owner::Flow { record, direction }, now_ns, sink);
        match (packet.transport, &tracked.connection) {
            (Transport::Tcp(header), Some(connection)) => {
                let is_syn = header.flags.0 & (TcpFlags::SYN | TcpFlags::ACK) == TcpFlags::SYN;
                let is_asked = connection.state() == TcpState::SynSent;
                if is_syn && is_asked && direction == Direction::ToClient {
                    threats.see_answering_syn(record.server.0, now_ns, &mut tell);
                }
            }
            _ => {
                if let Some(packets) = threat::datagrams_counted(record.frames[direction as usize]) {
                    threats.see_datagrams(record, direction, packets, now_ns, &mut tell);
                }
            }
        }
        if self.stops(id, shown) {
            self.findings.note_threat();
        }
    }

    /// Once the verdict on a packet is known: lets its flow live on, and notes what is under way in it.
    pub(super) fn conclude_judged<S: EventSink>(
        &mut self,
        id: FlowId,
        direction: Direction,
        packet: &Packet<'_>,
        now_ns: u64,
        sink: &mut S,
    ) {
        if direction == Direction::ToServer && !packet.payload.is_empty() {
            self.watch_request(id, now_ns);
        }
        if self.conclude(id) && self.is_threat_once_answered(id, direction, packet, now_ns, sink) {
            self.block_as_threat(id);
        }
    }

    /// Both ends of a flow have spoken, or a handshake is complete.
    #[cold]
    fn is_threat_once_answered<S: EventSink>(
        &mut self,
        id: FlowId,
        direction: Direction,
        packet: &Packet<'_>,
        now_ns: u64,
        sink: &mut S,
    ) -> bool {
        let Pipeline { threats, flows, .. } = self;
        let tracked = flows.value(id).expect(FOUND);
        let (record, mut shown) = (&tracked.record, ShownThreats::default());
        let window_bytes = match (packet.transport, &tracked.connection) {
            (Transport::Tcp(header), Some(connection))
                if threat::is_ordinary(packet) && direction == Direction::ToServer =>
            {
                Some(connection.window_bytes(direction, header.window))
            }
            _ => None,
        };
        threats.see_answered(record, window_bytes, now_ns, |found| {
            shown.tell(found, Owner::Flow { record, direction }, now_ns, sink);
        });
        self.stops(id, shown)
    }

    /// Notes what of a request of HTTP is under way behind a packet, where that was not so before it.
    #[inline]
    fn watch_request(&mut self, id: FlowId, now_ns: u64) {
        let Pipeline { flows, threats, .. } = self;
        let tracked = flows.value_mut(id).expect(FOUND);
        let part = tracked.app().request_part();
        if part == tracked.request.part || tracked.disposition != Disposition::Inspect {
            return;
        }
        tracked.request.part = part;
        tracked.request.number = tracked.request.number.wrapping_add(1);
        if let Some(part) = part
            && !tracked.request.is_watched[part as usize]
        {
            let bytes = tracked.record.bytes[Direction::ToServer as usize];
            let (number, source) = (tracked.request.number, tracked.record.client.0);
            let watched = Watched { id, number, part, source, since_ns: now_ns, bytes, is_slow: false };
            tracked.request.is_watched[part as usize] = threats.watch_request(watched);
        }
    }

    /// Looks at requests of HTTP that were under way for as long as they may be, a bounded number at a time.
    pub(super) fn look_after_requests<S: EventSink>(&mut self, now_ns: u64, sink: &mut S) {
        for _ in 0..SLOW_REQUESTS_PER_CALL_MAX {
            let Pipeline { threats, flows, .. } = self;
            let Some(watched) = threats.next_request_due(now_ns) else { return };
            let is_read = |tracked: &&mut Tracked| tracked.disposition == Disposition::Inspect;
            let Some(tracked) = flows.value_mut(watched.id).filter(is_read) else {
                threats.see_request_over(&watched);
                continue;
            };
            let UnderWay { part, number, ref mut is_watched } = tracked.request;
            let (record, direction, mut shown) =
                (&tracked.record, Direction::ToServer, ShownThreats::default());
            let is_watched = &mut is_watched[watched.part as usize];
            if number != watched.number {
                threats.see_request_over(&watched);
                let bytes = record.bytes[direction as usize];
                let another = Watched { number, since_ns: now_ns, bytes, is_slow: false, ..watched };
                *is_watched = part == Some(watched.part) && threats.watch_request(another);
                continue;
            }
            *is_watched = threats.see_slow(&watched, record, now_ns, |found| {
                shown.tell(found, Owner::Flow { record, direction }, now_ns, sink);
            });
            if self.stops(watched.id, shown) {
                self.block_as_threat(watched.id);
            }
            self.threats.book(&mut self.counters.threats);
        }
    }

    /// Shows a piece of a datagram that is refused to the detectors.
    #[cold]
    pub(super) fn see_refused_piece<S: EventSink>(
        &mut self,
        cause: DropReason,
        frame: &[u8],
        meta: RxMeta,
        sink: &mut S,
    ) {
        let glimpse = &Glimpse::of(frame, meta.wire_bytes, meta.link_type);
        let Some((source, _)) = glimpse.ends else { return };
        let Pipeline { threats, flowless_threats: flowless, counters, .. } = self;
        let (now_ns, link) = (meta.now_ns, meta.link);
        threats.see_refused(cause, source, now_ns, |found| {
            if found.evidence.is_some() && flowless.may_tell(now_ns) {
                ShownThreats::default().tell(found, Owner::Nobody { link, glimpse }, now_ns, sink);
            }
        });
        threats.book(&mut counters.threats);
    }

    /// Whether a packet that is in no flow yet is to be stopped for what it shows.
    fn refuses(&mut self, shown: ShownThreats) -> bool {
        self.refused_for = self.carried_out(shown);
        self.refused_for.is_some()
    }

    /// Whether a flow is to be stopped for what it shows, and is named by from now on.
    fn stops(&mut self, id: FlowId, shown: ShownThreats) -> bool {
        if shown.first.is_some() {
            let tracked = self.flows.value_mut(id).expect(FOUND);
            tracked.threat = shown.of_flow(tracked.threat);
        }
        self.carried_out(shown).is_some()
    }

    /// What is to be dropped, where verdicts are carried out; books what was found.
    fn carried_out(&mut self, shown: ShownThreats) -> Option<Threat> {
        self.threats.book(&mut self.counters.threats);
        let is_monitored = self.settings.mode == Mode::Monitor;
        self.counters.excepted[DropReason::Threat as usize] +=
            u64::from(shown.dropped.is_some() && is_monitored);
        shown.dropped.filter(|_| !is_monitored)
    }

    /// From now on nothing of a flow passes.
    fn block_as_threat(&mut self, id: FlowId) {
        let (reason, reset, epoch) = (DropReason::Threat, false, self.rules.epoch());
        let tracked = self.flows.value_mut(id).expect(FOUND);
        tracked.met.add(reason);
        tracked.disposition = Disposition::Blocked { reason, reset, epoch };
        tracked.release(&mut self.memory, &mut self.rules);
    }
}
