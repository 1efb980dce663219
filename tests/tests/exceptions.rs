//! What becomes of a flow where a frame of it cannot be inspected, by each word that the operator may have for that.

use std::sync::{Arc, OnceLock};

use dataplane::app::HttpFraming;
use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction::{self, ToServer};
use dataplane::limits::{APP_BYTES_FREE_PER_FLOW, HELD_SEGMENTS_PER_STREAM_MAX};
use dataplane::pipeline::{Handling, Pipeline, RxMeta};
use dataplane::policy::{BypassCause, Exception, Exceptions, Mode, Scope, Settings};
use dataplane::verdict::{Causes, DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet};
use engine::sample::{Connection, Ends};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const ATTACK: &[u8] = b"\x01resetword";

/// One that resets on a word.
fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || {
        let text = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'reset'\n\
                    severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['payload', 'http.request.body']\nregex = 'resetword'\n\
                    examples = { positive = ['resetword'], negative = ['y'] }\n";
        let pack = Pack::parse("own.toml", text).expect("the pack is right");
        Arc::new(RuleSet::compile(&[pack]).expect("it compiles"))
    };
    Arc::clone(RULES.get_or_init(compile))
}

/// What flow events told: why flows were blocked, why they passed unseen, and what spoke against their frames.
#[derive(Default)]
struct Ended(Vec<(Option<DropReason>, Option<BypassCause>, Causes)>);

impl EventSink for Ended {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Flow(end) = event {
            self.0.push((end.blocked.map(|(reason, _)| reason), end.bypassed, end.exceptions));
        }
    }
}

struct Bench {
    pipeline: Pipeline,
    ended: Ended,
    now_ns: u64,
}

impl Bench {
    fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let (wire_bytes, link_type) = (frame.len() as u32, LinkType::Ethernet);
        let meta = RxMeta { now_ns: self.now_ns, link: 0, link_type, side: None, wire_bytes };
        let verdict = self.pipeline.process(&mut frame.to_vec(), meta, &mut self.ended);
        assert!(self.pipeline.counters().is_balanced());
        verdict
    }

    /// How the flows that were offered since the last call are to be handled.
    fn offered(&mut self) -> Vec<Handling> {
        let mut offered = Vec::new();
        self.pipeline.hand_over(|_, handling| {
            offered.push(handling);
            false
        });
        offered
    }
}

/// Settings under which the last of some frames cannot be inspected, and a frame of the same flow that an attack is in.
struct Case {
    settings: Settings,
    before: Vec<Vec<u8>>,
    guilty: Vec<u8>,
    attack: Vec<u8>,
}

fn case(cause: DropReason) -> Case {
    let ends = Ends::new("10.0.0.1:40000".parse().unwrap(), "192.0.2.1:80".parse().unwrap(), &[]);
    let mut connection = Connection::new(ends, [1000, 0xffff_fff0]);
    let mut settings = Settings { flows_max: 1024, hands_over: true, ..Settings::default() };
    let mut before = connection.handshake();
    let mut send = |direction: Direction, payload: &[u8]| connection.segment(direction, DATA, payload);
    let (guilty, attack) = match cause {
        DropReason::ReassemblyMemory => {
            settings.held_bytes_max = 0;
            // In the place of what was lost.
            let attack = send(ToServer, ATTACK);
            (send(ToServer, b"behind a hole"), attack)
        }
        DropReason::ReassemblyStream => {
            let attack = send(ToServer, ATTACK);
            for _ in 0..HELD_SEGMENTS_PER_STREAM_MAX {
                before.push(send(ToServer, b"x"));
                send(ToServer, b"a hole");
            }
            (send(ToServer, b"one too many"), attack)
        }
        DropReason::OverlapUnverified => {
            settings.retained_bytes_max = 0;
            let first = send(ToServer, b"\x01kept by nobody");
            before.push(first.clone());
            (first, send(ToServer, ATTACK))
        }
        DropReason::Midstream => {
            before.clear();
            (send(ToServer, b"\x01harmless"), send(ToServer, ATTACK))
        }
        DropReason::AppError => {
            let twice = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
            (send(ToServer, twice), send(ToServer, &[&b"x"[..], ATTACK].concat()))
        }
        DropReason::ContentCap => {
            let head = "POST / HTTP/1.1\r\nContent-Encoding: br,br,br,br,br\r\nContent-Length: 100\r\n\r\nx";
            (send(ToServer, head.as_bytes()), send(ToServer, ATTACK))
        }
        DropReason::AppMemory => {
            settings.app_bytes_max = 0;
            let target = [&b"GET /"[..], &[b'x'; APP_BYTES_FREE_PER_FLOW]].concat();
            (send(ToServer, &target), send(ToServer, ATTACK))
        }
        other => panic!("{other:?} has no case"),
    };
    Case { settings, before, guilty, attack }
}

