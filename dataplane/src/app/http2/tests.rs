//! Connections of HTTP/2, told frame by frame: what they mean, and that it is the same however they are cut.

mod abused;
mod bodies;
mod calls;
mod damaged;
mod unread;

use dlp_patterns::Field;

use super::frames::{self, flag};
use crate::{
    app::{
        App, AppAnomaly, AppProtocol, HttpProduct, Value,
        conversation::{Turn, told_however_cut},
        http::conversations::listen,
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
    reassembly::StreamChunk::{Data, Fin, Gap},
};

const PREFACE: &[u8] = super::PREFACE;
const REQUEST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":path", "/a%2fb?x=1+2"), (":authority", "h.example")];

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A block of literals that no table keeps (RFC 7541 §6.2.2).
pub(super) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(text.len() as u8);
            block.extend(text.as_bytes());
        }
    }
    block
}

pub(super) fn headers(flags: u8, stream: u32, list: &[(&str, &str)]) -> Vec<u8> {
    frame(frames::HEADERS, flag::END_HEADERS | flags, stream, &block(list))
}

pub(super) fn data(flags: u8, stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(frames::DATA, flags, stream, bytes)
}

pub(super) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = settings
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    frame(frames::SETTINGS, 0, 0, &payload)
}

/// What a client's settings say, which is payload.
const SETTINGS: &[u8] = &[0, 4, 0, 0, 0xff, 0xff];

/// What a client says from the begin on.
pub(super) fn client(frames: &[Vec<u8>]) -> Turn {
    Turn::client(&[PREFACE, &settings(&[(4, 65_535)]), &frames.concat()].concat())
}

/// What a server says from the begin on.
pub(super) fn server(frames: &[Vec<u8>]) -> Turn {
    Turn::server(&[settings(&[(3, 100)]), frames.concat()].concat())
}

pub(super) fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Http2, turns)
}

fn with<'h>(list: &[(&'h str, &'h str)], more: &[(&'h str, &'h str)]) -> Vec<(&'h str, &'h str)> {
    [list, more].concat()
}

#[test]
fn an_exchange_is_fields_and_a_transaction() {
    let request = with(&REQUEST, &[("user-agent", "u"), ("referer", "/r"), ("content-length", "4")]);
    let padded = data(flag::PADDED | flag::END_STREAM, 1, b"\x03dy\0\0\0");
    let more = [("content-type", "text/html; q=1"), ("location", "/l"), ("server", "nginx/1.2")];
    let response = with(&[(":status", "302")], &more);
    let recorder = told(&[
        client(&[headers(0, 1, &request), data(0, 1, b"bo"), padded]),
        server(&[
            headers(0, 1, &[(":status", "103"), ("link", "</x>")]),
            headers(0, 1, &response),
            data(0, 1, b"hel"),
            data(0, 1, b"lo"),
            headers(flag::END_STREAM, 1, &[("t", "1")]),
        ]),
    ]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.instances(ToServer, Field::HttpUri), [b"/a/b?x=1 2"]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [b"body"]);
    assert_eq!(recorder.instances(ToClient, Field::HttpResponseBody), [b"hello"]);
    assert!(
        recorder.instances(ToServer, Field::HttpHeaders)[0].starts_with(b"host: h.example\r\nuser-agent: u")
    );
    let lists = recorder.instances(ToClient, Field::HttpHeaders);
    assert_eq!(lists[0], b"link: </x>\r\n");
    assert_eq!(lists[2], b"t: 1\r\n");
    assert_eq!(recorder.products(), [HttpProduct::Nginx]);
    let [of] = recorder.transactions()[..] else { panic!("one transaction") };
    assert_eq!(
        (&of.method[..], &of.url[..], &of.protocol[..]),
        (&b"POST"[..], &b"/a%2fb?x=1+2"[..], &b"HTTP/2"[..])
    );
    assert_eq!(
        (&of.host[..], &of.user_agent[..], &of.referer[..]),
        (&b"h.example"[..], &b"u"[..], &b"/r"[..])
    );
    assert_eq!((&of.content_type[..], &of.redirect[..], of.status), (&b"text/html"[..], &b"/l"[..], 302));
    assert_eq!((of.request_bytes, of.response_bytes), (4, 5));
    let stream = of.http2.as_ref().expect("it is of HTTP/2");
    assert_eq!(stream.id, 1);
    assert!(stream.headers[0].starts_with(b":method: POST\r\n"));
    assert!(stream.headers[1].starts_with(b":status: 302\r\n"));
    assert_eq!(recorder.instances(ToServer, Field::Payload), [SETTINGS, b"\0\0\0"], "what is of no message");
}

