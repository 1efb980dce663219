//! What breaks HTTP/2, or wears its ends out.

use super::*;
use crate::limits::*;

/// A connection is given up with one anomaly, and each byte from `last` on is payload.
fn assert_given_up(frames: &[Vec<u8>], last: &[u8], anomaly: AppAnomaly) {
    let turns = [client(&[frames.concat(), last.to_vec(), b"more".to_vec()])];
    let recorder = told_however_cut(AppProtocol::Failed, &turns);
    assert_eq!(recorder.anomalies(), [anomaly], "{last:?}");
    let payload = recorder.instances(ToServer, Field::Payload).concat();
    assert!(payload == [SETTINGS, last, b"more"].concat(), "{anomaly:?}: {payload:?}");
}

#[test]
fn frames_that_may_not_be_are_payload() {
    let open = headers(0, 1, &REQUEST);
    for last in [
        data(0, 0, b"x"),
        data(0, 1, b"x"),
        headers(0, 2, &REQUEST),
        headers(0, 0, &REQUEST),
        frame(frames::SETTINGS, 0, 1, b""),
        frame(frames::SETTINGS, 0, 0, b"12345"),
        frame(frames::SETTINGS, flag::ACK, 0, b"123456"),
        frame(frames::PING, 0, 0, b"1234567"),
        frame(frames::RST_STREAM, 0, 1, b"12345"),
        frame(frames::GOAWAY, 0, 0, b"1234"),
        frame(frames::WINDOW_UPDATE, 0, 0, b"123"),
        frame(frames::CONTINUATION, flag::END_HEADERS, 1, b""),
        frame(frames::PUSH_PROMISE, flag::END_HEADERS, 1, &[0, 0, 0, 2]),
        frame(frames::HEADERS, flag::PADDED | flag::END_HEADERS, 1, b"\x05\x82"),
        frame(frames::HEADERS, flag::PRIORITY | flag::END_HEADERS, 1, b"\x82"),
        frame(frames::HEADERS, flag::END_HEADERS, 1, &vec![0; 16_385]),
    ] {
        assert_given_up(&[], &last, AppAnomaly::Http2Frame);
    }
    assert_given_up(std::slice::from_ref(&open), &data(flag::PADDED, 1, b""), AppAnomaly::Http2Frame);
    assert_given_up(&[open], &data(flag::PADDED, 1, b"\x02x"), AppAnomaly::Http2Frame);
}

#[test]
fn blocks_that_nobody_can_read_are_payload() {
    assert_given_up(
        &[],
        &frame(frames::HEADERS, flag::END_HEADERS, 1, b"\xff"),
        AppAnomaly::Http2HeaderBlock,
    );
    let parts =
        [frame(frames::HEADERS, 0, 1, b"\x82"), frame(frames::CONTINUATION, flag::END_HEADERS, 1, b"\xbe")];
    let recorder = told_however_cut(AppProtocol::Failed, &[client(&parts)]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Http2HeaderBlock]);
    let payload = recorder.instances(ToServer, Field::Payload).concat();
    assert_eq!(payload, [SETTINGS, b"\x82", &parts[1][..]].concat());
}

#[test]
fn a_list_that_grows_out_of_its_block_is_payload() {
    // An entry of the table, and references to it.
    let entry = [&b"\x40\x01a\x7f\x81\x07"[..], &[b'x'; 1024]].concat();
    let bomb = [entry, vec![0xbe; 1000]].concat();
    assert_given_up(&[], &frame(frames::HEADERS, flag::END_HEADERS, 1, &bomb), AppAnomaly::Http2HeaderList);
}

/// As its receiver may allow frames of up to 16 MB.
#[test]
fn a_block_that_is_longer_than_any_is_payload_to_its_end() {
    let long = frame(frames::HEADERS, flag::END_HEADERS, 1, &vec![b'x'; HTTP_HEADER_BYTES_MAX + 9]);
    let (allowed, begin) = (settings(&[(5, 1 << 20)]), [PREFACE, &settings(&[])].concat());
    let (app, recorder) =
        listen(&[(ToServer, Data(&begin)), (ToClient, Data(&allowed)), (ToServer, Data(&long))]);
    assert_eq!(
        (app.protocol(), recorder.anomalies()),
        (AppProtocol::Failed, vec![AppAnomaly::Http2HeaderList])
    );
    assert!(recorder.instances(ToServer, Field::Payload).concat() == long);
}