#[test]
fn each_word_has_its_effect_on_the_flow() {
    for cause in [
        DropReason::ReassemblyMemory,
        DropReason::ReassemblyStream,
        DropReason::OverlapUnverified,
        DropReason::Midstream,
        DropReason::AppError,
        DropReason::ContentCap,
        DropReason::AppMemory,
    ] {
        let scope = Exceptions::scope(cause);
        for exception in Exception::ALL.into_iter().filter(|exception| exception.suits(scope)) {
            let Case { mut settings, before, guilty, attack } = case(cause);
            settings.exceptions.set(cause, exception);
            let mut bench =
                Bench { pipeline: Pipeline::new(settings, rules()), ended: Ended::default(), now_ns: 0 };
            before.iter().for_each(|frame| assert_eq!(bench.judge(frame), Verdict::Forward));
            let told = format!("{cause:?} {exception:?}");

            let verdict = bench.judge(&guilty);
            let resets = bench.pipeline.resets();
            assert_eq!(resets.to_sender().is_some(), exception == Exception::Reject, "{told}");
            assert_eq!(resets.to_receiver().is_some(), exception == Exception::Reject, "{told}");
            let offered = bench.offered();
            let next = bench.judge(&attack);
            let blocked = Verdict::Drop(DropReason::FlowBlocked);
            let caught = Verdict::Reset(DropReason::Rule);
            let (passes, follows) = match exception {
                Exception::DropPacket => (Verdict::Drop(cause), caught),
                Exception::DropFlow => (Verdict::Drop(cause), blocked),
                Exception::Reject => (Verdict::Reset(cause), blocked),
                Exception::PassFlow | Exception::Bypass => (Verdict::Forward, Verdict::Forward),
                // Each frame of a connection whose begin was not seen passes, then.
                Exception::PassPacket if cause == DropReason::Midstream => {
                    (Verdict::Forward, Verdict::Forward)
                }
                Exception::PassPacket | Exception::Ignore => (Verdict::Forward, caught),
            };
            // And none of them does.
            let follows = match (exception, cause) {
                (Exception::DropPacket, DropReason::Midstream) => Verdict::Drop(cause),
                _ => follows,
            };
            assert_eq!((verdict, next), (passes, follows), "{told}");
            match exception {
                Exception::Bypass => assert!(matches!(offered[..], [Handling::PassOn { .. }]), "{told}"),
                Exception::DropFlow | Exception::Reject => assert_eq!(offered, [Handling::Drop], "{told}"),
                _ => assert_eq!(offered, [], "{told}"),
            }

            bench.pipeline.finish(bench.now_ns, &mut bench.ended);
            let [(reason, bypassed, exceptions)] = bench.ended.0[..] else { panic!("{told}: one flow") };
            assert!(exceptions.iter().eq([cause]), "{told}: {exceptions:?}");
            let expected = match exception {
                Exception::PassFlow => Some(BypassCause::PassFlow),
                Exception::Bypass => Some(BypassCause::Exception),
                _ => None,
            };
            assert_eq!(bypassed, expected, "{told}");
            let is_of_rule = follows == caught;
            assert_eq!(reason.is_some(), is_of_rule || follows == blocked, "{told}");
            assert_eq!(reason == Some(DropReason::Rule), is_of_rule, "{told}");
        }
    }
}

