//! Connections of WebSocket behind their handshake.

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    app::{
        Value,
        conversation::{Turn, told_however_cut},
        http::conversations::{cut, listen},
        recorder::{Recorder, Told},
    },
    flow::Direction::{ToClient, ToServer},
    reassembly::StreamChunk::{Data, Gap},
};

const ASKED: &[u8] = b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const AGREED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n";
const COMPRESSED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Extensions: x-other, permessage-deflate; server_no_context_takeover; client_max_window_bits=15\r\n\r\n";
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MASK: [u8; 4] = [0xe2, 0xb5, 0x01, 0x7d];

fn server_frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    frame_of(flags, payload, None)
}

fn client_frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    frame_of(flags, payload, Some(MASK))
}

fn frame_of(flags: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![flags];
    match payload.len() {
        length @ ..126 => bytes.push(bit | length as u8),
        length @ 126..0x1_0000 => bytes.extend([&[bit | 126][..], &(length as u16).to_be_bytes()].concat()),
        length => bytes.extend([&[bit | 127][..], &(length as u64).to_be_bytes()].concat()),
    }
    bytes.extend(mask.iter().flatten());
    let keys = mask.unwrap_or_default().into_iter().cycle();
    bytes.extend(payload.iter().zip(keys).map(|(byte, key)| byte ^ key));
    bytes
}

fn told(agreed: &[u8], client: &[u8], server: &[u8]) -> Recorder {
    let turns = [Turn::client(ASKED), Turn::server(&[agreed, server].concat()), Turn::client(client)];
    told_however_cut(AppProtocol::WebSocket, &turns)
}

/// What a sender makes of messages that share a window, or not (RFC 7692 §7.2.1).
fn deflated(messages: &[&[u8]], is_fresh: bool) -> Vec<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let mut told = Vec::new();
    for message in messages {
        if is_fresh {
            encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        }
        encoder.write_all(message).expect("memory takes all");
        encoder.flush().expect("memory takes all");
        let mut bytes = std::mem::take(encoder.get_mut());
        assert_eq!(bytes.split_off(bytes.len() - 4), [0, 0, 0xff, 0xff]);
        told.push(bytes);
    }
    told
}

#[test]
fn messages_are_unmasked_and_put_together() {
    let long = vec![b'l'; 70_000];
    let client = [
        client_frame(FIN | frame::TEXT, b"hello"),
        client_frame(frame::BINARY, b"frag"),
        client_frame(FIN | frame::PING, b"are you there"),
        client_frame(frame::CONTINUATION, b""),
        client_frame(FIN | frame::CONTINUATION, b"ments"),
    ]
    .concat();
    let server = [server_frame(FIN | frame::BINARY, &long), server_frame(FIN | frame::CLOSE, b"\x03\xe8bye")];
    let recorder = told(AGREED, &client, &server.concat());
    assert_eq!(recorder.anomalies(), []);
    let told = recorder.instances(ToServer, Field::WebSocketMessage);
    assert_eq!(told, [&b"hello"[..], b"are you there", b"fragments"]);
    assert_eq!(recorder.instances(ToClient, Field::WebSocketMessage), [&long[..], b"\x03\xe8bye"]);
    assert_eq!(recorder.transactions().len(), 1, "the handshake");
    let first = recorder.records().into_iter().find(|record| record.find("mask").is_some());
    let first = first.expect("a frame of the client");
    assert_eq!(first.protocol(), AppProtocol::WebSocket);
    assert_eq!(first.find("opcode"), Some(Value::Text(b"text")));
    assert_eq!(first.find("mask"), Some(Value::Number(3_803_513_213)));
    assert_eq!(first.find("payload_length"), Some(Value::Number(5)));
    assert_eq!(first.find("fin"), Some(Value::Flag(true)));
}

