//! What a threat rests on shows no more of a masked match than its alert does.

#[expect(dead_code, reason = "what a fuzzer checks has tests of its own")]
mod fuzzed;

use std::sync::Arc;

use dataplane::app::Value;
use dataplane::event::{Event, EventSink};
use dataplane::pipeline::{Pipeline, Side};
use dataplane::policy::{Settings, Threat, ThreatAction};
use dlp_patterns::{Pack, RuleSet};

const PACK: &str = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'alert'\n\
    severity = 1\ncategory = 'c'\nmask = 'secret'\nfields = ['http.headers']\ndirection = 'to_server'\n\
    literals = ['hunter2hunter2']\nexamples = { positive = ['hunter2hunter2'], negative = ['none'] }\n";

const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;

#[derive(Default)]
struct Told {
    alerts: usize,
    hosts: Vec<String>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Alert(_) => self.alerts += 1,
            Event::Threat(seen) => match seen.evidence.find("hostname") {
                Some(Value::Text(name)) => self.hosts.push(name.escape_ascii().to_string()),
                other => panic!("no name of a host: {other:?}"),
            },
            _ => {}
        }
    }
}

#[test]
fn as_all_other_events_do() {
    let pack = Pack::parse("own.toml", PACK).expect("the pack is right");
    let rules = Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"));
    let mut settings = Settings { flows_max: 16, ..Settings::default() };
    settings.threats.set_action(Threat::Doh, ThreatAction::Alert);
    let (mut pipeline, mut told) = (Pipeline::new(settings, rules), Told::default());
    let request = b"GET /dns-query HTTP/1.1\r\nHost: hunter2hunter2.example\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nContent-Length: 0\r\n\r\n";
    let after = 1001 + request.len() as u32;
    for (now_ns, (from, flags, numbers, bytes)) in (1..).zip([
        (0, SYN, [1000, 0], &b""[..]),
        (1, SYN_ACK, [5000, 1001], b""),
        (0, ACK, [1001, 5001], request),
        (1, ACK, [5001, after], response),
    ]) {
        let mut frame = fuzzed::segments::segment(from, flags, numbers, bytes);
        let meta = fuzzed::meta(&frame, now_ns * 1000, [Side::Outside, Side::Inside][from]);
        pipeline.process(&mut frame, meta, &mut told);
    }
    pipeline.finish(10_000, &mut told);
    assert_eq!(told.alerts, 1);
    let [host] = &told.hosts[..] else { panic!("one threat: {:?}", told.hosts) };
    assert!(host.starts_with("hunt") && !host.contains("hunter"), "{host}");
}
