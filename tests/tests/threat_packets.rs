//! Threats of packets and flows: each at its threshold and not before, once for each offender, and stopped where that is asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dataplane::app::Value;
use dataplane::decode::{ChecksumMode, LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction::{ToClient, ToServer};
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings, Threat, ThreatAction, ThreatPolicy};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends, frame};
use tests::fragment::claim;

const MS: u64 = 1_000_000;
const S: u64 = 1000 * MS;
const THREAT: Verdict = Verdict::Drop(DropReason::Threat);
/// Where the TCP header of a frame without tags and options stands.
const TCP_OFFSET: usize = 14 + 20;

/// The threats that events tell of, those that drops as a threat are named by, and the control bits that are told.
#[derive(Default)]
struct Told(Vec<Threat>, Vec<Option<Threat>>, Vec<String>);

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Threat(seen) = event {
            assert!(seen.evidence.find("count").is_some() && seen.evidence.find("threshold").is_some());
            self.0.push(seen.threat);
            if let Some(Value::Text(flags)) = seen.evidence.find("tcp_flags") {
                self.2.push(String::from_utf8_lossy(flags).into_owned());
            }
        }
        if let Event::Drop(dropped) = event
            && dropped.reason == DropReason::Threat
        {
            self.1.push(dropped.threat);
        }
    }
}

struct Scene {
    pipeline: Pipeline,
    told: Told,
    now_ns: u64,
}

impl Scene {
    /// One threat with an action and thresholds; all others are not looked for.
    fn new(threat: Threat, action: ThreatAction, thresholds: &[(&str, u32)]) -> Scene {
        Scene::in_mode(Mode::Protect, threat, action, thresholds)
    }

    fn in_mode(mode: Mode, threat: Threat, action: ThreatAction, thresholds: &[(&str, u32)]) -> Scene {
        let threats = policy(threat, action, thresholds);
        let checksums = ChecksumMode::Ignore;
        let settings = Settings { mode, threats, checksums, flows_max: 4096, ..Settings::default() };
        let rules = Arc::new(RuleSet::compile(&[]).expect("no rules are no mistake"));
        Scene { pipeline: Pipeline::new(settings, rules), told: Told::default(), now_ns: 1000 * S }
    }

    /// Judges a frame, some time after the last one.
    fn judge(&mut self, after_ns: u64, frame: &[u8]) -> Verdict {
        self.now_ns += after_ns;
        let wire_bytes = frame.len() as u32;
        let meta =
            RxMeta { now_ns: self.now_ns, link: 3, link_type: LinkType::Ethernet, side: None, wire_bytes };
        let verdict = self.pipeline.process(&mut frame.to_vec(), meta, &mut self.told);
        self.pipeline.expire(self.now_ns, &mut self.told);
        assert!(self.pipeline.counters().is_balanced());
        verdict
    }

    /// How many events told of the threat, and how often it was seen, since the last call.
    fn take(&mut self, threat: Threat) -> (usize, u64) {
        let Told(told, named, _) = std::mem::take(&mut self.told);
        assert!(named.iter().all(|each| *each == Some(threat)), "{named:?}");
        assert!(told.iter().all(|each| *each == threat), "{told:?}");
        (told.len(), self.pipeline.counters().threats[threat])
    }
}

fn policy(threat: Threat, action: ThreatAction, thresholds: &[(&str, u32)]) -> ThreatPolicy {
    let mut policy = ThreatPolicy::default();
    for each in Threat::ALL {
        policy.set_action(each, ThreatAction::Ignore);
    }
    policy.set_action(threat, action);
    for (name, value) in thresholds {
        policy.set_threshold(threat, name, *value);
    }
    policy
}

