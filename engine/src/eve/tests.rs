use std::time::Duration;

use af_xdp::ProgramCounters;
use dataplane::app::{AppAnomaly, AppProtocol, Http2Stream, HttpProduct, HttpTransaction, Record};
use dataplane::decode::{Tunnel, TunnelKind};
use dataplane::event::{FlowEndCause, FlowState};
use dataplane::flow::protocol;
use dataplane::inspect::Epoch;
use dataplane::pipeline::Counters;
use dataplane::policy::{BypassCause, Threat};
use dataplane::reassembly::TcpState;
use dataplane::verdict::{Causes, DropReason};
use dlp_patterns::{Field, Hit, Pack, RuleId, RuleSet};
use serde_json::Value;

use super::*;
use crate::latency::{Latency, Stage};
use crate::port::{LinkCounters, PortCounters};

const NEW_YEAR_NS: u64 = 1_704_067_200_000_000_000;

/// A TCP flow with a tag, from 2024-01-01T00:00:00Z on.
pub(super) fn flow() -> FlowRecord {
    FlowRecord {
        id: 42,
        link: 1,
        client: ("192.0.2.1".parse().expect("an address"), 40_000),
        server: ("198.51.100.1".parse().expect("an address"), 80),
        protocol: protocol::TCP,
        vlans: [7][..].try_into().expect("a tag"),
        tunnels: Box::default(),
        icmp: None,
        start_ns: NEW_YEAR_NS,
        last_ns: NEW_YEAR_NS + 2_999_999_000,
        frames: [5, 4],
        bytes: [500, 4000],
        tcp_flags: [0x1b, 0x12],
    }
}

pub(super) fn flow_end(flow: &FlowRecord) -> FlowEnd<'_> {
    FlowEnd {
        now_ns: flow.last_ns,
        flow,
        cause: FlowEndCause::Timeout,
        state: FlowState::Closed,
        tcp: Some(TcpState::Closed),
        app: AppProtocol::Http,
        app_before: None,
        product: None,
        app_failed: false,
        alerted: true,
        threat: None,
        blocked: None,
        bypassed: None,
        exceptions: Causes::default(),
    }
}

fn line(event: &Event<'_>) -> String {
    let format = EveFormat::new(EventTypes::ALL, vec!["first".to_owned(), "uplink".to_owned()]);
    let mut out = Vec::new();
    assert!(format.event(event, &mut out));
    let text = String::from_utf8(out).expect("UTF-8");
    assert_eq!(text.matches('\n').count(), 1, "one line");
    serde_json::from_str::<Value>(&text).expect("JSON");
    text.trim_end().to_owned()
}

/// What stands in every line about the flow above, from the client's side.
const HEAD: &str = r#""vlan":[7],"src_ip":"192.0.2.1","src_port":40000,"dest_ip":"198.51.100.1","dest_port":80,"proto":"TCP","community_id":"1:GGycyNhF8VEj+qro9vCcvkUK/x8=""#;

