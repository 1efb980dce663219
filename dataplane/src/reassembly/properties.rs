//! What holds for every cutting, order and repetition of a stream, and for any garbage.

use proptest::prelude::*;

use super::sequence::Sequence;
use super::{Connection, Memory, Segment, StreamChunk};
use crate::decode::TcpFlags;
use crate::flow::Direction;

fn segment(flags: u8, sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        sequence,
        acknowledgment: 1,
        flags: TcpFlags(flags),
        window: 65535,
        window_scale: None,
        timestamp: None,
        payload,
        missing_bytes: 0,
    }
}

/// A connection whose client's first byte has the number `first`.
fn established(first: u32, budget: &mut Memory) -> Connection {
    let mut connection = Connection::new();
    let syn = segment(TcpFlags::SYN, first.wrapping_sub(1), &[]);
    let syn_ack = Segment { acknowledgment: first, ..segment(TcpFlags::SYN | TcpFlags::ACK, 0, &[]) };
    for (direction, segment) in [(Direction::ToServer, syn), (Direction::ToClient, syn_ack)] {
        connection.push(direction, segment, budget).expect("a handshake is acceptable");
    }
    connection
}

/// Bytes, pieces of them as (start, length), which cover all, repeat and overlap, in any order.
fn cut_stream() -> impl Strategy<Value = (Vec<u8>, Vec<(usize, usize)>)> {
    (proptest::collection::vec(any::<u8>(), 1..3000), proptest::collection::vec(1..200usize, 1..40))
        .prop_flat_map(|(bytes, lengths)| {
            let mut pieces = Vec::new();
            let mut start = 0;
            for &length in lengths.iter().cycle() {
                // So many pieces as may wait at once.
                let length = length.max(bytes.len() / 200 + 1).min(bytes.len() - start);
                pieces.push((start, length));
                start += length;
                if start == bytes.len() {
                    break;
                }
            }
            let total = bytes.len();
            let extra = proptest::collection::vec((0..total, 1..300usize), 0..20).prop_map(move |extra| {
                extra.into_iter().map(|(at, len)| (at, len.min(total - at))).collect::<Vec<_>>()
            });
            extra.prop_flat_map(move |extra| {
                let all: Vec<_> = pieces.iter().copied().chain(extra).collect();
                (Just(bytes.clone()), Just(all).prop_shuffle())
            })
        })
}

#[derive(Clone, Debug)]
struct Garbage {
    direction: Direction,
    flags: u8,
    sequence: u32,
    acknowledgment: u32,
    payload: Vec<u8>,
    missing_bytes: u32,
    chunks_taken: usize,
}

/// Numbers near a few places, so that segments meet.
fn number() -> impl Strategy<Value = u32> {
    (prop_oneof![Just(0), Just(u32::MAX), Just(1 << 30), Just(1 << 31), Just(3 << 30)], 0..600u32)
        .prop_map(|(place, offset): (u32, u32)| place.wrapping_add(offset))
}

fn garbage() -> impl Strategy<Value = Garbage> {
    let direction = prop_oneof![Just(Direction::ToServer), Just(Direction::ToClient)];
    let flags = prop_oneof![8 => Just(TcpFlags::ACK), 1 => Just(TcpFlags::SYN), 1 => any::<u8>()];
    let missing = prop_oneof![8 => Just(0), 1 => 0..2000u32, 1 => any::<u32>()];
    let payload = proptest::collection::vec(0..2u8, 0..40);
    (direction, flags, number(), number(), payload, missing, 0..3usize).prop_map(
        |(direction, flags, sequence, acknowledgment, payload, missing_bytes, chunks_taken)| Garbage {
            direction,
            flags,
            sequence,
            acknowledgment,
            payload,
            missing_bytes,
            chunks_taken,
        },
    )
}

#[derive(Clone, Debug)]
enum Event {
    Client { start: usize, payload: Vec<u8> },
    Server { acknowledgment: u32, drains: bool },
}

/// Two ends that contradict themselves and acknowledge what never came by.
fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..STREAM_BYTES, proptest::collection::vec(0..2u8, 0..12))
            .prop_map(|(start, payload)| Event::Client { start, payload }),
        1 => (0..60u32, any::<bool>())
            .prop_map(|(acknowledgment, drains)| Event::Server { acknowledgment, drains }),
    ]
}

const STREAM_BYTES: usize = 100;

/// An endpoint that remembers every byte that passed, and what the stream's reader was told.
#[derive(Default)]
struct Reader {
    passed: std::collections::BTreeMap<usize, u8>,
    skipped: Vec<std::ops::Range<usize>>,
    position: usize,
}

impl Reader {
    fn passes(&mut self, start: usize, payload: &[u8]) {
        for (offset, &byte) in (start..).zip(payload) {
            assert!(!self.skipped.iter().any(|gap| gap.contains(&offset)), "byte {offset} passes unread");
            if offset >= self.position {
                let first = *self.passed.entry(offset).or_insert(byte);
                assert_eq!(first, byte, "two copies of byte {offset} passed");
            }
        }
    }

