//! What the two ends have said while it is open what they speak.

use arrayvec::ArrayVec;

use super::{
    AppProtocol,
    http::Looked,
    signature::{self, Answer, Prefix, Signature},
};
use crate::flow::Direction;
use crate::limits::{HTTP_LINE_BYTES_MAX, SIGNATURE_TURNS_MAX};
use crate::reassembly::StreamChunk;

/// The first bytes of both directions, and in which turns they came.
///
/// Invariant: the data of a direction's turns are its bytes, one after the other.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: [Vec<u8>; 2],
    /// At the client's.
    looked: Looked,
    turns: ArrayVec<(Direction, Turn), { SIGNATURE_TURNS_MAX + 1 }>,
    /// Directions that no signature knows, whatever else they say.
    is_unknown: [bool; 2],
    /// Directions that ended before they told anything: what may follow is not held.
    is_ended: [bool; 2],
}

/// What one end says before the other one does.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// So many bytes.
    Data(usize),
    /// So many bytes that are missing.
    Gap(u32),
    Fin,
}

/// What is known after a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The first so many bytes of this direction tell it.
    Protocol(AppProtocol, usize),
    /// More bytes may tell.
    More,
    /// This direction is of no protocol: only the other one can tell.
    Unknown,
    /// Nothing can.
    Nothing,
}

impl Held {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.iter().map(Vec::capacity).sum()
    }

    /// Takes in the next bytes of a direction.
    pub(super) fn read(&mut self, signatures: &[Signature], direction: Direction, bytes: &[u8]) -> Told {
        if self.is_ended(direction) {
            return self.told();
        }
        match self.turns.last_mut() {
            Some((of, Turn::Data(count))) if *of == direction => *count += bytes.len(),
            _ => self.turns.push((direction, Turn::Data(bytes.len()))),
        }
        let [to_server, to_client] = &mut self.bytes;
        let (held, peer) = match direction {
            Direction::ToServer => (to_server, &*to_client),
            Direction::ToClient => (to_client, &*to_server),
        };
        held.extend_from_slice(bytes);
        let is_last = held.len() >= HTTP_LINE_BYTES_MAX;
        if self.turns.is_full() || self.is_unknown[direction as usize] && is_last {
            return Told::Nothing;
        }
        if self.is_unknown[direction as usize] {
            return Told::Unknown;
        }
        let bytes = held.get(..HTTP_LINE_BYTES_MAX).unwrap_or(held);
        let prefix = Prefix { peer, looked: Some(&self.looked), ..Prefix::of(direction, bytes) };
        match signature::of_stream(signatures, prefix) {
            Ok((protocol, told_by)) => Told::Protocol(protocol, told_by),
            Err(Answer::More) if !is_last => Told::More,
            Err(_) => self.give_up(direction),
        }
    }

    /// A direction is of no protocol.
    pub(super) fn give_up(&mut self, direction: Direction) -> Told {
        self.is_unknown[direction as usize] = true;
        self.rest(Told::Unknown)
    }

    /// Whether a direction ended: what may follow is not held.
    pub(super) fn is_ended(&self, direction: Direction) -> bool {
        self.is_ended[direction as usize]
    }

    /// What is known while nothing new is told.
    pub(super) fn told(&self) -> Told {
        self.rest(Told::More)
    }

    /// So many bytes of a direction are missing: it tells nothing any more.
    pub(super) fn gap(&mut self, direction: Direction, bytes: u32) -> Told {
        self.end(direction, Turn::Gap(bytes))
    }

    /// A direction is over.
    pub(super) fn fin(&mut self, direction: Direction) -> Told {
        self.end(direction, Turn::Fin)
    }

    fn end(&mut self, direction: Direction, turn: Turn) -> Told {
        if !std::mem::replace(&mut self.is_ended[direction as usize], true) {
            self.turns.push((direction, turn));
        }
        if self.turns.is_full() { Told::Nothing } else { self.rest(Told::More) }
    }

    /// What is known once a direction tells nothing any more.
    fn rest(&self, told: Told) -> Told {
        let is_mute = |of: Direction| self.is_unknown[of as usize] || self.is_ended[of as usize];
        if Direction::BOTH.into_iter().all(is_mute) { Told::Nothing } else { told }
    }

    /// What client and server said, in the turns in which it came.
    pub(super) fn turns(&self) -> impl Iterator<Item = (Direction, StreamChunk<'_>)> {
        let mut told = [0; 2];
        self.turns.iter().map(move |&(direction, turn)| {
            let chunk = match turn {
                Turn::Gap(bytes) => StreamChunk::Gap(bytes),
                Turn::Fin => StreamChunk::Fin,
                Turn::Data(count) => {
                    let begin = told[direction as usize];
                    told[direction as usize] += count;
                    let bytes = self.bytes[direction as usize].get(begin..begin + count);
                    StreamChunk::Data(bytes.unwrap_or_default())
                }
            };
            (direction, chunk)
        })
    }

    /// What a direction said.
    pub(super) fn bytes(&self, direction: Direction) -> &[u8] {
        &self.bytes[direction as usize]
    }
}
