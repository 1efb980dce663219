//! Who picks up a connection in the middle of a message says nothing by its bytes of who is its client.

#[expect(dead_code, reason = "what a fuzzer checks has tests of its own")]
mod fuzzed;

use std::sync::Arc;

use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, Side};
use dataplane::policy::Settings;
use dlp_patterns::{Pack, RuleSet};

const PACK: &str = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'reset'\n\
    severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['http.uri', 'http.request.body', 'payload']\n\
    direction = 'to_server'\nliterals = ['attack']\n\
    examples = { positive = ['attack'], negative = ['none'] }\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

const SYN: u8 = 0x02;
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
