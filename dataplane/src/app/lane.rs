//! Which of the fields that are open at once bytes belong to.

use crate::flow::Direction;

/// How far the bytes of a message are from what its direction carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// As they are on the wire, framing aside.
    Wire = 0,
    /// Their content coding taken off.
    Decoded = 1,
    /// Values within what is on the wire, their escapes taken off.
    WireValues = 2,
    /// Values within what was decoded.
    DecodedValues = 3,
}

impl Depth {
    /// All of them, the outermost first.
    pub const ALL: [Depth; 4] = [Depth::Wire, Depth::Decoded, Depth::WireValues, Depth::DecodedValues];
}

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
    const DECODED: u32 = u32::MAX - 1;
    const WIRE_VALUES: u32 = u32::MAX - 2;
    const DECODED_VALUES: u32 = u32::MAX - 3;

    /// The direction's own.
    pub fn main(direction: Direction) -> Lane {
        Lane { direction, number: 0 }
    }

    /// For the message that a direction has under way, so deep.
    pub fn at(direction: Direction, depth: Depth) -> Lane {
        match depth {
            Depth::Wire => Lane::main(direction),
            Depth::Decoded => Lane { direction, number: Lane::DECODED },
            Depth::WireValues => Lane { direction, number: Lane::WIRE_VALUES },
            Depth::DecodedValues => Lane { direction, number: Lane::DECODED_VALUES },
        }
    }

    /// How deep it is in the message under way; `None` for the other lanes.
    #[inline]
    pub fn depth(self) -> Option<Depth> {
        match self.number {
            0 => Some(Depth::Wire),
            Lane::DECODED => Some(Depth::Decoded),
            Lane::WIRE_VALUES => Some(Depth::WireValues),
            Lane::DECODED_VALUES => Some(Depth::DecodedValues),
            _ => None,
        }
    }

    /// For a field that is told at once.
    pub fn beside(direction: Direction) -> Lane {
        Lane { direction, number: Lane::BESIDE }
    }
}
