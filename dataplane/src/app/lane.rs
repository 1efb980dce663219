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
    /// What stands in Base64 within the former.
    WireBase64 = 4,
    /// What stands in Base64 within the latter.
    DecodedBase64 = 5,
}

impl Depth {
    /// All of them, the outermost first.
    pub const ALL: [Depth; 6] = [
        Depth::Wire,
        Depth::Decoded,
        Depth::WireValues,
        Depth::DecodedValues,
        Depth::WireBase64,
        Depth::DecodedBase64,
    ];
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

    /// The lane of a field that is told piece by piece beside the payload: parts of a mail, a file.
    pub const STREAMED: u32 = u32::MAX - 1;

    /// The last that a stream within a connection may have: those of the depths follow.
    pub const STREAM_MAX: u32 = Lane::STREAMED - Depth::ALL.len() as u32;

    /// The direction's own.
    pub fn main(direction: Direction) -> Lane {
        Lane { direction, number: 0 }
    }

    /// For the message that a direction has under way, so deep.
    pub fn at(direction: Direction, depth: Depth) -> Lane {
        match depth {
            Depth::Wire => Lane::main(direction),
            _ => Lane { direction, number: Lane::STREAMED - depth as u32 },
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lane_is_two_things() {
        let depths = Depth::ALL.map(|depth| Lane::at(Direction::ToServer, depth).number);
        let mut numbers = [&depths[..], &[Lane::STREAM_MAX, Lane::STREAMED, Lane::BESIDE]].concat();
        numbers.sort_unstable();
        let all = [&[0], &(Lane::STREAM_MAX..=Lane::BESIDE).collect::<Vec<_>>()[..]].concat();
        assert_eq!(numbers, all, "they follow one another");
    }
}
