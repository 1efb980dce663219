//! Segments → contiguous bytes, per direction of a TCP connection. Knows no parser.

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
    /// Data.
    pub payload: &'p [u8],
    /// Bytes behind `payload` that a capture cut off.
    pub missing_bytes: u32,
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