#[test]
fn continuations_have_an_end() {
    let begin = [PREFACE, &settings(&[]), &frame(frames::HEADERS, 0, 1, &block(&REQUEST))].concat();
    let most = frame(frames::CONTINUATION, 0, 1, b"").repeat(HTTP2_CONTINUATIONS_MAX.into());
    let (app, recorder) = listen(&[(ToServer, Data(&begin)), (ToServer, Data(&most))]);
    assert_eq!((app.protocol(), recorder.anomalies()), (AppProtocol::Http2, vec![]));
    let (app, recorder) =
        listen(&[(ToServer, Data(&begin)), (ToServer, Data(&most)), (ToServer, Data(&most))]);
    assert_eq!(
        (app.protocol(), recorder.anomalies()),
        (AppProtocol::Failed, vec![AppAnomaly::Http2Continuation])
    );
    let payload = recorder.instances(ToServer, Field::Payload);
    assert!(payload.iter().any(|payload| payload.starts_with(&block(&REQUEST))));
}

#[test]
fn streams_beyond_the_cap_are_told_and_read() {
    let mut sent = [PREFACE, &settings(&[])].concat();
    for number in 0..HTTP2_STREAMS_MAX as u32 {
        sent.extend(headers(0, 2 * number + 1, &REQUEST));
    }
    let (_, recorder) = listen(&[(ToServer, Data(&sent))]);
    assert_eq!((recorder.anomalies(), recorder.transactions().len()), (vec![], HTTP2_STREAMS_MAX));
    let one_more = 2 * HTTP2_STREAMS_MAX as u32 + 1;
    let more = [headers(0, one_more, &REQUEST), data(0, one_more, b"read")].concat();
    let (_, recorder) = listen(&[(ToServer, Data(&sent)), (ToServer, Data(&more))]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Http2Streams]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [b"read"]);
    assert_eq!(recorder.instances(ToServer, Field::HttpUri).len(), HTTP2_STREAMS_MAX + 1);
}

#[test]
fn what_is_open_is_told_in_order_whatever_was_reset() {
    let opened = (0..5).map(|number| headers(0, 2 * number + 1, &REQUEST));
    let reset = [3, 1].map(|id| frame(frames::RST_STREAM, 0, id, &[0, 0, 0, 8]));
    let recorder = told(&[client(&opened.chain(reset).collect::<Vec<_>>())]);
    let ids: Vec<_> = recorder.transactions().iter().map(|of| of.http2.as_ref().map(|of| of.id)).collect();
    assert_eq!(ids, [3, 1, 5, 7, 9].map(Some));
}

#[test]
fn rapid_resets_are_told_once() {
    let sent = |count: u16, is_answered: bool| {
        let mut chunks = vec![(ToServer, [PREFACE, &settings(&[])].concat()), (ToClient, settings(&[]))];
        for number in 0..u32::from(count) {
            let id = 2 * number + 1;
            chunks.push((ToServer, headers(flag::END_STREAM, id, &REQUEST)));
            if is_answered {
                chunks.push((ToClient, headers(0, id, &[(":status", "200")])));
            }
            chunks.push((ToServer, frame(frames::RST_STREAM, 0, id, &[0, 0, 0, 8])));
        }
        let chunks: Vec<_> = chunks.iter().map(|(direction, bytes)| (*direction, Data(bytes))).collect();
        listen(&chunks).1.anomalies()
    };
    assert_eq!(sent(HTTP2_RESETS_MAX, false), []);
    assert_eq!(sent(2 * HTTP2_RESET_WINDOW_STREAMS, true), [], "it reads what it asks for");
    assert_eq!(sent(HTTP2_RESETS_MAX + 1, false), [AppAnomaly::Http2RapidReset]);
    assert_eq!(sent(4 * HTTP2_RESET_WINDOW_STREAMS, false), [AppAnomaly::Http2RapidReset]);
}

