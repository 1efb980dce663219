//! Bodies that are coded, and values within them: the same is told however they are cut.

use std::io::Write;

use dlp_patterns::Field;
use flate2::{Compression, write::GzEncoder};

use super::conversations::{cut, listen};
use crate::{
    app::{App, AppAnomaly, SpareParsers, recorder::Recorder},
    flow::Direction::{self, ToClient, ToServer},
    limits::CONTENT_LAYERS_MAX,
    reassembly::StreamChunk::{self, Data, Fin, Gap},
};

const REQUEST: (Direction, StreamChunk<'static>) = (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n"));

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

/// What is told, whole and byte by byte.
fn told(chunks: &[(Direction, StreamChunk<'_>)]) -> Recorder {
    let (_, told) = listen(chunks);
    let (_, of_bytes) = listen(&cut(chunks, None));
    assert!(told.told == of_bytes.told, "{:?}\n{:?}", told.told, of_bytes.told);
    told
}

fn message(head: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), length.as_bytes(), body].concat()
}

#[test]
fn a_response_is_told_as_it_is_and_decoded() {
    let body = gzip(b"some text, and some text again");
    let plain = message("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", &body);
    let [begin, end] = [&body[..10], &body[10..]];
    let chunked = [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\na\r\n",
        begin,
        format!("\r\n{:x}\r\n", end.len()).as_bytes(),
        end,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    for response in [plain, chunked] {
        let told = told(&[REQUEST, (ToClient, Data(&response)), REQUEST, (ToClient, Data(&response))]);
        let instances = told.instances(ToClient, Field::HttpResponseBody);
        let decoded = b"some text, and some text again".as_slice();
        assert_eq!(instances, [decoded, &body, decoded, &body]);
        assert_eq!(told.anomalies(), []);
        let counted = told.transactions()[0].response_bytes;
        assert_eq!(counted, body.len() as u64, "they are counted as they are");
    }
}

#[test]
fn what_cannot_be_decoded_is_told_of() {
    let body = gzip(b"some text, and some text again");
    let bomb = gzip(&vec![0; 10 << 20]);
    let layers = "gzip, ".repeat(CONTENT_LAYERS_MAX + 1);
    for (coding, body, anomalies) in [
        ("gzip", &body[..], &[][..]),
        ("identity", b"some text", &[]),
        ("aws-chunked", &body, &[AppAnomaly::ContentCoding]),
        ("gzip,\r\n br", &body, &[AppAnomaly::ContentCoding]),
        (&layers, &body, &[AppAnomaly::ContentLayers]),
        ("gzip", b"some text", &[AppAnomaly::ContentBroken]),
        ("gzip", &body[..20], &[AppAnomaly::ContentBroken]),
        ("gzip", &bomb, &[AppAnomaly::ContentRatio]),
    ] {
        let head = format!("POST / HTTP/1.1\r\nContent-Encoding: {coding}\r\n");
        let told = told(&[(ToServer, Data(&message(&head, body))), REQUEST]);
        assert_eq!(told.anomalies(), anomalies, "{coding}");
        let instances = told.instances(ToServer, Field::HttpRequestBody);
        assert_eq!(instances.last(), Some(&body), "{coding}");
        assert_eq!(told.transactions().len(), 2, "what follows is read");
    }
}

#[test]
fn nothing_is_decoded_behind_a_gap_or_an_end() {
    let body = gzip(b"some text, and some text again");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
    let first = [head.as_bytes(), &body[..15]].concat();
    let torn =
        [REQUEST, (ToClient, Data(&first)), (ToClient, Gap(3)), (ToClient, Data(&body[18..])), REQUEST];
    let torn = told(&torn);
    assert_eq!(torn.anomalies(), [AppAnomaly::Gap, AppAnomaly::ContentGap]);
    assert_eq!(torn.instances(ToClient, Field::HttpResponseBody).last(), Some(&&body[18..]));
    let cut_off = told(&[REQUEST, (ToClient, Data(&first)), (ToClient, Fin)]);
    assert_eq!(cut_off.anomalies(), [AppAnomaly::ContentBroken]);
}

#[test]
fn values_of_requests_are_told_without_their_escapes() {
    let of = |kind: &str, body: &[u8]| {
        let head = format!("POST / HTTP/1.1\r\nContent-Type: {kind}\r\n");
        let told = told(&[(ToServer, Data(&message(&head, body)))]);
        let mut instances: Vec<_> = told
            .instances(ToServer, Field::HttpRequestBody)
            .into_iter()
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect();
        assert_eq!(instances.pop().map(String::into_bytes).as_deref(), Some(body));
        instances
    };
    assert_eq!(of("application/x-www-form-urlencoded", b"a=%27+or&b=1&c=%2527"), ["a=' or", "c='"]);
    assert_eq!(of("application/json; charset=utf-8", br#"{"a":"\u003cscript\u003e","b":"c"}"#), ["<script>"]);
    assert_eq!(of("text/xml", b"<a>&lt;b</a>"), ["<b"]);
    assert_eq!(of("text/plain", b"a=%27"), [""; 0]);

    let body = gzip(b"a=%27+or+1");
    let kind = "Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip";
    let told = told(&[(ToServer, Data(&message(&format!("POST / HTTP/1.1\r\n{kind}\r\n"), &body)))]);
    let instances = told.instances(ToServer, Field::HttpRequestBody);
    assert!(instances.contains(&b"a=%27+or+1".as_slice()) && instances.contains(&b"a=' or 1".as_slice()));
}

#[test]
fn values_are_told_to_whoever_hears_of_them() {
    let (mut app, mut parsers, mut told) = (App::new(), SpareParsers::default(), Recorder::default());
    let head = "POST /?a=%2527 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let body = b"a=%27&b=1&c=%27".as_slice();
    let request = message(head, body);
    let (unheard, heard) = request.split_at(request.len() - "&c=%27".len());
    told.is_deaf = true;
    app.advance(ToServer, Data(unheard), &mut parsers, &mut told);
    told.is_deaf = false;
    app.advance(ToServer, Data(heard), &mut parsers, &mut told);
    app.advance(ToServer, REQUEST.1, &mut parsers, &mut told);
    assert_eq!(told.instances(ToServer, Field::HttpRequestBody), [b"c='", body]);
    assert_eq!(told.instances(ToServer, Field::HttpUri), [b"/?a=%27".as_slice(), b"/"]);
}

#[test]
fn targets_are_told_without_their_further_escapes() {
    for (target, values) in [
        ("/a%20b?c=d+e%27", &["/a b?c=d e'"][..]),
        ("/%2e%252e/?a=1&b=%2527&c=%27", &["/../?a=1", "b='", "/.%2e/?a=1&b=%27&c='"]),
        ("/%c0%ae%u002e/x", &["/../x", "/\u{fffd}\u{fffd}%u002e/x"]),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\n\r\n");
        let told = told(&[(ToServer, Data(request.as_bytes()))]);
        let instances = told.instances(ToServer, Field::HttpUri);
        let instances: Vec<_> = instances.iter().map(|value| String::from_utf8_lossy(value)).collect();
        assert_eq!(instances, values, "{target}");
    }
}