#[test]
fn streams_take_turns() {
    let get =
        |path: &'static str| [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "h")];
    let recorder = told(&[
        client(&[
            headers(0, 1, &get("/1")),
            headers(flag::END_STREAM, 3, &get("/3")),
            data(0, 1, b"on"),
            frame(frames::PRIORITY, 0, 3, &[0, 0, 0, 0, 200]),
        ]),
        server(&[headers(0, 3, &[(":status", "200")]), data(0, 3, b"th")]),
        Turn::client(&data(flag::END_STREAM, 1, b"e")),
        Turn::server(
            &[
                headers(0, 1, &[(":status", "204")]),
                data(flag::END_STREAM, 3, b"ree"),
                data(flag::END_STREAM, 1, b""),
            ]
            .concat(),
        ),
    ]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [b"one"]);
    assert_eq!(recorder.instances(ToClient, Field::HttpResponseBody), [b"three"]);
    let told: Vec<_> = recorder.transactions().iter().map(|of| (of.id, of.url.clone(), of.status)).collect();
    // What is of the whole connection has numbers, too.
    assert_eq!(told, [(2, b"/3".to_vec(), 200), (1, b"/1".to_vec(), 204)]);
    assert_eq!(recorder.transactions()[0].http2.as_ref().map(|of| of.priorities), Some([Some(200), None]));
}

#[test]
fn a_block_comes_in_fragments() {
    let whole = block(&with(&REQUEST, &[("x", "y")]));
    let (first, rest) = whole.split_at(7);
    let (second, third) = rest.split_at(30);
    let begin = [&[2, 0, 0, 0, 0, 255], first, b"\0\0"].concat();
    let recorder = told(&[client(&[
        frame(frames::HEADERS, flag::PADDED | flag::PRIORITY | flag::END_STREAM, 1, &begin),
        frame(frames::CONTINUATION, 0, 1, second),
        frame(frames::CONTINUATION, flag::END_HEADERS, 1, third),
    ])]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.instances(ToServer, Field::HttpHeaders), [b"host: h.example\r\nx: y\r\n"]);
    assert_eq!(recorder.transactions()[0].http2.as_ref().map(|of| of.priorities), Some([Some(255), None]));
}

#[test]
fn settings_are_told_and_heeded() {
    let big = vec![b'x'; 16_385];
    let get = headers(flag::END_STREAM, 1, &REQUEST);
    let go_away = frame(frames::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]);
    let recorder = told(&[
        Turn::client(&[PREFACE, &settings(&[(5, 16_385), (1, 8192), (9, 1)]), &get].concat()),
        server(&[
            frame(frames::SETTINGS, flag::ACK, 0, b""),
            // A table of 8192 bytes, which only the client's settings allow.
            frame(frames::HEADERS, flag::END_HEADERS, 1, b"\x3f\xe1\x3f\x88"),
            data(flag::END_STREAM, 1, &big),
        ]),
        Turn::client(&go_away),
    ]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.transactions()[0].response_bytes, 16_385);
    let [request, _, gone] = recorder.records()[..] else { panic!("three records") };
    assert_eq!(request.protocol(), AppProtocol::Http);
    assert_eq!(request.find("settings_id"), Some(Value::Text(b"SETTINGSMAXFRAMESIZE")));
    assert_eq!(request.find("settings_value"), Some(Value::Number(16_385)));
    assert_eq!(gone.find("error_code"), Some(Value::Text(b"ENHANCEYOURCALM")));
    let odd = told(&[client(&[settings(&[(2, 2)]), frame(frames::WINDOW_UPDATE, 0, 0, &[0; 4])])]);
    assert_eq!(odd.anomalies(), [AppAnomaly::Http2Settings]);
}

#[test]
fn a_server_may_speak_first() {
    let turns = [server(&[]), client(&[headers(flag::END_STREAM, 1, &REQUEST)])];
    assert_eq!(told(&turns).transactions().len(), 1);
    let other =
        told_however_cut(AppProtocol::Unknown, &[server(&[]), Turn::client(b"PRI * HTTP/1.0\r\n\r\n")]);
    assert_eq!(other.instances(ToServer, Field::Payload), [b"PRI * HTTP/1.0\r\n\r\n"]);
    assert_eq!(other.instances(ToClient, Field::Payload), [&settings(&[(3, 100)])[..]]);
}

