//! Which ends of a flow were heard, and from where: only what came in from two sides of a link has two ends.

use super::Side;
use crate::flow::Direction;

/// From which sides either end was heard: a bit for each pair.
///
/// Whoever is out there can speak in the names of both ends, but from one side alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard(u8);

fn bit(direction: Direction, side: Side) -> u8 {
    1 << (2 * direction as u8 + side as u8)
}

impl Heard {
    /// A packet came. Where sides are not known, as in a capture, any may be its own.
    pub(super) fn hear(&mut self, direction: Direction, side: Option<Side>) {
        let is_its = |it: &Side| side.is_none_or(|side| side == *it);
        let sides = [Side::Inside, Side::Outside].into_iter().filter(is_its);
        sides.for_each(|side| self.0 |= bit(direction, side));
    }

    /// What was heard, where client and server have each other's names from now on.
    pub(super) fn turned(self) -> Heard {
        Heard(self.0 >> 2 | self.0 << 2 & 0b1100)
    }

    /// Whether both ends were heard, each from another side.
    pub(super) fn is_of_two(self) -> bool {
        let is_across = |client_side: Side| {
            let both =
                bit(Direction::ToServer, client_side) | bit(Direction::ToClient, client_side.opposite());
            self.0 & both == both
        };
        is_across(Side::Inside) || is_across(Side::Outside)
    }
}
