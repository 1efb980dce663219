//! What a flow may cost in scans stands in relation to what it sends: no flow holds a worker for ever, however little each of its
//! packets costs.

use std::sync::{Arc, OnceLock};

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::flow::Direction::{ToClient, ToServer};
use dataplane::inspect::FlowSteps;
use dataplane::limits::{FLOW_STEPS_DEFAULT, FLOW_STEPS_PER_KIB_DEFAULT};
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Exception, Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::limits::STEPS_BURST_MAX;
use dlp_patterns::{Pack, RuleSet};
use engine::sample::{Connection, Ends, frame};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
/// Frames after which an attack that is not stopped goes on for ever.
const FRAMES_MAX: usize = 5000;

/// One rule of which every second byte of `qzqzqz` begins a match, and each of these lives for hundreds of bytes.
fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || {
        let text = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'alert'\n\
                    severity = 1\ncategory = 'c'\nmask = 'none'\n\
                    fields = ['payload', 'http.request.body', 'http.response.body']\nregex = 'qz.{300,340}zq'\n\
                    examples = { positive = ['none'], negative = ['y'] }\n";
        let text = text.replace("'none']", &format!("'qz{}zq']", "x".repeat(310)));
        let pack = Pack::parse("own.toml", &text).expect("the pack is right");
        Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"))
    };
    Arc::clone(RULES.get_or_init(compile))
}

struct Bench {
    pipeline: Pipeline,
    now_ns: u64,
}

impl Bench {
    fn new(settings: Settings) -> Bench {
        let settings = Settings { flows_max: 1024, ..settings };
        Bench { pipeline: Pipeline::new(settings, rules()), now_ns: 0 }
    }

    fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let wire_bytes = frame.len() as u32;
        let meta =
            RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        self.pipeline.process(&mut frame.to_vec(), meta, &mut ())
    }

    fn open(&mut self, client: &str) -> Connection {
        let address = |text: &str| text.parse().expect("it is an address");
        let mut connection =
            Connection::new(Ends::new(address(client), address("192.0.2.1:80"), &[]), [1, 2]);
        connection.handshake().iter().for_each(|frame| assert_eq!(self.judge(frame), Verdict::Forward));
        connection
    }

    /// Exchanges a request and a response again and again. The first verdict other than to forward, and after how many frames.
    fn exchange(
        &mut self,
        connection: &mut Connection,
        [request, response]: [&[u8]; 2],
    ) -> Option<(usize, Verdict)> {
        let mut turns = [(ToServer, request), (ToClient, response)].into_iter().cycle();
        self.until_stopped(|| {
            let (way, payload) = turns.next().expect("they go round");
            connection.segment(way, DATA, payload)
        })
    }

    /// The same, of any frames.
    fn until_stopped(&mut self, mut next: impl FnMut() -> Vec<u8>) -> Option<(usize, Verdict)> {
        let verdicts = (0..FRAMES_MAX).map(|number| (number, self.judge(&next())));
        let mut verdicts = verdicts.filter(|(_, verdict)| *verdict != Verdict::Forward);
        verdicts.next()
    }
}

fn request(body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn response(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A body for which a packet may well cost what it costs.
fn costly() -> String {
    "qz".repeat(100)
}

#[test]
fn a_flow_that_costs_a_little_too_much_for_ever_is_stopped() {
    let mut bench = Bench::new(Settings::default());
    let mut connection = bench.open("10.0.0.1:40000");
    let messages = [request(&costly()), response("")];
    let (frames, verdict) = bench
        .exchange(&mut connection, messages.each_ref().map(|message| &message[..]))
        .expect("it does not go on for ever");
    assert_eq!(verdict, Verdict::Reset(DropReason::BudgetExceeded));
    let cost = bench.pipeline.counters().flow_steps_highest;
    println!("stopped after {frames} frames and {cost} steps beyond what they pay for");
    let last = u64::from(STEPS_BURST_MAX) * 2;
    assert!((FLOW_STEPS_DEFAULT..FLOW_STEPS_DEFAULT + last).contains(&cost), "{cost}");
    assert_eq!(bench.pipeline.counters().flow_steps_exceeded, 1);

    // Its worker has time for all others.
    let mut other = bench.open("10.0.0.2:40000");
    assert_eq!(bench.judge(&other.segment(ToServer, DATA, &messages[0])), Verdict::Forward);
}

#[test]
fn so_is_one_without_a_connection() {
    let ends = ["10.0.0.1:5000", "192.0.2.1:5001"].map(|text| text.parse().expect("it is an address"));
    let mut bench = Bench::new(Settings::default());
    let datagram = frame::udp(ends, &[], costly().as_bytes());
    let (_, verdict) = bench.until_stopped(|| datagram.clone()).expect("it does not go on for ever");
    assert_eq!(verdict, Verdict::Drop(DropReason::BudgetExceeded));
}

/// Both ends are at the cost of one flow: neither can be told from an attacker.
#[test]
fn both_directions_count_together() {
    let (upload, download) = (request(&costly()), response(&costly()));
    let mut bench = Bench::new(Settings::default());
    let mut connection = bench.open("10.0.0.1:40000");
    let (both, _) = bench.exchange(&mut connection, [&upload, &download]).expect("stopped");
    let mut connection = bench.open("10.0.0.2:40000");
    let (one, _) = bench.exchange(&mut connection, [&upload, &response("")]).expect("stopped");
    assert!(one.abs_diff(2 * both) <= 8, "{one} {both}");
}

/// What a flow sends beside pays for it.
#[test]
fn a_flow_whose_bytes_pay_goes_on() {
    let mut bench = Bench::new(Settings::default());
    let mut connection = bench.open("10.0.0.1:40000");
    let plain = "river ".repeat(200);
    let mut talk = |body: &str| {
        for (way, payload) in [(ToServer, request(body)), (ToClient, response(""))] {
            assert_eq!(bench.judge(&connection.segment(way, DATA, &payload)), Verdict::Forward);
        }
        bench.pipeline.counters().flow_steps_highest
    };
    let cost = talk(&costly());
    let plain_messages = cost * 1024 / FLOW_STEPS_PER_KIB_DEFAULT / plain.len() as u64 + 1;
    let mut highest = 0;
    // Without that, a third of them would be too many.
    for _ in 0..3 * FLOW_STEPS_DEFAULT / cost {
        (0..plain_messages).for_each(|_| highest = talk(&plain));
        talk(&costly());
    }
    assert!(highest <= 2 * cost, "{highest} {cost}");
}

#[test]
fn the_operator_says_how_much_and_what_then() {
    let flow_steps = FlowSteps { max: 65_536, per_kib: 0 };
    let (upload, answer) = (request(&costly()), response(""));
    let mut settings = Settings { flow_steps, ..Settings::default() };
    let mut bench = Bench::new(settings.clone());
    let mut connection = bench.open("10.0.0.1:40000");
    let (few, _) = bench.exchange(&mut connection, [&upload, &answer]).expect("stopped");
    assert!(few < 20, "{few}");

    settings.exceptions.set(DropReason::BudgetExceeded, Exception::Ignore);
    for settings in [settings.clone(), Settings { mode: Mode::Monitor, ..settings }] {
        let mut bench = Bench::new(settings);
        let mut connection = bench.open("10.0.0.1:40000");
        assert_eq!(bench.exchange(&mut connection, [&upload, &answer]), None);
        let counters = bench.pipeline.counters();
        assert!(counters.flow_steps_exceeded > FRAMES_MAX as u64 / 2 - 20, "the rest is not read");
        assert!(counters.flow_steps_highest < 3 * 65_536, "{}", counters.flow_steps_highest);
    }
}
