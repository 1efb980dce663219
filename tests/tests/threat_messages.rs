//! Each threat that one message or one connection shows is told by its name, once, with what it rests on; and where the operator wants
//! it dropped, what shows it does not go on.

use std::net::SocketAddr;
use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings, Threat, ThreatAction};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends};

use Direction::{ToClient, ToServer};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

type Turn<'t> = (Direction, &'t [u8]);

/// Threats that were told, and those that drops and flows were named by.
#[derive(Default)]
struct Told {
    seen: Vec<Threat>,
    dropped_for: Vec<Option<Threat>>,
    flows: Vec<Option<Threat>>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Threat(seen) => {
                assert!(seen.evidence.values().count() > 0, "{} rests on something", seen.threat.as_str());
                self.seen.push(seen.threat);
            }
            Event::Drop(dropped) if dropped.reason == DropReason::Threat => {
                self.dropped_for.push(dropped.threat);
            }
            Event::Flow(end) => self.flows.push(end.threat),
            _ => {}
        }
    }
}

/// What connections to a port tell, one after the other; and whether a frame of theirs was dropped as a threat.
fn played(
    connections: usize,
    port: u16,
    turns: &[Turn<'_>],
    threat: Threat,
    action: ThreatAction,
) -> (Vec<Threat>, bool) {
    let mut settings = Settings { flows_max: 1024, mode: Mode::Protect, ..Settings::default() };
    for other in Threat::ALL {
        settings.threats.set_action(other, ThreatAction::Ignore);
    }
    settings.threats.set_action(threat, action);
    let rules = Arc::new(RuleSet::compile(&[]).expect("no packs compile"));
    let (mut pipeline, mut told) = (Pipeline::new(settings, rules), Told::default());
    let (mut now_ns, mut is_dropped) = (0, false);
    for number in 0..connections {
        let client = SocketAddr::from(([10, 0, 0, 1], 40_000 + number as u16));
        let server = SocketAddr::from(([192, 0, 2, 1], port));
        let mut connection = Connection::new(Ends::new(client, server, &[]), [1000, 5000]);
        let mut frames = connection.handshake();
        for (direction, bytes) in turns {
            frames.extend(bytes.chunks(1400).map(|piece| connection.segment(*direction, DATA, piece)));
        }
        for mut frame in frames {
            now_ns += 1000;
            let wire_bytes = frame.len() as u32;
            let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
            let verdict = pipeline.process(&mut frame, meta, &mut told);
            is_dropped |=
                matches!(verdict, Verdict::Drop(DropReason::Threat) | Verdict::Reset(DropReason::Threat));
        }
    }
    pipeline.finish(now_ns, &mut told);
    let counted = pipeline.counters().threats[threat];
    let name = threat.as_str();
    assert_eq!(counted > 0, !told.seen.is_empty(), "{name} is counted");
    assert_eq!(!told.dropped_for.is_empty(), is_dropped, "{name}");
    assert!(told.dropped_for.iter().all(|dropped| *dropped == Some(threat)), "{:?}", told.dropped_for);
    assert_eq!(told.flows.contains(&Some(threat)), !told.seen.is_empty(), "{name}: {:?}", told.flows);
    (told.seen, is_dropped)
}

/// What is shown is told once, and is dropped or not looked for by the operator's word.
fn shows(threat: Threat, connections: usize, port: u16, turns: &[Turn<'_>]) {
    let name = threat.as_str();
    let (told, is_dropped) = played(connections, port, turns, threat, ThreatAction::Alert);
    assert_eq!((told, is_dropped), (vec![threat], false), "{name}");
    let (told, is_dropped) = played(connections, port, turns, threat, ThreatAction::Drop);
    assert_eq!((told, is_dropped), (vec![threat], true), "{name}");
    let (told, _) = played(connections, port, turns, threat, ThreatAction::Ignore);
    assert_eq!(told, [], "{name}");
}

fn is_silent(threat: Threat, port: u16, turns: &[Turn<'_>]) {
    assert_eq!(played(1, port, turns, threat, ThreatAction::Alert), (vec![], false), "{}", threat.as_str());
}

/// A record of TLS with a handshake message (RFC 5246 §6.2.1, §7.4).
fn hello(kind: u8, version: u16, choices: &[u8]) -> Vec<u8> {
    let body = [&version.to_be_bytes()[..], &[7; 32], &[0], choices].concat();
    let message = [&[kind, 0, 0, body.len() as u8][..], &body].concat();
    [&[22, 3, 1, 0, message.len() as u8][..], &message].concat()
}

const CHANGE: &[u8] = &[20, 3, 3, 0, 1, 1];

#[test]
fn old_or_broken_tls() {
    let client = [&hello(1, 0x0303, &[0, 2, 0, 0x2f, 1, 0])[..], CHANGE].concat();
    let server = |version| [&hello(2, version, &[0, 0x2f, 0])[..], CHANGE].concat();
    let (old, new) = (server(0x0301), server(0x0303));
    let more: Turn<'_> = (ToServer, &[23, 3, 3, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    shows(Threat::TlsDowngrade, 1, 443, &[(ToServer, &client), (ToClient, &old), more]);
    is_silent(Threat::TlsDowngrade, 443, &[(ToServer, &client), (ToClient, &new), more]);

    let heartbeat = [&hello(1, 0x0303, &[0, 2, 0, 0x2f, 1, 0])[..], &[24, 3, 2, 0, 3, 1, 0x40, 0]].concat();
    shows(Threat::Heartbleed, 1, 443, &[(ToServer, &heartbeat)]);
    let key = |bytes: u8| {
        let hello = [&[1, 0, 2, 0, 6, 0, 0, 0, 16, 1, 0, 0x80, 0, 0, 5][..], &[7; 16]].concat();
        let key = [&[2, 1, 0, 0x80, 0, 0, 0, 4, 0, bytes][..], &vec![7; usize::from(bytes) + 4]].concat();
        [&[0x80, hello.len() as u8][..], &hello, &[0x80, key.len() as u8], &key].concat()
    };
    shows(Threat::Sslv2CipherOverflow, 1, 443, &[(ToServer, &key(100))]);
    is_silent(Threat::Sslv2CipherOverflow, 443, &[(ToServer, &key(8))]);
}

/// A message of DNS over TCP: one question.
fn question(name: &[u8], kind: u8) -> Vec<u8> {
    let message = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], name, &[0, kind, 0, 1]].concat();
    [&[0, message.len() as u8][..], &message].concat()
}

#[test]
fn odd_dns() {
    let plain = question(b"\x03www\x07example\x03org\0", 1);
    let typed = |kind| question(b"\x03www\x07example\x03org\0", kind);
    shows(Threat::DnsNullType, 1, 53, &[(ToServer, &typed(10))]);
    shows(Threat::DnsZoneTransfer, 1, 53, &[(ToServer, &typed(252))]);
    let looped = [&plain[..], &question(b"\xc0\x0c", 1)].concat();
    shows(Threat::DnsLoopPointer, 1, 53, &[(ToServer, &looped)]);
    let long = [&plain[..], &{
        let name = [&[&[63][..], &[b'a'; 63]].concat().repeat(4)[..], &[0]].concat();
        let message = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &name, &[0, 1, 0, 1]].concat();
        [&(message.len() as u16).to_be_bytes()[..], &message].concat()
    }]
    .concat();
    shows(Threat::DnsOversize, 1, 53, &[(ToServer, &long)]);
    for threat in [Threat::DnsNullType, Threat::DnsZoneTransfer, Threat::DnsLoopPointer, Threat::DnsOversize]
    {
        is_silent(threat, 53, &[(ToServer, &plain)]);
    }
}

