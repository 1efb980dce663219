//! Frame → flow: 64-byte frames of random flows, decoded and looked up; the same keys in the maps that others use; the
//! table half and nine tenths full; and flows that come and go.

use std::hint::black_box;

use bench::flow_frames::{FRAMES, Frame, Table, count_found, frame, key, key_of, random_flows, table};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dashmap::DashMap;
use flow_table::{FlowId, FlowKey, TICK_NS};
use hashbrown::HashMap;

/// Frames are decoded and looked up, one by one and in batches.
fn decode_and_look_up(criterion: &mut Criterion) {
    for (name, flows) in [("10_thousand", 10_000), ("1_million", 1_000_000)] {
        let table = table(flows, flows as usize);
        let frames: Vec<Frame> = random_flows(flows, FRAMES).map(frame).collect();
        for (frame, flow) in frames.iter().zip(random_flows(flows, FRAMES)) {
            let id = table.get(&key_of(frame)).expect("the flow was inserted");
            assert_eq!(table.value(id), Some(&flow.into()));
        }
        let mut group = criterion.benchmark_group(format!("decode_and_look_up/{name}"));
        group.sample_size(10).throughput(Throughput::Elements(FRAMES.into()));
        group.bench_function("decode", |bencher| {
            bencher.iter(|| frames.iter().for_each(|frame| _ = black_box(key_of(frame))));
        });
        group.bench_function("one_by_one", |bencher| {
            bencher.iter(|| {
                let found = frames.iter().filter(|frame| table.get(&key_of(frame)).is_some()).count();
                assert_eq!(found, frames.len());
            });
        });
        group.bench_function("batch", |bencher| {
            bencher.iter(|| assert_eq!(count_found(&table, &frames), frames.len()));
        });
        group.finish();
    }
}

/// Keys are looked up, here and in the maps that others use with the hashes that they come with.
fn beside_others(criterion: &mut Criterion) {
    for (name, flows) in [("10_thousand", 10_000), ("1_million", 1_000_000)] {
        let table = table(flows, flows as usize);
        let hashbrown: HashMap<FlowKey, u64> = (0..flows).map(|flow| (key(flow), flow.into())).collect();
        let dashmap: DashMap<FlowKey, u64> = (0..flows).map(|flow| (key(flow), flow.into())).collect();
        let keys: Vec<FlowKey> = random_flows(flows, FRAMES).map(key).collect();
        let mut group = criterion.benchmark_group(format!("look_up/{name}"));
        group.sample_size(10).throughput(Throughput::Elements(FRAMES.into()));
        group.bench_function("flow_table_batch", |bencher| {
            let mut ids = vec![None; keys.len()];
            bencher.iter(|| {
                table.get_batch(&keys, &mut ids);
                assert!(ids.iter().all(Option::is_some));
            });
        });
        let count = keys.len();
        group.bench_function("flow_table", |bencher| {
            bencher.iter(|| assert_eq!(keys.iter().filter_map(|key| table.get(key)).count(), count));
        });
        group.bench_function("hashbrown", |bencher| {
            bencher.iter(|| assert_eq!(keys.iter().filter_map(|key| hashbrown.get(key)).count(), count));
        });
        group.bench_function("dashmap", |bencher| {
            bencher.iter(|| assert_eq!(keys.iter().filter_map(|key| dashmap.get(key)).count(), count));
        });
        group.finish();
    }
}

/// Tables of one size, half and nine tenths full.
fn by_load(criterion: &mut Criterion) {
    const CAPACITY: u32 = 1_000_000;
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).throughput(Throughput::Elements(FRAMES.into()));
    for percent in [50, 90] {
        let flows = CAPACITY / 100 * percent;
        let table = table(flows, CAPACITY as usize);
        let keys: Vec<FlowKey> = random_flows(flows, FRAMES).map(key).collect();
        let strangers: Vec<FlowKey> = (0..FRAMES).map(|n| key(CAPACITY + n)).collect();
        let mut ids = vec![None; keys.len()];
        for (name, keys, found) in [("known", &keys, FRAMES), ("unknown", &strangers, 0)] {
            group.bench_function(format!("{percent}_percent/{name}"), |bencher| {
                bencher.iter(|| {
                    table.get_batch(keys, &mut ids);
                    assert_eq!(ids.iter().flatten().count(), found as usize);
                });
            });
        }
    }
    group.finish();
}

/// Flows come and fall silent: each second of a tenth of the table's flows, as many as go.
fn come_and_go(criterion: &mut Criterion) {
    const FLOWS: u32 = 1 << 18;
    let keys: Vec<FlowKey> = (0..FLOWS).map(key).collect();
    let mut table = Table::with_capacity(FLOWS as usize, [1, 2]);
    let mut group = criterion.benchmark_group("come_and_go");
    group.sample_size(10).throughput(Throughput::Elements(FLOWS.into()));
    let mut now_ns = 0;
    group.bench_function("insert_and_expire", |bencher| {
        let run = |()| {
            let mut expired = 0;
            for (n, key) in keys.iter().enumerate() {
                table.insert(*key, n as u64, [0; 7], now_ns + 10 * TICK_NS).expect("there is room");
                if n % 256 == 255 {
                    now_ns += TICK_NS;
                    expired += table.expire(now_ns, usize::MAX, |_, value| _ = black_box(value));
                }
            }
            now_ns += 11 * TICK_NS;
            expired += table.expire(now_ns, usize::MAX, |_, value| _ = black_box(value));
            assert_eq!(expired, FLOWS as usize);
        };
        bencher.iter_batched(|| (), run, BatchSize::PerIteration);
    });
    group.bench_function("fill_then_expire", |bencher| {
        bencher.iter(|| {
            for (n, key) in keys.iter().enumerate() {
                let deadline_ns = now_ns + (n as u64 % 1000) * TICK_NS;
                table.insert(*key, n as u64, [0; 7], deadline_ns).expect("there is room");
            }
            now_ns += 1001 * TICK_NS;
            assert_eq!(table.expire(now_ns, usize::MAX, |_, value| _ = black_box(value)), FLOWS as usize);
        });
    });
    group.finish();
}

/// What a frame costs its flow beside the lookup: its deadline, and what is shown to readers.
fn renew(criterion: &mut Criterion) {
    const FLOWS: u32 = 1_000_000;
    let mut table = table(FLOWS, FLOWS as usize);
    let ids: Vec<FlowId> =
        random_flows(FLOWS, FRAMES).map(|flow| table.get(&key(flow)).expect("inserted")).collect();
    let mut group = criterion.benchmark_group("renew");
    group.sample_size(10).throughput(Throughput::Elements(FRAMES.into()));
    group.bench_function("1_million", |bencher| {
        bencher.iter(|| {
            let shown = ids.iter().filter(|id| table.renew(**id, |_| black_box(([1; 7], u64::MAX)))).count();
            assert_eq!(shown, ids.len());
        });
    });
    group.finish();
}

criterion_group!(benches, decode_and_look_up, beside_others, by_load, come_and_go, renew);
criterion_main!(benches);
