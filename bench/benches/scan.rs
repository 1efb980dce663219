//! Fields → hits, with the default packs: text without a hit, in whole and in segments, and one with a hit.

use std::hint::black_box;

use bench::http::{Kind, Random, response};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlp_patterns::{Direction, Field, Hit, RuleSet, ScanState, default_packs};

fn scan(rules: &RuleSet, bytes: &[u8], piece_bytes: usize, hits: &mut Vec<Hit>) -> usize {
    hits.clear();
    let mut state = ScanState::default();
    rules.begin(&mut state, Field::HttpResponseBody, Direction::ToClient);
    for piece in bytes.chunks(piece_bytes) {
        rules.scan(&mut state, piece, hits).expect("the workload has few candidates");
    }
    rules.finish(&mut state, hits);
    hits.len()
}

fn benchmark(criterion: &mut Criterion) {
    let rules = RuleSet::compile(&default_packs()).expect("the default packs compile");
    let text = response(Kind::HttpBulk, &mut Random::new(1));
    let mut leak = text.clone();
    let middle = leak.len() / 2;
    leak.splice(middle..middle, *b" 4111 1111 1111 1111 ");
    let mut hits = Vec::new();
    assert_eq!(scan(&rules, &text, text.len(), &mut hits), 0);
    assert!(scan(&rules, &leak, 1460, &mut hits) >= 1);

    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Bytes(text.len() as u64));
    for (name, bytes, piece_bytes) in
        [("whole", &text, text.len()), ("segments", &text, 1460), ("leak", &leak, 1460)]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| scan(&rules, black_box(bytes), piece_bytes, &mut hits));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
