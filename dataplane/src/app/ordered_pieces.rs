//! Pieces of a message that say where they belong, put in order: they come over several datagrams, and in any order.

use arrayvec::ArrayVec;

use crate::limits::{MESSAGE_BYTES_HELD_MAX, MESSAGE_PIECES_MAX};

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Taken,
    /// It says something else than what was there, which stays.
    Contradicts,
    /// It is beyond what is held.
    Beyond,
}

/// The begin of a stream, or a message.
///
/// Invariant: the pieces are in order and do not touch; what is between them is not there yet.
#[derive(Debug, Default)]
pub(super) struct OrderedPieces {
    bytes: Vec<u8>,
    pieces: ArrayVec<(usize, usize), MESSAGE_PIECES_MAX>,
}

impl OrderedPieces {
    /// Takes a piece in. Of bytes that are there already the first copy stays, as with those of TCP: whoever sends others in their
    /// place is told of.
    pub(super) fn add(&mut self, offset: u64, piece: &[u8]) -> Added {
        let Some((begin, end)) = usize::try_from(offset).ok().and_then(|begin| {
            let end = begin.checked_add(piece.len())?;
            (end <= MESSAGE_BYTES_HELD_MAX).then_some((begin, end))
        }) else {
            return Added::Beyond;
        };
        if piece.is_empty() {
            return Added::Taken;
        }
        let before = self.pieces.clone();
        if !self.cover(begin, end) {
            return Added::Beyond;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let Some(place) = self.bytes.get_mut(begin..end) else { return Added::Beyond };
        let (mut at, mut is_same) = (begin, true);
        let covered = before.into_iter().map(|(from, to)| (from.clamp(begin, end), to.clamp(begin, end)));
        for (from, to) in covered.chain([(end, end)]).filter(|(from, to)| from < to || *from == end) {
            // What is new up to there, and what was there.
            if let (Some(place), Some(piece)) =
                (place.get_mut(at - begin..from - begin), piece.get(at - begin..from - begin))
            {
                place.copy_from_slice(piece);
            }
            is_same &= place.get(from - begin..to - begin) == piece.get(from - begin..to - begin);
            at = to;
        }
        if is_same { Added::Taken } else { Added::Contradicts }
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
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
                prop_assert_eq!(ordered.add(begin as u64, &piece), Added::Taken);
                there[begin..begin + length].fill(true);
                let expected: Vec<u8> = (0..80).take_while(|at| there[usize::from(*at)]).collect();
                prop_assert_eq!(ordered.begin(), expected);
            }
        }
    }

    proptest! {
        /// Against a map of the first copy of each byte.
        #[test]
        fn the_first_copy_stays(pieces in vec((0..60usize, vec(0..4u8, 0..20)), 0..40)) {
            let (mut ordered, mut there) = (OrderedPieces::default(), [None; 80]);
            for (begin, piece) in pieces {
                let places = &mut there[begin..begin + piece.len()];
                let is_same = places.iter().zip(&piece).all(|(place, byte)| place.is_none_or(|of| of == *byte));
                let added = if is_same { Added::Taken } else { Added::Contradicts };
                prop_assert_eq!(ordered.add(begin as u64, &piece), added);
                places.iter_mut().zip(&piece).for_each(|(place, byte)| *place = place.or(Some(*byte)));
                let expected: Vec<u8> = there.iter().map_while(|place| *place).collect();
                prop_assert_eq!(ordered.begin(), expected);
            }
        }
    }

    #[test]
    fn no_more_is_held_than_may_be() {
        let mut ordered = OrderedPieces::default();
        assert_eq!(ordered.add(MESSAGE_BYTES_HELD_MAX as u64, b"x"), Added::Beyond);
        assert_eq!(ordered.add(u64::MAX, b"x"), Added::Beyond);
        for at in 0..MESSAGE_PIECES_MAX as u64 {
            assert_eq!(ordered.add(at * 2, b"x"), Added::Taken);
        }
        assert_eq!(ordered.add(MESSAGE_PIECES_MAX as u64 * 2 + 1, b"x"), Added::Beyond);
        assert_eq!(ordered.add(1, b"x"), Added::Taken, "it joins two");
        assert_eq!(ordered.begin(), b"xxx");
    }
}
