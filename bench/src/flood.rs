//! A flood of spoofed SYNs over connections that are in use: what becomes of them, and of whoever connects meanwhile.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dataplane::decode::{LinkType, TcpFlags, checksum};
use dataplane::event::{Event, EventSink, FlowEndCause, FlowState};
use dataplane::flow::Direction;
use dataplane::pipeline::{Counters, Pipeline, RxMeta};
use dataplane::policy::Settings;
use dataplane::verdict::Verdict;
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends};

use crate::random::Random;

/// Connections that were there before.
pub const ESTABLISHED: u16 = 1000;
/// After so many SYNs comes a segment of each of a few established connections, and a new client.
const ROUND_SYNS: u64 = 4096;
const SPEAKING_PER_ROUND: usize = 50;
/// Time between two frames: a million a second.
const FRAME_NS: u64 = 1000;

/// Segments of a client's connection up to the response; the round's SYNs come between them.
const CLIENT_SEGMENTS: usize = 5;

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

/// In whose name a flood speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InNameOf {
    /// Of random addresses, none of them those of the clients.
    Anybody,
    /// Of the one address that all new clients have.
    Clients,
}

/// What a flood did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Spoofed SYNs judged.
    pub syns: u64,
    /// Established flows that ended under the flood.
    pub established_lost: u64,
    /// Segments of the established connections.
    pub segments: u64,
    /// Of them, those that did not pass.
    pub segments_refused: u64,
    /// Clients that connected meanwhile.
    pub clients: u64,
    /// Of them, those that did not come through to a response.
    pub clients_refused: u64,
    /// How much the process grew since half-open flows had first used up their share, in bytes.
    pub grown_bytes: i64,
    /// Time that the pipeline took for the SYNs.
    pub syns_took: Duration,
    /// The books at the end.
    pub counters: Counters,
}

/// Counts the flows that should not have ended.
#[derive(Default)]
struct Lost(u64);

impl EventSink for Lost {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Flow(end) = event {
            self.0 += u64::from(end.state == FlowState::Established && end.cause != FlowEndCause::Shutdown);
        }
    }
}

struct Scene {
    pipeline: Pipeline,
    lost: Lost,
    now_ns: u64,
    outcome: Outcome,
}

/// Floods a pipeline with `syns` SYNs that nobody answers; between the segments of whoever connects meanwhile come as many as
/// at a million a second come within most of a millisecond.
///
/// # Panics
/// If the scene cannot be set up.
pub fn flood(syns: u64, name: InNameOf, settings: Settings, rules: Arc<RuleSet>) -> Outcome {
    let share = match name {
        InNameOf::Anybody => settings.half_open_max() as u64,
        InNameOf::Clients => settings.half_open_per_source_max as u64,
    };
    let pipeline = Pipeline::new(settings, rules);
    let mut scene = Scene { pipeline, lost: Lost::default(), now_ns: 1, outcome: Outcome::default() };
    let mut connections: Vec<Connection> = (0..ESTABLISHED).map(|n| connection([10, 1], n, 40_000)).collect();
    for connection in &mut connections {
        assert!(scene.connects(connection, &mut []), "nothing stands in the way yet");
    }
    let mut random = Random::new(7);
    let mut attacker = Attacker::new(name);
    let mut frames = vec![Vec::new(); ROUND_SYNS as usize];
    let mut resident_bytes = None;
    while scene.outcome.syns < syns {
        frames.iter_mut().for_each(|frame| attacker.next(&mut random, frame));
        for _ in 0..SPEAKING_PER_ROUND {
            let connection = &mut connections[random.below(ESTABLISHED.into()) as usize];
            scene.speaks(connection);
        }
        let client = &mut scene.next_client(name);
        let came_through = scene.connects(client, &mut frames);
        scene.closes(client);
        scene.pipeline.expire(scene.now_ns, &mut scene.lost);
        scene.outcome.clients += 1;
        scene.outcome.clients_refused += u64::from(!came_through);
        if resident_bytes.is_none() && scene.outcome.syns >= share + ROUND_SYNS {
            resident_bytes = Some(resident());
        }
    }
    let grown_bytes = resident_bytes.map_or(0, |before| resident() - before);
    connections.iter_mut().for_each(|connection| scene.speaks(connection));
    let counters = *scene.pipeline.counters();
    Outcome { established_lost: scene.lost.0, grown_bytes, counters, ..scene.outcome }
}

impl Scene {
    fn judge(&mut self, frame: &mut [u8]) -> bool {
        self.now_ns += FRAME_NS;
        let wire_bytes = frame.len() as u32;
        let meta =
            RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        self.pipeline.process(frame, meta, &mut self.lost) == Verdict::Forward
    }

