//! The hosts that nDPI's own test suite reports of flows of TLS, QUIC, DTLS and HTTP, compared with those of Weir's events.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::sync::Mutex;

use dataplane::decode::ChecksumMode;
use serde::Deserialize;
use serde_json::Value;
use tests::capture;
use tests::corpora::{folder, for_each};
use tests::flow_event::protocol_number;
use tests::player::Player;
use tests::scoreboard::Scoreboard;
use tests::survey::{Survey, Trait};

/// Hosts are told alike without rules.
const NO_PACKS: &str = r#"
mode = "monitor"

[packs]
default = false
"#;

/// What nDPI says of one flow.
#[derive(Debug, Deserialize)]
struct Expected {
    l4: String,
    a: String,
    b: String,
    pkts: [u64; 2],
    l7: String,
    host: Option<String>,
}

/// Both ends, in order.
type Ends = [(IpAddr, u16); 2];

/// Protocols whose hosts are compared.
const PROTOCOLS: [&str; 5] = ["TLS", "QUIC", "DTLS", "HTTP", "HTTP_Proxy"];

/// Differences with a cause that is known: how a failure begins, how many there are, and why.
const KNOWN: [(&str, usize, &str); 2] = [
    (
        "heuristic_tcp_ack_payload.pcap",
        6,
        "each client first sends two bytes, then others in their place: the first ones count, nDPI takes the others",
    ),
    ("fuzz-2006-09-29-28586.pcap", 2, "spoilt on purpose: segments that nDPI reads are refused"),
];

/// Of a hundred.
const EQUAL_MIN: usize = 98;

fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    Some((address.trim_matches(['[', ']']).parse().ok()?, port.parse().ok()?))
}

fn ends(event: &Value) -> Option<Ends> {
    let end = |address: &str, port: &str| {
        Some((event[address].as_str()?.parse().ok()?, event[port].as_u64()? as u16))
    };
    let mut ends = [end("src_ip", "src_port")?, end("dest_ip", "dest_port")?];
    ends.sort_unstable();
    Some(ends)
}

/// A host as both may write it.
fn plain(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &host,
    };
    without_port.trim_end_matches('.').trim_matches(['[', ']']).to_owned()
}

/// Every host that an event tells, by the ends of its flow.
fn told(events: &[Value]) -> BTreeMap<Ends, Vec<String>> {
    let mut told: BTreeMap<Ends, Vec<String>> = BTreeMap::new();
    for event in events {
        let host = match event["event_type"].as_str() {
            Some("http") => event["http"]["hostname"].as_str(),
            Some(kind @ ("tls" | "quic" | "dtls")) => event[kind]["sni"].as_str(),
            _ => None,
        };
        if let (Some(host), Some(ends)) = (host, ends(event)) {
            told.entry(ends).or_default().push(plain(host));
        }
    }
    told
}

impl Expected {
    /// Why it is out of scope, as the capture tells.
    fn out_of_scope(&self, survey: &Survey) -> Option<&'static str> {
        let (Some(a), Some(b)) = (end(&self.a), end(&self.b)) else {
            return Some("address in a notation that fits several");
        };
        if self.l4 == "TCP" && self.pkts.contains(&0) {
            return Some("TCP of which one end is not in the capture");
        }
        let answers = |(a, b): (&(IpAddr, u16), &(IpAddr, u16))| (a.0, a.1, b.0, b.1);
        if [(&a, &b), (&b, &a)].map(answers).iter().any(|ends| survey.answers_first.contains(ends)) {
            return Some("TCP that begins with its second segment");
        }
        let is_outer = survey.pairs.contains_key(&tests::survey::pair(a.0, b.0));
        let protocol = protocol_number(&self.l4)?;
        let is_tunnel = survey.has_in_flow(protocol, a, b, Trait::Tunnel);
        let is_inside = !is_outer && survey.whole.contains(&Trait::Tunnel);
        (is_tunnel || is_inside).then_some(Trait::Tunnel.as_str())
    }
}

fn compare(
    name: &str,
    expected: &[Expected],
    survey: &Survey,
    told: &BTreeMap<Ends, Vec<String>>,
    board: &mut Scoreboard,
) {
    for flow in expected {
        let Some(host) = flow.host.as_deref().filter(|host| !host.is_empty()) else { continue };
        let protocol = flow.l7.split('.').next().unwrap_or_default();
        if !PROTOCOLS.contains(&protocol) {
            continue;
        }
        if let Some(why) = flow.out_of_scope(survey) {
            board.skip(why);
            continue;
        }
        let Expected { a, b, l7, .. } = flow;
        let mut ends = [a, b].map(|text| end(text).expect("it is in scope"));
        ends.sort_unstable();
        match told.get(&ends) {
            Some(hosts) if hosts.contains(&plain(host)) => board.pass(),
            other => board.fail(format!("{name}: {l7} {a} {b}: expected {host}, got {other:?}")),
        }
    }
}

#[test]
fn hosts_equal_those_of_ndpi() {
    let Some(corpora) = folder("hosts_equal_those_of_ndpi") else { return };
    let folder = corpora.join("ndpi");
    let expectations = fs::read(folder.join("flows.json")).expect("the suite has its expectations");
    let expectations: BTreeMap<String, Vec<Expected>> =
        serde_json::from_slice(&expectations).expect("they are JSON");
    let player = Player::new(NO_PACKS, ChecksumMode::Ignore);
    let board = Mutex::new(Scoreboard::default());
    for_each(&expectations.into_iter().collect::<Vec<_>>(), |(name, expected)| {
        let file = fs::read(folder.join(name)).expect("captures are readable");
        let survey = Survey::of(&capture::read(&file).frames);
        let told = told(&player.play(&file).expect("no panic").events);
        compare(name, expected, &survey, &told, &mut board.lock().expect("no test thread panicked"));
    });
    let mut board = board.into_inner().expect("no test thread panicked");
    let known = KNOWN.map(|(start, count, why)| (board.known(start, why), count));
    eprintln!("nDPI hosts: {board}");
    assert!(known.iter().all(|(found, count)| found == count), "known differences are others now: {known:?}");
    assert!(board.applicable() >= 480, "only {} hosts are in scope", board.applicable());
    assert!(board.failures().is_empty(), "{} hosts differ", board.failures().len());
    let equal = board.passed() * 100 / board.applicable();
    assert!(equal >= EQUAL_MIN, "only {equal} % of the hosts are equal");
}
