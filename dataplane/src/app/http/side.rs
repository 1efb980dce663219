//! One direction of a connection, and where in its messages it stands.

use super::{head::Kind, message::Message};
use crate::{app::emitter::Outlet, flow::Direction};

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

    /// The next message of this side begins.
    pub(super) fn begin(&mut self, kind: Kind) {
        self.part = Part::Message;
        self.message.begin(kind);
    }
}
