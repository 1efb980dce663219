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
    /// Messages that a body is made of.
    Message = 6,
    /// The text that it is, of another charset, as UTF-8.
    Text = 7,
    /// Parts that it is made of: values of a form, and files.
    Part = 8,
    /// Members of an archive within it.
    Member = 9,
}

impl Depth {
    /// All of them, the outermost first.
    pub const ALL: [Depth; 10] = [
        Depth::Wire,
        Depth::Decoded,
        Depth::WireValues,
        Depth::DecodedValues,
        Depth::WireBase64,
        Depth::DecodedBase64,
        Depth::Message,
        Depth::Text,
        Depth::Part,
        Depth::Member,
    ];
}

/// One of the places in a direction where fields come one after another.
///
/// Each direction has one for what its bytes are in turn: start lines, bodies, payload. What is drawn out of
/// them stands beside it, and streams that take turns within a connection have lanes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// Which way its bytes travel.
    pub direction: Direction,
    /// 0 is the direction's own.
    pub number: u32,
    /// How deep in what its number says.
    pub depth: Depth,
}

impl Lane {
    /// The number of a field that is told at once, beside what its direction has open.
    pub const BESIDE: u32 = u32::MAX;

    /// The number of a field that is told piece by piece beside the payload: parts of a mail, a file. Those of streams within a
    /// connection are lower: they have 31 bits (RFC 9113 §4.1).
    pub const STREAMED: u32 = u32::MAX - 1;

    /// The direction's own.
    pub fn main(direction: Direction) -> Lane {
        Lane::at(direction, 0, Depth::Wire)
    }

    /// For the message that stream `number` has under way, so deep.
    pub fn at(direction: Direction, number: u32, depth: Depth) -> Lane {
        Lane { direction, number, depth }
    }

    /// For a field that is told at once.
    pub fn beside(direction: Direction) -> Lane {
        Lane::at(direction, Lane::BESIDE, Depth::Wire)
    }

    /// For a field that is told piece by piece.
    pub fn streamed(direction: Direction) -> Lane {
        Lane::at(direction, Lane::STREAMED, Depth::Wire)
    }

    /// For members of an archive that is told piece by piece.
    pub fn members(direction: Direction) -> Lane {
        Lane::at(direction, Lane::STREAMED, Depth::Member)
    }

    /// Whether it is the direction's own.
    pub fn is_main(self) -> bool {
        self.number == 0 && self.depth == Depth::Wire
    }
}
