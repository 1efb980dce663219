//! Segments → stream: in order, where nothing is copied, and with every other pair swapped.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;
use dataplane::reassembly::{Connection, HeldBudget, Segment, StreamChunk};

const SEGMENTS: usize = 200;
const SEGMENT_BYTES: usize = 1400;

/// Pushes the segments of `order` behind a handshake, and returns how many bytes came out in order.
fn reassemble(stream: &[u8], order: &[usize]) -> usize {
    let mut held = HeldBudget::new(1 << 20);
    let mut connection = Connection::new();
    let mut push = |direction, flags, [sequence, acknowledgment]: [u32; 2], payload| {
        let segment = Segment {
            sequence,
            acknowledgment,
            flags: TcpFlags(flags),
            window: 65_535,
            window_scale: (flags & TcpFlags::SYN != 0).then_some(7),
            payload,
            missing_bytes: 0,
        };
        let mut chunks = connection.push(direction, segment, &mut held).expect("it is in the window");
        let mut bytes = 0;
        while let Some(chunk) = chunks.next_chunk() {
            if let StreamChunk::Data(data) = chunk {
                bytes += black_box(data).len();
            }
        }
        bytes
    };
    push(Direction::ToServer, TcpFlags::SYN, [0, 0], &[][..]);
    push(Direction::ToClient, TcpFlags::SYN | TcpFlags::ACK, [0, 1], &[]);
    push(Direction::ToServer, TcpFlags::ACK, [1, 1], &[]);
    let place = |index: usize| index * SEGMENT_BYTES;
    let data = |index: &usize| {
        let sequences = [1 + place(*index) as u32, 1];
        push(Direction::ToServer, TcpFlags::ACK, sequences, &stream[place(*index)..place(index + 1)])
    };
    order.iter().map(data).sum()
}

fn benchmark(criterion: &mut Criterion) {
    let stream = vec![b'x'; SEGMENTS * SEGMENT_BYTES];
    let in_order: Vec<usize> = (0..SEGMENTS).collect();
    let swapped: Vec<usize> = (0..SEGMENTS).map(|index| index ^ 1).collect();
    let mut group = criterion.benchmark_group("reassembly");
    group.throughput(Throughput::Elements(SEGMENTS as u64));
    for (name, order) in [("in_order", &in_order), ("swapped", &swapped)] {
        assert_eq!(reassemble(&stream, order), stream.len());
        group.bench_function(name, |bencher| bencher.iter(|| reassemble(&stream, black_box(order))));
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
