//! What conversations mean: fields, transactions and anomalies, told one by one.

use dlp_patterns::Field;

use super::conversations::listen;
use crate::{
    app::{
        App, AppAnomaly, AppProtocol, HttpFile, HttpFileStage, HttpTransaction, Lane, SpareParsers,
        recorder::{Recorder, Told},
    },
    flow::Direction::{self, ToClient, ToServer},
    limits::*,
    reassembly::StreamChunk::{Data, Fin, Gap},
};

/// A client that speaks first, and a server that answers all at once.
fn exchange(request: &[u8], response: &[u8]) -> (App, Recorder) {
    listen(&[(ToServer, Data(request)), (ToClient, Data(response))])
}

fn only(recorder: &Recorder, direction: Direction, field: Field) -> Vec<u8> {
    let instances = recorder.instances(direction, field);
    assert_eq!(instances.len(), 1, "{field:?}: {:?}", recorder.told);
    instances.concat()
}

/// A file of that name and of so many bytes, all of which went by.
fn whole(name: &[u8], bytes: u64) -> HttpFile {
    HttpFile { name: name.to_vec(), bytes, stage: HttpFileStage::Complete, has_gap: false }
}

#[test]
fn an_exchange_is_fields_and_a_transaction() {
    let (app, told) = exchange(
        b"POST /a%2fb?x=1+2%zz HTTP/1.1\r\nHost:  h.example \r\nReferer: /r\r\nUser-Agent: u\r\ncontent-length: 4\r\n\r\nbody",
        b"HTTP/1.1 302 Found\r\nContent-Type: text/html; q=1\r\nLocation: /l\r\nTransfer-Encoding: chunked\r\n\
          Content-Disposition: attachment; filename=\"f.txt\"\r\n\r\n\
          3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n",
    );
    assert_eq!(app.protocol(), AppProtocol::Http);
    assert_eq!(told.anomalies(), []);
    assert_eq!(only(&told, ToServer, Field::HttpUri), b"/a/b?x=1 2%zz");
    assert_eq!(only(&told, ToServer, Field::HttpRequestBody), b"body");
    assert_eq!(only(&told, ToClient, Field::HttpResponseBody), b"abcde");
    let request_headers = only(&told, ToServer, Field::HttpHeaders);
    assert!(request_headers.starts_with(b"Host:  h.example \r\n"));
    assert!(request_headers.ends_with(b"content-length: 4\r\n"));
    assert_eq!(told.instances(ToClient, Field::HttpHeaders)[1], b"T: 1\r\n", "trailers");
    let expected = HttpTransaction {
        id: 0,
        method: b"POST".into(),
        url: b"/a%2fb?x=1+2%zz".into(),
        protocol: b"HTTP/1.1".into(),
        host: b"h.example".into(),
        user_agent: b"u".into(),
        referer: b"/r".into(),
        content_type: b"text/html".into(),
        status: 302,
        redirect: b"/l".into(),
        product: None,
        request_bytes: 4,
        response_bytes: 5,
        files: [whole(b"", 4), whole(b"f.txt", 5)],
        inner_files: Vec::new(),
        http2: None,
    };
    assert_eq!(told.transactions(), [&expected]);
}

#[test]
fn the_uri_is_decoded_once() {
    for (raw, decoded) in [
        ("/%2525", "/%25"),
        ("/%%41%4%42%", "/%A%4B%"),
        ("/a+b?c+d?e+f", "/a+b?c d?e f"),
        ("/%3f+?+", "/?+? "),
        ("/%24%7bjndi%3Aldap%3a%2F%2f0123456789abcdef%7D", "/${jndi:ldap://0123456789abcdef}"),
    ] {
        let (_, told) = exchange(format!("GET {raw} HTTP/1.1\r\n\r\n").as_bytes(), b"");
        let instances = told.instances(ToServer, Field::HttpUri);
        assert_eq!(instances.last(), Some(&decoded.as_bytes()), "{raw}");
    }
}

