//! What the parsers of a worker hold, and what they tell of one packet, has an end, whatever comes.

use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{AnomalyKind, Event, EventSink};
use dataplane::flow::Direction::{self, ToClient, ToServer};
use dataplane::limits::APP_EVENTS_PER_PACKET_MAX;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

/// What was told.
#[derive(Default)]
struct Told {
    /// Records and anomalies.
    events: u64,
    /// Flows that the anomaly was told of.
    out_of_memory: Vec<u64>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::App(_) => self.events += 1,
            Event::Anomaly(anomaly) => {
                self.events += 1;
                if let AnomalyKind::App(_, kind) = anomaly.kind
                    && kind.cause() == Some(DropReason::AppMemory)
                {
                    self.out_of_memory.push(anomaly.flow.id);
                }
            }
            _ => {}
        }
    }
}

struct Bench {
    pipeline: Pipeline,
    told: Told,
    now_ns: u64,
}

impl Bench {
    fn new(settings: Settings) -> Bench {
        let rules = Arc::new(RuleSet::compile(&[]).expect("there are none"));
        Bench { pipeline: Pipeline::new(settings, rules), told: Told::default(), now_ns: 0 }
    }

    fn passes(&mut self, frame: &[u8]) {
        self.now_ns += 1000;
        let wire_bytes = frame.len() as u32;
        let meta =
            RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        let verdict = self.pipeline.process(&mut frame.to_vec(), meta, &mut self.told);
        assert_eq!(verdict, Verdict::Forward);
    }

    /// A connection of a client of that port, established.
    fn open(&mut self, port: u16) -> Connection {
        let address = |text: &str| text.parse().expect("it is an address");
        let ends = Ends::new(address(&format!("10.0.0.1:{port}")), address("192.0.2.1:6379"), &[]);
        let mut connection = Connection::new(ends, [1000, 2000]);
        connection.handshake().iter().for_each(|frame| self.passes(frame));
        connection
    }

    fn say(&mut self, connection: &mut Connection, direction: Direction, bytes: &[u8]) {
        let frame = connection.segment(direction, DATA, bytes);
        self.passes(&frame);
    }
}

#[test]
fn a_packet_makes_so_many_events_and_no_more() {
    let mut bench = Bench::new(Settings { flows_max: 64, ..Settings::default() });
    let mut connection = bench.open(40_000);
    bench.say(&mut connection, ToServer, b"PING\r\n");
    bench.say(&mut connection, ToClient, b"+PONG\r\n");
    assert_eq!(bench.told.events, 1);
    const COMMANDS: u64 = 1400;
    bench.say(&mut connection, ToServer, &b"PING\r\n".repeat(COMMANDS as usize));
    assert_eq!(bench.told.events, 1 + u64::from(APP_EVENTS_PER_PACKET_MAX));
    bench.say(&mut connection, ToClient, &b"+PONG\r\n".repeat(COMMANDS as usize));
    bench.pipeline.finish(bench.now_ns, &mut bench.told);
    let untold = bench.pipeline.counters().app_events_untold;
    assert!(untold > 0);
    // Of each command there is a record, and one anomaly says that there were too many at once.
    assert_eq!(bench.told.events + untold, 1 + COMMANDS + 1);
}

#[test]
fn who_wants_more_than_is_left_is_payload_and_room_comes_back() {
    const FLOWS: u16 = 40;
    let settings = Settings { flows_max: 1024, app_bytes_max: 64 * 1024, ..Settings::default() };
    let mut bench = Bench::new(settings);
    let target = [&b"GET /"[..], &[b'x'; 8000]].concat();
    let small = [&b"GET /"[..], &[b'x'; 2000]].concat();
    for round in 1..=2 {
        let ports = (0..FLOWS).map(|port| 40_000 + round * FLOWS + port);
        let mut all: Vec<_> = ports.map(|port| bench.open(port)).collect();
        for connection in &mut all {
            bench.say(connection, ToServer, &target);
        }
        let given_up = bench.told.out_of_memory.len();
        assert!((20..40).contains(&given_up), "{given_up}");
        // Who holds little is not asked.
        let mut modest = bench.open(30_000 + round);
        bench.say(&mut modest, ToServer, &small);
        assert_eq!(bench.told.out_of_memory.len(), given_up);
        assert_eq!(
            bench.pipeline.counters().excepted[DropReason::AppMemory as usize],
            given_up as u64 * round as u64
        );
        for connection in &mut all {
            for direction in [ToServer, ToClient] {
                let frame = connection.segment(direction, TcpFlags::RST | TcpFlags::ACK, b"");
                bench.passes(&frame);
            }
        }
        bench.now_ns += 3600 * 1_000_000_000;
        bench.pipeline.expire(bench.now_ns, &mut bench.told);
        bench.told.out_of_memory.clear();
    }
}
