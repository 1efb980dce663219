//! Segments → stream: in order, where each byte is copied once to be kept until it is acknowledged, and with every other
//! pair swapped.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;
use dataplane::reassembly::{Connection, Memory, Segment, StreamChunk};

const SEGMENTS: usize = 200;
const SEGMENT_BYTES: usize = 1400;

/// Pushes a segment, and returns how many bytes came out in order.
fn push(
    connection: &mut Connection,
    memory: &mut Memory,
    direction: Direction,
    segment: Segment<'_>,
) -> usize {
    let mut chunks = connection.push(direction, segment, memory).expect("it is in the window");
    let mut bytes = 0;
    while let Some(chunk) = chunks.next_chunk() {
        if let StreamChunk::Data(data) = chunk {
            bytes += black_box(data).len();
        }
    }
    bytes
}

fn segment(sequence: u32, acknowledgment: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
    let flags = TcpFlags(flags);
    let window_scale = flags.has(TcpFlags::SYN).then_some(7);
    let (window, timestamp) = (u16::MAX, None);
    Segment { sequence, acknowledgment, flags, window, window_scale, timestamp, payload, missing_bytes: 0 }
}

/// Opens a connection, pushes the segments of `order`, and returns how many bytes came out in order.
fn reassemble(stream: &[u8], order: &[usize], memory: &mut Memory) -> usize {
    let mut connection = Connection::new();
    let (syn, ack) = (TcpFlags::SYN, TcpFlags::ACK);
    push(&mut connection, memory, Direction::ToServer, segment(0, 0, syn, b""));
    push(&mut connection, memory, Direction::ToClient, segment(0, 1, syn | ack, b""));
    push(&mut connection, memory, Direction::ToServer, segment(1, 1, ack, b""));
    // The first window that is scaled: room for all that follows.
    push(&mut connection, memory, Direction::ToClient, segment(1, 1, ack, b""));
    let place = |index: usize| index * SEGMENT_BYTES;
    let mut bytes = 0;
    for index in order {
        let payload = &stream[place(*index)..place(index + 1)];
        let data = segment(1 + place(*index) as u32, 1, ack, payload);
        bytes += push(&mut connection, memory, Direction::ToServer, data);
    }
    connection.release(memory);
    bytes
}

fn benchmark(criterion: &mut Criterion) {
    let stream = vec![b'x'; SEGMENTS * SEGMENT_BYTES];
    let in_order: Vec<usize> = (0..SEGMENTS).collect();
    let swapped: Vec<usize> = (0..SEGMENTS).map(|index| index ^ 1).collect();
    let mut group = criterion.benchmark_group("reassembly");
    group.throughput(Throughput::Elements(SEGMENTS as u64));
    for (name, order) in [("in_order", &in_order), ("swapped", &swapped)] {
        let mut memory = Memory::new(1 << 20, 1 << 20);
        assert_eq!(reassemble(&stream, order, &mut memory), stream.len());
        group.bench_function(name, |bencher| {
            bencher.iter(|| reassemble(&stream, black_box(order), &mut memory));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
