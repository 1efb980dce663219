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
use tests::corpora::{folder, for_each};
use tests::player::Player;
use tests::scoreboard::Scoreboard;

/// Hosts are told alike without rules.
const NO_PACKS: &str = r#"
mode = "monitor"

[packs]
default = false
"#;

/// What nDPI says of one flow.
#[derive(Debug, Deserialize)]
struct Expected {
    a: String,
    b: String,
    l7: String,
    host: Option<String>,
}

/// Both ends, in order.
type Ends = [(IpAddr, u16); 2];

/// Protocols whose hosts are compared.
const PROTOCOLS: [&str; 5] = ["TLS", "QUIC", "DTLS", "HTTP", "HTTP_Proxy"];

/// Hosts of nDPI that its captures do not bear out: the capture, the host, and what is so instead.
const WRONG: [(&str, &str, &str); 0] = [];

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

fn compare(name: &str, expected: &[Expected], told: &BTreeMap<Ends, Vec<String>>, board: &mut Scoreboard) {
    for flow in expected {
        let Some(host) = flow.host.as_deref().filter(|host| !host.is_empty()) else { continue };
        let protocol = flow.l7.split('.').next().unwrap_or_default();
        if !PROTOCOLS.contains(&protocol) {
            continue;
        }
        if let Some((.., why)) = WRONG.iter().find(|(file, of, _)| *file == name && *of == host) {
            board.skip(why);
            continue;
        }
        let (Some(a), Some(b)) = (end(&flow.a), end(&flow.b)) else {
            board.skip("address in a notation that fits several");
            continue;
        };
        let mut ends = [a, b];
        ends.sort_unstable();
        match told.get(&ends) {
            Some(hosts) if hosts.contains(&plain(host)) => board.pass(),
            other => {
                let Expected { a, b, l7, .. } = flow;
                board.fail(format!("{name}: {l7} {a} {b}: expected {host}, got {other:?}"));
            }
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
        let told = told(&player.play(&file).expect("no panic").events);
        compare(name, expected, &told, &mut board.lock().expect("no test thread panicked"));
    });
    let board = board.into_inner().expect("no test thread panicked");
    eprintln!("nDPI hosts: {board}");
    assert!(board.applicable() >= 500, "only {} hosts are in scope", board.applicable());
    let equal = board.passed() * 100 / board.applicable();
    assert!(equal >= EQUAL_MIN, "{} of {} hosts differ", board.failures().len(), board.applicable());
}
