//! Which of the fields that are open at once bytes belong to.

use crate::flow::Direction;

/// One of the places in a direction where fields come one after another.
///
/// Each direction has one for what its bytes are in turn: start lines, bodies, payload. What is drawn out of
/// them stands beside it, and streams that take turns within a connection have a lane each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// Which way its bytes travel.
    pub direction: Direction,
    /// 0 is the direction's own.
    pub number: u32,
}

impl Lane {
    /// The lane of a field that is told at once, beside what its direction has open.
    pub const BESIDE: u32 = u32::MAX;

    /// The lane of a field that is told piece by piece beside the payload: parts of a mail, a file.
    pub const STREAMED: u32 = u32::MAX - 1;

    /// The direction's own.
    pub fn main(direction: Direction) -> Lane {
        Lane { direction, number: 0 }
    }

    /// For a field that is told at once.
    pub fn beside(direction: Direction) -> Lane {
        Lane { direction, number: Lane::BESIDE }
    }

    /// For a field that is told piece by piece.
    pub fn streamed(direction: Direction) -> Lane {
        Lane { direction, number: Lane::STREAMED }
    }
}
