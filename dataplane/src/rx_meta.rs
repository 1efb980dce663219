//! What a port knows of a frame.

use crate::decode::LinkType;

/// A side of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Towards what is protected.
    Inside,
    /// Towards the rest.
    Outside,
}

impl Side {
    /// The other side.
    pub fn opposite(self) -> Side {
        match self {
            Side::Inside => Side::Outside,
            Side::Outside => Side::Inside,
        }
    }
}

/// What the port knows of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxMeta {
    /// Receive time, in ns since the epoch.
    pub now_ns: u64,
    /// Index of the link: flows of two links never meet.
    pub link: u16,
    /// How the frame begins.
    pub link_type: LinkType,
    /// The side of the link that it came from; `None` where a capture does not tell.
    pub side: Option<Side>,
    /// Length on the wire, in bytes; more than the frame's where a capture cut it.
    pub wire_bytes: u32,
}