    fn syns(&mut self, frames: &mut [Vec<u8>]) {
        let start = Instant::now();
        frames.iter_mut().for_each(|frame| {
            self.judge(frame);
        });
        self.outcome.syns_took += start.elapsed();
        self.outcome.syns += frames.len() as u64;
    }

    fn next_client(&self, name: InNameOf) -> Connection {
        let n = (self.outcome.clients & 0xffff) as u16;
        match name {
            InNameOf::Anybody => connection([10, 2], n, 40_000),
            InNameOf::Clients => connection([10, 2], 0, CLIENT_PORT_MIN + n % CLIENT_PORTS),
        }
    }

    /// Handshake, request and response, with the SYNs between them: whether all of it passes.
    fn connects(&mut self, connection: &mut Connection, syns: &mut [Vec<u8>]) -> bool {
        let mut frames = connection.handshake();
        frames.push(connection.segment(
            Direction::ToServer,
            DATA,
            b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ));
        frames.push(connection.segment(
            Direction::ToClient,
            DATA,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ));
        assert_eq!(frames.len(), CLIENT_SEGMENTS);
        let mut syns = syns.chunks_mut((ROUND_SYNS as usize).div_ceil(CLIENT_SEGMENTS));
        let passed = frames.iter_mut().filter_map(|frame| {
            let passes = self.judge(frame);
            syns.next().into_iter().for_each(|syns| self.syns(syns));
            passes.then_some(())
        });
        passed.count() == CLIENT_SEGMENTS
    }

    fn closes(&mut self, connection: &mut Connection) {
        for direction in Direction::BOTH {
            self.judge(&mut connection.segment(direction, TcpFlags::FIN | TcpFlags::ACK, b""));
        }
    }

    fn speaks(&mut self, connection: &mut Connection) {
        let request = b"GET /more HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for (direction, bytes) in [(Direction::ToServer, &request[..]), (Direction::ToClient, &response[..])]
        {
            self.outcome.segments += 1;
            let passes = self.judge(&mut connection.segment(direction, DATA, bytes));
            self.outcome.segments_refused += u64::from(!passes);
        }
    }
}

/// Ports that clients of one address have, and a flood in its name does not.
const CLIENT_PORT_MIN: u16 = 32_768;
const CLIENT_PORTS: u16 = 0x7fff;

fn connection([a, b]: [u8; 2], n: u16, port: u16) -> Connection {
    let [high, low] = n.to_be_bytes();
    let ends = Ends::new(([a, b, high, low], port).into(), ([192, 0, 2, 1], 80).into(), &[]);
    Connection::new(ends, [u32::from(n), !u32::from(n)])
}

/// Writes SYNs of random ends into frames.
struct Attacker {
    syn: Vec<u8>,
    name: InNameOf,
}

const IP: usize = 14;
const TCP: usize = IP + 20;

impl Attacker {
    fn new(name: InNameOf) -> Attacker {
        let ends = Ends::new(([0, 0, 0, 0], 0).into(), ([192, 0, 2, 1], 80).into(), &[]);
        Attacker { syn: Connection::new(ends, [0; 2]).handshake().swap_remove(0), name }
    }

    /// Source address or port, or both, are random, and both checksums right (RFC 1624 §3: words that were 0 are added).
    fn next(&mut self, random: &mut Random, frame: &mut Vec<u8>) {
        frame.clear();
        frame.extend_from_slice(&self.syn);
        let (source, port) = match self.name {
            // Neither those who were there nor those who come: 11.0.0.0/8 and above.
            InNameOf::Anybody => ((11 << 24) + random.below(200 << 24), 1 + random.below(0xffff)),
            InNameOf::Clients => (0x0a02_0000, 1 + random.below(u32::from(CLIENT_PORT_MIN) - 1)),
        };
        frame[IP + 12..IP + 16].copy_from_slice(&source.to_be_bytes());
        frame[TCP..TCP + 2].copy_from_slice(&(port as u16).to_be_bytes());
        let source_and_port = &[&source.to_be_bytes()[..], &(port as u16).to_be_bytes()].concat();
        for (at, added) in [(IP + 10, &source.to_be_bytes()[..]), (TCP + 16, source_and_port)] {
            let sum = u16::from_be_bytes([frame[at], frame[at + 1]]);
            let sum = !checksum::fold(checksum::sum(added) + u64::from(!sum));
            frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// Memory of this process that is resident, in bytes (proc(5), `statm`).
fn resident() -> i64 {
    const PAGE_BYTES: i64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages = statm.split_whitespace().nth(1).expect("its second field");
    pages.parse::<i64>().expect("is a number") * PAGE_BYTES
}
