//! Who is the client of a connection whose begin was not seen: whoever spoke first, until a request or a response shows it.

use std::net::IpAddr;
use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::policy::Settings;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet};
use engine::sample::{Connection, Ends};

use Direction::{ToClient, ToServer};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

/// What only a request can say.
const PACK: &str = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'reset'\n\
    severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['http.uri']\nliterals = ['attack']\n\
    examples = { positive = ['attack'], negative = ['none'] }\n";

#[derive(Default)]
struct Told {
    /// Client, frames by direction, and protocol of each flow that ended.
    flows: Vec<((IpAddr, u16), [u64; 2], &'static str)>,
    alerts: Vec<Direction>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Flow(end) => {
                self.flows.push((end.flow.client, end.flow.frames, end.app.as_str()));
            }
            Event::Alert(alert) => self.alerts.push(alert.direction),
            Event::Drop(_)
            | Event::Http(_)
            | Event::HttpFile(_)
            | Event::App(_)
            | Event::Anomaly(_)
            | Event::Threat(_) => {}
        }
    }
}

struct Bench {
    pipeline: Pipeline,
    told: Told,
    connection: Connection,
    now_ns: u64,
}

impl Bench {
    fn new() -> Bench {
        let pack = Pack::parse("own.toml", PACK).expect("the pack is right");
        let rules = Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"));
        let ends = Ends::new("10.0.0.1:40000".parse().unwrap(), "192.0.2.1:80".parse().unwrap(), &[]);
        let pipeline = Pipeline::new(Settings { flows_max: 16, ..Settings::default() }, rules);
        Bench { pipeline, told: Told::default(), connection: Connection::new(ends, [1000, 2000]), now_ns: 0 }
    }

    /// Sends bytes from the end that is the client in truth, which is inside, or to it.
    fn send(&mut self, direction: Direction, bytes: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let mut frame = self.connection.segment(direction, DATA, bytes);
        let side = Some(if direction == ToServer { Side::Inside } else { Side::Outside });
        let wire_bytes = frame.len() as u32;
        let meta = RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side, wire_bytes };
        self.pipeline.process(&mut frame, meta, &mut self.told)
    }

    fn finish(mut self) -> Told {
        self.pipeline.finish(self.now_ns, &mut self.told);
        self.told
    }
}

fn client() -> (IpAddr, u16) {
    (IpAddr::from([10, 0, 0, 1]), 40_000)
}

/// In one piece, and byte by byte.
fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 2] {
    [vec![bytes], bytes.chunks(1).collect()]
}

#[test]
fn a_request_shows_who_is_the_client_though_the_server_spoke_first() {
    for pieces in cuts(b"GET /attack HTTP/1.1\r\n\r\n") {
        let mut bench = Bench::new();
        assert_eq!(bench.send(ToClient, b""), Verdict::Forward);
        let sent = pieces.len() as u64;
        let verdicts: Vec<Verdict> = pieces.into_iter().map(|piece| bench.send(ToServer, piece)).collect();
        assert!(verdicts.contains(&Verdict::Reset(DropReason::Rule)), "{verdicts:?}");
        let told = bench.finish();
        assert_eq!(told.alerts, [ToServer]);
        let (who, frames, _) = told.flows[0];
        assert_eq!((who, frames), (client(), [sent, 1]));
    }
}

#[test]
fn a_response_shows_who_is_the_server_and_both_sides_still_have_their_own() {
    for pieces in cuts(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") {
        let mut bench = Bench::new();
        let sent = pieces.len() as u64;
        for piece in pieces {
            assert_eq!(bench.send(ToClient, piece), Verdict::Forward);
        }
        assert_eq!(bench.send(ToServer, b"GET / HTTP/1.1\r\n\r\n"), Verdict::Forward);
        assert_eq!(bench.send(ToClient, b""), Verdict::Forward);
        assert_eq!(bench.send(ToServer, b"GET /attack HTTP/1.1\r\n\r\n"), Verdict::Reset(DropReason::Rule));
        let told = bench.finish();
        assert_eq!(told.flows, [(client(), [2, sent + 1], "http")]);
    }
}

#[test]
fn what_shows_nothing_leaves_the_client_to_who_spoke_first() {
    for (first, then) in [(b"".as_slice(), b"<html>".as_slice()), (b"GE", b"HTTP/1.1 200 OK\r\n\r\n")] {
        let mut bench = Bench::new();
        assert_eq!(bench.send(ToServer, first), Verdict::Forward);
        assert_eq!(bench.send(ToClient, then), Verdict::Forward);
        assert_eq!(bench.finish().flows[0].0, client());
    }
    let mut bench = Bench::new();
    for frame in bench.connection.handshake() {
        let (wire_bytes, mut frame) = (frame.len() as u32, frame);
        let meta = RxMeta { now_ns: 1, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        assert_eq!(bench.pipeline.process(&mut frame, meta, &mut bench.told), Verdict::Forward);
    }
    bench.send(ToClient, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(bench.finish().flows[0].0, client(), "a SYN shows it better");
}
