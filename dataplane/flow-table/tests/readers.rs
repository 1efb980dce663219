//! A reader beside a writer that never waits: what it sees is always of one moment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use flow_table::{FlowId, FlowKey, FlowTable, FlowView, Reader, Vlans};

const CAPACITY: usize = 512;
const STEPS: u64 = 300_000;
const WORDS: usize = 7;

type Table = FlowTable<u64, WORDS>;

fn key(flow: u64) -> FlowKey {
    let client = IpAddr::from(((flow as u32) | 0x0a00_0000).to_be_bytes());
    FlowKey::new(6, (client, flow as u16), (IpAddr::from([192, 0, 2, 80]), 443), Vlans::default(), 0).0
}

/// Words that tell the flow, and agree with each other in only one way.
fn words(flow: u64, step: u64) -> [u64; WORDS] {
    std::array::from_fn(|n| match n {
        0 => flow,
        n => flow.rotate_left(n as u32) ^ step.wrapping_mul(n as u64 | 1),
    })
}

fn step_of(view: &FlowView<WORDS>) -> u64 {
    let [flow, second, ..] = view.words;
    second ^ flow.rotate_left(1)
}

/// Reads until the writer is done, and once more; returns how many flows it saw.
fn watch(reader: &Reader<WORDS>, done: &AtomicBool) -> usize {
    let mut newest: HashMap<FlowId, u64> = HashMap::new();
    let mut seen = 0;
    loop {
        let last = done.load(Ordering::Acquire);
        for view in reader.flows() {
            let (flow, step) = (view.words[0], step_of(&view));
            assert_eq!(view.words, words(flow, step), "the words are of one moment");
            assert_eq!(view.key, key(flow), "key and words are of one flow");
            let before = newest.insert(view.id, step);
            assert!(before.is_none_or(|before| before <= step), "time goes forward");
            seen += 1;
        }
        if last {
            return seen;
        }
    }
}

/// A writer that inserts, shows and removes in turn, without a pause.
fn write(table: &mut Table) -> Vec<(FlowId, u64)> {
    let mut live: Vec<(FlowId, u64)> = Vec::new();
    for step in 0..STEPS {
        let at = (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize;
        match step % 4 {
            0 if live.len() < CAPACITY => {
                let id = table.insert(key(step), step, words(step, step), u64::MAX).expect("there is room");
                live.push((id, step));
            }
            0 | 1 if live.len() > CAPACITY / 2 => {
                let (id, flow) = live.swap_remove(at % live.len());
                assert_eq!(table.remove(id), Some((key(flow), flow)));
            }
            _ if live.is_empty() => {}
            _ => {
                let (id, flow) = live[at % live.len()];
                assert!(table.renew(id, |_| (words(flow, step), u64::MAX)));
            }
        }
    }
    live
}

#[test]
fn a_reader_sees_every_flow_whole_while_the_writer_runs() {
    let mut table = Table::with_capacity(CAPACITY, [3, 4]);
    let done = AtomicBool::new(false);
    let reader = table.reader();
    let live = thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            let (reader, done) = (reader.clone(), &done);
            scope.spawn(move || watch(&reader, done))
        });
        let live = write(&mut table);
        done.store(true, Ordering::Release);
        for reader in readers {
            let seen = reader.join().expect("what was read is whole");
            assert!(seen >= live.len(), "the last look sees all");
        }
        live
    });
    drop(table);
    let mut left: Vec<FlowId> = reader.flows().map(|view| view.id).collect();
    let mut expected: Vec<FlowId> = live.iter().map(|flow| flow.0).collect();
    left.sort_unstable();
    expected.sort_unstable();
    assert_eq!(left, expected, "a reader outlives the table, and sees what was there last");
}

#[test]
fn a_million_flows_are_listed_while_the_writer_runs() {
    const FLOWS: u64 = 1_000_000;
    let mut table = Table::with_capacity(FLOWS as usize, [3, 4]);
    let ids: Vec<FlowId> = (0..FLOWS)
        .map(|flow| table.insert(key(flow), flow, words(flow, 0), u64::MAX).expect("there is room"))
        .collect();
    let (reader, done) = (table.reader(), AtomicBool::new(false));
    let (listed, skipped, rounds) = thread::scope(|scope| {
        let lister = scope.spawn(|| {
            let mut flows = reader.flows();
            let listed = flows
                .by_ref()
                .inspect(|view| assert_eq!(view.words, words(view.words[0], step_of(view))))
                .count();
            done.store(true, Ordering::Release);
            (listed, flows.skipped())
        });
        let mut step = 0;
        while !done.load(Ordering::Acquire) {
            for (flow, id) in (0..1000).map(|n| (n * 997 % FLOWS, ids[(n * 997 % FLOWS) as usize])) {
                step += 1;
                assert!(table.renew(id, |_| (words(flow, step), u64::MAX)));
            }
        }
        let (listed, skipped) = lister.join().expect("what was read is whole");
        (listed, skipped, step)
    });
    assert_eq!(listed + skipped, FLOWS as usize, "{rounds} words were shown meanwhile");
    assert!(skipped <= 1, "{skipped} flows were being written at every look");
}
