//! Frame → verdict, whole connections with the default packs.

use std::sync::Arc;

use bench::flow_frames::{FRAMES, Frame, frame, random_flows};
use bench::http::{Kind, Random, connection};
use bench::many_flows::{judge_foreseen, judge_one_by_one, pipeline};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::decode::LinkType;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::{RuleSet, default_packs};

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
    let frames: Vec<Frame> = random_flows(FLOWS, FRAMES).map(frame).collect();
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
    group.finish();
}

criterion_group!(benches, benchmark, many_flows);
criterion_main!(benches);
