//! [`Reading`]: what a packet brings to read: a segment goes through its stream, anything else is one payload.

use super::Counters;
use super::reader::Reader;
use super::reset::Standing;
use super::tracked::{Inspection, Tracked};
use crate::decode::{Checksum, Packet, TcpFlags, TcpHeader, Transport};
use crate::event::EventSink;
use crate::flow::Direction;
use crate::policy::{Exception, Mode, Overlap, Settings, TcpPolicy, Urgent};
use crate::reassembly::{Chunks, Connection, Memory, Segment, TcpState};
use crate::verdict::DropReason;

/// Why looking for the connection of a segment's flow cannot fail.
const CONNECTED: &str = "a TCP flow has a connection";

/// A TCP packet as reassembly sees it.
pub(super) fn segment<'p>(header: &TcpHeader, packet: &Packet<'p>) -> Segment<'p> {
    Segment {
        sequence: header.sequence,
        acknowledgment: header.acknowledgment,
        flags: header.flags,
        window: header.window,
        window_scale: header.window_scale,
        timestamp: header.timestamps.map(|(value, _)| value),
        payload: packet.payload,
        missing_bytes: packet.missing_bytes,
    }
}

/// Where the ends of a connection stand before a segment.
#[inline(always)]
fn standing(
    connection: &Connection,
    direction: Direction,
    header: &TcpHeader,
    segment: &Segment<'_>,
) -> Standing {
    Standing {
        ports: (header.source, header.destination),
        from_sender: connection.expected(direction).unwrap_or(segment.sequence),
        from_receiver: connection.expected(direction.opposite()).unwrap_or(segment.acknowledgment),
        sender_end: segment.end(),
    }
}

/// Where the ends of a flow's connection stand before a packet that was not read; `None` where it has none.
pub(super) fn standing_before(
    tracked: &Tracked,
    direction: Direction,
    packet: &Packet<'_>,
) -> Option<Standing> {
    let (Some(connection), Transport::Tcp(header)) = (&tracked.connection, &packet.transport) else {
        return None;
    };
    Some(standing(connection, direction, header, &segment(header, packet)))
}

/// Shows what an acknowledgment, or a reset, lets go on in the other direction.
#[cold]
fn read_pending<S: EventSink>(
    reader: &mut Reader<'_>,
    direction: Direction,
    mut chunks: Chunks<'_>,
    inspection: &mut Inspection<'_, S>,
) {
    while let Some(chunk) = chunks.next_chunk() {
        reader.read(direction, chunk, inspection);
    }
}

/// The part of a pipeline that packets are read with.
pub(super) struct Reading<'r> {
    pub(super) settings: &'r Settings,
    pub(super) memory: &'r mut Memory,
    pub(super) counters: &'r mut Counters,
    /// What the payload of the frame is to say, where that is not what it says.
    pub(super) restored: &'r mut Vec<u8>,
}

