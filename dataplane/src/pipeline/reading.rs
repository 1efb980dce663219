//! What a packet brings to read: a segment goes through its stream, anything else is one payload.

use super::reset::Standing;
use super::tracked::{Inspection, Tracked};
use crate::decode::{Checksum, Packet, TcpHeader, Transport};
use crate::event::EventSink;
use crate::flow::Direction;
use crate::reassembly::{HeldBudget, Segment};
use crate::verdict::DropReason;

/// A TCP packet as reassembly sees it.
pub(super) fn segment<'p>(header: &TcpHeader, packet: &Packet<'p>) -> Segment<'p> {
    Segment {
        sequence: header.sequence,
        acknowledgment: header.acknowledgment,
        flags: header.flags,
        window: header.window,
        window_scale: header.window_scale,
        payload: packet.payload,
        missing_bytes: packet.missing_bytes,
    }
}

/// Shows the bytes that a packet completes to parser and rules. For TCP, where the two ends stood before it.
pub(super) fn read<S: EventSink>(
    tracked: &mut Tracked,
    direction: Direction,
    packet: &Packet<'_>,
    held: &mut HeldBudget,
    inspection: &mut Inspection<'_, S>,
) -> Result<Option<Standing>, DropReason> {
    if packet.checksum == Checksum::Bad {
        return Err(DropReason::BadChecksum);
    }
    match packet.transport {
        Transport::Udp { .. }
        | Transport::Icmp { .. }
        | Transport::Fragment { .. }
        | Transport::Other
        | Transport::None => {
            tracked.read_datagram(direction, packet.payload, inspection);
            Ok(None)
        }
        Transport::Tcp(header) => {
            tracked.record.tcp_flags[direction as usize] |= header.flags.0;
            read_segment(tracked, direction, segment(&header, packet), &header, held, inspection).map(Some)
        }
    }
}

fn read_segment<S: EventSink>(
    tracked: &mut Tracked,
    direction: Direction,
    segment: Segment<'_>,
    header: &TcpHeader,
    held: &mut HeldBudget,
    inspection: &mut Inspection<'_, S>,
) -> Result<Standing, DropReason> {
    let (connection, mut reader) = tracked.stream().expect("a TCP flow has a connection");
    let standing = Standing {
        ports: (header.source, header.destination),
        from_sender: connection.expected(direction).unwrap_or(segment.sequence),
        from_receiver: connection.expected(direction.opposite()).unwrap_or(segment.acknowledgment),
        sender_end: segment.end(),
    };
    match &mut connection.push(direction, segment, held) {
        Ok(chunks) => {
            while let Some(chunk) = chunks.next_chunk() {
                reader.read(direction, chunk, inspection);
            }
        }
        Err(reason) => return Err(*reason),
    }
    if let Some(mut chunks) = connection.pending(direction.opposite(), held) {
        while let Some(chunk) = chunks.next_chunk() {
            reader.read(direction.opposite(), chunk, inspection);
        }
    }
    Ok(standing)
}
