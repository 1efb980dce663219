//! What the two ends have said while it is open what they speak.

use arrayvec::ArrayVec;

use super::{
    AppProtocol,
    signature::{self, Answer, Prefix, Signature},
};
use crate::flow::Direction;
use crate::limits::{SIGNATURE_TURNS_MAX, TEXT_LINE_BYTES_MAX};

/// The first bytes of both directions, and in which turns they came.
///
/// Invariant: the turns of a direction cover its bytes.
#[derive(Debug, Default)]
pub struct Held {
    bytes: [Vec<u8>; 2],
    turns: ArrayVec<(Direction, usize), { SIGNATURE_TURNS_MAX + 1 }>,
    /// Directions that no signature knows, whatever else they say.
    is_unknown: [bool; 2],
}

/// What is known after a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Protocol(AppProtocol),
    /// More bytes of this direction may tell.
    More,
    /// Only the other direction can tell.
    Unknown,
    /// Nothing can.
    Nothing,
}

impl Held {
    /// Takes in the next bytes of a direction.
    pub(super) fn read(&mut self, signatures: &[Signature], direction: Direction, bytes: &[u8]) -> Told {
        let is_turn = self.turns.last().is_none_or(|(of, _)| *of != direction);
        if is_turn {
            self.turns.push((direction, 0));
        }
        if let Some((_, count)) = self.turns.last_mut() {
            *count += bytes.len();
        }
        let [to_server, to_client] = &mut self.bytes;
        let (held, peer) = match direction {
            Direction::ToServer => (to_server, &*to_client),
            Direction::ToClient => (to_client, &*to_server),
        };
        held.extend_from_slice(bytes);
        if self.turns.is_full() {
            return Told::Nothing;
        }
        if self.is_unknown[direction as usize] {
            return if held.len() > TEXT_LINE_BYTES_MAX { Told::Nothing } else { Told::Unknown };
        }
        let is_last = held.len() >= TEXT_LINE_BYTES_MAX;
        let bytes = held.get(..TEXT_LINE_BYTES_MAX).unwrap_or(held);
        let prefix = Prefix { peer, ..Prefix::of(direction, bytes) };
        match signature::of_stream(signatures, prefix) {
            Ok(protocol) => Told::Protocol(protocol),
            Err(Answer::More) if !is_last => Told::More,
            Err(_) => self.give_up(direction),
        }
    }

    /// This direction will tell nothing.
    pub(super) fn give_up(&mut self, direction: Direction) -> Told {
        self.is_unknown[direction as usize] = true;
        if self.is_unknown == [true; 2] { Told::Nothing } else { Told::Unknown }
    }

    /// All of it, in the turns in which it came.
    pub(super) fn turns(&self) -> impl Iterator<Item = (Direction, &[u8])> {
        let mut told = [0; 2];
        self.turns.iter().map(move |&(direction, count)| {
            let begin = told[direction as usize];
            told[direction as usize] += count;
            (direction, self.bytes[direction as usize].get(begin..begin + count).unwrap_or_default())
        })
    }
}
