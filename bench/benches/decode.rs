//! Frame → packet, with and without checksums, for the frame sizes of small HTTP connections.

use std::hint::black_box;

use bench::http::{Kind, connection};
use bench::random::Random;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataplane::decode::{Checksum, ChecksumMode, LinkType, Transport, decode};

fn benchmark(criterion: &mut Criterion) {
    let frames = connection(Kind::HttpSmall, 0, &mut Random::new(1));
    for frame in &frames {
        let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify);
        let packet = packet.expect("the workload is well-formed");
        assert!(matches!(packet.transport, Transport::Tcp(_)) && packet.checksum == Checksum::Valid);
    }
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(frames.len() as u64));
    for (name, mode) in [("verify", ChecksumMode::Verify), ("ignore", ChecksumMode::Ignore)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for frame in &frames {
                    let packet = decode(black_box(frame), frame.len() as u32, LinkType::Ethernet, mode);
                    black_box(packet).expect("the workload is well-formed");
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