#[test]
fn flow_line() {
    let flow = flow();
    let expected = format!(
        r#"{{"timestamp":"2024-01-01T00:00:02.999999+0000","flow_id":42,"in_iface":"uplink","event_type":"flow",{HEAD},"app_proto":"http","flow":{{"pkts_toserver":5,"pkts_toclient":4,"bytes_toserver":500,"bytes_toclient":4000,"start":"2024-01-01T00:00:00.000000+0000","end":"2024-01-01T00:00:02.999999+0000","age":2,"state":"closed","reason":"timeout","alerted":true}},"tcp":{{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"12","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}}}"#
    );
    assert_eq!(line(&Event::Flow(flow_end(&flow))), expected);
    let blocked = FlowEnd { blocked: Some((DropReason::Rule, Epoch::FIRST)), ..flow_end(&flow) };
    assert!(
        line(&Event::Flow(blocked))
            .contains(r#""alerted":true,"action":"drop","drop_reason":"rule","drop_epoch":1}"#)
    );
    let bypassed = FlowEnd { bypassed: Some(BypassCause::Encrypted), ..flow_end(&flow) };
    assert!(line(&Event::Flow(bypassed)).contains(r#""alerted":true,"bypassed":"encrypted"}"#));
    let mut exceptions = Causes::default();
    exceptions.add(DropReason::Midstream);
    exceptions.add(DropReason::OutOfWindow);
    let threat = FlowEnd { threat: Some(Threat::SlowBody), ..flow_end(&flow) };
    let told = r#""alerted":true,"threat":{"id":36,"name":"slow_body"}}"#;
    assert!(line(&Event::Flow(threat)).contains(told));
    let product = FlowEnd { product: Some(HttpProduct::Consul), ..flow_end(&flow) };
    assert!(line(&Event::Flow(product)).contains(r#""app_proto":"http","app_product":"consul","flow":{"#));
    let excepted = FlowEnd { exceptions, ..flow_end(&flow) };
    let told = r#""alerted":true,"exceptions":["out_of_window","midstream"]}"#;
    assert!(line(&Event::Flow(excepted)).contains(told));
}

#[test]
fn icmp_has_types_in_place_of_ports() {
    let mut flow = flow();
    (flow.protocol, flow.icmp) = (protocol::ICMPV6, Some((128, 0)));
    let text = line(&Event::Flow(FlowEnd { tcp: None, ..flow_end(&flow) }));
    assert!(text.contains(r#""proto":"IPv6-ICMP","icmp_type":128,"icmp_code":0"#), "{text}");
    assert!(!text.contains("src_port") && !text.contains("tcp_flags"), "{text}");
    (flow.protocol, flow.icmp) = (89, None);
    assert!(line(&Event::Flow(FlowEnd { tcp: None, ..flow_end(&flow) })).contains(r#""proto":"089""#));
}

/// The outermost tunnel in Suricata's words, and each with its identifier; a packet to the client has them reversed.
#[test]
fn tunnels_are_told() {
    let address = |text: &str| text.parse().expect("an address");
    let gre = Tunnel {
        kind: TunnelKind::Gre,
        id: None,
        ends: Some((address("10.9.0.1"), address("10.9.0.2"))),
        vlans_outside: 0,
    };
    let label = Tunnel { kind: TunnelKind::Mpls, id: Some(17), ends: None, vlans_outside: 0 };
    let flow = FlowRecord { tunnels: Box::new([label, gre]), ..flow() };
    let there = r#""tunnel":{"src_ip":"10.9.0.1","dest_ip":"10.9.0.2","proto":"GRE","depth":2,"parents":[{"kind":"mpls","id":17},{"kind":"gre","src_ip":"10.9.0.1","dest_ip":"10.9.0.2"}]}"#;
    let text = line(&Event::Flow(flow_end(&flow)));
    assert!(text.contains(there), "{text}");
    let dropped = Dropped {
        now_ns: flow.last_ns,
        owner: Owner::Flow { record: &flow, direction: Direction::ToClient },
        side: None,
        reason: DropReason::Rule,
        threat: None,
        reset: false,
        wire_bytes: 60,
    };
    let text = line(&Event::Drop(dropped));
    assert!(
        text.contains(r#""tunnel":{"src_ip":"10.9.0.2","dest_ip":"10.9.0.1","proto":"GRE","depth":2"#),
        "{text}"
    );
}

#[test]
fn http_line() {
    let flow = flow();
    let transaction = HttpTransaction {
        id: 3,
        method: b"GET".into(),
        url: b"/a\"\xff".into(),
        protocol: b"HTTP/1.1".into(),
        host: b"www.example".into(),
        user_agent: b"agent".into(),
        status: 302,
        redirect: b"/b".into(),
        product: Some(HttpProduct::Etcd),
        response_bytes: 11,
        ..HttpTransaction::default()
    };
    let end = HttpEnd { now_ns: NEW_YEAR_NS, flow: &flow, transaction: &transaction };
    let expected = format!(
        r#"{{"timestamp":"2024-01-01T00:00:00.000000+0000","flow_id":42,"in_iface":"uplink","event_type":"http",{HEAD},"tx_id":3,"http":{{"hostname":"www.example","url":"/a\"\\xFF","http_user_agent":"agent","http_method":"GET","protocol":"HTTP/1.1","status":302,"redirect":"/b","product":"etcd","length":11}}}}"#
    );
    assert_eq!(line(&Event::Http(end)), expected);
}

#[test]
fn http2_line() {
    let flow = flow();
    let stream = Http2Stream {
        id: 5,
        headers: [b":path: /a: b\r\nx: y\r\n".into(), b":status: 200\r\n".into()],
        error_codes: [Some(8), Some(99)],
        priorities: [Some(255), None],
    };
    let transaction = HttpTransaction {
        url: b"/a: b".into(),
        protocol: b"HTTP/2".into(),
        status: 200,
        http2: Some(stream),
        ..HttpTransaction::default()
    };
    let end = HttpEnd { now_ns: NEW_YEAR_NS, flow: &flow, transaction: &transaction };
    let text = line(&Event::Http(end));
    let expected = r#""http":{"version":"2","url":"/a: b","status":200,"length":0,"request_headers":[{"name":":path","value":"/a: b"},{"name":"x","value":"y"}],"response_headers":[{"name":":status","value":"200"}],"http2":{"stream_id":5,"request":{"priority":255,"error_code":"CANCEL"},"response":{"error_code":"99"}}}}"#;
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_flow_says_what_it_spoke_before() {
    let flow = flow();
    let within =
        FlowEnd { app: AppProtocol::WebSocket, app_before: Some(AppProtocol::Http), ..flow_end(&flow) };
    let text = line(&Event::Flow(within));
    assert!(text.contains(r#""app_proto":"websocket","app_proto_orig":"http","flow":{"#), "{text}");
}

#[test]
fn drop_and_anomaly_lines_have_the_ends_of_the_packet() {
    let flow = flow();
    let dropped = Dropped {
        now_ns: NEW_YEAR_NS,
        owner: Owner::Flow { record: &flow, direction: Direction::ToClient },
        side: Some(Side::Inside),
        reason: DropReason::Rule,
        threat: None,
        reset: true,
        wire_bytes: 99,
    };
    let text = line(&Event::Drop(dropped));
    let ends = r#""src_ip":"198.51.100.1","src_port":80,"dest_ip":"192.0.2.1","dest_port":40000"#;
    assert!(text.contains(ends), "{text}");
    assert!(
        text.ends_with(
            r#""direction":"to_client","drop":{"len":99,"reason":"rule","reset":true,"port":"inside"}}"#
        ),
        "{text}"
    );
    let text = line(&Event::Drop(Dropped {
        reason: DropReason::Threat,
        threat: Some(Threat::DnsTunnel),
        reset: false,
        ..dropped
    }));
    let told = r#""drop":{"len":99,"reason":"threat","threat":{"id":1,"name":"dns_tunnel"},"reset":false,"#;
    assert!(text.contains(told), "{text}");
    let kind = AnomalyKind::App(AppProtocol::Http, AppAnomaly::ChunkSize);
    let anomaly = Anomaly { now_ns: NEW_YEAR_NS, flow: &flow, direction: Direction::ToServer, kind };
    assert!(line(&Event::Anomaly(anomaly)).ends_with(
        r#""direction":"to_server","anomaly":{"app_proto":"http","type":"applayer","event":"http_chunk_size","layer":"proto_parser"}}"#
    ));
}

#[test]
fn a_drop_without_a_flow_has_what_the_frame_tells() {
    let told = |glimpse: &Glimpse| {
        line(&Event::Drop(Dropped {
            now_ns: NEW_YEAR_NS,
            owner: Owner::Nobody { link: 1, glimpse },
            side: Some(Side::Outside),
            reason: DropReason::Malformed,
            threat: None,
            reset: false,
            wire_bytes: 99,
        }))
    };
    let head = r#"{"timestamp":"2024-01-01T00:00:00.000000+0000","in_iface":"uplink","event_type":"drop","#;
    let tail = r#""drop":{"len":99,"reason":"malformed","reset":false,"port":"outside"}}"#;
    assert_eq!(told(&Glimpse::default()), format!("{head}{tail}"));
    let ends = flow().client.0;
    let tunnel = Tunnel { kind: TunnelKind::Gre, id: None, ends: Some((ends, ends)), vlans_outside: 0 };
    let glimpse = Glimpse {
        vlans: [7][..].try_into().expect("a tag"),
        tunnels: [tunnel].into_iter().collect(),
        ends: Some((flow().client.0, flow().server.0)),
        protocol: Some(protocol::UDP),
        ports: Some((5353, 53)),
        icmp: None,
    };
    let middle = r#""vlan":[7],"src_ip":"192.0.2.1","src_port":5353,"dest_ip":"198.51.100.1","dest_port":53,"proto":"UDP","tunnel":{"src_ip":"192.0.2.1","dest_ip":"192.0.2.1","proto":"GRE","depth":1,"parents":[{"kind":"gre","src_ip":"192.0.2.1","dest_ip":"192.0.2.1"}]},"#;
    assert_eq!(told(&glimpse), format!("{head}{middle}{tail}"));
    let glimpse = Glimpse { protocol: Some(protocol::ICMP), icmp: Some((8, 0)), ..Glimpse::default() };
    assert_eq!(told(&glimpse), format!(r#"{head}"proto":"ICMP","icmp_type":8,"icmp_code":0,{tail}"#));
}

const PACK: &str = r#"
[pack]
name = "cards"
version = "1"
description = "cards"
[[rule]]
id = 9
name = "Card"
action = "reset"
severity = 2
category = "leak"
fields = ["http.response.body"]
literals = ["4111111111111111"]
mask = "card"
examples = { positive = ["4111111111111111"], negative = ["4111"] }
"#;

#[test]
fn alert_line_carries_the_evidence_masked() {
    let rules = RuleSet::compile(&[Pack::parse("cards.toml", PACK).expect("a pack")]).expect("compiles");
    let excerpt = b"4111111111111111".iter().copied().collect();
    let hit = Hit { rule: RuleId(0), start: 100, end: 116, excerpt };
    let flow = flow();
    let alert = Alert {
        now_ns: NEW_YEAR_NS,
        flow: &flow,
        direction: Direction::ToClient,
        rule: rules.rule(RuleId(0)),
        field: Field::HttpResponseBody,
        hit: &hit,
        app: AppProtocol::Http,
        app_before: None,
        blocked: true,
    };
    let text = line(&Event::Alert(alert));
    let expected = r#""direction":"to_client","app_proto":"http","alert":{"action":"blocked","gid":1,"signature_id":9,"rev":1,"signature":"Card","category":"leak","severity":2,"context":{"pack":"cards","action":"reset","field":"http.response.body","offset":100,"length":16,"match":"411111******1111"}},"flow":{"pkts_toserver":5,"pkts_toclient":4,"bytes_toserver":500,"bytes_toclient":4000,"start":"2024-01-01T00:00:00.000000+0000"}}"#;
    assert!(text.ends_with(expected), "{text}");
    let allowed = Alert { blocked: false, ..alert };
    assert!(line(&Event::Alert(allowed)).contains(r#""action":"allowed""#));
}

#[test]
fn stats_line_adds_up() {
    let mut counters = Counters { frames_in: 10, forwarded: 7, alerts: 2, ..Counters::default() };
    counters.dropped[DropReason::Rule as usize] = 1;
    counters.dropped[DropReason::FlowBlocked as usize] = 2;
    counters.flows_bypassed = [6, 5, 4, 3];
    let mut out = Vec::new();
    let program = ProgramCounters { redirected: 40, ..ProgramCounters::default() };
    let outside = PortCounters { rx_ring_full: 30, ..PortCounters::from(program) };
    let mut latency = Latency::default();
    latency.record(Stage::Send, Duration::from_micros(3), 7);
    let name = "uplink".to_owned();
    let link = LinkCounters { name, ports: [PortCounters::default(), outside], latency, frames_lent: 5 };
    let format = EveFormat::new(EventTypes::ALL, Vec::new());
    let totals = Totals { counters: &counters, links: &[link], uptime_s: 5, events_lost: 3 };
    format.stats(&totals, NEW_YEAR_NS, &mut out);
    let line: Value = serde_json::from_slice(&out).expect("JSON");
    let stats = &line["stats"];
    let ports = &stats["capture"]["uplink"];
    assert_eq!(stats["latency"]["uplink"]["send"]["frames"], 7);
    assert_eq!((&ports["inside"]["redirected"], &ports["inside"]["rx_ring_full"]), (&0.into(), &0.into()));
    assert_eq!(
        (&ports["outside"]["redirected"], &ports["outside"]["rx_ring_full"]),
        (&40.into(), &30.into())
    );
    assert_eq!(
        (&line["event_type"], &stats["uptime"], &stats["events_lost"]),
        (&"stats".into(), &5.into(), &3.into())
    );
    assert_eq!(stats["ips"]["unaccounted"], 0);
    assert_eq!(
        stats["flow"]["bypassed"],
        serde_json::json!({"encrypted": 6, "trusted": 5, "pass_flow": 4, "exception": 3})
    );
    assert_eq!((&stats["decoder"]["pkts"], &stats["ips"]["accepted"]), (&10.into(), &7.into()));
    assert_eq!((&stats["ips"]["blocked"], &stats["ips"]["drop_reason"]["rule"]), (&3.into(), &1.into()));
    assert_eq!(stats["ips"]["drop_reason"].as_object().map(serde_json::Map::len), Some(DropReason::COUNT));
}

#[test]
fn only_wanted_kinds_are_written() {
    let format = EveFormat::new(EventTypes::NONE.with(EventType::Alert), Vec::new());
    let mut out = Vec::new();
    assert!(!format.event(&Event::Flow(flow_end(&flow())), &mut out));
    let totals = Totals { counters: &Counters::default(), links: &[], uptime_s: 0, events_lost: 0 };
    format.stats(&totals, 0, &mut out);
    assert!(out.is_empty());
}

#[test]
fn a_reload_is_told_with_its_mistakes() {
    let format = EveFormat::new(EventTypes::ALL, Vec::new());
    let told = |reload: &Reload| {
        let mut line = Vec::new();
        format.reload(reload, 1_000, &mut line);
        let line: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(line["event_type"], "ruleset_reload");
        line["ruleset_reload"].clone()
    };
    let done = Reload { epoch: 2, packs: 3, rules: 40, ms: 120, cache: None, mistakes: Vec::new() };
    let expected = serde_json::json!({"result": "ok", "epoch": 2, "packs": 3, "rules": 40, "ms": 120});
    assert_eq!(told(&done), expected);
    assert_eq!(told(&Reload { cache: Some("hit"), ..done.clone() })["cache"], "hit");
    let failed = Reload { mistakes: vec!["a.toml:1:2: \"wrong\"\n  hint: mend it".to_owned(); 20], ..done };
    let failed = told(&failed);
    assert_eq!((&failed["result"], &failed["mistakes_total"]), (&"failed".into(), &20.into()));
    assert_eq!(failed["mistakes"].as_array().map(Vec::len), Some(16));
    assert_eq!(failed["mistakes"][0], "a.toml:1:2: \"wrong\"\n  hint: mend it");

    let mut line = Vec::new();
    EveFormat::new(EventTypes::NONE, Vec::new()).reload(&done, 1, &mut line);
    assert!(line.is_empty());
}

#[test]
fn a_change_of_a_link_is_told_with_its_state() {
    let told = |types, change: &LinkChange<'_>| {
        let mut line = Vec::new();
        EveFormat::new(types, Vec::new()).link(change, 1_000, &mut line);
        line
    };
    let mut change = LinkChange {
        link: "lan",
        what: What::Mtu { from: 1500, to: 9000 },
        port: Some(("inside", "eth1")),
        state: LinkState::Degraded,
        trouble: Some("too long"),
        hint: Some("lower it"),
    };
    let line: Value = serde_json::from_slice(&told(EventTypes::ALL, &change)).expect("JSON");
    assert_eq!(line["event_type"], "link");
    let expected = serde_json::json!({
        "name": "lan", "change": "mtu_changed", "port": "inside", "interface": "eth1", "from": 1500, "to": 9000,
        "state": "degraded", "trouble": "too long", "hint": "lower it",
    });
    assert_eq!(line["link"], expected);
    (change.what, change.port) = (What::Reopened, None);
    (change.state, change.trouble, change.hint) = (LinkState::Up, None, None);
    let line: Value = serde_json::from_slice(&told(EventTypes::ALL, &change)).expect("JSON");
    assert_eq!(line["link"], serde_json::json!({"name": "lan", "change": "reopened", "state": "up"}));
    assert!(told(EventTypes::NONE, &change).is_empty());
}

#[test]
fn a_mail_stands_beside_its_envelope_and_a_file_has_an_event_of_its_own() {
    let (flow, mut record) = (flow(), Record::default());
    let line_of = |record: &Record| line(&Event::App(AppRecord { now_ns: 0, flow: &flow, record }));
    record.begin(AppProtocol::Smtp, 1);
    record.text("helo", b"client");
    record.beside("email", |record| record.list("to", |record| record.text("", b"b")));
    let told = line_of(&record);
    let expected = r#""tx_id":1,"smtp":{"helo":"client"},"email":{"to":["b"]}}"#;
    assert!(told.contains(r#""event_type":"smtp""#) && told.ends_with(expected), "{told}");
    record.begin_file(AppProtocol::Smtp, 1);
    record.text("filename", b"a.txt");
    let told = line_of(&record);
    let is_file = told.contains(r#""event_type":"fileinfo""#) && told.contains(r#""app_proto":"smtp""#);
    assert!(is_file && told.ends_with(r#""fileinfo":{"filename":"a.txt"}}"#), "{told}");
}
