//! What nDPI's test suite says that flows speak is what Weir says.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::fs;
use std::sync::Mutex;

use dataplane::decode::ChecksumMode;
use tests::capture;
use tests::corpora::{folder, for_each};
use tests::ndpi::{Expectations, labels::Labels};
use tests::player::Player;
use tests::survey::Survey;

/// Flows without rules and without an end by time, as nDPI has them.
const CONFIG: &str = r#"
mode = "monitor"

[packs]
default = false

[flows]
tcp_new_s = 86400
tcp_established_s = 86400
tcp_closed_s = 86400
udp_new_s = 86400
udp_established_s = 86400
icmp_s = 86400
other_s = 86400
"#;

/// The share of flows in scope that have the same name.
const EQUAL_PERCENT_MIN: usize = 95;

/// What Weir says of flows that nDPI calls otherwise, each with what shows that it is so.
const CLAIMS: &[(&str, &str, &str)] = &[
    ("ApplePush", "tls", "records of TLS 1.0, one behind the other"),
    ("AVASTSecureDNS", "dns", "questions of DNS for a certificate, and their answers, on port 443"),
    ("CustomProtocolD", "dns", "named by a rule of the user's; a question of DNS and its answer"),
    ("CustomProtocolE", "dtls", "named by a rule of the user's; records of DTLS 1.2 from the first byte on"),
    ("CustomProtocolF", "dtls", "named by a rule of the user's; records of DTLS 1.2 from the first byte on"),
    (
        "DNScrypt",
        "dns",
        "questions of DNS for a certificate, and their answers: messages that are whole by their own counts",
    ),
    ("Discord", "rtp", "its calls are RTP: one source, sequence numbers that go on, and reports of RTCP"),
    ("MapleStory", "http", "a request line of HTTP/1.1 and a Host"),
    ("Tailscale", "wireguard", "data of WireGuard: one receiver, counters that go on"),
    ("Unknown", "dns", "messages that are whole by their own counts and lengths, with names in them"),
    ("Unknown", "syslog", "nDPI finds it in the other direction, which is in a VLAN of its own"),
    (
        "Unknown",
        "radius",
        "on ports that nDPI doesn't expect; a length that is right to the byte, and attributes",
    ),
    ("UltraSurf", "tls", "it hides in TLS: records of TLS 1.2, one behind the other"),
    ("Zoom", "rtp", "its calls are RTP"),
    ("i3D", "rtp", "one source, sequence numbers that go on"),
];

/// Flows that differ, by how a failure begins, each with its cause.
const KNOWN_TO_DIFFER: &[(&str, &str)] = &[
    ("fuzz-2006-06-26-2594.pcap", "names or lengths were broken by a fuzzer; nDPI goes by the port"),
    ("fuzz-2006-09-29-28586.pcap", "start lines were broken by a fuzzer"),
    ("fuzz-2020-02-16-11740.pcap", "attributes were broken by a fuzzer; nDPI goes by the port"),
    ("gquic_only_from_server.pcap", "only what the server encrypted was captured"),
    (
        "heuristic_tcp_ack_payload.pcap",
        "bytes of zero were sent before, and what came in their place is no new data",
    ),
    ("jabber.pcap: TCP 192.168.2.100", "no XMPP but a binary protocol on port 5223"),
    ("mpeg-dash.pcap: TCP 54.161.101.85:80", "begins with a response, which makes its sender the client"),
    ("quic_sh.pcap", "only short headers were captured, of which nothing is in the clear"),
    ("rdp2.pcap: UDP 10.8.37.100:51652", "the capture begins within the connection"),
    ("sip_hello.pcapng: UDP 10.239.156.235:5060", "five letters, none of SIP; nDPI goes by the port"),
    ("soap.pcap: TCP 185.32.192.30:80", "the capture begins within a body"),
    ("starcraft_battle.pcap: TCP 192.168.1.100", "one encrypted alert behind the end of the other direction"),
    (
        "syslog.pcap: TCP 10.186.117.194:49948",
        "each direction is in a VLAN of its own, and so in a flow of its own",
    ),
];

#[test]
fn protocols_equal_those_of_ndpi() {
    let Some(corpora) = folder("protocols_equal_those_of_ndpi") else { return };
    let folder = corpora.join("ndpi");
    let expectations = fs::read(folder.join("flows.json")).expect("the suite has its expectations");
    let expectations: Expectations = serde_json::from_slice(&expectations).expect("they are JSON");
    let player = Player::new(CONFIG, ChecksumMode::Ignore);
    let labels = Mutex::new(Labels::default());
    for_each(&expectations.into_iter().collect::<Vec<_>>(), |(name, expected)| {
        let file = fs::read(folder.join(name)).expect("captures are readable");
        let survey = Survey::of(&capture::read(&file).frames);
        let flows: Vec<_> = player.play(&file).expect("no panic").flows().cloned().collect();
        labels.lock().expect("no test thread panicked").compare(name, expected, &survey, &flows);
    });
    let mut labels = labels.into_inner().expect("no test thread panicked");
    for (start, cause) in KNOWN_TO_DIFFER {
        labels.board.known(start, cause);
    }
    eprintln!("nDPI protocols: {labels}");
    let is_explained = |claim: &(&str, &str)| CLAIMS.iter().any(|(label, name, _)| (*label, *name) == *claim);
    let false_claims: Vec<_> = labels.claims().filter(|claim| !is_explained(claim)).collect();
    assert!(false_claims.is_empty(), "nDPI calls otherwise what is claimed: {false_claims:?}");
    let (passed, applicable) = (labels.board.passed(), labels.board.applicable());
    assert!(applicable >= 1400, "only {applicable} flows are in scope");
    assert!(passed * 100 >= applicable * EQUAL_PERCENT_MIN, "only {passed} of {applicable} are equal");
}