impl Reading<'_> {
    /// Shows the bytes that a packet completes to parser and rules. For TCP, where the two ends stood before it.
    #[inline(always)]
    pub(super) fn read<S: EventSink>(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        packet: &Packet<'_>,
        inspection: &mut Inspection<'_, S>,
    ) -> Result<Option<Standing>, DropReason> {
        // What an authentication header covers was complete when it was sent, or its receiver does not take it.
        let is_incomplete = packet.is_authenticated && matches!(packet.checksum, Checksum::Partial { .. });
        if packet.checksum == Checksum::Bad || is_incomplete {
            return Err(DropReason::BadChecksum);
        }
        match &packet.transport {
            Transport::Udp { .. }
            | Transport::Sctp { .. }
            | Transport::Arp
            | Transport::Icmp { .. }
            | Transport::Fragment { .. }
            | Transport::Other
            | Transport::None => {
                let is_app = matches!(packet.transport, Transport::Udp { .. });
                tracked.read_datagram(direction, packet.payload, is_app, inspection);
                Ok(None)
            }
            Transport::Tcp(header) => {
                tracked.record.tcp_flags[direction as usize] |= header.flags.0;
                self.read_segment(tracked, direction, header, packet, inspection).map(Some)
            }
        }
    }

    #[inline(always)]
    fn read_segment<S: EventSink>(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        header: &TcpHeader,
        packet: &Packet<'_>,
        inspection: &mut Inspection<'_, S>,
    ) -> Result<Standing, DropReason> {
        let is_kept = packet.is_authenticated && self.settings.mode == Mode::Protect;
        let policy = if is_kept { TcpPolicy::WITHOUT_CHANGES } else { self.settings.tcp };
        let segment = segment(header, packet);
        if header.flags.has(TcpFlags::URG) && policy.urgent == Urgent::Drop {
            return Err(DropReason::Urgent);
        }
        let (connection, _) = tracked.stream().expect(CONNECTED);
        let standing = standing(connection, direction, header, &segment);
        if connection.is_beginning() {
            self.take_up(tracked, direction, &segment)?;
        }
        match self.show(tracked, direction, segment, inspection) {
            Err(DropReason::OverlapConflict) => {
                self.settle(tracked, direction, segment, policy.overlap, inspection)?;
            }
            outcome => outcome?,
        }
        Ok(standing)
    }

    /// Looks at a segment of a connection whose handshake is not complete: it may be one of which the begin went by unseen, or of
    /// which one end alone is heard.
    fn take_up(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        segment: &Segment<'_>,
    ) -> Result<(), DropReason> {
        let (connection, _) = tracked.stream().expect(CONNECTED);
        if connection.picks_up(direction, segment) {
            let is_asked = connection.state() != TcpState::None;
            self.admit_midstream(tracked)?;
            // Who answers a SYN is the server, be it by an acknowledgment of what it has.
            if !is_asked && !segment.flags.has(TcpFlags::SYN) {
                tracked.pick_up();
            }
        } else if connection.is_one_sided(direction, segment)
            && self.settings.exception_for(DropReason::OutOfWindow) == Exception::Ignore
        {
            // It passes, so it is read.
            connection.go_on_one_sided(direction, segment);
            tracked.excuse(DropReason::OutOfWindow, self.counters);
        }
        Ok(())
    }

    fn admit_midstream(&mut self, tracked: &mut Tracked) -> Result<(), DropReason> {
        if self.settings.exception_for(DropReason::Midstream) != Exception::Ignore {
            return Err(DropReason::Midstream);
        }
        tracked.excuse(DropReason::Midstream, self.counters);
        Ok(())
    }

    /// Shows what a segment completes of either stream.
    #[inline(always)]
    fn show<S: EventSink>(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        segment: Segment<'_>,
        inspection: &mut Inspection<'_, S>,
    ) -> Result<(), DropReason> {
        let (connection, mut reader) = tracked.stream().expect(CONNECTED);
        let mut chunks = connection.push(direction, segment, self.memory)?;
        while let Some(chunk) = chunks.next_chunk() {
            reader.read(direction, chunk, inspection);
        }
        drop(chunks);
        if let Some(chunks) = connection.pending(direction.opposite(), self.memory) {
            read_pending(&mut reader, direction.opposite(), chunks, inspection);
        }
        if reader.is_turned {
            tracked.turn();
        }
        Ok(())
    }

    /// Tells of a segment that contradicts what was read before, and reads what it says once it no longer does. Where
    /// verdicts are not carried out, the frame stays as it is all the same.
    #[cold]
    fn settle<S: EventSink>(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        segment: Segment<'_>,
        overlap: Overlap,
        inspection: &mut Inspection<'_, S>,
    ) -> Result<(), DropReason> {
        tracked.tell_conflict(direction, inspection);
        self.counters.overlap_conflicts += 1;
        let is_monitored = self.settings.mode == Mode::Monitor;
        if overlap == Overlap::Drop {
            if !is_monitored {
                return Err(DropReason::OverlapConflict);
            }
            tracked.excuse(DropReason::OverlapConflict, self.counters);
        }
        let mut restored = std::mem::take(self.restored);
        restored.extend_from_slice(segment.payload);
        let (connection, _) = tracked.stream().expect(CONNECTED);
        connection.restore(direction, &segment, &mut restored, self.memory);
        let outcome = self.show(tracked, direction, Segment { payload: &restored, ..segment }, inspection);
        if is_monitored {
            restored.clear();
        }
        *self.restored = restored;
        outcome
    }
}
