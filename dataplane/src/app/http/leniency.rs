//! What servers serve though no RFC allows it is read, reported, or both; each whole and byte by byte.

use dlp_patterns::Field;

use super::conversations::{cut, listen};
use crate::{
    app::{App, AppAnomaly, AppProtocol, recorder::Recorder},
    flow::Direction::{self, ToClient, ToServer},
    limits::*,
    reassembly::StreamChunk::{self, Data, Fin, Gap},
};

/// What the chunks tell, cut or not.
fn listen_cut_and_whole(chunks: &[(Direction, StreamChunk<'_>)]) -> (App, Recorder) {
    let (app, told) = listen(chunks);
    let (app_of_bytes, told_of_bytes) = listen(&cut(chunks, None));
    assert!(told.told == told_of_bytes.told, "{chunks:?}");
    assert_eq!(app.protocol(), app_of_bytes.protocol(), "{chunks:?}");
    (app, told)
}

#[test]
fn request_lines_that_servers_take_are_read() {
    let long = "A-LONG_METHOD".repeat(100);
    let of_long = format!("{long} /%41?x HTTP/1.1\r\n");
    for (line, protocol) in [
        ("GET  /%41?x HTTP/1.1\r\n", "HTTP/1.1"),
        ("PURGE   /%41?x    HTTP/1.0\r\n", "HTTP/1.0"),
        ("\r\nGET /%41?x HTTP/1.1\r\n", "HTTP/1.1"),
        ("\rGET /%41?x HTTP/1.1\r\n", "HTTP/1.1"),
        ("\n\r\r\r\nGET /%41?x HTTP/1.1\n", "HTTP/1.1"),
        ("GET /%41?x HTTP/1.1 \r\n", "HTTP/1.1"),
        ("GET /%41?x HTTP/1.1   \n", "HTTP/1.1"),
        ("GET /%41?x HTTP/1.10\r\n", "HTTP/1.10"),
        ("GET /%41?x HTTP/1.999\r\n", "HTTP/1.999"),
        (&of_long, "HTTP/1.1"),
    ] {
        for before in ["", "GET / HTTP/1.1\r\n\r\n"] {
            let requests = format!("{before}{line}Host: h\r\n\r\n");
            let (app, told) = listen_cut_and_whole(&[(ToServer, Data(requests.as_bytes()))]);
            assert_eq!(app.protocol(), AppProtocol::Http, "{line:?}");
            assert_eq!(told.anomalies(), [], "{line:?}");
            assert_eq!(
                told.instances(ToServer, Field::HttpUri).last(),
                Some(&b"/A?x".as_slice()),
                "{line:?}"
            );
            assert_eq!(told.instances(ToServer, Field::HttpHeaders), [b"Host: h\r\n"], "{line:?}");
            let transaction = *told.transactions().last().expect("one is open");
            assert_eq!(transaction.url, b"/%41?x", "{line:?}");
            assert_eq!(transaction.protocol, protocol.as_bytes(), "{line:?}");
        }
    }
}

#[test]
fn every_minor_version_that_is_zero_is_1_0() {
    for (version, anomalies) in [("1.000", &[AppAnomaly::TransferCoding][..]), ("1.010", &[])] {
        let request = format!("POST / HTTP/{version}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        let (_, told) = listen_cut_and_whole(&[(ToServer, Data(request.as_bytes()))]);
        assert_eq!(told.anomalies(), anomalies, "{version}");
    }
}

#[test]
fn bare_requests_with_more_spaces_are_read() {
    for line in ["GET  /%41\r\n", "GET /%41  \r\n", "\rGET /%41 \n", "GET hTTp+a://%41\r\n"] {
        let (app, told) = listen_cut_and_whole(&[
            (ToServer, Data(line.as_bytes())),
            (ToClient, Data(b"body")),
            (ToClient, Fin),
        ]);
        assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Http, vec![]), "{line:?}");
        assert!(told.instances(ToServer, Field::HttpUri).concat().ends_with(b"A"), "{line:?}");
        assert_eq!(told.instances(ToClient, Field::HttpResponseBody), [b"body"], "{line:?}");
    }
}

#[test]
fn spaces_in_a_target_are_told_and_read() {
    for (line, url, uri) in [
        ("GET /%41 b  c HTTP/1.1\r\n", "/%41 b  c", "/A b  c"),
        ("CONNECT h:25 / HTTP/1.0\r\n", "h:25 /", "h:25 /"),
        ("GET /a HTTP/ HTTP/1.1\r\n", "/a HTTP/", "/a HTTP/"),
    ] {
        let request = format!("{line}Host: h\r\n\r\n");
        let (app, told) = listen_cut_and_whole(&[(ToServer, Data(request.as_bytes()))]);
        assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Http, vec![AppAnomaly::RequestLine]));
        assert_eq!(told.instances(ToServer, Field::HttpUri), [uri.as_bytes()], "{line:?}");
        assert_eq!(told.instances(ToServer, Field::HttpHeaders), [b"Host: h\r\n"], "{line:?}");
        assert_eq!(told.transactions()[0].url, url.as_bytes(), "{line:?}");
    }
}