#[test]
fn floods_are_told_once() {
    let ping = frame(frames::PING, 0, 0, &[0; 8]);
    let priority = frame(frames::PRIORITY, 0, 1, &[0; 5]);
    for (flood, max) in [
        (&ping, HTTP2_UNANSWERED_MAX),
        (&settings(&[]), HTTP2_UNANSWERED_MAX - 1),
        (&priority, HTTP2_IDLE_FRAMES_MAX),
        (&data(0, 1, b""), HTTP2_IDLE_FRAMES_MAX),
        (&frame(0xfa, 0, 0, b"x"), HTTP2_IDLE_FRAMES_MAX),
    ] {
        let begin = [PREFACE, &settings(&[]), &headers(0, 1, &REQUEST)].concat();
        let max = usize::from(max);
        // The settings that a connection begins with ask for an answer, too.
        let max = if flood == &ping { max - 1 } else { max };
        for (count, told) in
            [(max, vec![]), (max + 1, vec![AppAnomaly::Http2Flood]), (3 * max, vec![AppAnomaly::Http2Flood])]
        {
            let flood = flood.repeat(count);
            let (_, recorder) = listen(&[(ToServer, Data(&begin)), (ToServer, Data(&flood))]);
            assert_eq!(recorder.anomalies(), told, "{count}: {:?}", &flood[..9]);
        }
    }
    let answer = frame(frames::PING, flag::ACK, 0, &[0; 8]);
    let begin = [PREFACE, &settings(&[])].concat();
    let first = settings(&[]);
    let mut chunks = vec![(ToServer, Data(&begin[..])), (ToClient, Data(&first))];
    chunks.extend([(ToServer, Data(&ping[..])), (ToClient, Data(&answer))].repeat(500));
    assert_eq!(listen(&chunks).1.anomalies(), [], "they are answered");
}

#[test]
fn bodies_of_another_length_are_told() {
    let length = with(&REQUEST, &[("content-length", "3")]);
    for (bytes, told) in [
        (&b"abc"[..], vec![]),
        (b"ab", vec![AppAnomaly::ContentLength]),
        (b"abcd", vec![AppAnomaly::ContentLength]),
    ] {
        let turns = [client(&[headers(0, 1, &length), data(flag::END_STREAM, 1, bytes)])];
        assert_eq!(super::told(&turns).anomalies(), told);
    }
    let head = with(&[(":method", "HEAD")], &REQUEST[1..]);
    let turns = [
        client(&[headers(flag::END_STREAM, 1, &head)]),
        server(&[headers(flag::END_STREAM, 1, &[(":status", "200"), ("content-length", "9")])]),
    ];
    assert_eq!(super::told(&turns).anomalies(), [], "it has none");
}

#[test]
fn tricks_for_who_goes_on_in_http1_are_told() {
    use AppAnomaly::*;
    for (more, anomaly) in [
        (("transfer-encoding", "chunked"), Http2ConnectionHeader),
        (("x", "a\r\nHost: b"), Http2Header),
        (("host", "other"), Http2Host),
        ((":path", "/other"), Http2PseudoHeader),
    ] {
        let turns = [client(&[headers(flag::END_STREAM, 1, &with(&REQUEST, &[more]))])];
        let recorder = told(&turns);
        assert_eq!(recorder.anomalies(), [anomaly]);
        assert!(anomaly.is_ambiguous());
        assert_eq!(recorder.transactions().len(), 1);
    }
    let again =
        [client(&[headers(flag::END_STREAM, 1, &REQUEST), headers(0, 1, &REQUEST), data(0, 1, b"x")])];
    let recorder = told(&again);
    assert_eq!(recorder.anomalies(), [Http2StreamReuse]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [b"x"]);
}

#[test]
fn data_beyond_the_size_of_a_frame_is_told_and_read() {
    let long = vec![b'x'; 16_385];
    let recorder = told(&[client(&[headers(0, 1, &REQUEST), data(flag::END_STREAM, 1, &long)])]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Http2Frame]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody).concat(), long);
}