#[test]
fn logins_that_are_refused() {
    let refused: [Turn<'_>; 2] = [
        (ToServer, b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n"),
        (ToClient, b"-WRONGPASS invalid username-password pair\r\n"),
    ];
    shows(Threat::DbAccessDenied, 2, 6379, &refused);
    shows(Threat::BruteForce, 12, 6379, &refused);
    is_silent(Threat::BruteForce, 6379, &refused);
    is_silent(Threat::DbAccessDenied, 6379, &[refused[0], (ToClient, b"+OK\r\n")]);
    let forbidden: [Turn<'_>; 2] = [
        (ToServer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (ToClient, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
    ];
    shows(Threat::BruteForce, 1, 80, &forbidden.repeat(60));
}

#[test]
fn framing_that_is_no_length_or_two() {
    let post = |head: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n0\r\n\r\n").into_bytes();
    let alone = |threat, head: &str| {
        let request = post(head);
        let (told, _) = played(1, 80, &[(ToServer, &request)], threat, ThreatAction::Alert);
        told
    };
    assert_eq!(alone(Threat::HttpNegativeLength, "Content-Length: -1"), [Threat::HttpNegativeLength]);
    assert_eq!(alone(Threat::HttpNegativeLength, "Content-Length: 5"), []);
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked";
    assert_eq!(alone(Threat::RequestSmuggling, both), [Threat::RequestSmuggling]);
    assert_eq!(alone(Threat::RequestSmuggling, "Transfer-Encoding: chunked"), []);
}

#[test]
fn what_is_unlike_its_port_or_carrier() {
    let ssh: [Turn<'_>; 2] = [(ToServer, b"SSH-2.0-a\r\n"), (ToClient, b"SSH-2.0-b\r\n")];
    shows(Threat::ProtocolMismatch, 1, 443, &ssh);
    is_silent(Threat::ProtocolMismatch, 22, &ssh);
    shows(
        Threat::SshV1,
        1,
        22,
        &[(ToClient, b"SSH-1.5-a\n"), (ToServer, b"SSH-1.5-b\n"), (ToClient, &[7; 40])],
    );
    is_silent(Threat::SshV1, 22, &ssh);
    let asked: [Turn<'_>; 2] =
        [(ToServer, b"CONNECT a:22 HTTP/1.1\r\nHost: a:22\r\n\r\n"), (ToClient, b"HTTP/1.1 200 OK\r\n\r\n")];
    shows(Threat::ConnectTunnel, 1, 3128, &[&asked[..], &ssh].concat());
    let client = [&hello(1, 0x0303, &[0, 2, 0, 0x2f, 1, 0])[..], CHANGE].concat();
    is_silent(Threat::ConnectTunnel, 3128, &[&asked[..], &[(ToServer, &client)]].concat());
    let upgraded: [Turn<'_>; 3] = [
        (ToServer, b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        (ToClient, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        (ToClient, b"\x82\x0bSSH-2.0-a\r\n"),
    ];
    shows(Threat::WebsocketTunnel, 1, 80, &upgraded);
    is_silent(Threat::ConnectTunnel, 80, &upgraded);
    is_silent(Threat::WebsocketTunnel, 80, &[upgraded[0], upgraded[1], (ToClient, b"\x81\x02hi")]);
    let doh: [Turn<'_>; 2] = [
        (ToServer, b"GET /dns-query?dns=AAAB HTTP/1.1\r\nHost: a\r\n\r\n"),
        (ToClient, b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nContent-Length: 0\r\n\r\n"),
    ];
    shows(Threat::Doh, 1, 80, &doh);
}
