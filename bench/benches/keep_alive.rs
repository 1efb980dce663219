//! Frame → verdict without a pack: HTTP connections that are kept, with all parsers on.

use std::sync::Arc;

use bench::keep_alive::{Shape, frames};
use bench::random::Random;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::decode::LinkType;
use dataplane::event::{Event, EventSink};
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::{Pack, RuleSet};

/// Frames that a port hands over at once.
const BATCH: usize = 64;
const LARGE: Shape = Shape { request_bytes: 400, response_bytes: 16 << 10, connections: 32, requests: 16 };
const SMALL: Shape = Shape { request_bytes: 400, response_bytes: 800, connections: 32, requests: 200 };

/// Transactions that were told; nothing else may be.
#[derive(Default)]
struct Transactions(usize);

impl EventSink for Transactions {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Http(_) => self.0 += 1,
            Event::Anomaly(anomaly) => panic!("{anomaly:?}"),
            _ => {}
        }
    }
}

fn judge(pipeline: &mut Pipeline, frames: &mut [Vec<u8>]) -> usize {
    let mut transactions = Transactions::default();
    let mut now_ns = 0;
    for batch in frames.chunks_mut(BATCH) {
        now_ns += 64_000;
        let meta = |frame: &[u8]| RxMeta {
            now_ns,
            link: 0,
            link_type: LinkType::Ethernet,
            side: None,
            wire_bytes: frame.len() as u32,
        };
        batch.iter().for_each(|frame| assert_eq!(pipeline.foresee(frame, &meta(frame)), None));
        pipeline.foreseen();
        for frame in batch {
            let meta = meta(frame);
            pipeline.process(frame, meta, &mut transactions);
        }
    }
    transactions.0
}

fn benchmark(criterion: &mut Criterion) {
    let rules = Arc::new(RuleSet::compile(&Vec::<Pack>::new()).expect("no pack compiles"));
    let fresh = || Pipeline::new(Settings { flows_max: 64, ..Settings::default() }, Arc::clone(&rules));
    let mut group = criterion.benchmark_group("keep_alive");
    for (name, shape) in [("16_kib", LARGE), ("small", SMALL)] {
        let mut frames = frames(shape, &mut Random::new(1));
        let transactions = (shape.connections * shape.requests) as usize;
        let mut pipeline = fresh();
        assert_eq!(judge(&mut pipeline, &mut frames), transactions, "each is told");
        assert_eq!(pipeline.counters().forwarded, frames.len() as u64, "each passes");
        let bytes: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
        for (unit, throughput) in
            [("frames", Throughput::Elements(frames.len() as u64)), ("bits", Throughput::Bits(8 * bytes))]
        {
            group.throughput(throughput);
            group.bench_function(format!("{name}/{unit}"), |bencher| {
                bencher.iter_batched_ref(
                    fresh,
                    |pipeline| assert_eq!(judge(pipeline, &mut frames), transactions),
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
