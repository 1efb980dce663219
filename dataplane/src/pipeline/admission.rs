//! Which flow a packet is taken into: the one that its key names, or a new one in its place.

use flow_table::{FlowId, FlowKey, Orientation};

use super::identity::{comes_from_server, end_cause};
use super::tracked::{Inspection, Tracked};
use super::{FOUND, Pipeline, RxMeta, Side, end_flow};
use crate::decode::{Checksum, Network, Packet, Transport};
use crate::event::{EventSink, FlowEndCause};
use crate::flow::{self, Direction, FlowRecord};
use crate::reassembly::Connection;
use crate::verdict::DropReason;

impl Pipeline {
    /// The flow of a packet, and which way the packet travels; why not, where it is not let in. What its
    /// receiver will not take for a packet of its sender neither begins nor ends a flow.
    #[inline(always)]
    pub(super) fn find_or_begin<S: EventSink>(
        &mut self,
        packet: &Packet<'_>,
        network: &Network,
        meta: RxMeta,
        sink: &mut S,
    ) -> Result<(FlowId, Direction), DropReason> {
        let (key, orientation) = self.keys.of_packet(packet, network, meta.link);
        let mut over = None;
        if let Some(id) = self.flows.get(&key) {
            let tracked = self.flows.value(id).expect(FOUND);
            let direction = tracked.direction(orientation);
            let timeouts = (&self.settings, self.timeout_min_ns);
            match end_cause(tracked, direction, packet, &meta, self.newest_ns, timeouts) {
                None => return Ok((id, direction)),
                Some(cause) => over = Some((id, cause)),
            }
        }
        self.begin_instead(over, (key, orientation), (packet, network), meta, sink)
    }

    /// Begins a flow, in the place of one that is over where there is any.
    #[inline(never)]
    fn begin_instead<S: EventSink>(
        &mut self,
        over: Option<(FlowId, FlowEndCause)>,
        key: (FlowKey, Orientation),
        (packet, network): (&Packet<'_>, &Network),
        meta: RxMeta,
        sink: &mut S,
    ) -> Result<(FlowId, Direction), DropReason> {
        let mut reopened = None;
        if let Some((id, cause)) = over {
            self.may_leave(id)?;
            let connection = &self.flows.value(id).expect(FOUND).connection;
            let answers = cause == FlowEndCause::Reused && comes_from_server(packet);
            let connection = connection.as_ref().filter(|_| answers);
            reopened = connection.and_then(Connection::reopened);
            self.end(id, cause, meta.now_ns, sink);
        } else if packet.checksum == Checksum::Bad {
            return Err(DropReason::BadChecksum);
        }
        let (id, direction) = self.begin(key, packet, network, meta, sink)?;
        if let Some(connection) = reopened {
            self.flows.value_mut(id).expect(FOUND).connection = Some(connection);
        }
        Ok((id, direction))
    }

    /// # Errors
    /// [`DropReason::FlowTableFull`] where a flow cannot end before others are taken back.
    pub(super) fn may_leave(&self, id: FlowId) -> Result<(), DropReason> {
        let is_elsewhere = self.flows.value(id).expect(FOUND).is_elsewhere;
        if is_elsewhere && self.hand_over.room() == 0 { Err(DropReason::FlowTableFull) } else { Ok(()) }
    }

    fn begin<S: EventSink>(
        &mut self,
        (key, orientation): (FlowKey, Orientation),
        packet: &Packet<'_>,
        network: &Network,
        meta: RxMeta,
        sink: &mut S,
    ) -> Result<(FlowId, Direction), DropReason> {
        let (source_port, destination_port) = flow::ports(packet);
        let mut ends = [(network.source, source_port), (network.destination, destination_port)];
        let (mut client, mut direction) = (orientation, Direction::ToServer);
        if comes_from_server(packet) {
            ends.reverse();
            client = orientation.opposite();
            direction = Direction::ToClient;
        }
        let client_side = match direction {
            Direction::ToServer => meta.side,
            Direction::ToClient => meta.side.map(Side::opposite),
        };
        let record = FlowRecord {
            id: self.next_flow_id,
            link: meta.link,
            client: ends[0],
            server: ends[1],
            protocol: network.protocol,
            vlans: packet.vlans,
            tunnels: match direction {
                Direction::ToServer => packet.tunnels.iter().copied().collect(),
                Direction::ToClient => packet.tunnels.iter().map(|tunnel| tunnel.reversed()).collect(),
            },
            icmp: match packet.transport {
                Transport::Icmp { kind, code } => Some((kind, code)),
                _ => None,
            },
            start_ns: meta.now_ns,
            last_ns: meta.now_ns,
            frames: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
        };
        let (is_counted, threat) = self.may_begin(&record, direction, packet, meta, sink)?;
        let mut tracked = Tracked::new(record, client, client_side, &self.settings.bypass);
        tracked.threat = threat;
        if tracked.connection.is_some() && self.transfers.expects(&tracked.record, meta.now_ns) {
            tracked.label_as_ftp_data();
        }
        tracked.counted = is_counted.then_some(Direction::ToServer);
        let source = tracked.record.client.0;
        let id = self.admit(key, tracked, meta.now_ns, sink).inspect_err(|_| {
            if is_counted {
                self.threats.see_gone(source);
            }
        })?;
        self.next_flow_id += 1;
        self.counters.flows += 1;
        Ok((id, direction))
    }

    pub(super) fn end<S: EventSink>(&mut self, id: FlowId, cause: FlowEndCause, now_ns: u64, sink: &mut S) {
        let Pipeline {
            flows, memory, findings, parsers, threats, transfers, rules, counters, hand_over, ..
        } = self;
        let (key, mut tracked) = flows.remove(id).expect(FOUND);
        if tracked.is_elsewhere {
            return hand_over.leave(key, tracked, cause, now_ns);
        }
        let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
        end_flow(&mut tracked, cause, memory, counters, &mut inspection);
    }
}
