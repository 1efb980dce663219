//! Frame → verdict with the default packs: whole connections, a flood of datagrams of one flow, and frames of many flows.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;

use bench::flow_frames::{self, FRAMES, Frame, random_flows};
use bench::http::{Kind, connection};
use bench::many_flows::{judge_foreseen, judge_one_by_one, pipeline};
use bench::random::Random;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::decode::LinkType;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::{RuleSet, default_packs};
use engine::sample::frame;

/// What stands before the payload of a frame of [`datagram`].
const HEADER_BYTES: usize = 14 + 20 + 8;

fn frames(kind: Kind, connections: u32) -> Vec<Vec<u8>> {
    let mut random = Random::new(1);
    // From the third on, so that none of few carries an attack.
    (2..2 + connections).flat_map(|index| connection(kind, index, &mut random)).collect()
}

/// Judges all frames, and returns how many are forwarded.
fn judge(pipeline: &mut Pipeline, frames: &mut [Vec<u8>]) -> u64 {
    for (index, frame) in frames.iter_mut().enumerate() {
        let meta = RxMeta {
            now_ns: index as u64 * 10_000,
            link: 0,
            link_type: LinkType::Ethernet,
            side: None,
            wire_bytes: frame.len() as u32,
        };
        pipeline.process(frame, meta, &mut ());
    }
    pipeline.finish(frames.len() as u64 * 10_000, &mut ());
    pipeline.counters().forwarded
}

/// Acknowledgments of many flows in random order, with and without a look ahead.
fn many_flows(criterion: &mut Criterion) {
    const FLOWS: u32 = 300_000;
    let mut pipeline = pipeline(FLOWS);
    let frames: Vec<Frame> = random_flows(FLOWS, FRAMES).map(flow_frames::frame).collect();
    let mut group = criterion.benchmark_group("many_flows");
    group.throughput(Throughput::Elements(FRAMES.into())).sample_size(10);
    group.bench_function("one_by_one", |bencher| {
        bencher.iter(|| assert_eq!(judge_one_by_one(&mut pipeline, &frames), frames.len()));
    });
    group.bench_function("foreseen", |bencher| {
        bencher.iter(|| assert_eq!(judge_foreseen(&mut pipeline, &frames), frames.len()));
    });
    group.finish();
}

/// A frame of so many bytes that carries zeros, as a generator of load sends them.
fn datagram(bytes: usize) -> Vec<u8> {
    let ends = ["10.0.0.1:4000", "10.0.0.2:4001"].map(|end| end.parse::<SocketAddr>().expect("it is one"));
    frame::udp(ends, &[], &vec![0; bytes - HEADER_BYTES])
}

fn benchmark(criterion: &mut Criterion) {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let mut group = criterion.benchmark_group("pipeline");
    for (name, kind, connections) in [("http_small", Kind::HttpSmall, 1000), ("http_bulk", Kind::HttpBulk, 4)]
    {
        let mut frames = frames(kind, connections);
        let settings = Settings { flows_max: 4096, ..Settings::default() };
        let pipeline = || Pipeline::new(settings.clone(), Arc::clone(&rules));
        assert_eq!(judge(&mut pipeline(), &mut frames), frames.len() as u64, "benign frames pass");
        group.throughput(Throughput::Elements(frames.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                pipeline,
                |pipeline| judge(pipeline, &mut frames),
                BatchSize::LargeInput,
            );
        });
    }
    group.throughput(Throughput::Elements(1));
    for bytes in [60, 1514] {
        let mut frame = datagram(bytes);
        let mut pipeline = Pipeline::new(Settings::default(), Arc::clone(&rules));
        assert_eq!(judge(&mut pipeline, std::slice::from_mut(&mut frame)), 1, "zeros pass");
        let mut meta = RxMeta {
            now_ns: 0,
            link: 0,
            link_type: LinkType::Ethernet,
            side: None,
            wire_bytes: bytes as u32,
        };
        group.bench_function(format!("datagram_{bytes}"), |bencher| {
            bencher.iter(|| {
                meta.now_ns += 1000;
                black_box(pipeline.process(black_box(&mut frame), meta, &mut ()))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark, many_flows);
criterion_main!(benches);
