//! Pieces of a message that say where they belong, put in order: they come over several datagrams, and in any order.

use arrayvec::ArrayVec;

use crate::limits::{MESSAGE_BYTES_HELD_MAX, MESSAGE_PIECES_MAX};

/// The begin of a stream, or a message.
///
/// Invariant: the pieces are in order and do not touch; what is between them is not there yet.
#[derive(Debug, Default)]
pub(super) struct OrderedPieces {
    bytes: Vec<u8>,
    pieces: ArrayVec<(usize, usize), MESSAGE_PIECES_MAX>,
}

impl OrderedPieces {
    /// Takes a piece in; `false` where it is beyond what is held.
    pub(super) fn add(&mut self, offset: u64, piece: &[u8]) -> bool {
        let Some((begin, end)) = usize::try_from(offset).ok().and_then(|begin| {
            let end = begin.checked_add(piece.len())?;
            (end <= MESSAGE_BYTES_HELD_MAX).then_some((begin, end))
        }) else {
            return false;
        };
        if piece.is_empty() {
            return true;
        }
        if !self.cover(begin, end) {
            return false;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(begin..end) {
            place.copy_from_slice(piece);
        }
        true
    }

    /// What is there without a hole.
    pub(super) fn begin(&self) -> &[u8] {
        match self.pieces.first() {
            Some((0, end)) => self.bytes.get(..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Makes one piece of this one and of those that it touches.
    fn cover(&mut self, mut begin: usize, mut end: usize) -> bool {
        let first = self.pieces.partition_point(|piece| piece.1 < begin);
        let touching = self.pieces.iter().skip(first).take_while(|piece| piece.0 <= end).count();
        if touching == 0 && self.pieces.is_full() {
            return false;
        }
        for piece in self.pieces.drain(first..first + touching) {
            (begin, end) = (begin.min(piece.0), end.max(piece.1));
        }
        self.pieces.insert(first, (begin, end));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        /// Against a map of which bytes are there.
        #[test]
        fn what_is_there_without_a_hole_is_told(pieces in vec((0..60usize, 0..20usize), 0..40)) {
            let (mut ordered, mut there) = (OrderedPieces::default(), [false; 80]);
            for (begin, length) in pieces {
                let piece: Vec<u8> = (begin..begin + length).map(|at| at as u8).collect();
                prop_assert!(ordered.add(begin as u64, &piece));
                there[begin..begin + length].fill(true);
                let expected: Vec<u8> = (0..80).take_while(|at| there[usize::from(*at)]).collect();
                prop_assert_eq!(ordered.begin(), expected);
            }
        }
    }

    #[test]
    fn no_more_is_held_than_may_be() {
        let mut ordered = OrderedPieces::default();
        assert!(!ordered.add(MESSAGE_BYTES_HELD_MAX as u64, b"x") && !ordered.add(u64::MAX, b"x"));
        for at in 0..MESSAGE_PIECES_MAX as u64 {
            assert!(ordered.add(at * 2, b"x"));
        }
        assert!(!ordered.add(MESSAGE_PIECES_MAX as u64 * 2 + 1, b"x"));
        assert!(ordered.add(1, b"x"), "it joins two");
        assert_eq!(ordered.begin(), b"xxx");
    }
}
