//! The upper layer of a packet.

use super::Transport;

/// A transport header and what it carries: `bytes` begins with `header_bytes` of header, and ends where that header
/// says or a capture was cut.
#[derive(Clone, Copy)]
pub(super) struct Message<'p> {
    pub(super) transport: Transport,
    pub(super) bytes: &'p [u8],
    pub(super) header_bytes: usize,
    /// Bytes behind `bytes` that a capture cut off.
    pub(super) missing_bytes: u32,
}

impl<'p> Message<'p> {
    pub(super) fn payload(&self) -> &'p [u8] {
        self.bytes.get(self.header_bytes..).unwrap_or_default()
    }
}