    fn reads(&mut self, chunk: StreamChunk<'_>) {
        match chunk {
            StreamChunk::Data(data) => {
                for &byte in data {
                    assert_eq!(self.passed.get(&self.position), Some(&byte), "byte {}", self.position);
                    self.position += 1;
                }
            }
            StreamChunk::Gap(bytes) => {
                let end = self.position + bytes as usize;
                self.skipped.push(self.position..end);
                self.position = end;
            }
            StreamChunk::Fin => panic!("nobody finished"),
        }
    }
}

proptest! {
    #[test]
    fn any_cutting_delivers_the_stream((bytes, pieces) in cut_stream(), before_wrap in 0..4000u32) {
        let first = 0u32.wrapping_sub(before_wrap);
        let mut budget = Memory::default();
        let mut connection = established(first, &mut budget);
        let mut delivered = Vec::new();
        let mut fins = 0;
        for (start, length) in pieces {
            let is_last = start + length == bytes.len();
            let flags = TcpFlags::ACK | if is_last { TcpFlags::FIN } else { 0 };
            let sequence = first.wrapping_add(u32::try_from(start).expect("streams are short"));
            let segment = segment(flags, sequence, &bytes[start..start + length]);
            let mut chunks = connection.push(Direction::ToServer, segment, &mut budget).expect("within the caps");
            while let Some(chunk) = chunks.next_chunk() {
                prop_assert_eq!(fins, 0, "nothing follows the end");
                match chunk {
                    StreamChunk::Data(data) => delivered.extend_from_slice(data),
                    StreamChunk::Gap(_) => prop_assert!(false, "nothing is missing"),
                    StreamChunk::Fin => fins += 1,
                }
            }
        }
        prop_assert_eq!(delivered, bytes);
        prop_assert_eq!(fins, 1);
        prop_assert_eq!(budget.held_bytes(), 0);
    }

    #[test]
    fn what_is_read_is_what_first_passed(events in proptest::collection::vec(event(), 1..60)) {
        let mut budget = Memory::default();
        let mut connection = established(0, &mut budget);
        let mut reader = Reader::default();
        for event in &events {
            match event {
                Event::Client { start, payload } => {
                    let sequence = u32::try_from(*start).expect("offsets are small");
                    let segment = segment(TcpFlags::ACK, sequence, payload);
                    let outcome = connection.push(Direction::ToServer, segment, &mut budget);
                    if let Ok(mut chunks) = outcome {
                        reader.passes(*start, payload);
                        while let Some(chunk) = chunks.next_chunk() {
                            reader.reads(chunk);
                        }
                    }
                }
                Event::Server { acknowledgment, drains } => {
                    let segment = Segment { acknowledgment: *acknowledgment, ..segment(TcpFlags::ACK, 1, &[]) };
                    drop(connection.push(Direction::ToClient, segment, &mut budget).expect("a bare ACK passes"));
                    let chunks = if *drains { connection.pending(Direction::ToServer, &mut budget) } else { None };
                    if let Some(mut chunks) = chunks {
                        while let Some(chunk) = chunks.next_chunk() {
                            reader.reads(chunk);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn garbage_neither_panics_nor_leaks_nor_turns_back(
        segments in proptest::collection::vec(garbage(), 1..120),
        drains in any::<bool>(),
    ) {
        let mut budget = Memory::new(4000, 1 << 20);
        let mut connection = Connection::new();
        for garbage in &segments {
            let state_before = connection.state();
            let before = Direction::BOTH.map(|direction| connection.expected(direction));
            let segment = Segment {
                acknowledgment: garbage.acknowledgment,
                missing_bytes: garbage.missing_bytes,
                ..segment(garbage.flags, garbage.sequence, &garbage.payload)
            };
            let held_before = budget.held_bytes();
            let outcome = connection.push(garbage.direction, segment, &mut budget).map(|mut chunks| {
                for _ in 0..garbage.chunks_taken {
                    chunks.next_chunk();
                }
            });
            if outcome.is_err() {
                prop_assert_eq!(connection.state(), state_before);
                prop_assert_eq!(budget.held_bytes(), held_before);
                prop_assert_eq!(Direction::BOTH.map(|direction| connection.expected(direction)), before);
            }
            if drains {
                drop(connection.pending(garbage.direction.opposite(), &mut budget));
            }
            for direction in Direction::BOTH {
                let after = connection.expected(direction);
                // Until the SYN is answered, another may take its place; where the begin was missed, receivers correct it.
                let is_settled = is_settled(state_before) && !connection.is_midstream();
                if let (Some(was), Some(is), true) = (before[direction as usize], after, is_settled) {
                    prop_assert!(!Sequence::new(is).is_before(Sequence::new(was)), "{was} -> {is}");
                }
            }
        }
        connection.release(&mut budget);
        prop_assert_eq!(budget.held_bytes(), 0);
    }
}

fn is_settled(state: super::TcpState) -> bool {
    !matches!(state, super::TcpState::None | super::TcpState::SynSent)
}