#[test]
fn a_server_that_does_not_know_it_is_payload() {
    let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let turns = [client(&[headers(0, 1, &REQUEST), data(0, 1, b"body")]), Turn::server(answer)];
    let recorder = told_however_cut(AppProtocol::Failed, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    assert_eq!(recorder.instances(ToClient, Field::Payload), [answer]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [b"body"]);
    assert_eq!(recorder.transactions().len(), 1, "it is told of");

    let without_settings = [PREFACE, &headers(flag::END_STREAM, 1, &REQUEST)].concat();
    let recorder = told(&[Turn::client(&without_settings)]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    assert_eq!(recorder.transactions().len(), 1, "it is read all the same");
}

#[test]
fn an_upgrade_is_answered_in_the_first_stream() {
    let asked = b"GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n";
    let agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let answer =
        [settings(&[]), headers(0, 1, &[(":status", "200")]), data(flag::END_STREAM, 1, b"hello")].concat();
    let recorder = told(&[
        Turn::client(asked),
        Turn::server(&[&agreed[..], &answer].concat()),
        client(&[headers(flag::END_STREAM, 3, &REQUEST)]),
    ]);
    assert_eq!(recorder.anomalies(), []);
    let told: Vec<_> = recorder.transactions().iter().map(|of| (of.url.clone(), of.status)).collect();
    assert_eq!(told, [(b"/up".to_vec(), 101), (b"/up".to_vec(), 200), (b"/a%2fb?x=1+2".to_vec(), 0)]);
    assert_eq!(recorder.instances(ToClient, Field::HttpResponseBody), [b"hello"]);

    let chunks =
        [(ToServer, Data(&asked[..])), (ToClient, Data(agreed)), (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n"))];
    let (app, recorder) = listen(&chunks);
    assert_eq!(app.protocol(), AppProtocol::Failed);
    assert_eq!(
        (app.outer_protocol(), recorder.anomalies()),
        (Some(AppProtocol::Http), vec![AppAnomaly::Http2Preface])
    );
    assert_eq!(recorder.instances(ToServer, Field::Payload), [b"GET / HTTP/1.1\r\n\r\n"]);
}

#[test]
fn what_a_server_promises_is_told() {
    let promise = [&2u32.to_be_bytes()[..], &block(&REQUEST)].concat();
    let recorder = told(&[
        client(&[headers(flag::END_STREAM, 1, &REQUEST)]),
        server(&[
            frame(frames::PUSH_PROMISE, flag::END_HEADERS, 1, &promise),
            headers(0, 2, &[(":status", "200")]),
            data(flag::END_STREAM, 2, b"pushed"),
        ]),
    ]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.instances(ToClient, Field::HttpUri), [b"/a/b?x=1 2"]);
    assert_eq!(recorder.instances(ToClient, Field::HttpResponseBody), [b"pushed"]);
    assert_eq!(recorder.transactions().len(), 2);
}

#[test]
fn what_is_under_way_when_a_stream_is_cancelled_is_read() {
    let recorder = told(&[
        client(&[headers(flag::END_STREAM, 1, &REQUEST), frame(frames::RST_STREAM, 0, 1, &[0, 0, 0, 8])]),
        server(&[headers(0, 1, &[(":status", "200")]), data(0, 1, b"late"), data(flag::END_STREAM, 1, b"r")]),
    ]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.instances(ToClient, Field::HttpResponseBody), [&b"late"[..], b"r"]);
    let [of] = recorder.transactions()[..] else { panic!("one transaction") };
    assert_eq!(of.http2.as_ref().map(|of| of.error_codes), Some([Some(8), None]));
}

#[test]
fn gaps_are_passed_by_in_bodies_alone() {
    let begin = [PREFACE, &settings(&[]), &headers(0, 1, &REQUEST), &data(0, 1, b"01234567")].concat();
    let (before, _) = begin.split_at(begin.len() - 6);
    let end = data(flag::END_STREAM, 1, b"89");
    let (app, recorder) = listen(&[
        (ToServer, Data(before)),
        (ToServer, Gap(4)),
        (ToServer, Data(b"67")),
        (ToServer, Data(&end)),
    ]);
    assert_eq!((app.protocol(), recorder.anomalies()), (AppProtocol::Http2, vec![AppAnomaly::Gap]));
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [&b"01"[..], b"6789"]);
    assert_eq!(recorder.transactions()[0].request_bytes, 10);

    let (app, recorder) = listen(&[(ToServer, Data(before)), (ToServer, Gap(7)), (ToServer, Data(b"rest"))]);
    assert_eq!((app.protocol(), recorder.anomalies()), (AppProtocol::Failed, vec![AppAnomaly::Gap]));
    assert_eq!(recorder.instances(ToServer, Field::Payload), [b"rest"]);
}

#[test]
fn a_parser_goes_when_both_ends_finished() {
    let begin = [PREFACE, &settings(&[]), &headers(0, 1, &REQUEST)].concat();
    let (app, recorder) = listen(&[(ToServer, Data(&begin)), (ToServer, Fin), (ToClient, Fin)]);
    assert!(matches!(app, App::Payload(_)));
    assert_eq!((app.protocol(), recorder.transactions().len()), (AppProtocol::Http2, 1));
}
