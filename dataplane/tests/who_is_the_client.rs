//! Who picks up a connection in the middle of a message says nothing by its bytes of who is its client.

#[expect(dead_code, reason = "what a fuzzer checks has tests of its own")]
mod fuzzed;

use std::sync::Arc;

use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, Side};
use dataplane::policy::{Settings, Threat, ThreatAction};
use dlp_patterns::{Pack, RuleSet};

const PACK: &str = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'reset'\n\
    severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['http.uri', 'http.request.body', 'payload']\n\
    direction = 'to_server'\nliterals = ['attack']\n\
    examples = { positive = ['attack'], negative = ['none'] }\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

const SYN: u8 = 0x02;
const FIN: u8 = 0x01;
const ACK: u8 = 0x10;
const PSH_ACK: u8 = 0x18;

#[derive(Default)]
struct Alerts(Vec<Direction>);

impl EventSink for Alerts {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Alert(alert) = event {
            self.0.push(alert.direction);
        }
    }
}

struct Bench {
    pipeline: Pipeline,
    alerts: Alerts,
    now_ns: u64,
}

impl Bench {
    fn new() -> Bench {
        let pack = Pack::parse("own.toml", PACK).expect("the pack is right");
        let rules = Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"));
        let settings = Settings { flows_max: 16, ..Settings::default() };
        Bench { pipeline: Pipeline::new(settings, rules), alerts: Alerts::default(), now_ns: 0 }
    }

    /// A segment of the client, which is end 0, or of the server.
    fn send(&mut self, from: usize, flags: u8, numbers: [u32; 2], bytes: &[u8]) {
        self.now_ns += 1000;
        let mut frame = fuzzed::segments::segment(from, flags, numbers, bytes);
        let meta = fuzzed::meta(&frame, self.now_ns, [Side::Outside, Side::Inside][from]);
        self.pipeline.process(&mut frame, meta, &mut self.alerts);
    }

    /// What the client sends from the middle of a message on.
    fn attack(&mut self, begin: &[u8]) {
        self.send(0, PSH_ACK, [1000, 2000], begin);
        self.send(0, PSH_ACK, [1000 + begin.len() as u32, 2000], b"GET /attack HTTP/1.1\r\n\r\n");
    }
}

/// A server that still has a connection answers its client's SYN by an acknowledgment (RFC 5961 §4).
#[test]
fn who_sent_a_syn_stays_the_client_of_what_lives_on() {
    for begin in [RESPONSE, b"no response"] {
        let mut bench = Bench::new();
        bench.send(0, SYN, [777_000, 0], b"");
        bench.send(1, ACK, [2000, 1000], b"");
        bench.attack(begin);
        assert_eq!(bench.alerts.0, [Direction::ToServer], "{}", begin.escape_ascii());
    }
}

/// A SYN that no receiver takes begins a flow, and what is picked up in it may tell its server by a response.
#[test]
fn a_flow_that_turns_no_longer_counts_for_who_began_it() {
    const S: u64 = 1_000_000_000;
    let mut settings = Settings { flows_max: 16, ..Settings::default() };
    settings.threats.set_action(Threat::SessionLimit, ThreatAction::Drop);
    settings.threats.set_threshold(Threat::SessionLimit, "sessions", 3);
    let rules = Arc::new(RuleSet::compile(&[]).expect("no packs compile"));
    let pipeline = Pipeline::new(settings, rules);
    let mut bench = Bench { pipeline, alerts: Alerts::default(), now_ns: S };
    for _ in 0..10 {
        bench.send(0, SYN | FIN, [777, 0], b"");
        bench.send(0, PSH_ACK, [1000, 2000], RESPONSE);
        bench.now_ns += 1_000_000 * S;
        for _ in 0..1000 {
            bench.pipeline.expire(bench.now_ns, &mut bench.alerts);
        }
        assert_eq!(bench.pipeline.flows_active(), 0);
    }
    assert_eq!(bench.pipeline.counters().threats[Threat::SessionLimit], 0);
}
