use dlp_patterns::Field;

use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_of_datagrams},
    tls::tests::dtls_client_hello,
};

const NAME: &[u8] = b"weir.example";

fn u24(number: usize) -> [u8; 3] {
    let [_, bytes @ ..] = (number as u32).to_be_bytes();
    bytes
}

fn record(kind: u8, epoch: u8, fragment: &[u8]) -> Vec<u8> {
    let length = (fragment.len() as u16).to_be_bytes();
    [&[kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1][..], &length, fragment].concat()
}

/// The piece at `range` of a message.
fn piece(kind: u8, number: u8, body: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let head = [&[kind][..], &u24(body.len()), &[0, number], &u24(range.start), &u24(range.len())].concat();
    record(HANDSHAKE, 0, &[&head[..], &body[range]].concat())
}

fn server_hello() -> Vec<u8> {
    [&[0xfe, 0xfd][..], &[9; 32], &[0, 0xc0, 0x2b, 0]].concat()
}

#[test]
fn hellos_however_they_are_cut_into_pieces() {
    let (hello, answer) = (dtls_client_hello(NAME), server_hello());
    let changed = [record(CHANGE_CIPHER_SPEC, 0, &[1]), record(HANDSHAKE, 1, &[7; 48])].concat();
    let whole = vec![Turn::client(&piece(CLIENT_HELLO, 0, &hello, 0..hello.len()))];
    let cut =
        [50..hello.len(), 0..20, 10..60].map(|range| Turn::client(&piece(CLIENT_HELLO, 0, &hello, range)));
    for mut turns in [whole, cut.to_vec()] {
        turns.push(Turn::server(&piece(SERVER_HELLO, 0, &answer, 0..answer.len())));
        turns.extend([Turn::client(&changed), Turn::server(&changed), Turn::client(b"what follows")]);
        let recorder = told_of_datagrams(AppProtocol::Dtls, &turns);
        let [told] = recorder.records()[..] else { panic!("one record") };
        assert_eq!(told.find("sni"), Some(Value::Text(NAME)));
        assert_eq!(told.find("version"), Some(Value::Text(b"DTLS 1.2")));
        let [ja4] = recorder.instances(Direction::ToServer, Field::TlsJa4)[..] else { panic!("one JA4") };
        assert!(ja4.starts_with(b"dd2d"), "{}", String::from_utf8_lossy(ja4));
        assert!(recorder.anomalies().is_empty());
    }
}

#[test]
fn only_what_is_surely_dtls_is_taken_for_it() {
    let answer = |bytes: &[u8]| begins(Prefix::of(Direction::ToServer, bytes)).is_yes();
    let hello = dtls_client_hello(NAME);
    let first = piece(CLIENT_HELLO, 0, &hello, 0..hello.len());
    assert!(answer(&first));
    assert!(!answer(&first[..first.len() - 1]));
    assert!(!answer(&piece(0, 0, &hello, 0..hello.len())), "no hello");
    let mut odd = first;
    odd[21] = 0xff;
    assert!(!answer(&odd), "a piece beyond its message");
    assert!(answer(&record(APPLICATION_DATA, 1, &[7; 40])));
    assert!(!answer(&record(APPLICATION_DATA, 0, &[7; 40])));
    assert!(!answer(&[record(APPLICATION_DATA, 1, &[7; 40]), vec![1]].concat()));
}

#[test]
fn either_end_of_a_flow_may_be_the_client_of_the_handshake() {
    let (hello, answer) = (dtls_client_hello(NAME), server_hello());
    let hello = piece(CLIENT_HELLO, 0, &hello, 0..hello.len());
    let answer = piece(SERVER_HELLO, 0, &answer, 0..answer.len());
    let changed = record(CHANGE_CIPHER_SPEC, 0, &[1]);
    for (turned, resumed) in [(true, Some(Value::Flag(true))), (false, None)] {
        // Who answers the hello encrypts before it proves who it is, or who asked does.
        let by_server = if turned { Turn::client(&changed) } else { Turn::server(&changed) };
        let turns = [Turn::server(&hello), Turn::client(&answer), by_server];
        let recorder = told_of_datagrams(AppProtocol::Dtls, &turns);
        assert_eq!(recorder.records()[0].find("session_resumed"), resumed);
    }
}
