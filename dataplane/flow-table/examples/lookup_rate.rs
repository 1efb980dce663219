//! Lookups, insertions and expiries a second: `cargo run --release -p flow-table --example lookup_rate`.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use flow_table::{FlowKey, FlowTable, TICK_NS};

/// About the size of a tracked TCP flow, in bytes.
type Value = [u64; 24];

const LOOKUPS: usize = 4_000_000;

fn main() {
    for flows in [10_000, 100_000, 1_000_000] {
        measure(flows);
    }
}

fn measure(flows: usize) {
    let keys: Vec<_> = (0..flows as u32).map(key).collect();
    let mut table =
        FlowTable::<Value, 0>::with_capacity(flows, [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
    report(flows, "insert (first touch)", flows, || {
        for (n, key) in keys.iter().enumerate() {
            table.insert(*key, [n as u64; 24], [], n as u64 % 1000 * TICK_NS).expect("there is room");
        }
    });

    let order: Vec<_> = random().take(LOOKUPS).map(|n| keys[n as usize % flows]).collect();
    report(flows, "get, independent", LOOKUPS, || {
        let found = order.iter().filter(|key| table.get(key).is_some()).count();
        assert_eq!(found, LOOKUPS);
    });

    let order: Vec<_> = random().take(LOOKUPS).map(|n| n as usize % flows).collect();
    report(flows, "get, each after the last", LOOKUPS, || {
        let mut carried = 0;
        for &n in &order {
            let id = table.get(&keys[n ^ carried]).expect("the flow is there");
            // Nothing but a data dependency: the generation of a fresh table is 0.
            carried = id.generation() as usize;
        }
        black_box(carried);
    });

    let absent: Vec<_> = random().take(LOOKUPS).map(|n| key(n as u32 | 1 << 31)).collect();
    report(flows, "get, absent", LOOKUPS, || {
        assert_eq!(absent.iter().filter(|key| table.get(key).is_some()).count(), 0);
    });

    report(flows, "expire", flows, || {
        assert_eq!(table.expire(1000 * TICK_NS, usize::MAX, |_, value| keep(&value)), flows);
    });
    report(flows, "insert + expire", flows, || {
        for (n, key) in keys.iter().enumerate() {
            let now_ns = (1000 + n as u64 / 64) * TICK_NS;
            table.insert(*key, [0; 24], [], now_ns + 10 * TICK_NS).expect("there is room");
            if n % 64 == 0 {
                table.expire(now_ns, usize::MAX, |_, value| keep(&value));
            }
        }
    });
}

fn keep(value: &Value) {
    black_box(value);
}

fn report(flows: usize, what: &str, operations: usize, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let ns = start.elapsed().as_nanos() as f64 / operations as f64;
    println!("{flows:>8} flows  {what:<26} {ns:7.1} ns  {:7.2} M/s", 1000.0 / ns);
}

fn key(n: u32) -> FlowKey {
    let client = (IpAddr::from((0x0a00_0000 | n >> 12).to_be_bytes()), 1024 + (n & 0xfff) as u16);
    FlowKey::new(6, client, (IpAddr::from([192, 0, 2, 1]), 443), &[], 0).0
}

/// xorshift64 (Marsaglia 2003).
fn random() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0x9e37_79b9_7f4a_7c15u64), |&x| {
        let x = x ^ x << 13;
        let x = x ^ x >> 7;
        Some(x ^ x << 17)
    })
    .map(|x| x >> 20)
}