#[test]
fn compressed_messages_are_inflated() {
    let plain: [&[u8]; 2] = [b"a message that is said", b"a message that is said twice"];
    let [one, two] = &deflated(&plain, false)[..] else { panic!("two") };
    let (head, tail) = one.split_at(5);
    let client = [
        client_frame(RSV1 | frame::TEXT, head),
        client_frame(FIN | frame::PONG, b"plain"),
        client_frame(FIN | frame::CONTINUATION, tail),
        client_frame(FIN | frame::TEXT, b"uncompressed"),
        client_frame(FIN | RSV1 | frame::TEXT, two),
    ]
    .concat();
    let server: Vec<u8> = deflated(&plain, true)
        .iter()
        .flat_map(|message| server_frame(FIN | RSV1 | frame::TEXT, message))
        .collect();
    let recorder = told(COMPRESSED, &client, &server);
    assert_eq!(recorder.anomalies(), []);
    let told = recorder.instances(ToServer, Field::WebSocketMessage);
    assert_eq!(told, [b"plain", plain[0], b"uncompressed", plain[1]]);
    assert_eq!(recorder.instances(ToClient, Field::WebSocketMessage), plain);
}

#[test]
fn behind_what_cannot_be_inflated_messages_are_told_as_they_are() {
    let bomb = deflated(&[&vec![0; 8 << 20]], false).remove(0);
    for (sent, anomaly) in
        [(&b"\xff\xff\xff"[..], AppAnomaly::DecompressionFailed), (&bomb, AppAnomaly::DecompressionCap)]
    {
        let client =
            [client_frame(FIN | RSV1 | frame::TEXT, sent), client_frame(FIN | RSV1 | frame::TEXT, b"raw")];
        let recorder = told(COMPRESSED, &client.concat(), b"");
        assert_eq!(recorder.anomalies(), [anomaly]);
        assert_eq!(recorder.instances(ToServer, Field::WebSocketMessage).last(), Some(&&b"raw"[..]));
    }
}

#[test]
fn masks_of_the_wrong_end_are_told() {
    let client = server_frame(FIN | frame::TEXT, b"bare").repeat(2);
    let recorder = told(AGREED, &client, &client_frame(FIN | frame::TEXT, b"masked"));
    assert_eq!(recorder.anomalies(), [AppAnomaly::WebSocketMask; 2], "once a direction");
    assert_eq!(recorder.instances(ToServer, Field::WebSocketMessage), [b"bare"; 2]);
    assert_eq!(recorder.instances(ToClient, Field::WebSocketMessage), [b"masked"]);
}

