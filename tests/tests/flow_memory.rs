//! What an idle flow costs. One test alone, since all of a process is counted.

use std::alloc::System;
use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Settings, Threat, ThreatAction};
use dataplane::verdict::Verdict;
use dlp_patterns::{RuleSet, default_packs};
use engine::sample::{Connection, Ends};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// As many as the table holds: it is full, and what it takes for each is what it takes for its capacity.
const FLOWS: u16 = 16_384;
/// Bytes that an established HTTP flow may take while nothing is under way in it, everything counted.
const IDLE_HTTP_FLOW_BYTES_MAX: usize = 768;
/// What a worker has once, whatever its flows: scans and parsers to use again, counters of sources, and the like.
const WORKER_BYTES_MAX: usize = 1 << 20;
/// What the detectors of threats may take for all sources that they remember, which are no more for more flows.
const THREATS_BYTES_MAX: usize = 8 << 20;

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const REQUEST: &[u8] =
    b"GET /page?id=7 HTTP/1.1\r\nHost: www.example\r\nUser-Agent: curl/8.8.0\r\nAccept: */*\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<p>hello</p>";

fn connection(number: u16) -> Connection {
    let [high, low] = number.to_be_bytes();
    let ends = Ends::new(([10, 0, high, low], 40_000).into(), ([192, 0, 2, 1], 80).into(), &[]);
    Connection::new(ends, [number.into(), 7])
}

/// A connection whose one request was answered; what came for it is acknowledged.
fn exchange(connection: &mut Connection) -> Vec<Vec<u8>> {
    let mut frames = connection.handshake();
    frames.push(connection.segment(Direction::ToServer, DATA, REQUEST));
    frames.push(connection.segment(Direction::ToClient, DATA, RESPONSE));
    frames.push(connection.segment(Direction::ToServer, TcpFlags::ACK, b""));
    frames
}

fn held_bytes(region: &Region<'_, System>) -> usize {
    // What a reallocation adds or takes away is among both.
    let stats = region.change();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Without detectors of threats, whose tables are filled by sources.
fn settings(flows_max: usize) -> Settings {
    let mut settings = Settings { flows_max, ..Settings::default() };
    Threat::ALL.into_iter().for_each(|threat| settings.threats.set_action(threat, ThreatAction::Ignore));
    settings
}

/// Bytes that a full table takes, and before it was filled.
fn full_and_empty(settings: Settings, rules: &Arc<RuleSet>) -> (usize, usize) {
    let region = Region::new(ALLOCATOR);
    let mut pipeline = Pipeline::new(settings, Arc::clone(rules));
    let empty_bytes = held_bytes(&region);
    for number in 0..FLOWS {
        for frame in &mut exchange(&mut connection(number)) {
            let now_ns = pipeline.counters().frames_in * 10_000;
            let wire_bytes = frame.len() as u32;
            let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
            assert_eq!(pipeline.process(frame, meta, &mut ()), Verdict::Forward);
        }
    }
    let full_bytes = held_bytes(&region);
    assert_eq!(pipeline.flows_active(), usize::from(FLOWS), "all of them are there");
    assert_eq!(pipeline.counters().half_open_evicted, 0);
    (full_bytes, empty_bytes)
}

#[test]
fn an_idle_http_flow_takes_little_memory() {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let region = Region::new(ALLOCATOR);
    let worker = Pipeline::new(settings(1), Arc::clone(&rules));
    let worker_bytes = held_bytes(&region);
    drop(worker);

    let (full_bytes, empty_bytes) = full_and_empty(settings(FLOWS.into()), &rules);
    let with_threats = Settings { flows_max: FLOWS.into(), ..Settings::default() };
    let threats_bytes = full_and_empty(with_threats, &rules).0.saturating_sub(full_bytes);
    let flow_bytes = full_bytes / usize::from(FLOWS);
    println!(
        "an idle HTTP flow takes {flow_bytes} bytes: {} for its place in the table, {} beside it; \
         a worker has {worker_bytes} bytes once, and {threats_bytes} for threats",
        (empty_bytes - worker_bytes) / usize::from(FLOWS),
        full_bytes.saturating_sub(empty_bytes) / usize::from(FLOWS),
    );
    assert!(flow_bytes <= IDLE_HTTP_FLOW_BYTES_MAX, "{flow_bytes} bytes");
    assert!(worker_bytes <= WORKER_BYTES_MAX, "{worker_bytes} bytes");
    assert!((1..=THREATS_BYTES_MAX).contains(&threats_bytes), "{threats_bytes} bytes");
}
