//! In steady state the dataplane allocates nothing for a packet. One test alone, since all of a process is counted.

use std::alloc::System;
use std::io::Write;
use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dataplane::verdict::DropReason;
use dlp_patterns::{RuleSet, default_packs};
use engine::sample::{Connection, Ends, frame};
use flate2::{Compression, write::GzEncoder};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tests::fragment::piece;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CONNECTIONS: u16 = 4;
const ROUNDS: usize = 300;
/// Rounds in which buffers grow to what they need.
const WARM_UP_ROUNDS: usize = 20;
/// Every so many rounds other rules come into force.
const RELOAD_ROUNDS: usize = 50;
/// Payload bytes of one segment.
const SEGMENT_BYTES: usize = 1000;

fn request(round: usize) -> Vec<u8> {
    let body = format!("note={round:05}&text={}", "river+table%20".repeat(150));
    format!(
        "POST /notes/{round:05}?page=1 HTTP/1.1\r\nHost: www.example\r\nUser-Agent: curl/8.8.0\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn response(round: usize) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n";
    let body = format!("<p>{round:05} {}</p>", "garden paper ".repeat(200));
    match round % 3 {
        0 => format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes(),
        1 => format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
            .into_bytes(),
        _ => {
            let body = gzip(body.as_bytes());
            let head = format!("{head}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
            [head.as_bytes(), &body].concat()
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

/// A request and its response as segments, each answered by an acknowledgment.
fn exchange(connection: &mut Connection, round: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (direction, bytes) in [(Direction::ToServer, request(round)), (Direction::ToClient, response(round))]
    {
        for piece in bytes.chunks(SEGMENT_BYTES) {
            frames.push(connection.segment(direction, TcpFlags::PSH | TcpFlags::ACK, piece));
            frames.push(connection.segment(direction.opposite(), TcpFlags::ACK, b""));
        }
    }
    frames
}

/// Frames of several connections that are kept alive, by rounds of one exchange each.
fn rounds() -> Vec<Vec<Vec<u8>>> {
    let ends = |number: u16| {
        let client = ([10, 0, 0, 1], 40_000 + number).into();
        Ends::new(client, ([192, 0, 2, 1], 80).into(), &[])
    };
    let mut connections: Vec<Connection> =
        (0..CONNECTIONS).map(|number| Connection::new(ends(number), [u32::from(number); 2])).collect();
    let opening = connections.iter_mut().flat_map(Connection::handshake).collect();
    let exchanges = (0..ROUNDS)
        .map(|round| connections.iter_mut().flat_map(|connection| exchange(connection, round)).collect());
    std::iter::once(opening).chain(exchanges).collect()
}

/// How many requests were answered.
struct Transactions(usize);

impl EventSink for Transactions {
    fn emit(&mut self, event: Event<'_>) {
        self.0 += usize::from(matches!(event, Event::Http(_)));
    }
}

fn judge(pipeline: &mut Pipeline, frames: &mut [Vec<u8>], sink: &mut Transactions) -> Stats {
    let region = Region::new(ALLOCATOR);
    for frame in frames {
        let now_ns = pipeline.counters().frames_in * 10_000;
        let wire_bytes = frame.len() as u32;
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        pipeline.process(frame, meta, sink);
    }
    region.change()
}

/// Pieces of a datagram that two receivers could put together in two ways.
fn refused_pieces() -> Vec<Vec<u8>> {
    let ends = ["10.0.0.1:5000", "192.0.2.1:7000"].map(|end| end.parse().expect("an address"));
    let whole = frame::udp(ends, &[], &[b'a'; 400]);
    [0..64, 56..128].map(|span| piece(&whole, 1, span, true)).into()
}

#[test]
fn in_steady_state_nothing_is_allocated_per_packet() {
    connections_that_are_kept_alive();
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let mut pipeline = Pipeline::new(Settings { flows_max: 1024, ..Settings::default() }, rules);
    let mut pieces = refused_pieces();
    assert!(judge(&mut pipeline, &mut pieces, &mut Transactions(0)).allocations > 0, "one is held");
    for _ in 0..100 {
        let stats = judge(&mut pipeline, &mut pieces, &mut Transactions(0));
        assert_eq!((stats.allocations, stats.reallocations), (0, 0), "what is refused is not copied");
    }
    assert_eq!(pipeline.counters().dropped[DropReason::FragmentOverlap as usize], 202);
}

fn connections_that_are_kept_alive() {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let mut pipeline = Pipeline::new(Settings { flows_max: 1024, ..Settings::default() }, Arc::clone(&rules));
    let mut rounds = rounds();
    let mut told = Transactions(0);
    let (warm_up, steady) = rounds.split_at_mut(1 + WARM_UP_ROUNDS);
    let first: usize =
        warm_up.iter_mut().map(|frames| judge(&mut pipeline, frames, &mut told).allocations).sum();
    assert!(first > 0, "a first exchange does allocate: it is counted");
    for (round, frames) in steady.iter_mut().enumerate() {
        if round % RELOAD_ROUNDS == 0 {
            let next = pipeline.rules().epoch().next();
            pipeline.swap_rules(next, Arc::clone(&rules), 0);
        }
        let stats = judge(&mut pipeline, frames, &mut told);
        assert_eq!((stats.allocations, stats.reallocations), (0, 0), "in round {round}: {stats:?}");
    }
    let frames: usize = rounds.iter().map(Vec::len).sum();
    assert_eq!(pipeline.counters().forwarded, frames as u64, "all of it passes");
    assert_eq!(told.0, ROUNDS * usize::from(CONNECTIONS));
}
