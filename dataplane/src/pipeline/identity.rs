//! Which flow a packet belongs to: its key alone does not tell.

use super::RxMeta;
use super::reading::segment;
use super::tracked::Tracked;
use crate::decode::{Checksum, Packet, TcpFlags, Transport};
use crate::event::FlowEndCause;
use crate::flow::Direction;
use crate::policy::{Disposition, Exception, Settings};
use crate::verdict::DropReason;

/// Whether the first packet of a flow comes from the end that was spoken to: its SYN went by unseen.
pub(super) fn comes_from_server(packet: &Packet<'_>) -> bool {
    matches!(packet.transport, Transport::Tcp(header) if header.flags.has(TcpFlags::SYN | TcpFlags::ACK))
}

/// Why the flow that a packet's key names is not the packet's flow, where it is not. Only one that was silent can be over for
/// what is no SYN; `timeout_min_ns` is how long any may be silent.
#[inline]
pub(super) fn end_cause(
    tracked: &Tracked,
    direction: Direction,
    packet: &Packet<'_>,
    meta: &RxMeta,
    now_ns: u64,
    (settings, timeout_min_ns): (&Settings, u64),
) -> Option<FlowEndCause> {
    // Of a flow that is handled elsewhere, only its handler knows when it was silent.
    let silent_ns = now_ns.saturating_sub(tracked.record.last_ns);
    let is_syn = matches!(&packet.transport, Transport::Tcp(header) if header.flags.has(TcpFlags::SYN));
    if packet.checksum == Checksum::Bad || !is_syn && silent_ns <= timeout_min_ns {
        return None;
    }
    if !tracked.is_elsewhere && silent_ns > tracked.timeout_ns(&settings.timeouts) {
        return Some(FlowEndCause::Timeout);
    }
    let reopens = is_syn && is_reopened(tracked, direction, packet, meta, settings);
    reopens.then_some(FlowEndCause::Reused)
}

/// Whether a SYN opens another connection between the same ports.
fn is_reopened(
    tracked: &Tracked,
    direction: Direction,
    packet: &Packet<'_>,
    meta: &RxMeta,
    settings: &Settings,
) -> bool {
    let (Transport::Tcp(header), Some(connection)) = (&packet.transport, &tracked.connection) else {
        return false;
    };
    // Where the operator has such a segment inspected, its receiver may take it for its sender's.
    let is_refused = settings.exception_for(DropReason::WrongSide) != Exception::Ignore;
    if is_refused && tracked.is_wrong_side(direction, meta.side) {
        return false;
    }
    match tracked.disposition {
        Disposition::Inspect => connection.is_reopened_by(direction, &segment(header, packet)),
        // Both ends were told that it is over, and nothing of it was tracked since.
        // Or anybody sent a segment from the middle of nothing: what the SYN opens is inspected, and a connection that lives
        // on is again one of which the begin was not seen.
        Disposition::Blocked { reset: true, .. }
        | Disposition::Blocked { reason: DropReason::Midstream, .. } => !header.flags.has(TcpFlags::ACK),
        // Its ends may go on with it: a SYN among the same ports proves nothing.
        Disposition::Blocked { reset: false, .. } => false,
        // Nobody knows its sequence numbers any more. Taken for the old connection, a SYN would let a new one pass unseen,
        // and so would one with a FIN: there are receivers that open a connection for it.
        Disposition::Bypassed(_) => header.flags.0 & (TcpFlags::ACK | TcpFlags::RST) == 0,
    }
}