#[test]
fn a_target_is_told_before_its_line_ends() {
    let (mut app, mut parsers, mut told) = (App::new(), SpareParsers::default(), Recorder::default());
    app.advance(ToServer, Data(b"PUT /early"), &mut parsers, &mut told);
    assert_eq!(told.told, [Told::Begin(Lane::main(ToServer), Field::HttpUri)]);
    app.advance(ToServer, Data(b"%20 HTTQ\r\n"), &mut parsers, &mut told);
    assert_eq!(app.protocol(), AppProtocol::Unknown);
    app.finish(&mut parsers, &mut told);
    assert_eq!(only(&told, ToServer, Field::HttpUri), b"/early  HTTQ");
    assert_eq!(only(&told, ToServer, Field::Payload), b"PUT /early%20 HTTQ\r\n", "nothing evades");
    assert_eq!(told.anomalies(), []);
}

#[test]
fn what_is_not_http_is_payload() {
    for first in [
        &b"\x16\x03\x01"[..],
        b"OPTIONS sip:x SOUP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"GET key\r\n",
        b"get /simple\r\n",
        b"GET / http/1.1\r\n",
        b"a-method-that-is-longer-than-any-other / RTSP/1.0\r\n",
        b"\x16\x03\x01\nGET / HTTP/1.1\r\n",
    ] {
        let (app, told) = exchange(first, b"HTTP/1.1 200 OK\r\n\r\n");
        assert_ne!(app.protocol(), AppProtocol::Http, "{first:?}");
        assert_eq!(only(&told, ToServer, Field::Payload), first);
        assert_eq!(only(&told, ToClient, Field::Payload), b"HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(told.anomalies(), []);
    }
}

#[test]
fn a_response_is_paired_with_its_request() {
    let (_, told) = exchange(
        b"HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 100 Go on\r\nContent-Type: no\r\n\r\n\
          HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end",
    );
    assert_eq!(only(&told, ToClient, Field::HttpResponseBody), b"to the end");
    let told: Vec<_> =
        told.transactions().iter().map(|of| (of.id, of.url.clone(), of.status, of.response_bytes)).collect();
    let expected = [(0, b"/1".into(), 200, 0), (1, b"/2".into(), 304, 0), (2, b"/3".into(), 200, 10)];
    assert_eq!(told, expected);
}

#[test]
fn a_tunnel_of_nothing_known_is_payload_in_a_flow_of_http() {
    let chunks = [
        (ToServer, Data(b"CONNECT a:1 HTTP/1.1\r\n\r\n".as_slice())),
        (ToClient, Data(b"HTTP/1.1 200 OK\r\n\r\nfrom server")),
        (ToServer, Data(b"from client")),
    ];
    let (app, told) = listen(&chunks);
    assert_eq!((app.protocol().as_str(), app.outer_protocol()), ("unknown", Some(AppProtocol::Http)));
    assert_eq!(told.anomalies(), []);
    assert_eq!(only(&told, ToClient, Field::Payload), b"from server");
    // Before its end, the first line might have been of anything.
    let payloads = [&b"CONNECT a:1 HTTP/1.1\r\n"[..], b"from client"];
    assert_eq!(told.instances(ToServer, Field::Payload), payloads);
    assert_eq!(told.transactions().len(), 1);
}

#[test]
fn what_may_yet_be_a_request_is_payload_as_it_comes() {
    let (mut app, mut parsers, mut told) = (App::new(), SpareParsers::default(), Recorder::default());
    app.advance(ToServer, Data(b"GE"), &mut parsers, &mut told);
    assert_eq!(told.told, [], "a word of HTTP says nothing");
    app.advance(ToServer, Data(b"T 4111"), &mut parsers, &mut told);
    assert_eq!(
        told.told,
        [Told::Begin(Lane::main(ToServer), Field::Payload)],
        "no end of a line is waited for"
    );
    app.advance(ToServer, Data(b"1111"), &mut parsers, &mut told);
    app.finish(&mut parsers, &mut told);
    assert_eq!(only(&told, ToServer, Field::Payload), b"GET 41111111");
}

#[test]
fn what_a_tunnel_carries_is_told_by_its_first_bytes() {
    let opened = [
        (ToServer, Data(b"CONNECT a:1 HTTP/1.1\r\n\r\n".as_slice())),
        // In front of the answer, as far as it is no request.
        (ToServer, Data(b"SSH-2.0-cli")),
        (ToClient, Data(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-server\r\n")),
        (ToServer, Data(b"ent\r\n")),
    ];
    let (app, told) = listen(&opened);
    assert_eq!((app.protocol(), app.outer_protocol()), (AppProtocol::Ssh, Some(AppProtocol::Http)));
    assert_eq!(only(&told, ToServer, Field::SshSoftware), b"client");
    assert_eq!((told.transactions().len(), told.records().len()), (1, 1));

    let request = (ToServer, Data(b"CONNECT a:1 HTTP/1.1\r\n\r\n".as_slice()));
    let response = (ToClient, Data(b"HTTP/1.1 200 OK\r\n\r\n".as_slice()));
    let inner = (ToServer, Data(b"GET /in HTTP/1.1\r\n\r\n".as_slice()));
    let (app, told) = listen(&[[request, response].repeat(100), vec![inner]].concat());
    assert_eq!((app.protocol(), app.outer_protocol()), (AppProtocol::Http, None));
    assert_eq!(told.instances(ToServer, Field::HttpUri).last(), Some(&&b"/in"[..]), "however deep");
    let unasked = (ToClient, Data(b"HTTP/1.1 101 Go\r\n\r\nHTTP/1.1 101 Go\r\n\r\n".as_slice()));
    let (_, told) = listen(&[unasked]);
    assert_eq!(only(&told, ToClient, Field::Payload), b"HTTP/1.1 101 Go\r\n\r\n", "nobody asked for it");
}

/// RFC 9112 says how to read on.
#[test]
fn faulty_framing_with_one_reading_is_read() {
    use AppAnomaly::*;
    const CHUNKS: &str = "3\r\nabc\r\n0\r\n\r\n";
    for (head, body, anomalies) in [
        ("Content-Length: 7\r\nTransfer-Encoding: chunked", CHUNKS, &[LengthAndCoding][..]),
        ("Transfer-Encoding: gzip, chunked", CHUNKS, &[TransferCoding, ContentBroken]),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", CHUNKS, &[TransferCoding]),
        ("Content-Length: 3\r\nContent-Length: 3, 3", "abc", &[]),
        ("A: b\r\n : c\r\nno colon\r\nd : e\r\n: f\r\nContent-Length: 3", "abc", &[HeaderLine]),
        ("A: b\rC: d\r\nContent-Length: 3", "abc", &[HeaderLine]),
        ("A: \0\r\nContent-Length: 3", "abc", &[HeaderLine]),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n{body}GET / HTTP/1.1\r\n\r\n");
        let (app, told) = exchange(request.as_bytes(), b"");
        assert_eq!(told.anomalies(), anomalies, "{head}");
        assert_eq!(app.protocol(), AppProtocol::Http, "{head}");
        assert_eq!(only(&told, ToServer, Field::HttpRequestBody), b"abc", "{head}");
        assert_eq!(told.transactions().len(), 2, "{head}");
    }
}

/// Two ends may disagree for good: what follows is payload, in both directions.
#[test]
fn faulty_framing_without_a_reading_is_payload() {
    use AppAnomaly::*;
    for (head, anomaly) in [
        ("Content-Length: 3\r\nContent-Length: 4", ContentLength),
        ("Content-Length: 0x3", ContentLength),
        ("Content-Length: -1", NegativeLength),
        ("Content-Length: 3, -1", ContentLength),
        ("Content-Length: -0", ContentLength),
        ("Content-Length:", ContentLength),
        ("Content-Length: 18446744073709551616", ContentLength),
        ("Content-Length : 3", HeaderLine),
        ("Content-Length:\r\n 3", HeaderLine),
        ("Transfer-Encoding: \x0bchunked", TransferCoding),
        ("Transfer-Encoding: chunked, identity", TransferCoding),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n0\r\n\r\n");
        let (app, told) = exchange(request.as_bytes(), b"HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(told.anomalies(), [anomaly], "{head}");
        assert_eq!(app.protocol(), AppProtocol::Failed, "{head}");
        assert_eq!(only(&told, ToServer, Field::Payload), b"0\r\n\r\n", "{head}");
        assert_eq!(only(&told, ToClient, Field::Payload), b"HTTP/1.1 200 OK\r\n\r\n", "{head}");
        assert_eq!(told.transactions().len(), 1, "{head}");
    }
}

#[test]
fn a_chunk_that_breaks_its_framing_is_payload() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
    for (good, bad) in [
        ("", "\nab"),
        ("2", "\nab"),
        ("2 ", "2\r\nab"),
        ("2;x", "\nab"),
        ("ffffffffffffffff", "f\r\nab"),
        ("2\r\nab", "c\r\n"),
        ("2\r\nab\r", "3\r\n"),
        ("2\r", "ab"),
    ] {
        let response = format!("{head}{good}{bad}");
        let (app, told) = exchange(b"GET / HTTP/1.1\r\n\r\n", response.as_bytes());
        assert_eq!(told.anomalies(), [AppAnomaly::ChunkSize], "{good}{bad}");
        assert_eq!(app.protocol(), AppProtocol::Failed);
        assert_eq!(only(&told, ToClient, Field::Payload), bad.as_bytes(), "{good}{bad}");
    }
}

#[test]
fn a_gap_in_a_body_is_skipped() {
    let chunks = [
        (ToServer, Data(b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n12".as_slice())),
        (ToServer, Gap(2)),
        (ToServer, Gap(3)),
        (ToServer, Data(b"89GET / HTTP/1.1\r\n\r\n")),
        (ToClient, Data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n")),
        (ToClient, Gap(8)),
        (ToClient, Data(b"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")),
        (ToClient, Gap(5)),
        (ToClient, Fin),
    ];
    let (app, told) = listen(&chunks);
    assert_eq!(app.protocol(), AppProtocol::Http);
    assert_eq!(told.anomalies(), [AppAnomaly::Gap; 3], "once a message");
    assert_eq!(told.instances(ToServer, Field::HttpRequestBody), [b"12", b"89"]);
    let bytes: Vec<_> = told.transactions().iter().map(|of| (of.request_bytes, of.response_bytes)).collect();
    assert_eq!(bytes, [(9, 8), (0, 5)]);
}

#[test]
fn a_gap_elsewhere_ends_the_reading_of_its_direction() {
    let whole = b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n12";
    for (before, gap_bytes) in [(10, 1), (20, 1), (39, 8), (39, u32::MAX)] {
        let request = (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n".as_slice()));
        let begin = (ToServer, Data(&whole[..before]));
        let response =
            (ToClient, Data(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".repeat(3).leak() as &[u8]));
        let gap = (ToServer, Gap(gap_bytes));
        let (app, told) = listen(&[request, begin, gap, (ToServer, Data(b"rest")), response]);
        assert_eq!(told.anomalies(), [AppAnomaly::Gap], "who lost the requests misses none: {before}");
        assert_eq!(app.protocol(), AppProtocol::Http);
        assert_eq!(told.instances(ToClient, Field::HttpResponseBody), [b"ok"; 3], "{before}");
        let held: &[u8] = if before == 10 { &whole[..before] } else { b"" };
        let payload = told.instances(ToServer, Field::Payload).concat();
        assert_eq!(payload, [held, b"rest"].concat(), "{before}");
    }
}

#[test]
fn what_is_too_long_is_given_up_wherever_it_is_cut() {
    let line = |bytes: usize| [b"GET /", "x".repeat(bytes - 16).as_bytes(), b" HTTP/1.1\r\n"].concat();
    let block = |bytes: usize| [b"A: ", "x".repeat(bytes - 7).as_bytes(), b"\r\n\r\n"].concat();
    let first = b"GET / HTTP/1.1\r\n\r\n".as_slice();
    for (head, is_too_long) in [
        ([first, &line(HTTP_LINE_BYTES_MAX), b"\r\n"].concat(), false),
        ([first, &line(HTTP_LINE_BYTES_MAX + 1), b"\r\n"].concat(), true),
        ([first, b"GET / HTTP/1.1\r\n", &block(HTTP_HEADER_BYTES_MAX - 1)].concat(), false),
        ([first, b"GET / HTTP/1.1\r\n", &block(HTTP_HEADER_BYTES_MAX + 1)].concat(), true),
    ] {
        let whole = listen(&[(ToServer, Data(&head))]);
        assert_eq!(whole.1.anomalies(), vec![AppAnomaly::TooLong; usize::from(is_too_long)]);
        assert_eq!(whole.0.protocol() == AppProtocol::Failed, is_too_long);
        for piece_bytes in [1, 1000, HTTP_LINE_BYTES_MAX] {
            let pieces: Vec<_> = head.chunks(piece_bytes).map(|piece| (ToServer, Data(piece))).collect();
            assert!(listen(&pieces).1.told == whole.1.told, "in pieces of {piece_bytes}");
        }
    }
}

#[test]
fn too_many_open_requests_are_given_up() {
    let requests = b"GET / HTTP/1.1\r\n\r\n".repeat(HTTP_PIPELINED_MAX);
    let (app, told) = exchange(&requests, b"");
    assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Http, vec![]));
    let (app, told) = exchange(&[&requests, b"GET /more".as_slice()].concat(), b"");
    assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Failed, vec![AppAnomaly::Pipelined]));
    assert_eq!(only(&told, ToServer, Field::Payload), b"GET /more");
    assert_eq!(told.transactions().len(), HTTP_PIPELINED_MAX, "each is handed out");
}

#[test]
fn a_response_that_nobody_asked_for_is_told() {
    let (app, told) = listen(&[(ToClient, Data(b"HTTP/1.1 408 Late\r\nContent-Length: 1\r\n\r\nx"))]);
    assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Http, vec![AppAnomaly::UnpairedResponse]));
    let files = [HttpFile::default(), whole(b"", 1)];
    let expected = HttpTransaction { status: 408, response_bytes: 1, files, ..HttpTransaction::default() };
    assert_eq!(told.transactions(), [&expected]);
}

#[test]
fn logged_strings_are_cut_at_their_cap() {
    let long = "y".repeat(HTTP_LOGGED_BYTES_MAX + 500);
    let request = format!("GET /{long} HTTP/1.1\r\nHost: {long}\r\nReferer: a\r\n {long}\r\n\r\n");
    let (_, told) = exchange(request.as_bytes(), b"");
    let transaction = told.transactions()[0];
    for text in [&transaction.url, &transaction.host, &transaction.referer] {
        assert_eq!(text.len(), HTTP_LOGGED_BYTES_MAX);
    }
    assert_eq!(only(&told, ToServer, Field::HttpUri).len(), long.len() + 1, "only the log is cut");
}

/// Notes where the text of transactions lies.
#[derive(Default)]
struct Addresses(Vec<[*const u8; 3]>);

impl crate::app::AppSink for Addresses {
    fn begin(&mut self, _: Lane, _: Field) {}
    fn data(&mut self, _: Lane, _: &[u8]) {}
    fn end(&mut self, _: Lane) {}
    fn record(&mut self, _: &crate::app::Record) {}
    fn anomaly(&mut self, _direction: Direction, _protocol: AppProtocol, anomaly: AppAnomaly) {
        panic!("{anomaly:?}");
    }
    fn transaction(&mut self, of: &HttpTransaction) {
        self.0.push([of.url.as_ptr(), of.host.as_ptr(), of.content_type.as_ptr()]);
    }
}

#[test]
fn transactions_live_in_the_buffers_of_old_ones() {
    let (mut app, mut parsers, mut addresses) = (App::new(), SpareParsers::default(), Addresses::default());
    for _ in 0..5 {
        app.advance(ToServer, Data(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), &mut parsers, &mut addresses);
        let response = b"HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 0\r\n\r\n";
        app.advance(ToClient, Data(response), &mut parsers, &mut addresses);
    }
    assert_eq!(addresses.0, vec![addresses.0[0]; 5]);
}

#[test]
fn a_flow_pays_little_for_its_parser() {
    assert!(size_of::<App>() <= 64);
}

#[test]
fn blank_lines_in_front_of_a_status_line_are_passed_by() {
    let requests = b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
    let responses = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab\r\n\nHTTP/1.1 204 No\r\n\r\n\r";
    for piece_bytes in [1, responses.len()] {
        let pieces = responses.chunks(piece_bytes).map(|piece| (ToClient, Data(piece)));
        let chunks: Vec<_> = [(ToServer, Data(&requests[..]))].into_iter().chain(pieces).collect();
        let (app, told) = listen(&chunks);
        assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Http, vec![]));
        let statuses: Vec<_> = told.transactions().iter().map(|of| of.status).collect();
        assert_eq!(statuses, [200, 204]);
    }
}

#[test]
fn a_request_whose_line_breaks_off_is_told() {
    for (chunks, url) in [
        (&[(ToServer, Data(&b"GET /a"[..])), (ToClient, Data(b"<html>"))][..], &b"/a"[..]),
        (&[(ToServer, Data(b"GET /a?b HTT")), (ToServer, Fin)], b"/a?b"),
    ] {
        let (_, told) = listen(chunks);
        let [of] = told.transactions()[..] else { panic!("one transaction of {chunks:?}") };
        assert_eq!((&of.method[..], &of.url[..], &of.protocol[..]), (&b"GET"[..], url, &b""[..]));
    }
    for no_request in [&b"GET a"[..], b"GE", b"SET /a"] {
        let (_, told) = listen(&[(ToServer, Data(no_request)), (ToServer, Fin)]);
        assert_eq!(told.transactions().len(), 0, "{}", no_request.escape_ascii());
    }
}

#[test]
fn what_an_end_broke_keeps_its_name() {
    let (app, _) =
        exchange(b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nno status line");
    assert_eq!((app.protocol(), app.named_protocol()), (AppProtocol::Failed, AppProtocol::Http));
    let (app, _) = listen(&[(ToServer, Data(b"NO REQUEST\r\n"))]);
    assert_eq!(app.named_protocol(), app.protocol());
}

#[test]
fn a_file_with_a_gap_is_told_as_one() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    let (_, told) = listen(&[
        (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n")),
        (ToClient, Data(head)),
        (ToClient, Gap(4)),
        (ToClient, Data(b"hi")),
    ]);
    let expected = HttpFile { has_gap: true, ..whole(b"", 9) };
    assert_eq!(told.transactions()[0].files, [HttpFile::default(), expected]);
    let (_, told) =
        listen(&[(ToServer, Data(b"GET / HTTP/1.1\r\n\r\n")), (ToClient, Data(head)), (ToClient, Fin)]);
    let expected = HttpFile { stage: HttpFileStage::Begun, ..whole(b"", 3) };
    assert_eq!(told.transactions()[0].files[1], expected, "it is cut");
}
