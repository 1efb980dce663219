//! What the two ends of a flow of datagrams said last, while it is open what they speak.

use arrayvec::ArrayVec;

use super::signature::Prefix;
use crate::flow::Direction;
use crate::limits::{SIGNATURE_DATAGRAM_BYTES_KEPT_MAX, SIGNATURE_DATAGRAMS_MAX};

/// The begin of the last datagram of each end, and how many there were.
#[derive(Debug, Default)]
pub struct Datagrams {
    count: u8,
    last: [ArrayVec<u8, SIGNATURE_DATAGRAM_BYTES_KEPT_MAX>; 2],
}

impl Datagrams {
    /// A datagram as signatures look at it, behind those `before`.
    pub(super) fn prefix<'p>(
        before: Option<&'p Datagrams>,
        direction: Direction,
        bytes: &'p [u8],
    ) -> Prefix<'p> {
        let last = |of: Direction| before.map_or(&[][..], |before| &before.last[of as usize]);
        Prefix { direction, bytes, peer: last(direction.opposite()), last: last(direction) }
    }

    /// Takes in a datagram that told nothing.
    pub(super) fn take(&mut self, direction: Direction, bytes: &[u8]) {
        self.count += 1;
        let begin = bytes.get(..SIGNATURE_DATAGRAM_BYTES_KEPT_MAX).unwrap_or(bytes);
        self.last[direction as usize] = begin.iter().copied().collect();
    }

    /// Whether no more are looked at.
    pub(super) fn are_enough(&self) -> bool {
        self.count >= SIGNATURE_DATAGRAMS_MAX
    }
}
