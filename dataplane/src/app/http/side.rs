//! One direction of a connection, and where in its messages it stands.

use super::{head::Kind, message::Message};
use crate::{app::emitter::Outlet, flow::Direction, reassembly::StreamChunk};

/// One direction.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) part: Part,
    /// Whether a gap left it open where messages begin: the rest of the direction is payload.
    pub(super) lost: bool,
    /// Whether there were other readings of it.
    pub(super) forked: bool,
    pub(super) message: Message,
    pub(super) outlet: Outlet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    StartLine,
    Message,
    /// What follows is not HTTP, and not broken either.
    Tunnel,
}

impl Side {
    pub(super) fn new(direction: Direction) -> Self {
        Side {
            part: Part::StartLine,
            lost: false,
            forked: false,
            message: Message::new(direction),
            outlet: Outlet::new(direction),
        }
    }

    /// Whether a piece is of a body that goes on behind it, and nothing of that is held.
    pub(super) fn is_of_body(&self, chunk: StreamChunk<'_>) -> bool {
        let StreamChunk::Data(bytes) = chunk else { return false };
        self.part == Part::Message && self.message.is_in_body_behind(bytes.len())
    }

    /// The next message of this side begins.
    pub(super) fn begin(&mut self, kind: Kind) {
        self.part = Part::Message;
        self.message.begin(kind);
    }
}
