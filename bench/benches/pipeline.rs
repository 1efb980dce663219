//! Frame → verdict, whole connections with the default packs.

use std::sync::Arc;

use bench::http::{Kind, Random, connection};
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

criterion_group!(benches, benchmark);
criterion_main!(benches);