#[test]
fn what_is_no_frame_is_payload() {
    let sound = client_frame(frame::TEXT, b"begun");
    for (before, bad) in [
        (&b""[..], &b"SSH-2.0-x\r\n"[..]),
        (b"", b"\x83\x80more"),
        (b"", b"\xa1\x80more"),
        (b"", b"\xc1\x80\0\0\0\0more"),
        (b"", b"\x80\x80\0\0\0\0more"),
        (b"", b"\x09\x80\0\0\0\0more"),
        (b"", b"\x89\xfe\0\x7e\0\0\0\0more"),
        (b"", b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0more"),
        (&sound, b"\x81\x80\0\0\0\0more"),
    ] {
        let turns = [Turn::client(ASKED), Turn::server(AGREED), Turn::client(&[before, bad].concat())];
        let recorder = told_however_cut(AppProtocol::Failed, &turns);
        assert_eq!(recorder.anomalies(), [AppAnomaly::WebSocketFrame], "{bad:?}");
        assert_eq!(recorder.instances(ToServer, Field::Payload), [bad]);
    }
}

#[test]
fn gaps_are_passed_by_in_payloads_alone() {
    let frame = client_frame(FIN | frame::TEXT, b"0123456789");
    let (begin, rest) = frame.split_at(8);
    let whole = client_frame(FIN | frame::TEXT, b"next");
    let shaken = [(ToServer, Data(ASKED)), (ToClient, Data(AGREED)), (ToServer, Data(begin))];
    let after = [(ToServer, Gap(3)), (ToServer, Data(&rest[3..])), (ToServer, Data(&whole))];
    let (app, recorder) = listen(&[&shaken[..], &after].concat());
    assert_eq!((app.protocol(), recorder.anomalies()), (AppProtocol::WebSocket, vec![AppAnomaly::Gap]));
    assert_eq!(recorder.instances(ToServer, Field::WebSocketMessage), [&b"01"[..], b"56789", b"next"]);
    let (app, recorder) = listen(&[&shaken[..], &[(ToServer, Gap(9)), (ToServer, Data(b"rest"))]].concat());
    assert_eq!((app.protocol(), recorder.anomalies()), (AppProtocol::Failed, vec![AppAnomaly::Gap]));
    assert_eq!(recorder.instances(ToServer, Field::Payload), [b"rest"]);
}

/// What no cut changes: of what comes out in front of the place where a compressed stream is broken, the end may.
fn comparable(recorder: Recorder) -> Vec<Told> {
    let is_broken = recorder.anomalies().contains(&AppAnomaly::DecompressionFailed);
    let is_kept = |told: &Told| match told {
        Told::Begin(_, field) | Told::End(_, field, _) => !is_broken || *field != Field::WebSocketMessage,
        _ => true,
    };
    recorder.told.into_iter().filter(is_kept).collect()
}

#[test]
fn a_connection_within_messages_is_told() {
    let of = |client: &[u8], server: &[u8]| told(AGREED, client, server).carried();
    let ssh = |opcode| client_frame(FIN | opcode, b"SSH-2.0-weir\r\n");
    assert_eq!(of(&ssh(frame::BINARY), b""), [(ToServer, AppProtocol::Ssh)]);
    assert_eq!(of(&ssh(frame::TEXT), b""), [(ToServer, AppProtocol::Ssh)]);
    let pieces =
        [client_frame(FIN | frame::BINARY, b"SS"), client_frame(FIN | frame::BINARY, b"H-2.0-")].concat();
    assert_eq!(of(&pieces, &server_frame(FIN | frame::BINARY, b"SSH-2.0-x\r\n")).len(), 2);
    let hello = [&[22, 3, 1, 1, 0, 1][..], &[0; 30]].concat();
    assert_eq!(of(&client_frame(FIN | frame::BINARY, &hello), b""), [(ToServer, AppProtocol::Tls)]);
    for fine in [
        &b"{\"a\": 1}"[..],
        b"hello SSH-2.0",
        b"\x10\x0c\0\x04MQTT\x04",
        b"CONNECT\naccept-version:1.2\n\n\0",
        b"RFB 003.008\n",
    ] {
        assert_eq!(of(&client_frame(FIN | frame::BINARY, fine), b""), [], "{}", fine.escape_ascii());
    }
    let late = [client_frame(FIN | frame::TEXT, b"hi"), ssh(frame::BINARY)].concat();
    assert_eq!(of(&late, b""), [], "only a begin tells");
}

proptest! {
    #[test]
    fn any_cut_tells_the_same(
        damage in vec((any::<Index>(), any::<u8>(), 0u8..3), 0..4),
        points in vec(any::<Index>(), 0..8),
    ) {
        let messages = deflated(&[b"some text and some text", b"some text again"], false);
        let mut client: Vec<u8> = [
            client_frame(RSV1 | frame::TEXT, &messages[0][..4]),
            client_frame(FIN | frame::PING, b"ping"),
            client_frame(FIN | frame::CONTINUATION, &messages[0][4..]),
            client_frame(FIN | frame::BINARY, &[7; 200]),
            client_frame(FIN | RSV1 | frame::TEXT, &messages[1]),
        ].concat();
        for (at, value, kind) in damage {
            let at = at.index(client.len());
            match kind {
                0 => client[at] = value,
                1 => drop(client.remove(at)),
                _ => client.insert(at, value),
            }
        }
        let server = [COMPRESSED, &server_frame(FIN | frame::TEXT, b"hi")].concat();
        let whole = [(ToServer, Data(ASKED)), (ToClient, Data(&server[..])), (ToServer, Data(&client[..]))];
        let told = comparable(listen(&whole).1);
        prop_assert_eq!(&told, &comparable(listen(&cut(&whole, Some(&points))).1));
        prop_assert_eq!(&told, &comparable(listen(&cut(&whole, None)).1));
    }
}
