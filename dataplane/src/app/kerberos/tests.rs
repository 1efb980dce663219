use super::*;
use crate::app::{
    AppProtocol, Record, Value,
    conversation::{Turn, told_however_cut, told_of_datagrams},
};
use Direction::{ToClient, ToServer};

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[tag, 0x81, body.len() as u8][..], &body].concat()
}

fn number(tag: u8, number: u8) -> Vec<u8> {
    vec![tag, 3, 2, 1, number]
}

fn name(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| tagged(0x1b, &[part])).collect();
    tagged(tag, &[&tagged(0x30, &[&number(0xa0, 1), &tagged(0xa1, &[&tagged(0x30, &[&parts])])])])
}

fn realm(tag: u8) -> Vec<u8> {
    tagged(tag, &[&tagged(0x1b, &[b"WEIR"])])
}

fn request() -> Vec<u8> {
    let body = [
        tagged(0xa0, &[b"\x03\x05\0\0\0\0\0"]),
        name(0xa1, &[b"ann"]),
        realm(0xa2),
        name(0xa3, &[b"krbtgt", b"WEIR"]),
        tagged(0xa5, &[b"\x18\0"]),
        number(0xa7, 7),
        tagged(0xa8, &[b"\x30\x06\x02\x01\x17\x02\x01\x12"]),
    ];
    let parts = [number(0xa1, 5), number(0xa2, 10), tagged(0xa4, &[&tagged(0x30, &[&body.concat()])])];
    // What version it is has to be where the message begins.
    tagged(0x6a, &[&tagged(0x30, &[&parts.concat()])])
}

fn reply() -> Vec<u8> {
    let sealed =
        |tag, of: u8| tagged(tag, &[&tagged(0x30, &[&number(0xa0, of), &tagged(0xa2, &[b"\x04\x01x"])])]);
    let ticket = [number(0xa0, 5), realm(0xa1), name(0xa2, &[b"krbtgt", b"WEIR"]), sealed(0xa3, 18)];
    let parts = [
        number(0xa0, 5),
        number(0xa1, 11),
        realm(0xa3),
        name(0xa4, &[b"ann"]),
        tagged(0xa5, &[&tagged(0x61, &[&tagged(0x30, &[&ticket.concat()])])]),
        sealed(0xa6, 23),
    ];
    tagged(0x6b, &[&tagged(0x30, &[&parts.concat()])])
}

fn text(record: &Record, name: &str) -> String {
    match record.find(name) {
        Some(Value::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

#[test]
fn tickets_are_told() {
    let recorder =
        told_of_datagrams(AppProtocol::Kerberos, &[Turn::client(&request()), Turn::server(&reply())]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann"]);
    let [asked, given] = recorder.records()[..] else { panic!("two records") };
    let of = |record| ["msg_type", "cname", "realm", "sname", "encryption"].map(|name| text(record, name));
    assert_eq!(of(asked), ["KRB_AS_REQ", "ann", "WEIR", "krbtgt/WEIR", "rc4-hmac"]);
    assert_eq!(of(given), ["KRB_AS_REP", "ann", "WEIR", "krbtgt/WEIR", "rc4-hmac"]);
    assert_eq!(text(given, "ticket_encryption"), "aes256-cts-hmac-sha1-96");
    assert_eq!(given.find("weak_encryption"), Some(Value::Flag(true)));
    assert_eq!(given.find("ticket_weak_encryption"), Some(Value::Flag(false)));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn errors_are_told_over_a_stream() {
    let parts = [
        number(0xa0, 5),
        number(0xa1, 30),
        tagged(0xa4, &[b"\x18\0"]),
        number(0xa5, 1),
        number(0xa6, 25),
        realm(0xa9),
        name(0xaa, &[b"krbtgt", b"WEIR"]),
        tagged(0xab, &[b"\x1b\x04more"]),
    ];
    let error = tagged(0x7e, &[&tagged(0x30, &[&parts.concat()])]);
    let framed = |message: &[u8]| [&(message.len() as u32).to_be_bytes()[..], message].concat();
    let turns = [Turn::client(&framed(&request())), Turn::server(&framed(&error))];
    let recorder = told_however_cut(AppProtocol::Kerberos, &turns);
    let [_, failed] = recorder.records()[..] else { panic!("two records") };
    assert_eq!(text(failed, "error_code"), "KDC_ERR_PREAUTH_REQUIRED");
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"more"]);
    let turns = [Turn::client(&framed(&request())), Turn::server(&framed(b"\x30\x01x"))];
    assert_eq!(
        told_however_cut(AppProtocol::Kerberos, &turns).anomalies(),
        [crate::app::AppAnomaly::Malformed]
    );
}
