//! Segments → contiguous bytes, per direction of a TCP connection. Knows no parser.
//!
//! The engine stands inline: a segment goes on or is refused once its bytes are judged. From that follow
//! the rules that differ from an endpoint's:
//!
//! - In-order data is lent where it lies. Out-of-order data goes on to the receiver and a copy is held;
//!   the segment that closes the hole brings it all, and whoever refuses that one segment keeps the
//!   receiver from reading any of it.
//! - Receivers disagree on which copy of an overlap they keep, so no two copies may differ: the first stays. Data that
//!   was delivered is kept until its receiver acknowledges it, and a segment that contradicts it, or data that is held,
//!   is refused, or [restored](Connection::restore) to the first copy.
//! - What lies below the receiver's acknowledgment is not compared: no receiver reads it, but it must answer a sender
//!   that missed the acknowledgment.
//! - A connection that is picked up stands where one end said, which may be behind what its receiver has: until that
//!   acknowledges bytes that were read, nothing is held, and what lies before is read together with all that followed.
//! - Nobody reads a segment that acknowledges what its receiver never sent, nor one whose acknowledgment is older than any that
//!   could be under way (RFC 5961 §5.2): such data is refused, or what somebody forged would be the first copy here. Only at the
//!   very place that is expected it is read: frames may have gone by unseen, and then this is where both ends meet again.
//! - At a cap a segment is refused, never let through unseen: its sender repeats it, and nothing is lost.
//! - Bytes that the receiver acknowledges though they never came by were missed by the capture. They
//!   become a gap, and what later claims to fill it is refused.
//! - Urgent data is data: receivers read it in line (RFC 6093 §4).

mod budget;
mod chunks;
mod connection;
mod held;
mod memory;
mod retained;
mod sequence;
mod state;
mod stream;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;

use budget::HeldBudget;
pub use chunks::Chunks;
pub use connection::Connection;
pub use memory::Memory;
pub use state::TcpState;

use crate::decode::TcpFlags;

/// One TCP segment as reassembly sees it.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'p> {
    /// Sequence number of the SYN, or else of the first payload byte.
    pub sequence: u32,
    /// Acknowledgment number; meaningless without the ACK flag.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window, unscaled.
    pub window: u16,
    /// Shift count of the window scale option, where the segment carries one.
    pub window_scale: Option<u8>,
    /// The sender's clock (TSval of RFC 7323 §3.2), where the segment carries it.
    pub timestamp: Option<u32>,
    /// Data.
    pub payload: &'p [u8],
    /// Bytes behind `payload` that a capture cut off.
    pub missing_bytes: u32,
}

impl Segment<'_> {
    /// Sequence number behind all that the segment occupies, SYN and FIN included (RFC 9293 §3.4).
    pub fn end(&self) -> u32 {
        let flags = u32::from(self.flags.has(TcpFlags::SYN)) + u32::from(self.flags.has(TcpFlags::FIN));
        self.sequence
            .wrapping_add(self.payload.len() as u32)
            .wrapping_add(self.missing_bytes)
            .wrapping_add(flags)
    }
}

/// The next piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamChunk<'s> {
    /// Contiguous bytes.
    Data(&'s [u8]),
    /// So many bytes went by unseen.
    Gap(u32),
    /// The sender said that nothing follows.
    Fin,
}
