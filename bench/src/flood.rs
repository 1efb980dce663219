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

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

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

/// Floods a pipeline with `syns` SYNs that nobody answers.
///
/// # Panics
/// If the scene cannot be set up.
pub fn flood(syns: u64, settings: Settings, rules: Arc<RuleSet>) -> Outcome {
    let share = settings.half_open_max() as u64;
    let pipeline = Pipeline::new(settings, rules);
    let mut scene = Scene { pipeline, lost: Lost::default(), now_ns: 1, outcome: Outcome::default() };
    let mut connections: Vec<Connection> = (0..ESTABLISHED).map(|n| connection([10, 1], n)).collect();
    for connection in &mut connections {
        assert!(scene.connects(connection), "nothing stands in the way yet");
    }
    let mut random = Random::new(7);
    let mut attacker = Attacker::new();
    let mut frames = vec![Vec::new(); ROUND_SYNS as usize];
    let mut resident_bytes = None;
    while scene.outcome.syns < syns {
        frames.iter_mut().for_each(|frame| attacker.next(&mut random, frame));
        scene.syns(&mut frames);
        for _ in 0..SPEAKING_PER_ROUND {
            let connection = &mut connections[random.below(ESTABLISHED.into()) as usize];
            scene.speaks(connection);
        }
        let client = &mut connection([10, 2], (scene.outcome.clients & 0xffff) as u16);
        let came_through = scene.connects(client);
        scene.closes(client);
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
        self.pipeline.expire(self.now_ns, &mut self.lost);
    }

    /// Handshake, request and response: whether all of it passes.
    fn connects(&mut self, connection: &mut Connection) -> bool {
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
        frames.iter_mut().all(|frame| self.judge(frame))
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

fn connection([a, b]: [u8; 2], n: u16) -> Connection {
    let [high, low] = n.to_be_bytes();
    let ends = Ends::new(([a, b, high, low], 40_000).into(), ([192, 0, 2, 1], 80).into(), &[]);
    Connection::new(ends, [u32::from(n), !u32::from(n)])
}

/// Writes SYNs of random sources into frames.
struct Attacker {
    syn: Vec<u8>,
}

const IP: usize = 14;
const TCP: usize = IP + 20;

impl Attacker {
    fn new() -> Attacker {
        let ends = Ends::new(([0, 0, 0, 0], 0).into(), ([192, 0, 2, 1], 80).into(), &[]);
        Attacker { syn: Connection::new(ends, [0; 2]).handshake().swap_remove(0) }
    }

    /// Source address and port are random, and both checksums right (RFC 1624 §3: words that were 0 are added).
    fn next(&mut self, random: &mut Random, frame: &mut Vec<u8>) {
        frame.clear();
        frame.extend_from_slice(&self.syn);
        // Neither those who were there nor those who come: 11.0.0.0/8 and above.
        let source = (11 << 24) + random.below(200 << 24);
        let port = 1 + random.below(0xffff);
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
