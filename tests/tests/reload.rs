//! Rules change while connections are under way: before whichever frame that happens, each field has the hits of the
//! rules that its policy promises, and no frame is lost.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::inspect::ReloadPolicy;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Direction, Field, Hit, Pack, RuleSet, ScanState};
use engine::sample::{Connection, Ends};
use proptest::prelude::*;

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
/// Ids of the rules of the two sets: the same patterns but one, which tells that the new set was asked.
const OLD_ID: u32 = 1;
const NEW_ID: u32 = 101;

fn compile(first_id: u32, patterns: &[&str]) -> Arc<RuleSet> {
    let mut text = "[pack]\nname = 'reload'\nversion = '1'\ndescription = 'rules that change'\n".to_owned();
    for (id, pattern) in (first_id..).zip(patterns) {
        text += &format!(
            "[[rule]]\nid = {id}\nname = 'rule {id}'\naction = 'drop'\nseverity = 3\ncategory = 'test'\nfields = \
             ['payload', 'http.headers', 'http.request.body', 'http.response.body']\nregex = '{pattern}'\nmask = \
             'none'\nexamples = {{ positive = ['secret-1234', 'cardholder'], negative = ['none'] }}\n"
        );
    }
    let pack = Pack::parse("reload", &text).expect("a pack");
    Arc::new(RuleSet::compile(&[pack]).expect("it compiles"))
}

/// The old set and the new one.
fn sets() -> &'static [Arc<RuleSet>; 2] {
    static SETS: OnceLock<[Arc<RuleSet>; 2]> = OnceLock::new();
    SETS.get_or_init(|| {
        [compile(OLD_ID, &["secret-[0-9]{4}"]), compile(NEW_ID, &["secret-[0-9]{4}", "cardholder"])]
    })
}

/// Nothing that HTTP begins with.
const GREETING: &str = "<hello> ";

/// A field as it is sent: where in the stream, and its bytes.
#[derive(Clone, Debug)]
struct Sent {
    field: Field,
    stream: Range<usize>,
    bytes: Vec<u8>,
}

/// A request to a server of HTTP, or a line to a server of another protocol, with the fields that it consists of.
fn message(is_http: bool, at: usize, body: &str) -> (Vec<u8>, Vec<Sent>) {
    let sent = |field, begin: usize, text: &str| Sent {
        field,
        stream: at + begin..at + begin + text.len(),
        bytes: text.into(),
    };
    if !is_http {
        return (body.into(), vec![sent(Field::Payload, 0, body)]);
    }
    let line = "POST /notes HTTP/1.1\r\n";
    let headers = format!("Host: cardholder.example\r\nX: secret-4444\r\nContent-Length: {}\r\n", body.len());
    let fields = vec![
        sent(Field::HttpHeaders, line.len(), &headers),
        sent(Field::HttpRequestBody, line.len() + headers.len() + 2, body),
    ];
    (format!("{line}{headers}\r\n{body}").into_bytes(), fields)
}

/// Rule, field, and where in the field the match begins and ends.
type Found = (u32, Field, u64, u64);

#[derive(Default)]
struct Alerts(Vec<Found>);

impl EventSink for Alerts {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Alert(alert) = event {
            self.0.push((alert.rule.id(), alert.field, alert.hit.start, alert.hit.end));
        }
    }
}

struct Bench {
    pipeline: Pipeline,
    alerts: Alerts,
    now_ns: u64,
}

impl Bench {
    fn new(mode: Mode, reload: ReloadPolicy) -> Bench {
        let settings = Settings { mode, reload, flows_max: 64, ..Settings::default() };
        let pipeline = Pipeline::new(settings, Arc::clone(&sets()[0]));
        Bench { pipeline, alerts: Alerts::default(), now_ns: 0 }
    }

    fn judge(&mut self, mut frame: Vec<u8>) -> Verdict {
        self.now_ns += 1_000;
        let wire_bytes = frame.len() as u32;
        let meta =
            RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        let verdict = self.pipeline.process(&mut frame, meta, &mut self.alerts);
        let counters = self.pipeline.counters();
        assert_eq!(counters.frames_in, counters.forwarded + counters.dropped_total(), "the books balance");
        verdict
    }

    fn swap(&mut self, set: usize) {
        let next = self.pipeline.rules().epoch().next();
        self.pipeline.swap_rules(next, Arc::clone(&sets()[set]), self.now_ns);
    }
}

fn connection() -> Connection {
    let (client, server) = (([10, 0, 0, 1], 40_000), ([192, 0, 2, 1], 80));
    Connection::new(Ends::new(SocketAddr::from(client), SocketAddr::from(server), &[]), [u32::MAX - 50, 9])
}

/// The hits of a set in a field from an offset on.
fn hits(set: usize, sent: &Sent, from: usize) -> Vec<Found> {
    let (rules, mut state, mut hits) = (&sets()[set], ScanState::default(), Vec::<Hit>::new());
    rules.begin(&mut state, sent.field, Direction::ToServer);
    rules.scan(&mut state, &sent.bytes[from..], &mut hits).expect("few candidates are alive");
    rules.finish(&mut state, &mut hits);
    let from = from as u64;
    hits.iter().map(|hit| (rules.rule(hit.rule).id(), sent.field, hit.start + from, hit.end + from)).collect()
}

