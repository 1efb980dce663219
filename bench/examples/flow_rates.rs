//! Rates of decode and lookup that a busy machine leaves undisturbed: a pass is timed in slices of a thousand frames, and
//! the quickest tenth and the median are told. `cargo run --release -p bench --example flow_rates`.

use std::hint::black_box;
use std::time::Instant;

use bench::flow_frames::{FRAMES, Frame, Table, count_found, frame, key, key_of, random_flows, table};
use bench::many_flows::{judge_foreseen, judge_one_by_one, pipeline};
use dashmap::DashMap;
use flow_table::{FlowId, FlowKey, TICK_NS};
use hashbrown::HashMap;

const SLICE: usize = 1024;
const PASSES: usize = 5;

/// Runs `on_slice` over all of `items`, several times, and prints rates.
fn tell<T>(name: &str, items: &[T], mut on_slice: impl FnMut(&[T])) {
    let mut ns_each: Vec<f64> = Vec::new();
    for _ in 0..PASSES {
        for slice in items.chunks_exact(SLICE) {
            let start = Instant::now();
            on_slice(slice);
            ns_each.push(start.elapsed().as_nanos() as f64 / SLICE as f64);
        }
    }
    ns_each.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| 1e3 / ns_each[ns_each.len() * percent / 100];
    println!("{name:<44} {:7.2} {:7.2} M/s", at(10), at(50));
}

fn main() {
    println!("{:<44} {:>7} {:>7}", "", "10th", "median");
    for (name, flows) in [("10 thousand", 10_000), ("1 million", 1_000_000)] {
        let table = table(flows, flows as usize);
        let frames: Vec<Frame> = random_flows(flows, FRAMES).map(frame).collect();
        tell(&format!("{name}: decode"), &frames, |frames| {
            frames.iter().for_each(|frame| _ = black_box(key_of(frame)));
        });
        tell(&format!("{name}: decode and look up, one by one"), &frames, |frames| {
            assert!(frames.iter().all(|frame| table.get(&key_of(frame)).is_some()));
        });
        tell(&format!("{name}: decode and look up, in batches"), &frames, |frames| {
            assert_eq!(count_found(&table, frames), SLICE);
        });
        drop(frames);
        let keys: Vec<FlowKey> = random_flows(flows, FRAMES).map(key).collect();
        let mut ids = [None; SLICE];
        tell(&format!("{name}: look up, in batches"), &keys, |keys| {
            table.get_batch(keys, &mut ids);
            assert!(ids.iter().all(Option::is_some));
        });
        tell(&format!("{name}: look up, one by one"), &keys, |keys| {
            assert!(keys.iter().all(|key| table.get(key).is_some()));
        });
        let hashbrown: HashMap<FlowKey, u64> = (0..flows).map(|flow| (key(flow), flow.into())).collect();
        tell(&format!("{name}: hashbrown"), &keys, |keys| {
            assert!(keys.iter().all(|key| hashbrown.get(key).is_some()));
        });
        drop(hashbrown);
        let dashmap: DashMap<FlowKey, u64> = (0..flows).map(|flow| (key(flow), flow.into())).collect();
        tell(&format!("{name}: dashmap"), &keys, |keys| {
            assert!(keys.iter().all(|key| dashmap.get(key).is_some()));
        });
    }
    for percent in [50, 90] {
        let flows = 10_000 * percent;
        let table = table(flows, 1_000_000);
        let keys: Vec<FlowKey> = random_flows(flows, FRAMES).map(key).collect();
        let mut ids = [None; SLICE];
        tell(&format!("{percent} % full: look up, in batches"), &keys, |keys| {
            table.get_batch(keys, &mut ids);
        });
        tell(&format!("{percent} % full: look up, one by one"), &keys, |keys| {
            assert!(keys.iter().all(|key| table.get(key).is_some()));
        });
    }
    tell_pipeline();
    let mut table = Table::with_capacity(1 << 18, [1, 2]);
    let mut now_ns = 0;
    let keys: Vec<FlowKey> = (0..1 << 18).map(key).collect();
    tell("insert and expire", &keys, |keys| {
        for (n, key) in keys.iter().enumerate() {
            table.insert(*key, n as u64, [0; 7], now_ns + 100 * TICK_NS).expect("there is room");
        }
        now_ns += TICK_NS;
        table.expire(now_ns, usize::MAX, |_, value| _ = black_box(value));
    });
    let mut table = self::table(1_000_000, 1_000_000);
    let ids: Vec<FlowId> =
        random_flows(1_000_000, FRAMES).map(|flow| table.get(&key(flow)).expect("inserted")).collect();
    tell("1 million: renew", &ids, |ids| {
        assert!(ids.iter().all(|id| table.renew(*id, |_| black_box(([1; 7], u64::MAX)))));
    });
}

/// The whole pipeline over so many flows.
fn tell_pipeline() {
    for flows in [10_000, 50_000, 100_000, 500_000] {
        let mut pipeline = pipeline(flows);
        let frames: Vec<Frame> = random_flows(flows, FRAMES).map(frame).collect();
        tell(&format!("pipeline, {flows} flows: one by one"), &frames, |frames| {
            assert_eq!(judge_one_by_one(&mut pipeline, frames), SLICE);
        });
        tell(&format!("pipeline, {flows} flows: shown ahead"), &frames, |frames| {
            assert_eq!(judge_foreseen(&mut pipeline, frames), SLICE);
        });
    }
}
