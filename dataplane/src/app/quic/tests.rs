use super::{
    google::tests::hello as google_hello,
    initial_keys::tests::{sealed, sealed_by},
    *,
};
use crate::app::{
    Value,
    conversation::{Turn, told_of_datagrams},
    recorder::Recorder,
    tls::tests::{client_hello, server_hello},
};

const VERSIONS: [u32; 4] = [1, 0x6b33_43cf, 0xff00_001d, 0xff00_0017];
const NAME: &[u8] = b"weir.example";

fn crypto(offset: usize, piece: &[u8]) -> Vec<u8> {
    let varint = |number: usize| (0x4000 | number as u16).to_be_bytes();
    [&[6][..], &varint(offset), &varint(piece.len()), piece].concat()
}

fn told(datagrams: &[Vec<u8>]) -> Recorder {
    let turns: Vec<_> = datagrams.iter().map(|datagram| Turn::client(datagram)).collect();
    told_of_datagrams(AppProtocol::Quic, &turns)
}

fn assert_hello(recorder: &Recorder, version: &str) {
    let Some(record) = recorder.records().first().copied() else { panic!("a record") };
    assert_eq!(record.find("version"), Some(Value::Text(version.as_bytes())));
    assert_eq!(record.find("sni"), Some(Value::Text(NAME)));
    let Some(Value::Text(ja4)) = record.find("ja4") else { panic!("a JA4") };
    assert!(ja4.starts_with(b"q13d0207h2_"));
    assert_eq!(recorder.instances(Direction::ToServer, Field::TlsSni), [NAME]);
    assert_eq!(recorder.instances(Direction::ToServer, Field::TlsJa4), [ja4]);
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn a_hello_in_one_packet() {
    let hello = client_hello(NAME);
    let names = ["1", "6b3343cf", "ff00001d", "ff000017"];
    for (version, name) in VERSIONS.into_iter().zip(names) {
        let frames = [&crypto(0, &hello)[..], &[0; 30]].concat();
        let recorder = told(&[sealed(QuicVersion(version), b"8 bytes.", 0, &frames)]);
        assert_hello(&recorder, name);
    }
}

#[test]
fn a_hello_over_packets_and_out_of_order() {
    let hello = client_hello(NAME);
    let (first, second) = hello.split_at(70);
    let seal = |number, frames: &[u8]| sealed(QuicVersion(1), b"8 bytes.", number, frames);
    // Acknowledged ranges before, a piece twice, and the begin last.
    let ack = [2, 5, 0, 1, 0, 0, 1, 1];
    let late = [&ack[..], &crypto(90, &hello[90..]), &crypto(70, &second[..30])].concat();
    let begin = [&[1, 0][..], &crypto(0, first)].concat();
    assert_hello(&told(&[seal(0, &late), seal(1, &begin)]), "1");
    // Both in one datagram, behind a packet of another kind.
    let other = [&[0xe0, 0, 0, 0, 1, 8][..], b"8 bytes.", &[0, 20], &[7; 20]].concat();
    assert_hello(&told(&[[other, seal(0, &late), seal(1, &begin)].concat()]), "1");
}

#[test]
fn the_answer_of_a_server_and_what_a_client_says_at_length() {
    let hello = sealed(QuicVersion(1), b"8 bytes.", 0, &crypto(0, &client_hello(NAME)));
    let keys = InitialKeys::derive(QuicVersion(1), b"8 bytes.", Direction::ToClient).expect("known");
    let answer = crypto(0, &server_hello([9; 32], 0x1301, &[0, 43, 0, 2, 3, 4, 0, 41, 0, 2, 0, 0]));
    let answer = sealed_by(&keys, QuicVersion(1), b"", 0, &answer);
    let turns = [Turn::client(&hello), Turn::server(&answer), Turn::client(b"encrypted")];
    let recorder = told_of_datagrams(AppProtocol::Quic, &turns);
    let [record, answer] = recorder.records()[..] else { panic!("a record of either end") };
    assert_eq!((record.id(), answer.id()), (0, 1));
    assert_eq!(answer.find("cipher"), Some(Value::Number(0x1301)));
    assert_eq!(answer.find("session_resumed"), Some(Value::Flag(true)));
    let of_answer: Vec<_> =
        answer.values().filter(|(name, _)| *name == "type").map(|(_, value)| value).collect();
    assert_eq!(of_answer, [43, 41].map(Value::Number));
    assert_eq!(recorder.instances(Direction::ToClient, Field::TlsJa3s).len(), 1);
    let numbers: Vec<_> =
        record.values().filter(|(name, _)| *name == "type").map(|(_, value)| value).collect();
    assert_eq!(numbers, [0x2a2a, 0, 10, 11, 13, 16, 43, 0xfe0d].map(Value::Number));
    let values: Vec<_> = record.values().skip_while(|(name, _)| *name != "values").take(3).collect();
    assert_eq!(values[1].1, Value::Text(NAME));
}

#[test]
fn another_connection_has_other_keys() {
    let hello = client_hello(NAME);
    let seal = |destination: &[u8], frames: &[u8]| {
        Turn::client(&sealed(QuicVersion(1), destination, 0, &[frames, &[0; 30]].concat()))
    };
    let keys = InitialKeys::derive(QuicVersion(1), b"another one", Direction::ToClient).expect("known");
    let answer = crypto(0, &server_hello([9; 32], 0x1301, &[0, 43, 0, 2, 3, 4]));
    let answer = Turn::server(&sealed_by(&keys, QuicVersion(1), b"", 0, &answer));
    // A Retry made the client begin anew, before or after its hello was complete.
    for first in [70, hello.len()] {
        let turns = [
            seal(b"8 bytes.", &crypto(0, &hello[..first])),
            seal(b"another one", &crypto(0, &hello)),
            answer.clone(),
        ];
        let recorder = told_of_datagrams(AppProtocol::Quic, &turns);
        assert_hello(&recorder, "1");
        assert_eq!(recorder.instances(Direction::ToClient, Field::TlsJa3s).len(), 1);
    }
}

#[test]
fn no_hello_is_made_of_two_connections() {
    let hello = client_hello(NAME);
    let seal = |destination: &[u8], frames: &[u8]| sealed(QuicVersion(1), destination, 0, frames);
    let recorder =
        told(&[seal(b"8 bytes.", &crypto(70, &hello[70..])), seal(b"another one", &crypto(0, &hello[..70]))]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(record.find("sni"), None);
}

#[test]
fn what_is_not_complete_is_told_by_its_version() {
    let hello = client_hello(NAME);
    let recorder = told(&[sealed(QuicVersion(1), b"8 bytes.", 0, &crypto(0, &hello[..70]))]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!((record.find("version"), record.find("sni")), (Some(Value::Text(b"1")), None));

    let recorder = told(&[sealed(QuicVersion(1), b"8 bytes.", 0, &crypto(16_383, &[0; 20]))]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
}

#[test]
fn hellos_of_google() {
    let tags = google_hello(NAME);
    let old = [&b"\x0d8 bytes.Q039\x01"[..], &[7; 12], &tags].concat();
    let long = [&b"\xc3Q046\x50"[..], b"8 bytes.", b"\0\0\0\x01", &[7; 12], &tags].concat();
    for (datagram, version) in [(old, "Q039"), (long, "Q046")] {
        let recorder = told(&[datagram]);
        let [record] = recorder.records()[..] else { panic!("one record") };
        assert_eq!(record.find("version"), Some(Value::Text(version.as_bytes())));
        assert_eq!(record.find("sni"), Some(Value::Text(NAME)));
        let Some(Value::Text(string)) = record.find("string") else { panic!("a CYU") };
        assert_eq!(string.get(2..), Some(&b",PAD-SNI-VER"[..]));
    }
    let mut frames = [&crypto(0, &tags)[..], &[0; 30]].concat();
    frames[0] = 8;
    let recorder = told(&[sealed(QuicVersion(0x5130_3530), b"8 bytes.", 0, &frames)]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(record.find("version"), Some(Value::Text(b"Q050")));
    assert_eq!(record.find("sni"), Some(Value::Text(NAME)));
}

#[test]
fn only_what_is_surely_quic_is_taken_for_it() {
    let answer = |bytes: &[u8]| begins(Prefix::of(Direction::ToServer, bytes)).is_yes();
    let packet = sealed(QuicVersion(1), b"8 bytes.", 0, &[0; 40]);
    assert!(answer(&packet));
    assert!(!answer(&packet[..packet.len() - 1]), "its length says more");
    let mut odd = packet.clone();
    odd[4] = 2;
    assert!(!answer(&odd), "an unknown version");
    odd = packet;
    odd[0] &= !0x40;
    assert!(!answer(&odd), "a bit that is always set");
    assert!(answer(b"\x80\0\0\0\0\0\0\0\0\0\x01"), "versions that a server offers");
    assert!(!answer(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"));
    assert!(!answer(b"GET / HTTP/1.1\r\n\r\n"));
}