fn client(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

fn server(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn connection(from: (u8, u16), to: (u8, u16)) -> Connection {
    let ends = Ends::new((client(from.0), from.1).into(), (server(to.0), to.1).into(), &[]);
    Connection::new(ends, [1, 7])
}

fn syn(from: (u8, u16), to: (u8, u16)) -> Vec<u8> {
    connection(from, to).segment(ToServer, TcpFlags::SYN, b"")
}

fn datagram(from: (u8, u16), to: (u8, u16)) -> Vec<u8> {
    frame::udp([(client(from.0), from.1).into(), (server(to.0), to.1).into()], &[], b"a datagram")
}

/// An echo from the client with data, or the answer to one.
fn echo(kind: u8, to: u8, data: &[u8]) -> Vec<u8> {
    let ends = [client(1), server(to)];
    let ends = if kind == 8 { ends } else { [ends[1], ends[0]] };
    frame::icmp_v4(ends, kind, &[&[0, 7, 0, 1], data].concat())
}

/// The SYN with these options in front of its data, a multiple of four bytes.
fn syn_with(options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut frame =
        connection((1, 4000), (1, 80)).segment(ToServer, TcpFlags::SYN, &[options, data].concat());
    frame[TCP_OFFSET + 12] = (5 + options.len() as u8 / 4) << 4;
    frame
}

/// Shows a threat `count` times by frames that differ: told with the last one, dropped with it and from then on where that is asked
/// for, and not a sign of it with one fewer, or where it is to be ignored.
fn assert_counted(
    threat: Threat,
    thresholds: &[(&str, u32)],
    count: usize,
    frames: impl Fn(usize) -> Vec<u8>,
) {
    let play = |mode, action, frames_shown: usize| {
        let mut scene = Scene::in_mode(mode, threat, action, thresholds);
        let verdicts: Vec<Verdict> = (0..frames_shown).map(|at| scene.judge(MS, &frames(at))).collect();
        let dropped = verdicts.iter().filter(|verdict| **verdict == THREAT).count();
        assert_eq!(
            verdicts.iter().filter(|verdict| **verdict == Verdict::Forward).count(),
            frames_shown - dropped
        );
        (scene.take(threat), dropped)
    };
    let (protect, alert) = (Mode::Protect, ThreatAction::Alert);
    assert_eq!(play(protect, alert, count - 1), ((0, 0), 0), "{threat:?}: too few");
    assert_eq!(play(protect, alert, count + 1), ((1, 2), 0), "{threat:?}: told once");
    assert_eq!(play(protect, ThreatAction::Drop, count + 1), ((1, 2), 2), "{threat:?}: dropped");
    assert_eq!(play(Mode::Monitor, ThreatAction::Drop, count + 1), ((1, 2), 0), "{threat:?}: told");
    assert_eq!(play(protect, ThreatAction::Ignore, count + 1), ((0, 0), 0), "{threat:?}: ignored");
}

#[test]
fn floods_are_counted_by_source_and_by_destination() {
    let by_source = [("per_source", 20), ("per_destination", 1000)];
    let by_destination = [("per_source", 1000), ("per_destination", 20)];
    assert_counted(Threat::SynFlood, &by_source, 20, |at| syn((1, 2000 + at as u16), (at as u8, 80)));
    assert_counted(Threat::SynFlood, &by_destination, 20, |at| syn((at as u8, 2000), (1, 80)));
    assert_counted(Threat::UdpFlood, &by_source, 20, |at| datagram((1, 2000 + at as u16), (at as u8, 9)));
    assert_counted(Threat::UdpFlood, &by_destination, 20, |at| datagram((at as u8, 2000), (1, 9)));
    assert_counted(Threat::DnsFlood, &by_source, 20, |at| datagram((1, 2000 + at as u16), (at as u8, 53)));
    assert_counted(Threat::DnsFlood, &by_destination, 20, |at| datagram((at as u8, 2000), (1, 53)));
    assert_counted(Threat::IcmpFlood, &by_source, 20, |at| echo(8, at as u8, b"echo"));
}

#[test]
fn what_is_no_flood_is_not_counted() {
    let mut scene = Scene::new(Threat::SynFlood, ThreatAction::Drop, &[("per_source", 20)]);
    for port in 0..100 {
        for segment in connection((1, 2000 + port), (1, 80)).handshake() {
            assert_eq!(scene.judge(MS, &segment), Verdict::Forward);
        }
    }
    for port in 0..100 {
        assert_eq!(scene.judge(S, &syn((1, 3000 + port), (1, 80))), Verdict::Forward, "ten in a window");
    }
    assert_eq!(scene.take(Threat::SynFlood), (0, 0));
    let mut scene = Scene::new(Threat::DnsFlood, ThreatAction::Drop, &[("per_source", 20)]);
    for port in 0..100 {
        assert_eq!(scene.judge(MS, &datagram((1, 2000 + port), (1, 9))), Verdict::Forward);
    }
    assert_eq!(scene.take(Threat::DnsFlood), (0, 0), "of another port");
}

#[test]
fn datagrams_of_one_flow_are_a_flood_too() {
    let mut scene = Scene::new(Threat::UdpFlood, ThreatAction::Drop, &[("per_source", 1000)]);
    let verdicts = (0..1200).map(|_| scene.judge(MS, &datagram((1, 2000), (1, 9))));
    let passed = verdicts.filter(|verdict| *verdict == Verdict::Forward).count();
    assert!((1000 - 64..=1000 + 64).contains(&passed), "{passed}");
    assert_eq!(scene.take(Threat::UdpFlood).0, 1);
}

#[test]
fn a_source_that_floods_is_blocked_for_its_time() {
    let thresholds = [("per_source", 20), ("block_s", 60)];
    let mut scene = Scene::new(Threat::SynFlood, ThreatAction::Drop, &thresholds);
    let mut open = connection((1, 1999), (1, 80));
    for segment in open.handshake() {
        scene.judge(MS, &segment);
    }
    for port in 0..20 {
        scene.judge(MS, &syn((1, 2000 + port), (1, 80)));
    }
    assert_eq!(scene.judge(30 * S, &datagram((1, 2000), (1, 9))), THREAT, "nothing else begins");
    assert_eq!(scene.judge(MS, &datagram((2, 2000), (1, 9))), Verdict::Forward, "it is another source");
    assert_eq!(scene.judge(MS, &open.segment(ToServer, TcpFlags::ACK, b"data")), Verdict::Forward);
    assert_eq!(scene.judge(30 * S, &datagram((1, 2001), (1, 9))), Verdict::Forward, "that is over");
    assert_eq!(scene.take(Threat::SynFlood), (1, 2));
}

#[test]
fn sources_have_as_many_flows_as_they_may() {
    // One more than that is a threat.
    assert_counted(Threat::SessionLimit, &[("sessions", 19)], 20, |at| {
        datagram((1, 2000 + at as u16), (1, 9))
    });
    let mut scene = Scene::new(Threat::SessionLimit, ThreatAction::Drop, &[("sessions", 20)]);
    for port in 0..100 {
        assert_eq!(scene.judge(10 * S, &datagram((1, 2000 + port), (1, 9))), Verdict::Forward, "few live on");
    }
    assert_eq!(scene.take(Threat::SessionLimit), (0, 0));
}

#[test]
fn scans_are_what_is_not_answered() {
    assert_counted(Threat::PortScan, &[("ports", 20)], 20, |at| syn((1, 2000), (1, 1 + at as u16)));
    assert_counted(Threat::AddressSweep, &[("addresses", 4)], 4, |at| syn((1, 2000), (at as u8, 22)));
    assert_counted(Threat::AddressSweep, &[("addresses", 4)], 4, |at| echo(8, at as u8, b"echo"));
    for (threat, threshold) in [(Threat::PortScan, "ports"), (Threat::AddressSweep, "addresses")] {
        let mut scene = Scene::new(threat, ThreatAction::Drop, &[(threshold, 4)]);
        for number in 0..60 {
            let to = if threat == Threat::PortScan { (1, 1000 + number) } else { (number as u8, 80) };
            for segment in connection((1, 2000), to).handshake() {
                assert_eq!(scene.judge(MS, &segment), Verdict::Forward);
            }
        }
        for number in 0..60 {
            let again = syn((1, 3000 + number), (200, 80));
            assert_eq!(scene.judge(MS, &again), Verdict::Forward, "the same of one host");
        }
        assert_eq!(scene.take(threat), (0, 0));
    }
}

#[test]
fn connections_at_regular_intervals_are_a_beacon() {
    let thresholds = [("intervals", 12), ("jitter_percent", 3), ("interval_min_s", 10)];
    let play = |interval_ns: &dyn Fn(u64) -> u64| {
        let mut scene = Scene::new(Threat::Beacon, ThreatAction::Alert, &thresholds);
        for number in 0..14 {
            scene.judge(interval_ns(number), &syn((1, 2000 + number as u16), (1, 443)));
        }
        scene.take(Threat::Beacon)
    };
    assert_eq!(play(&|_| 60 * S), (1, 2), "the 13th begin completes 12 intervals");
    assert_eq!(play(&|number| 60 * S + number % 2 * S), (1, 2), "next to the same");
    assert_eq!(play(&|number| 60 * S + number % 2 * 4 * S), (0, 0));
    assert_eq!(play(&|_| 9 * S), (0, 0), "too short");
    assert_eq!(play(&|number| if number == 7 { 20 * S } else { 60 * S }), (0, 0), "one between");
}

#[test]
fn odd_packets_are_told() {
    const FLAGS: [u8; 8] = [
        0,
        TcpFlags::FIN,
        TcpFlags::FIN | TcpFlags::PSH | TcpFlags::URG,
        TcpFlags::PSH,
        TcpFlags::SYN | TcpFlags::FIN,
        TcpFlags::SYN | TcpFlags::RST,
        TcpFlags::FIN | TcpFlags::RST | TcpFlags::ACK,
        0xff,
    ];
    let count = [("count", 2)];
    for flags in FLAGS {
        let odd = |at| connection((1, 2000 + at as u16), (1, 80)).segment(ToServer, flags, b"");
        let mut scene = Scene::new(Threat::TcpFlags, ThreatAction::Drop, &count);
        scene.judge(MS, &odd(0));
        assert_eq!(scene.take(Threat::TcpFlags), (0, 0), "{flags:#x}");
        assert_eq!(scene.judge(MS, &odd(1)), THREAT, "{flags:#x}");
        assert_eq!(scene.told.2, [format!("{flags:02x}")], "as in flow events");
        assert_eq!(scene.take(Threat::TcpFlags), (1, 1), "{flags:#x}");
    }
    let itself = |port| SocketAddr::new(server(1), port);
    assert_counted(Threat::Land, &count, 2, |at| frame::udp([itself(at as u16 + 1); 2], &[], b"data"));
    let land = frame::tcp([itself(80); 2], &[], frame::Tcp { sequence: 1, acknowledgment: 0, flags: 2 }, b"");
    let mut scene = Scene::new(Threat::Land, ThreatAction::Drop, &[]);
    assert_eq!((scene.judge(MS, &land), scene.take(Threat::Land)), (THREAT, (1, 1)));
    let other = frame::udp([itself(80), itself(81)], &[], b"data");
    assert_eq!((scene.judge(MS, &other), scene.take(Threat::Land)), (Verdict::Forward, (0, 1)));
}

#[test]
fn segments_of_every_day_are_not_odd() {
    for threat in
        [Threat::TcpFlags, Threat::SynData, Threat::SplitHandshake, Threat::SmallMss, Threat::SmallWindow]
    {
        let mut scene = Scene::new(threat, ThreatAction::Drop, &[]);
        let mut connection = connection((1, 4000), (1, 80));
        let mut segments = connection.handshake();
        segments.push(connection.segment(ToServer, TcpFlags::PSH | TcpFlags::ACK, b"data"));
        segments.push(connection.segment(ToClient, TcpFlags::FIN | TcpFlags::ACK, b""));
        segments.push(connection.segment(ToServer, TcpFlags::RST, b""));
        for segment in segments {
            assert_eq!(scene.judge(MS, &segment), Verdict::Forward, "{threat:?}");
        }
        assert_eq!(scene.take(threat), (0, 0));
    }
}

#[test]
fn syns_are_odd_by_their_data_and_options() {
    let play = |threat, frame: &[u8]| {
        let mut scene = Scene::new(threat, ThreatAction::Drop, &[]);
        (scene.judge(MS, frame), scene.take(threat))
    };
    let (odd, fine) = ((THREAT, (1, 1)), (Verdict::Forward, (0, 0)));
    assert_eq!(play(Threat::SynData, &syn_with(&[], b"data")), odd);
    assert_eq!(
        play(Threat::SynData, &syn_with(&[34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1], b"data")),
        fine,
        "a cookie"
    );
    assert_eq!(play(Threat::SynData, &syn_with(&[34, 2, 1, 1], b"data")), odd, "none yet");
    assert_eq!(play(Threat::SmallMss, &syn_with(&[2, 4, 0, 48], b"")), odd);
    assert_eq!(play(Threat::SmallMss, &syn_with(&[2, 4, 0, 88], b"")), fine, "that is not smaller");
    assert_eq!(play(Threat::SmallMss, &syn_with(&[2, 4, 5, 180], b"")), fine);
}

#[test]
fn a_server_that_sends_a_syn_of_its_own_turns_the_connection() {
    let mut scene = Scene::new(Threat::SplitHandshake, ThreatAction::Drop, &[]);
    let mut connection = connection((1, 4000), (1, 80));
    assert_eq!(scene.judge(MS, &connection.segment(ToServer, TcpFlags::SYN, b"")), Verdict::Forward);
    assert_eq!(scene.judge(MS, &connection.segment(ToClient, TcpFlags::SYN, b"")), THREAT);
    assert_eq!(scene.take(Threat::SplitHandshake), (1, 1));
    let rest = connection.segment(ToServer, TcpFlags::SYN | TcpFlags::ACK, b"");
    assert_eq!(scene.judge(MS, &rest), Verdict::Drop(DropReason::FlowBlocked));
}

#[test]
fn connections_that_open_without_a_window_are_told_together() {
    let thresholds = [("window_bytes", 64), ("connections", 3)];
    let play = |window: u16| {
        let mut scene = Scene::new(Threat::SmallWindow, ThreatAction::Drop, &thresholds);
        let mut verdicts = Vec::new();
        for port in 0..4 {
            let mut connection = connection((1, 4000 + port), (1, 80));
            for mut segment in connection.handshake() {
                if segment[TCP_OFFSET + 13] == TcpFlags::ACK {
                    segment[TCP_OFFSET + 14..TCP_OFFSET + 16].copy_from_slice(&window.to_be_bytes());
                }
                scene.judge(MS, &segment);
            }
            verdicts.push(scene.judge(MS, &connection.segment(ToServer, TcpFlags::ACK, b"data")));
        }
        (scene.take(Threat::SmallWindow), verdicts)
    };
    let blocked = Verdict::Drop(DropReason::FlowBlocked);
    assert_eq!(play(0), ((1, 2), vec![Verdict::Forward, Verdict::Forward, blocked, blocked]));
    assert_eq!(play(64), ((0, 0), vec![Verdict::Forward; 4]));
}

#[test]
fn pieces_that_overlap_or_go_too_far_are_told_by_their_names() {
    let whole = datagram((1, 4000), (1, 9));
    let play = |threat, pieces: [Vec<u8>; 2]| {
        let mut scene = Scene::new(threat, ThreatAction::Alert, &[]);
        let last = pieces.map(|piece| scene.judge(MS, &piece))[1];
        (last.reason(), scene.take(threat))
    };
    let first = claim(&whole, 7, 0, &[1; 64], true);
    let inside = [first.clone(), claim(&whole, 7, 8, &[2; 8], true)];
    assert_eq!(play(Threat::Teardrop, inside), (Some(DropReason::FragmentTeardrop), (1, 1)));
    let over = [first.clone(), claim(&whole, 7, 32, &[2; 64], true)];
    assert_eq!(play(Threat::Teardrop, over), (Some(DropReason::FragmentOverlap), (1, 1)));
    let beyond = [first.clone(), claim(&whole, 7, 65_528, &[2; 64], false)];
    assert_eq!(play(Threat::PingOfDeath, beyond), (Some(DropReason::FragmentTooLong), (1, 1)));
    let fits = [first, claim(&whole, 7, 64, &[2; 64], false)];
    assert_eq!(play(Threat::Teardrop, fits).1, (0, 0));
}

#[test]
fn echoes_that_bring_other_data_each_time_are_a_tunnel() {
    let tunnel = |at: usize| echo(if at.is_multiple_of(2) { 8 } else { 0 }, 1, &[at as u8; 200]);
    let mut scene = Scene::new(Threat::IcmpTunnel, ThreatAction::Drop, &[("messages", 20)]);
    let verdicts: Vec<Verdict> = (0..30).map(|at| scene.judge(MS, &tunnel(at))).collect();
    assert!(verdicts[..19].iter().all(|verdict| *verdict == Verdict::Forward));
    assert!(verdicts[19..].iter().all(|verdict| *verdict == THREAT), "{verdicts:?}");
    assert_eq!(scene.take(Threat::IcmpTunnel).0, 1);
    let mut scene = Scene::new(Threat::IcmpTunnel, ThreatAction::Drop, &[("messages", 20)]);
    for at in 0..200_u64 {
        let mut data: Vec<u8> = (0..56 + at as u8 % 100).collect();
        data[..8].copy_from_slice(&(at * 12_345).to_be_bytes());
        for kind in [8, 0] {
            assert_eq!(scene.judge(MS, &echo(kind, 1, &data)), Verdict::Forward);
        }
    }
    assert_eq!(scene.take(Threat::IcmpTunnel), (0, 0), "it is a ping, of many lengths");
}

/// Connections that begin a request and send one byte of it each second.
fn trickle(scene: &mut Scene, connections: u16, begin: &[u8], seconds: u64) {
    let mut open: Vec<Connection> =
        (0..connections).map(|port| connection((1, 4000 + port), (1, 80))).collect();
    for connection in &mut open {
        for segment in connection.handshake() {
            scene.judge(MS, &segment);
        }
        scene.judge(MS, &connection.segment(ToServer, TcpFlags::PSH | TcpFlags::ACK, begin));
    }
    for _ in 0..seconds {
        for connection in &mut open {
            scene.judge(S / u64::from(connections), &connection.segment(ToServer, TcpFlags::ACK, b"a"));
        }
    }
}

#[test]
fn requests_that_do_not_come_to_an_end_are_told_together() {
    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: www.example\r\nX-a: ";
    const BODY: &[u8] = b"POST / HTTP/1.1\r\nHost: www.example\r\nContent-Length: 100000\r\n\r\n";
    const WHOLE: &[u8] = b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\nG";
    let head = [("head_s", 10), ("requests", 5)];
    let body = [("body_s", 10), ("requests", 5), ("bytes_per_s", 1000)];
    let play = |threat, thresholds: &[(&str, u32)], connections, begin, seconds| {
        let mut scene = Scene::new(threat, ThreatAction::Alert, thresholds);
        trickle(&mut scene, connections, begin, seconds);
        scene.take(threat).0
    };
    assert_eq!(play(Threat::Slowloris, &head, 5, HEAD, 12), 1);
    assert_eq!(play(Threat::Slowloris, &head, 5, HEAD, 40), 1, "told once");
    assert_eq!(play(Threat::Slowloris, &head, 5, HEAD, 8), 0, "not for long enough");
    assert_eq!(play(Threat::Slowloris, &head, 4, HEAD, 40), 0, "too few");
    assert_eq!(play(Threat::Slowloris, &head, 5, BODY, 40), 0, "their heads are complete");
    assert_eq!(play(Threat::SlowBody, &body, 5, BODY, 12), 1);
    assert_eq!(play(Threat::SlowBody, &body, 4, BODY, 40), 0, "too few");
    assert_eq!(play(Threat::SlowBody, &body, 5, WHOLE, 40), 0, "there is none");
    let fast = [("body_s", 10), ("requests", 5), ("bytes_per_s", 10)];
    assert_eq!(play(Threat::SlowBody, &fast, 5, BODY, 40), 0, "fast enough, with all headers");
}

#[test]
fn one_connection_does_not_take_all_places() {
    let mut scene = Scene::new(Threat::Slowloris, ThreatAction::Alert, &[("head_s", 10), ("requests", 5)]);
    let mut busy = connection((1, 3000), (1, 80));
    for segment in busy.handshake() {
        scene.judge(MS, &segment);
    }
    for _ in 0..20_000 {
        for piece in [&b"GET / HTTP/1.1\r\n"[..], b"Host: a\r\n\r\n"] {
            scene.judge(MS / 100, &busy.segment(ToServer, TcpFlags::PSH | TcpFlags::ACK, piece));
        }
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        scene.judge(MS / 100, &busy.segment(ToClient, TcpFlags::PSH | TcpFlags::ACK, answer));
    }
    trickle(&mut scene, 5, b"GET / HTTP/1.1\r\nX-a: ", 25);
    assert_eq!(scene.take(Threat::Slowloris).0, 1);
}

#[test]
fn slow_requests_do_not_go_on() {
    let thresholds = [("head_s", 10), ("requests", 2)];
    let mut scene = Scene::new(Threat::Slowloris, ThreatAction::Drop, &thresholds);
    trickle(&mut scene, 3, b"GET / HTTP/1.1\r\nX-a: ", 12);
    let dropped = scene.pipeline.counters().dropped[DropReason::FlowBlocked as usize];
    assert!(dropped > 0, "what came after is not let through");
    assert_eq!(scene.take(Threat::Slowloris), (1, 2));
}

#[test]
fn another_policy_is_taken_up_with_what_was_counted() {
    let threat = Threat::PortScan;
    let mut scene = Scene::new(threat, ThreatAction::Alert, &[("ports", 40)]);
    for port in 1..=20 {
        scene.judge(MS, &syn((1, 2000), (1, port)));
    }
    assert_eq!(scene.take(threat), (0, 0));
    scene.pipeline.set_threats(&policy(threat, ThreatAction::Drop, &[("ports", 21)]));
    assert_eq!(scene.judge(MS, &syn((1, 2000), (1, 21))), THREAT);
    assert_eq!(scene.take(threat), (1, 1));
    scene.pipeline.set_threats(&policy(threat, ThreatAction::Ignore, &[]));
    assert_eq!(scene.judge(MS, &syn((1, 2000), (1, 22))), Verdict::Forward);
    assert_eq!(scene.take(threat), (0, 1), "counters go on");
}
