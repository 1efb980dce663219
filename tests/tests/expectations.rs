//! The comparisons with the expectations of others can fail, and skip only what the capture speaks of.

use dataplane::flow::Direction;
use engine::sample::{Connection, Ends};
use serde_json::{Value, json};
use tests::capture::Frame;
use tests::case_rules::CaseRules;
use tests::flow_event::{Flow, merged};
use tests::scoreboard::Scoreboard;
use tests::survey::{Survey, Trait};
use tests::{ndpi, verify};

fn handshake() -> Vec<Frame> {
    let address = |text: &str| text.parse().expect("it is an address");
    let ends = Ends::new(address("10.0.0.1:1025"), address("192.0.2.1:80"), &[]);
    let frames = Connection::new(ends, [1, 2]).handshake();
    frames.into_iter().map(|bytes| Frame { link_type: 1, wire_bytes: bytes.len() as u32, bytes }).collect()
}

fn event(packets: [u64; 2], start: &str) -> Value {
    json!({
        "event_type": "flow", "proto": "TCP", "src_ip": "10.0.0.1", "src_port": 1025,
        "dest_ip": "192.0.2.1", "dest_port": 80,
        "flow": {
            "pkts_toserver": packets[0], "pkts_toclient": packets[1],
            "bytes_toserver": packets[0] * 54, "bytes_toclient": packets[1] * 54, "start": start,
        },
    })
}

fn ndpi_board(expected: Value, frames: &[Frame], events: &[Value]) -> Scoreboard {
    let expected: Vec<ndpi::Expected> = serde_json::from_value(expected).expect("it has the suite's form");
    let mut board = Scoreboard::default();
    ndpi::compare("capture", &expected, &Survey::of(frames), merged(events.iter()), &mut board);
    board
}

fn expected(packets: [u64; 2]) -> Value {
    let bytes = packets.map(|packets| packets * 54);
    let (a, b) = ("10.0.0.1:1025", "192.0.2.1:80");
    json!([{ "l4": "TCP", "a": a, "b": b, "pkts": packets, "bytes": bytes, "l7": "HTTP", "confidence": "DPI" }])
}

#[test]
fn a_flow_that_differs_is_missing_or_is_too_many_fails() {
    let frames = handshake();
    let right = ndpi_board(expected([2, 1]), &frames, &[event([2, 1], "1")]);
    assert_eq!((right.passed(), right.applicable()), (1, 1));
    let parts = [event([1, 0], "2"), event([1, 1], "1")];
    assert_eq!(ndpi_board(expected([2, 1]), &frames, &parts).passed(), 1, "parts of one flow are added up");
    for (expected, events) in [
        (expected([3, 1]), vec![event([2, 1], "1")]),
        (expected([2, 1]), vec![]),
        (json!([]), vec![event([2, 1], "1")]),
    ] {
        assert_eq!(ndpi_board(expected, &frames, &events).failures().len(), 1);
    }
}

#[test]
fn what_the_capture_speaks_of_is_skipped_and_nothing_else() {
    let mut frames = handshake();
    // More fragments follow, which do not: nDPI counts the first one, Weir none.
    frames[1].bytes[20] |= 0x20;
    assert_eq!(ndpi_board(expected([2, 1]), &frames, &[event([2, 0], "1")]).passed(), 1);
    assert_eq!(ndpi_board(expected([2, 1]), &frames, &[event([2, 1], "1")]).failures().len(), 1);

    let survey = Survey::of(&frames);
    let pair = ("10.0.0.1".parse().expect("an address"), "192.0.2.1".parse().expect("an address"));
    assert!(survey.has(pair.1, pair.0, Trait::Fragments) && !survey.has(pair.0, pair.1, Trait::Malformed));

    let mut frames = handshake();
    frames[0].bytes[16] = 0xff;
    assert!(Survey::of(&frames).has(pair.0, pair.1, Trait::Malformed), "longer than its frame");
    let mut frames = handshake();
    frames[0].wire_bytes += 1;
    assert!(Survey::of(&frames).has(pair.0, pair.1, Trait::Snapped));
    let answered = Survey::of(&handshake()[1..]);
    assert_eq!(answered.answers_first.len(), 1);
    assert!(Survey::of(&handshake()).answers_first.is_empty());
    assert_eq!(Direction::ToServer as usize, 0);
}

fn verify_board(check: &str, events: &[Value]) -> Scoreboard {
    let mut board = Scoreboard::default();
    let survey = Survey::of(&handshake());
    for filter in verify::filters(check, &CaseRules::default()) {
        filter.compare("case", &survey, &verify::with_netflow(events.iter()), &mut board);
    }
    board
}

#[test]
fn filters_count_what_they_name() {
    let filter = |count: u32, keys: &str| {
        format!("checks:\n- filter:\n    count: {count}\n    match:\n      event_type: flow\n{keys}")
    };
    let events = [event([2, 1], "1")];
    let whole = "      src_ip: 10.0.0.1\n      dest_port: 80\n      flow.pkts_toserver: 2\n";
    assert_eq!(verify_board(&filter(1, whole), &events).passed(), 1);
    assert_eq!(verify_board(&filter(2, whole), &events).failures().len(), 1);
    assert_eq!(verify_board(&filter(1, "      flow.bytes_toclient: 55\n"), &events).failures().len(), 1);
    assert_eq!(verify_board(&filter(0, ""), &events).failures().len(), 1);
    let partial = "      proto: TCP\n      flow.tx_cnt: 1\n";
    assert_eq!(verify_board(&filter(1, partial), &[events[0].clone(), events[0].clone()]).passed(), 1);
    assert_eq!(verify_board(&filter(1, "      flow.tx_cnt: 1\n"), &events).applicable(), 0);
    let netflow = filter(1, "      src_port: 80\n      netflow.pkts: 1\n").replace("flow\n", "netflow\n");
    assert_eq!(verify_board(&netflow, &events).passed(), 1);
}

#[test]
fn an_event_without_its_numbers_is_no_flow() {
    let mut torn = event([1, 1], "1");
    assert!(Flow::from_eve(&torn).is_some());
    torn["flow"]["bytes_toclient"] = Value::Null;
    assert!(Flow::from_eve(&torn).is_none());
}
