//! Where every reading of a message is followed: what each receiver would see is told, and what cannot be followed is told as that.

use std::{collections::BTreeMap, io::Write};

use dlp_patterns::Field;
use flate2::{Compression, write::GzEncoder};

use super::{HttpFraming, conversations::cut};
use crate::{
    app::{
        App, AppAnomaly, AppProtocol, Lane, SpareParsers,
        recorder::{Recorder, Told},
    },
    flow::Direction::{self, ToClient, ToServer},
    limits::{HTTP_FIELD_LINE_BYTES_READ, HTTP_READINGS_MAX},
    reassembly::StreamChunk::{self, Data, Fin, Gap},
};

fn listen_to(chunks: &[(Direction, StreamChunk<'_>)]) -> (App, Recorder) {
    let (mut app, mut recorder) = (App::new(), Recorder::default());
    let mut parsers = SpareParsers::default().framed(HttpFraming::Compat);
    for (direction, chunk) in chunks {
        app.advance(*direction, *chunk, &mut parsers, &mut recorder);
    }
    app.finish(&mut parsers, &mut recorder);
    recorder.assert_nothing_open();
    (app, recorder)
}

/// What each lane was told, in order.
pub(super) fn by_lane(recorder: &Recorder) -> BTreeMap<Lane, Vec<(Field, Vec<u8>)>> {
    let mut lanes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for told in &recorder.told {
        if let Told::End(lane, field, bytes) = told {
            lanes.entry(*lane).or_default().push((*field, bytes.clone()));
        }
    }
    lanes
}

/// The same, cut or not.
fn told(chunks: &[(Direction, StreamChunk<'_>)]) -> (App, Recorder) {
    let (app, whole) = listen_to(chunks);
    let (app_of_bytes, of_bytes) = listen_to(&cut(chunks, None));
    assert!(by_lane(&whole) == by_lane(&of_bytes), "{:?}", whole.told);
    assert_eq!(whole.anomalies(), of_bytes.anomalies());
    assert_eq!(whole.transactions(), of_bytes.transactions());
    assert_eq!(app.protocol(), app_of_bytes.protocol());
    (app, whole)
}

/// A request line that one reading has within a body is told as one, and one that is a body to another as that.
#[test]
fn a_smuggled_request_is_told_whoever_reads_it() {
    const EVIL: &str = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n";
    let chunk = format!("{:x}\r\n{EVIL}\r\n0\r\n\r\n", EVIL.len());
    let digits = format!("{:x}\r\n", EVIL.len()).len();
    for (head, body) in [
        ("Content-Length: 6\r\nTransfer-Encoding: chunked".to_owned(), format!("0\r\n\r\nG{}", &EVIL[1..])),
        (format!("Content-Length: {digits}\r\nTransfer-Encoding: chunked"), chunk.clone()),
        (format!("Content-Length: {digits}\r\nTransfer-Encoding: xchunked"), chunk.clone()),
        (format!("Content-Length: {digits}\r\nTransfer-Encoding : chunked"), chunk.clone()),
        (format!("Content-Length: {digits}\r\nTransfer-Encoding:\r\n chunked"), chunk.clone()),
        (format!("Content-Length: {digits}\r\nTransfer-Encoding: chunked, identity"), chunk.clone()),
        (format!("Content-Length: {digits}\r\nA: b\rTransfer-Encoding: chunked"), chunk.clone()),
        (format!("Content-Length: {digits}\r\nContent-Length: {}", chunk.len()), chunk),
        (format!("Content-Length: {}, 0", EVIL.len()), EVIL.to_owned()),
        (format!("Content-Length: +{}", EVIL.len()), EVIL.to_owned()),
        ("Content-Length: 0x1\r\nX: y".to_owned(), format!("a{EVIL}")),
        ("Content-Length: -0".to_owned(), EVIL.to_owned()),
        ("Content-Length : 0".to_owned(), EVIL.to_owned()),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n{body}");
        let (app, told) = told(&[(ToServer, Data(request.as_bytes()))]);
        assert_eq!(app.protocol(), AppProtocol::Http, "{head}");
        let is_followed = |of: AppAnomaly| of.is_read_in_every_way() || !of.is_ambiguous();
        assert!(told.anomalies().into_iter().all(is_followed), "{head}: {:?}", told.anomalies());
        assert!(!told.anomalies().is_empty(), "{head}");
        let targets = told.instances(ToServer, Field::HttpUri);
        assert!(targets.contains(&b"/evil".as_slice()), "{head}: {:?}", told.told);
    }
}

#[test]
fn what_is_a_body_to_some_is_told_as_one() {
    let request = b"POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nEVIL";
    let (_, told) = told(&[(ToServer, Data(request))]);
    assert_eq!(told.instances(ToServer, Field::HttpRequestBody), [b"0\r\n\r\nEVIL"]);
}

#[test]
fn responses_have_readings_too() {
    let request = (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n".as_slice()));
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 8\r\n\r\n";
    let response = format!("{head}abcHTTP/1.1 204 No\r\n\r\n");
    let (_, told) = told(&[request, (ToClient, Data(response.as_bytes())), (ToClient, Fin)]);
    let mut bodies = told.instances(ToClient, Field::HttpResponseBody);
    bodies.sort_unstable();
    let to_the_end = b"abcHTTP/1.1 204 No\r\n\r\n".as_slice();
    assert_eq!(bodies, [b"abc".as_slice(), b"abcHTTP/", to_the_end]);
}

/// Whoever sends both, as some do, goes on.
#[test]
fn readings_that_make_no_sense_end() {
    let request =
        "POST / HTTP/1.1\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let many = request.repeat(4 * HTTP_READINGS_MAX);
    let (app, told) = told(&[(ToServer, Data(many.as_bytes()))]);
    assert_eq!(app.protocol(), AppProtocol::Http);
    assert_eq!(told.anomalies(), vec![AppAnomaly::LengthAndCoding; 4 * HTTP_READINGS_MAX]);
    assert_eq!(told.instances(ToServer, Field::HttpUri).len(), 4 * HTTP_READINGS_MAX);
}

#[test]
fn what_cannot_be_followed_is_told() {
    let lengths: String = (0..=HTTP_READINGS_MAX + 1).map(|of| format!("Content-Length: {of}\r\n")).collect();
    let both = "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n";
    let nested = format!("0\r\n\r\nPOST / HTTP/1.1\r\n{both}\r\n");
    for (head, body) in [
        (lengths.as_str(), "x"),
        ("Content-Length: 3\r\n 4\r\n", "x"),
        ("X: y\rContent-Length\r\n", "x"),
        ("Transfer-Encoding: chunked\r\nContent-Length\0: 1\r\n", "x"),
        // The readings beside the main one have none of their own.
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", nested.as_str()),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n{body}");
        let (_, told) = told(&[(ToServer, Data(request.as_bytes()))]);
        assert!(told.anomalies().contains(&AppAnomaly::Readings), "{head:?}: {:?}", told.anomalies());
    }
    let both = "GET / HTTP/1.1\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let switched = b"HTTP/1.1 101 Go\r\n\r\n".as_slice();
    let (_, told) = told(&[(ToServer, Data(both.as_bytes())), (ToClient, Data(switched))]);
    assert!(told.anomalies().contains(&AppAnomaly::Readings), "what follows a switch has one reading");
}

#[test]
fn a_gap_leaves_nothing_open() {
    let both = "POST / HTTP/1.1\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab";
    let chunks = [(ToServer, Data(both.as_bytes())), (ToServer, Gap(40)), (ToServer, Data(b"rest"))];
    let (_, told) = told(&chunks);
    assert_eq!(told.transactions().len(), 1);
}

#[test]
fn what_is_plain_has_one_reading() {
    for head in ["Content-Length: 3", "Transfer-Encoding: chunked", "Content-Length: 3, 3", "X: \0"] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n3\r\n");
        let (_, told) = told(&[(ToServer, Data(request.as_bytes()))]);
        assert!(by_lane(&told).keys().all(|lane| lane.number == 0), "{head}");
    }
}

#[test]
fn headers_and_ends_that_only_some_see_are_readings() {
    let long = "x".repeat(HTTP_FIELD_LINE_BYTES_READ);
    for (head, is_listed) in [
        ("A: b\r\r\nC: d", false),
        ("A: b\r\rGET /evil HTTP/1.1", false),
        ("A: b\r\n\rGET /evil HTTP/1.1", false),
        ("A: b\r\n\0\r\nX: y", false),
        (&format!("A: {long}\rTransfer-Encoding: chunked"), false),
        ("Transfer-Encoding\r\n: chunked", false),
        (" Transfer-Encoding: chunked", true),
        ("A: b\r\n Transfer-Encoding: chunked", true),
        ("Host: b\r\n\tContent-Length: 5", true),
        ("\x0bTransfer-Encoding: chunked", true),
        ("Transfer-Encoding\x0b: chunked", true),
        ("Content-Length\x7f: 5", true),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n5\r\nabcde\r\n");
        let (_, told) = told(&[(ToServer, Data(request.as_bytes()))]);
        assert!(told.anomalies().contains(&AppAnomaly::HeaderLine), "{head:?}: where not all are followed");
        let bodies = told.instances(ToServer, Field::HttpRequestBody).concat();
        assert_eq!(matches!(&bodies[..], b"abcde" | b"5\r\nab"), is_listed, "{head:?}: {:?}", told.told);
        assert_eq!(told.anomalies().contains(&AppAnomaly::Readings), !is_listed, "{head:?}");
    }
    let trailers = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\rGET /evil\r\n\r\n";
    let (_, told) = told(&[(ToServer, Data(trailers.as_bytes()))]);
    assert!(told.anomalies().contains(&AppAnomaly::Readings), "trailers");
}

/// What is decoded is another thing wherever it begins.
#[test]
fn each_body_without_an_end_is_decoded() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"some text, and some text again").expect("it is written to memory");
    let coded = encoder.finish().expect("it is written to memory");
    let requests = b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n".as_slice();
    let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX\rContent-Length: 3\r\n\r\nabc".as_slice();
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: x\r\n\r\n";
    let responses = [plain, head, &coded].concat();
    let (_, told) = told(&[(ToServer, Data(requests)), (ToClient, Data(&responses)), (ToClient, Fin)]);
    let bodies = told.instances(ToClient, Field::HttpResponseBody);
    assert!(bodies.contains(&b"some text, and some text again".as_slice()), "{:?}", told.told);
}

/// Of which request a response is says whether it has a body, and readings differ in that.
#[test]
fn requests_for_no_body_cannot_be_followed() {
    let both = "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let head = "HEAD / HTTP/1.1\r\n\r\n";
    let length = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\nContent-Length: 0\r\n\r\n", head.len());
    let goes_on = "POST / HTTP/1.1\r\nContent-Length: 900\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (requests, is_told) in [
        (format!("{length}{head}"), true),
        (format!("{length}CONNECT h:1 HTTP/1.1\r\n\r\n"), true),
        (format!("{goes_on}{head}"), true),
        (format!("{goes_on}GET / HTTP/1.1\r\n\r\n"), false),
        (format!("{head}{both}G"), true),
    ] {
        let (_, told) = told(&[(ToServer, Data(requests.as_bytes()))]);
        assert_eq!(told.anomalies().contains(&AppAnomaly::Readings), is_told, "{requests}");
    }
    let gets = b"GET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\n".as_slice();
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 8\r\n\r\nabc".as_slice();
    let (_, told) = told(&[(ToServer, Data(gets)), (ToClient, Data(response))]);
    assert!(told.anomalies().contains(&AppAnomaly::Readings));
}