#[test]
fn a_line_that_is_refused_and_names_http_is_told() {
    let capitals = "A".repeat(HTTP_CAPITAL_METHOD_BYTES_MAX + 1);
    for line in [
        "SET /a b HTTP/1.1\r\n",
        " GET / HTTP/1.1\r\n",
        "\r\n\tGET / HTTP/1.1\r\n",
        "GET\t/ HTTP/1.1\r\n",
        "GET /\t HTTP/1.1\n",
        "GET / HTTP/1.1\t\r\n",
        "GET / HTTP/1.1234\r\n",
        "GET / HTTP/1.\r\n",
        "GET / HTTP/2.0\r\n",
        "GET  HTTP/1.1\r\n",
        "GET /\0 HTTP/1.1\r\n",
        "\0 HTTP  HTTP/\n",
        "GET  / HTTP/1.1 HTTP/1.2.3 \n",
        "PRI * HTTP/2.0\n",
        "PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n",
        &format!("{capitals} / HTTP/1.1\r\n"),
        &format!("{} / HTTP/1.1\r\n", "a".repeat(HTTP_METHOD_BYTES_MAX + 1)),
    ] {
        for (before, protocol) in
            [("", AppProtocol::Unknown), ("GET / HTTP/1.1\r\n\r\n", AppProtocol::Failed)]
        {
            let requests = format!("{before}{line}");
            let (app, told) =
                listen_cut_and_whole(&[(ToServer, Data(requests.as_bytes())), (ToClient, Data(b"?"))]);
            assert_eq!(told.anomalies(), [AppAnomaly::RequestLine], "{line:?}");
            assert_eq!(app.protocol(), protocol, "{line:?}");
            assert_eq!(told.instances(ToServer, Field::Payload), [line.as_bytes()], "nothing is swallowed");
        }
    }
}

/// Who stuffs the line to tire the watcher still meets it; beyond the cap no server reads a line.
#[test]
fn the_first_line_is_watched_up_to_its_cap() {
    let sign = " HTTP/1.1\r\n";
    let line_of = |bytes: usize| format!("SET /a {}{sign}", "b".repeat(bytes - "SET /a ".len() - sign.len()));
    let blanks = "\r\n".repeat(HTTP_LINE_BYTES_MAX);
    for (line, is_told) in [
        (line_of(HTTP_LINE_BYTES_MAX), true),
        (line_of(HTTP_LINE_BYTES_MAX + 1), false),
        (format!("{blanks}GET / HTTP/1.1\r\n"), true),
        (format!("{blanks}EHLO\r\nGET / HTTP/1.1\r\n"), false),
    ] {
        let whole = listen(&[(ToServer, Data(line.as_bytes()))]).1;
        assert_eq!(whole.anomalies(), vec![AppAnomaly::RequestLine; usize::from(is_told)]);
        assert_eq!(whole.instances(ToServer, Field::Payload), [line.as_bytes()]);
        for piece_bytes in [1, 7, 1000] {
            let pieces = line.as_bytes().chunks(piece_bytes);
            let pieces: Vec<_> = pieces.map(|piece| (ToServer, Data(piece))).collect();
            assert!(listen(&pieces).1.told == whole.told, "in pieces of {piece_bytes}");
        }
    }
}

