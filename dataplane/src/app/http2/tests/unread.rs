//! What is of no message: rules for payload read all of it.

use super::*;

/// What is told as payload, by direction.
fn payload(client_frames: &[Vec<u8>], server_frames: &[Vec<u8>]) -> [Vec<Vec<u8>>; 2] {
    let recorder = told(&[client(client_frames), server(server_frames)]);
    [ToServer, ToClient]
        .map(|of| recorder.instances(of, Field::Payload).into_iter().skip(1).map(<[u8]>::to_vec).collect())
}

#[test]
fn frames_of_no_message_are_payload() {
    for (kind, stream, bytes) in [
        (0xfa, 0, &b"of a type that nobody knows"[..]),
        (0x0a, 1, b"an alternative service"),
        (frames::PING, 0, b"8 bytes."),
        (frames::GOAWAY, 0, b"\0\0\0\0\0\0\0\0and why"),
        (frames::PRIORITY, 1, b"no priority at all"),
        (frames::SETTINGS, 0, b"settings of text"),
    ] {
        let bytes = bytes.get(..bytes.len() / 6 * 6).filter(|_| kind == frames::SETTINGS).unwrap_or(bytes);
        let sent = [headers(0, 1, &REQUEST), frame(kind, 0, stream, bytes)];
        let answered = [headers(0, 1, &[(":status", "200")]), frame(kind, 0, stream, bytes)];
        assert_eq!(payload(&sent, &answered), [[bytes], [bytes]], "{kind}");
    }
}

#[test]
fn so_are_long_ones_to_their_end() {
    let long: Vec<u8> = (0..9000u32).map(|at| at as u8).collect();
    let sent = [frame(frames::GOAWAY, 0, 0, &long), frame(0xbe, 0, 7, &long)];
    assert_eq!(payload(&sent, &[]), [vec![long.clone(), long], vec![]]);
}

#[test]
fn padding_is_payload() {
    let padded = |text: &[u8], padding: &[u8]| [&[padding.len() as u8], text, padding].concat();
    let block = padded(&block(&REQUEST), b"behind headers");
    let sent = [
        frame(frames::HEADERS, flag::PADDED | flag::END_HEADERS, 1, &block),
        data(flag::PADDED, 1, &padded(b"bo", b"behind data")),
        data(flag::PADDED | flag::END_STREAM, 1, &padded(b"dy", b"at the end")),
        // Of a stream that is over.
        data(flag::PADDED, 1, &padded(b"late", b"behind all")),
    ];
    let recorder = told(&[client(&sent)]);
    let told: Vec<_> = recorder.instances(ToServer, Field::Payload).split_off(1);
    assert_eq!(told, [&b"behind headers"[..], b"behind data", b"at the end", b"behind all"]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [&b"body"[..], b"late"]);
}

#[test]
fn numbers_are_no_payload() {
    let sent = [
        headers(0, 1, &REQUEST),
        frame(frames::WINDOW_UPDATE, 0, 0, b"\0\0\0\x09"),
        frame(frames::PRIORITY, 0, 1, b"\0\0\0\0\x09"),
        frame(frames::RST_STREAM, 0, 1, b"\0\0\0\x08"),
    ];
    assert_eq!(payload(&sent, &[]), [vec![], Vec::<Vec<u8>>::new()]);
}