/// What is known of a flow is told of it even where nothing is held back.
#[test]
fn monitoring_tells_what_would_have_been_excepted() {
    for cause in [DropReason::ReassemblyMemory, DropReason::OverlapUnverified, DropReason::Midstream] {
        let Case { settings, before, guilty, .. } = case(cause);
        let settings = Settings { mode: Mode::Monitor, ..settings };
        let mut bench =
            Bench { pipeline: Pipeline::new(settings, rules()), ended: Ended::default(), now_ns: 0 };
        before.iter().chain([&guilty]).for_each(|frame| assert_eq!(bench.judge(frame), Verdict::Forward));
        bench.pipeline.finish(bench.now_ns, &mut bench.ended);
        assert!(bench.ended.0[0].2.iter().eq([cause]), "{cause:?}");
    }
}

#[test]
fn nobody_outside_of_a_flow_can_end_it() {
    for cause in Exceptions::causes().filter(|&cause| Exceptions::scope(cause) == Scope::Packet) {
        for exception in [Exception::DropFlow, Exception::Reject, Exception::PassFlow, Exception::Bypass] {
            assert!(!exception.suits(Exceptions::scope(cause)), "{cause:?} {exception:?}");
        }
    }
}

/// Who fills what all share has nobody else's flow ended, whatever the operator says; his own, where he is at a cap of it.
#[test]
fn no_flow_ends_for_want_of_what_others_hold() {
    for exception in [Exception::DropFlow, Exception::Reject] {
        assert!(!exception.suits(Exceptions::scope(DropReason::ReassemblyMemory)), "{exception:?}");
        assert!(exception.suits(Exceptions::scope(DropReason::ReassemblyStream)), "{exception:?}");
    }
    let mut settings = Settings { held_bytes_max: 1 << 12, ..case(DropReason::ReassemblyMemory).settings };
    settings.exceptions.set(DropReason::ReassemblyStream, Exception::DropFlow);
    let mut bench = Bench { pipeline: Pipeline::new(settings, rules()), ended: Ended::default(), now_ns: 0 };
    let mut open = |client: &str| {
        let ends = Ends::new(client.parse().unwrap(), "192.0.2.1:80".parse().unwrap(), &[]);
        let mut connection = Connection::new(ends, [1000, 5]);
        connection.handshake().iter().for_each(|frame| assert_eq!(bench.judge(frame), Verdict::Forward));
        connection
    };
    let [mut hoarder, mut honest] = ["10.0.0.66:6", "10.0.0.1:40000"].map(&mut open);
    let _lost = hoarder.segment(ToServer, DATA, b"never sent");
    while bench.judge(&hoarder.segment(ToServer, DATA, &[b'x'; 500])) == Verdict::Forward {}
    let lost = honest.segment(ToServer, DATA, b"\x01harmless");
    let late = honest.segment(ToServer, DATA, &[b'y'; 1000]);
    assert_eq!(bench.judge(&late), Verdict::Drop(DropReason::ReassemblyMemory));
    for frame in [lost, late] {
        assert_eq!(bench.judge(&frame), Verdict::Forward, "sent again, it is in its place");
    }
}

