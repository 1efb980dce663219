//! A word within what a connection carries is blocked, whatever it is wrapped in.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use dataplane::app::AppProtocol;
use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction::{self, ToClient, ToServer};
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet};
use engine::sample::{Connection, Ends};
use flate2::{Compression, write::DeflateEncoder, write::GzEncoder, write::ZlibEncoder};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const WORD: &str = "blockedword";

/// One rule, for all that may be read of contents.
fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || {
        let text = format!(
            "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'reset'\n\
             severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['http.request.body', 'http.response.body', \
             'mail.body', 'file.data', 'file.name']\nregex = '{WORD}'\n\
             examples = {{ positive = ['{WORD}'], negative = ['y'] }}\n"
        );
        let pack = Pack::parse("own.toml", &text).expect("the pack is right");
        Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"))
    };
    Arc::clone(RULES.get_or_init(compile))
}

/// What is told of protocols and fields of alerts.
#[derive(Default)]
struct Alerts(Vec<(AppProtocol, &'static str)>);

impl EventSink for Alerts {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Alert(alert) = event {
            self.0.push((alert.app, alert.field.as_str()));
        }
    }
}

/// What becomes of the last of these segments, and in which field a rule was hit.
fn judge(turns: &[(Direction, &[u8])]) -> (Verdict, Vec<(AppProtocol, &'static str)>) {
    let address = |text: &str| text.parse().expect("it is an address");
    let ends = Ends::new(address("10.0.0.1:40000"), address("192.0.2.1:80"), &[]);
    let mut connection = Connection::new(ends, [1000, 2000]);
    let mut pipeline = Pipeline::new(Settings { flows_max: 64, ..Settings::default() }, rules());
    let (mut alerts, mut now_ns, mut last) = (Alerts::default(), 0, Verdict::Forward);
    let mut frames = connection.handshake().to_vec();
    frames.extend(turns.iter().flat_map(|(direction, bytes)| {
        bytes.chunks(1000).map(|piece| connection.segment(*direction, DATA, piece)).collect::<Vec<_>>()
    }));
    let count = frames.len();
    for (at, mut frame) in frames.into_iter().enumerate() {
        now_ns += 1000;
        let wire_bytes = frame.len() as u32;
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        last = pipeline.process(&mut frame, meta, &mut alerts);
        if last != Verdict::Forward {
            assert_eq!(at + 1, count, "only what holds it is blocked");
        }
    }
    (last, alerts.0)
}

fn post(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn response(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn zip(name: &str, data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("it is written to memory");
    let data = encoder.finish().expect("it is written to memory");
    let length = (data.len() as u32).to_le_bytes();
    let begin = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0";
    [begin, &length[..], &length, &[name.len() as u8, 0, 0, 0], name.as_bytes(), &data].concat()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn tar(name: &str, data: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[257..262].copy_from_slice(b"ustar");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; data.len().next_multiple_of(512) - data.len()];
    [&header[..], data, &padding].concat()
}

fn pdf(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(format!("BT ({text}) Tj ET").as_bytes()).expect("it is written to memory");
    let stream = encoder.finish().expect("it is written to memory");
    [b"%PDF-1.7\n1 0 obj <</Filter /FlateDecode>> stream\n", &stream[..], b"\nendstream endobj\n"].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
}

/// A word within bodies, with what hides it: type, body, and the field that it is found in, where none of the bytes as they are.
fn wrapped(word: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let document = zip("word/document.xml", format!("<w:t>{word}</w:t>").as_bytes());
    let utf7: String = word.bytes().map(|byte| format!("+{}-", utf7_letter(byte))).collect();
    vec![
        ("application/zip", document.clone(), "file.data"),
        ("application/zip", zip(word, b"text"), "file.name"),
        ("application/octet-stream", gzip(&tar("a.docx", &document)), "file.data"),
        ("application/gzip", gzip(word.as_bytes()), "file.data"),
        ("application/pdf", pdf(word), "file.data"),
        ("text/plain", utf16(word), "body"),
        ("text/html; charset=utf-7", utf7.into_bytes(), "body"),
        ("application/json", format!("{{\"a\":\"\\u0062{}\"}}", &word[1..]).into_bytes(), "body"),
        ("text/html", format!("&#98;{}", &word[1..]).into_bytes(), "body"),
    ]
}

/// A letter of ASCII as three digits of Base64, of its unit of UTF-16.
fn utf7_letter(byte: u8) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = u32::from(byte) << 2;
    [12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift & 63) as usize])).iter().collect()
}

#[test]
fn a_word_in_a_body_is_blocked_whatever_it_is_wrapped_in() {
    for (kind, body, field) in wrapped(WORD) {
        let (get, answer) = (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".as_slice(), response(kind, &body));
        for (turns, of_body) in [
            (vec![(ToServer, post(kind, &body))], "http.request.body"),
            (vec![(ToServer, get.to_vec()), (ToClient, answer)], "http.response.body"),
        ] {
            let turns: Vec<_> =
                turns.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect();
            let (verdict, alerts) = judge(&turns);
            assert_eq!(verdict, Verdict::Reset(DropReason::Rule), "{kind} {of_body}");
            let field = if field == "body" { of_body } else { field };
            assert!(alerts.contains(&(AppProtocol::Http, field)), "{kind} {alerts:?}");
        }
    }
}

#[test]
fn other_words_pass() {
    for (kind, body, _) in wrapped("anotherword") {
        let (verdict, alerts) = judge(&[(ToServer, &post(kind, &body))]);
        assert_eq!((verdict, alerts), (Verdict::Forward, vec![]), "{kind}");
    }
}

#[test]
fn a_word_in_a_file_of_a_form_is_blocked() {
    let form = |name: &str, data: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=f; filename={name}\r\n\r\n");
        post("multipart/form-data; boundary=b", &[head.as_bytes(), data, b"\r\n--b--\r\n"].concat())
    };
    for (name, data, field) in [
        ("a.txt", WORD.as_bytes(), "file.data"),
        (WORD, b"text", "file.name"),
        ("a.zip", &zip("b", WORD.as_bytes()), "file.data"),
    ] {
        let (verdict, alerts) = judge(&[(ToServer, &form(name, data))]);
        assert_eq!(verdict, Verdict::Reset(DropReason::Rule), "{name}");
        assert!(alerts.contains(&(AppProtocol::Http, field)), "{name} {alerts:?}");
    }
    assert_eq!(judge(&[(ToServer, &form("a.zip", &zip("b", b"text")))]).0, Verdict::Forward);
}

#[test]
fn a_word_in_a_mail_is_blocked_in_its_charset_and_in_an_archive() {
    let mail = |header: &str, data: &[u8]| {
        let commands = b"EHLO c\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n";
        [commands, header.as_bytes(), b"\r\n\r\n", data, b"\r\n.\r\n"].concat()
    };
    let utf7 = format!("+AGI-{}", &WORD[1..]);
    for (header, data, field) in [
        ("Content-Type: text/plain; charset=utf-7", utf7.as_bytes(), "mail.body"),
        ("Content-Disposition: attachment; filename=a.zip", &zip("b", WORD.as_bytes()), "file.data"),
    ] {
        let turns = [(ToClient, &b"220 mail ESMTP\r\n"[..]), (ToServer, &mail(header, data))];
        let (verdict, alerts) = judge(&turns);
        assert_eq!(verdict, Verdict::Reset(DropReason::Rule), "{header}");
        assert!(alerts.contains(&(AppProtocol::Smtp, field)), "{header} {alerts:?}");
    }
}
