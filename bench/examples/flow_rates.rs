//! Rates of decode and lookup that a busy machine leaves undisturbed: a pass is timed in slices of a thousand frames, and
//! the quickest tenth and the median are told. `cargo run --release -p bench --example flow_rates`.

use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bench::http::Random;
use dashmap::DashMap;
use dataplane::decode::{ChecksumMode, LinkType, TcpFlags, decode};
use dataplane::flow::ports;
use engine::sample::{Connection, Ends};
use flow_table::{FlowId, FlowKey, FlowTable, LOOKUP_BATCH, TICK_NS};
use hashbrown::HashMap;

/// As many words are shown as those of the pipeline's flows.
type Table = FlowTable<u64, 7>;

const FRAME_BYTES: usize = 64;
type Frame = [u8; FRAME_BYTES];

/// Frames of one pass, in a row: 64 MiB, beyond every cache.
const FRAMES: u32 = 1 << 20;

fn client(flow: u32) -> SocketAddr {
    (IpAddr::from((0x0a00_0000 | flow >> 8).to_be_bytes()), 1024 + (flow & 0xff) as u16).into()
}

fn server() -> SocketAddr {
    ([192, 0, 2, 1], 80).into()
}

fn key(flow: u32) -> FlowKey {
    let (client, server) = (client(flow), server());
    FlowKey::new(6, (client.ip(), client.port()), (server.ip(), server.port()), &[], 0).0
}

/// An acknowledgment of the client's, padded to the least length of Ethernet.
fn frame(flow: u32) -> Frame {
    let mut connection = Connection::new(Ends::new(client(flow), server(), &[]), [flow, !flow]);
    let segment = connection.segment(dataplane::flow::Direction::ToServer, TcpFlags::ACK, b"");
    let mut frame = [0; FRAME_BYTES];
    frame[..segment.len()].copy_from_slice(&segment);
    frame
}

fn key_of(frame: &Frame) -> FlowKey {
    let packet = decode(frame, FRAME_BYTES as u32, LinkType::Ethernet, ChecksumMode::Verify);
    let packet = packet.as_ref().expect("the frames are well-formed");
    let network = packet.network.as_ref().expect("they are IP");
    let (source, destination) = ports(packet);
    let ends = ((network.source, source), (network.destination, destination));
    FlowKey::new(network.protocol, ends.0, ends.1, &packet.vlans, 0).0
}

fn random_flows(flows: u32, count: u32) -> impl Iterator<Item = u32> {
    let mut random = Random::new(flows.into());
    (0..count).map(move |_| random.below(flows))
}

fn table(flows: u32, capacity: usize) -> Table {
    let mut table = Table::with_capacity(capacity, [1, 2]);
    for flow in 0..flows {
        table.insert(key(flow), flow.into(), [0; 7], u64::MAX).expect("the table has room");
    }
    table
}

fn count_found(table: &Table, frames: &[Frame]) -> usize {
    let mut keys = [key(0); LOOKUP_BATCH];
    let mut ids: [Option<FlowId>; LOOKUP_BATCH] = [None; LOOKUP_BATCH];
    let found = frames.chunks(LOOKUP_BATCH).map(|frames| {
        for (key, frame) in keys.iter_mut().zip(frames) {
            *key = key_of(frame);
        }
        table.get_batch(&keys[..frames.len()], &mut ids[..frames.len()]);
        ids[..frames.len()].iter().flatten().count()
    });
    found.sum()
}

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
            frames.iter().for_each(|frame| _ = black_box(key_of(frame)))
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
            assert!(keys.iter().all(|key| hashbrown.get(key).is_some()))
        });
        drop(hashbrown);
        let dashmap: DashMap<FlowKey, u64> = (0..flows).map(|flow| (key(flow), flow.into())).collect();
        tell(&format!("{name}: dashmap"), &keys, |keys| {
            assert!(keys.iter().all(|key| dashmap.get(key).is_some()))
        });
    }
    for percent in [50, 90] {
        let flows = 10_000 * percent;
        let table = table(flows, 1_000_000);
        let keys: Vec<FlowKey> = random_flows(flows, FRAMES).map(key).collect();
        let mut ids = [None; SLICE];
        tell(&format!("{percent} % full: look up, in batches"), &keys, |keys| {
            table.get_batch(keys, &mut ids)
        });
        tell(&format!("{percent} % full: look up, one by one"), &keys, |keys| {
            assert!(keys.iter().all(|key| table.get(key).is_some()));
        });
    }
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
    tell("1 million: publish", &ids, |ids| {
        assert!(ids.iter().all(|id| table.publish(*id, black_box([1; 7]))));
    });
}