#[test]
fn a_first_line_after_anything_else_from_the_server_is_watched() {
    let request = (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n".as_slice()));
    let (_, told) = listen_cut_and_whole(&[(ToClient, Data(b"220 ready\r\n")), request]);
    assert_eq!(told.anomalies(), [AppAnomaly::RequestLine]);
    let halves =
        [(ToServer, Data(b"GET / HT".as_slice())), (ToClient, Data(b"?")), (ToServer, Data(b"TP/1.1\n"))];
    assert_eq!(listen_cut_and_whole(&halves).1.anomalies(), [AppAnomaly::RequestLine]);
    let torn =
        [(ToServer, Data(b"\0GET / ".as_slice())), (ToServer, Gap(4)), (ToServer, Data(b" HTTP/1.1\n"))];
    assert_eq!(listen_cut_and_whole(&torn).1.anomalies(), [], "a line with a hole is nobody's");
}

#[test]
fn a_response_without_a_status_line_is_told() {
    for response in
        ["\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/2 200\r\n", "ICY 200 OK\r\n", "HTTP/1.1  200 OK\r\n", "x"]
    {
        let request = (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n".as_slice()));
        let (app, told) = listen_cut_and_whole(&[request, (ToClient, Data(response.as_bytes()))]);
        assert_eq!(told.anomalies(), [AppAnomaly::StatusLine], "{response:?}");
        assert_eq!(app.protocol(), AppProtocol::Failed);
        assert_eq!(told.instances(ToClient, Field::Payload), [response.as_bytes()]);
    }
}

/// A client can acknowledge what the server never sent: that must not hide its next request.
#[test]
fn a_gap_in_the_responses_hides_no_request() {
    let request = (ToServer, Data(b"POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi".as_slice()));
    let next = (ToServer, Data(b"GET /%65vil HTTP/1.1\r\nHost: h\r\n\r\n".as_slice()));
    let gap = (ToClient, Gap(1));
    let response = (ToClient, Data(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".as_slice()));
    let half = (ToClient, Data(b"HTTP/1.1 200 OK\r\nContent-".as_slice()));
    for (chunks, statuses, anomalies) in [
        (vec![gap, request, response, next], &[0, 0][..], &[][..]),
        (vec![request, gap, response, next], &[0, 0], &[AppAnomaly::Gap]),
        (vec![request, response, gap, next, response], &[200, 0], &[AppAnomaly::Gap]),
        (vec![request, half, gap, next, response], &[200, 0], &[AppAnomaly::Gap]),
    ] {
        let (app, told) = listen_cut_and_whole(&chunks);
        assert_eq!(app.protocol(), AppProtocol::Http, "{chunks:?}");
        assert_eq!(told.anomalies(), anomalies, "{chunks:?}");
        assert_eq!(told.instances(ToServer, Field::HttpUri), [b"/1".as_slice(), b"/evil"], "{chunks:?}");
        assert_eq!(told.instances(ToServer, Field::HttpRequestBody), [b"hi"], "{chunks:?}");
        assert_eq!(told.instances(ToServer, Field::Payload), [b""; 0], "{chunks:?}");
        let of: Vec<_> = told.transactions().iter().map(|transaction| transaction.status).collect();
        assert_eq!(of, statuses, "{chunks:?}");
    }
}

#[test]
fn requests_whose_responses_are_lost_do_not_pile_up() {
    let requests = b"GET / HTTP/1.1\r\n\r\n".repeat(2 * HTTP_PIPELINED_MAX);
    let (app, told) = listen_cut_and_whole(&[(ToClient, Gap(1)), (ToServer, Data(&requests))]);
    assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Http, vec![]));
    let ids: Vec<_> = told.transactions().iter().map(|transaction| transaction.id).collect();
    assert!(ids.into_iter().eq(0..2 * HTTP_PIPELINED_MAX as u64), "each once, in order");
}

#[test]
fn gaps_in_both_directions_leave_payload() {
    let begin_bytes = b"GET / HTTP/1.1".as_slice();
    let request = (ToServer, Data(b"GET / HTTP/1.1\r\n\r\n".as_slice()));
    let gaps = [(ToClient, Gap(1)), (ToServer, Gap(1))];
    let (app, told) = listen_cut_and_whole(&[request, gaps[0], gaps[1], request, (ToClient, Data(b"x"))]);
    assert_eq!(app.protocol(), AppProtocol::Failed);
    assert_eq!(told.instances(ToServer, Field::Payload), [b"GET / HTTP/1.1\r\n\r\n"]);
    assert_eq!(told.instances(ToClient, Field::Payload), [b"x"]);
    let (app, told) = listen_cut_and_whole(&[gaps[0], gaps[1], request]);
    assert_eq!((app.protocol(), told.anomalies()), (AppProtocol::Unknown, vec![]));
    let begin = (ToServer, Data(begin_bytes));
    let (_, told) = listen_cut_and_whole(&[gaps[0], begin, gaps[1], request]);
    assert_eq!(told.anomalies(), []);
    assert_eq!(told.instances(ToServer, Field::Payload), [begin_bytes, b"GET / HTTP/1.1\r\n\r\n"]);
}

/// A log that quotes requests is no request: what a server takes ends in its version.
#[test]
fn a_line_that_quotes_a_request_is_not_told() {
    for line in ["<134>web: \"GET / HTTP/1.1\" 200 5\n", "say HTTP/1.1 again\n", "\" HTTP/1.1x\r\n"] {
        let (app, told) = listen(&[(ToServer, Data(line.as_bytes()))]);
        assert_eq!(told.anomalies(), [], "{line:?}");
        assert_eq!(app.protocol(), AppProtocol::Unknown);
    }
}