/// What a receiver did not get it asks for again, and what was read is not read twice.
#[test]
fn what_was_read_is_not_dropped_alone() {
    for cause in [
        DropReason::AppError,
        DropReason::ScanOverflow,
        DropReason::BudgetExceeded,
        DropReason::ContentCap,
        DropReason::ContentUnread,
        DropReason::AppMemory,
    ] {
        assert!(!Exception::DropPacket.suits(Exceptions::scope(cause)), "{cause:?}");
        assert_ne!(Exceptions::auto(cause), Exception::DropPacket, "{cause:?}");
    }
    let Case { settings, before, guilty, .. } = case(DropReason::AppError);
    let mut bench = Bench { pipeline: Pipeline::new(settings, rules()), ended: Ended::default(), now_ns: 0 };
    before.iter().for_each(|frame| assert_eq!(bench.judge(frame), Verdict::Forward));
    assert_eq!(bench.judge(&guilty), Verdict::Reset(DropReason::AppError));
    assert_eq!(bench.judge(&guilty), Verdict::Drop(DropReason::FlowBlocked), "it is sent again");
}

/// Whoever forged one segment does not keep two hosts from each other.
#[test]
fn a_connection_opens_where_a_segment_from_the_middle_of_nothing_was_blocked() {
    for exception in [Exception::DropFlow, Exception::Reject] {
        let Case { mut settings, guilty, .. } = case(DropReason::Midstream);
        settings.exceptions.set(DropReason::Midstream, exception);
        let mut bench =
            Bench { pipeline: Pipeline::new(settings, rules()), ended: Ended::default(), now_ns: 0 };
        assert_ne!(bench.judge(&guilty), Verdict::Forward);
        assert_eq!(bench.judge(&guilty), Verdict::Drop(DropReason::FlowBlocked));
        let ends = Ends::new("10.0.0.1:40000".parse().unwrap(), "192.0.2.1:80".parse().unwrap(), &[]);
        let mut connection = Connection::new(ends, [77_000, 5]);
        for frame in connection.handshake() {
            assert_eq!(bench.judge(&frame), Verdict::Forward, "{exception:?}");
        }
        assert_eq!(bench.judge(&connection.segment(ToServer, DATA, b"\x01harmless")), Verdict::Forward);
        let attack = connection.segment(ToServer, DATA, ATTACK);
        assert_eq!(bench.judge(&attack), Verdict::Reset(DropReason::Rule));
    }
}

/// A message that two receivers may read differently stops in front of its body, or all that either would see is looked at.
#[test]
fn framing_with_two_readings_is_stopped_or_read_in_both() {
    let (blocked, caught) = (Verdict::Drop(DropReason::FlowBlocked), Verdict::Reset(DropReason::Rule));
    let broken = Verdict::Reset(DropReason::AppError);
    // A target to who reads chunks, and of a body to who goes by the length.
    let of_both = b"0\r\n\r\nGET /resetword HTTP/1.1\r\n\r\n".as_slice();
    for (framing, body, verdicts) in [
        (HttpFraming::Strict, of_both, [broken, blocked]),
        (HttpFraming::Compat, of_both, [Verdict::Forward, caught]),
        (HttpFraming::Compat, b"2\nab\r\n0\r\n\r\n", [Verdict::Forward, broken]),
        (HttpFraming::Compat, b"2\r\nab\r\n0\r\n\r\n", [Verdict::Forward, Verdict::Forward]),
    ] {
        let ends = Ends::new("10.0.0.1:40000".parse().unwrap(), "192.0.2.1:80".parse().unwrap(), &[]);
        let mut connection = Connection::new(ends, [1000, 5]);
        let settings = Settings { flows_max: 1024, http_framing: framing, ..Settings::default() };
        let mut bench =
            Bench { pipeline: Pipeline::new(settings, rules()), ended: Ended::default(), now_ns: 0 };
        connection.handshake().iter().for_each(|frame| assert_eq!(bench.judge(frame), Verdict::Forward));
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n";
        let judged = [&head[..], body].map(|bytes| bench.judge(&connection.segment(ToServer, DATA, bytes)));
        assert_eq!(judged, verdicts, "{framing:?} {}", body.escape_ascii());
    }
}