/// What is promised of a field when rules change before that byte of its stream.
fn promised(sent: &Sent, swapped_at: usize, policy: ReloadPolicy) -> Vec<Found> {
    if sent.stream.end <= swapped_at {
        return hits(0, sent, 0);
    }
    if sent.stream.start >= swapped_at {
        return hits(1, sent, 0);
    }
    let mut all = hits(0, sent, 0);
    if policy == ReloadPolicy::Restart {
        all.extend(hits(1, sent, swapped_at - sent.stream.start - 1));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_field_has_the_hits_of_the_rules_that_are_promised(
        is_http in any::<bool>(),
        is_restart in any::<bool>(),
        bodies in prop::collection::vec("((secret-|cardholder|[0-9]{4}|[a-z .]{1,9}){1,12})", 1..4),
        piece_bytes in prop::collection::vec(1usize..60, 1..6),
        swap in any::<prop::sample::Index>(),
    ) {
        let policy = if is_restart { ReloadPolicy::Restart } else { ReloadPolicy::Finish };
        let (mut stream, mut fields) = (Vec::new(), Vec::new());
        // A stream of an unknown protocol is one field.
        let bodies = if is_http { bodies } else { vec![format!("{GREETING}{}", bodies.concat())] };
        for body in &bodies {
            let (bytes, sent) = message(is_http, stream.len(), body);
            stream.extend(bytes);
            fields.extend(sent);
        }
        let mut bench = Bench::new(Mode::Monitor, policy);
        let mut connection = connection();
        for frame in connection.handshake() {
            bench.judge(frame);
        }
        // The first bytes wait until they tell the protocol.
        let (first, mut rest) = stream.split_at(GREETING.len());
        let (mut lengths, mut pieces) = (piece_bytes.iter().cycle(), vec![first]);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(*lengths.next().expect("it never ends")));
            pieces.push(piece);
            rest = behind;
        }
        let swap_before = 1 + swap.index(pieces.len());
        let swapped_at: usize = pieces.iter().take(swap_before).map(|piece| piece.len()).sum();
        // A field begins with its first byte or with the byte before: no word is given on what is in between.
        prop_assume!(fields.iter().all(|sent| sent.stream.start != swapped_at));
        for (number, piece) in pieces.into_iter().enumerate() {
            if number == swap_before {
                bench.swap(1);
            }
            prop_assert_eq!(bench.judge(connection.segment(Direction::ToServer, DATA, piece)), Verdict::Forward);
        }
        let Bench { mut pipeline, mut alerts, now_ns } = bench;
        pipeline.finish(now_ns, &mut alerts);
        let mut expected: Vec<Found> =
            fields.iter().flat_map(|sent| promised(sent, swapped_at, policy)).collect();
        expected.sort_unstable();
        alerts.0.sort_unstable();
        prop_assert_eq!(alerts.0, expected);
        pipeline.expire(now_ns, &mut ());
        prop_assert_eq!((pipeline.rules().retired(), pipeline.counters().scans_restarted), (0, 0));
    }
}

#[test]
fn a_new_rule_blocks_from_the_next_frame_on_and_what_is_blocked_stays_so() {
    let mut bench = Bench::new(Mode::Protect, ReloadPolicy::Restart);
    let mut connection = connection();
    let mut send =
        |bench: &mut Bench, text: &[u8]| bench.judge(connection.segment(Direction::ToServer, DATA, text));
    assert_eq!(send(&mut bench, b"220 hello, "), Verdict::Forward);
    assert_eq!(send(&mut bench, b"a cardholder "), Verdict::Forward);
    bench.swap(1);
    assert_eq!(send(&mut bench, b"a cardhol"), Verdict::Forward);
    assert_eq!(send(&mut bench, b"der "), Verdict::Drop(DropReason::Rule));
    bench.swap(0);
    assert_eq!(send(&mut bench, b"a word "), Verdict::Drop(DropReason::FlowBlocked));
    assert_eq!(bench.pipeline.rules().retired(), 0, "nobody needs the rules that blocked it");
}

#[test]
fn a_match_across_the_swap_is_blocked_under_the_rules_it_began_with() {
    for policy in [ReloadPolicy::Finish, ReloadPolicy::Restart] {
        let mut bench = Bench::new(Mode::Protect, policy);
        let mut connection = connection();
        let mut send =
            |bench: &mut Bench, text: &[u8]| bench.judge(connection.segment(Direction::ToServer, DATA, text));
        assert_eq!(send(&mut bench, b"220 hello, secret-1"), Verdict::Forward);
        bench.swap(1);
        assert_eq!(send(&mut bench, b"23"), Verdict::Forward, "{policy:?}");
        bench.swap(1);
        assert_eq!(send(&mut bench, b"4"), Verdict::Drop(DropReason::Rule), "{policy:?}");
        assert_eq!(bench.alerts.0, [(OLD_ID, Field::Payload, 11, 22)], "{policy:?}");
    }
}
