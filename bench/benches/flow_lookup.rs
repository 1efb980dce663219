//! Key → flow, in a table whose flows exceed every cache.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use bench::http::Random;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flow_table::{FlowKey, FlowTable};

const FLOWS: u32 = 200_000;
const LOOKUPS: u32 = 1024;

fn key(index: u32) -> FlowKey {
    let client = IpAddr::from(Ipv4Addr::from(0x0a00_0000 | index));
    let server = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
    FlowKey::new(6, (client, 40_000), (server, 80), &[], 0).0
}

fn benchmark(criterion: &mut Criterion) {
    let mut table: FlowTable<u64> = FlowTable::with_capacity(1 << 18, [1, 2]);
    for index in 0..FLOWS {
        table.insert(key(index), u64::from(index), u64::MAX).expect("the table has room");
    }
    let mut random = Random::new(1);
    let keys: Vec<(FlowKey, u64)> =
        (0..LOOKUPS).map(|_| random.below(FLOWS)).map(|index| (key(index), u64::from(index))).collect();
    let strangers: Vec<FlowKey> = (FLOWS..FLOWS + LOOKUPS).map(key).collect();
    for (key, index) in &keys {
        let id = table.get(key).expect("the flow was inserted");
        assert_eq!(table.value(id), Some(index));
    }
    assert!(strangers.iter().all(|key| table.get(key).is_none()));

    let mut group = criterion.benchmark_group("flow_lookup");
    group.throughput(Throughput::Elements(LOOKUPS.into()));
    group.bench_function("known", |bencher| {
        bencher.iter(|| keys.iter().filter_map(|(key, _)| table.get(black_box(key))).count());
    });
    group.bench_function("unknown", |bencher| {
        bencher.iter(|| strangers.iter().filter_map(|key| table.get(black_box(key))).count());
    });
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
