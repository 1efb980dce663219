use super::*;
use crate::app::{
    AppProtocol, Value,
    conversation::{Turn, told_however_cut, told_of_datagrams},
};
use Direction::{ToClient, ToServer};

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[tag, body.len() as u8][..], &body].concat()
}

fn message(number: u8, operation: &[u8]) -> Vec<u8> {
    tagged(SEQUENCE, &[&[2, 1, number], operation])
}

fn text(text: &[u8]) -> Vec<u8> {
    tagged(4, &[text])
}

fn ended(operation: u8, code: u8, said: &[u8]) -> Vec<u8> {
    tagged(operation, &[&[0x0a, 1, code], b"\x04\0", &text(said)])
}

fn search() -> Vec<u8> {
    let limits = b"\x0a\x01\x02\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0";
    let attributes = tagged(SEQUENCE, &[&text(b"mail")]);
    tagged(0x63, &[&text(b"dc=weir"), limits, b"\xa3\x09\x04\x03uid\x04\x02ab", &attributes])
}

#[test]
fn binds_and_searches_are_told_with_what_came_of_them() {
    let bind = tagged(0x60, &[&[2, 1, 3], &text(b"cn=ann"), &tagged(0x80, &[b"hush"])]);
    let entry = tagged(0x64, &[&text(b"uid=ab,dc=weir"), b"\x30\0"]);
    let turns = [
        Turn::client(&message(1, &bind)),
        Turn::server(&message(1, &ended(0x61, 49, b"wrong"))),
        Turn::client(&message(2, &search())),
        Turn::server(&[message(2, &entry), message(2, &ended(0x65, 0, b""))].concat()),
        Turn::client(&message(3, &tagged(0x4a, &[b"uid=ab"]))),
        Turn::client(&message(4, &[0x42, 0])),
    ];
    let recorder = told_however_cut(AppProtocol::Ldap, &turns);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"cn=ann"]);
    assert_eq!(recorder.instances(ToServer, Field::DbName), [&b"dc=weir"[..], b"uid=ab"]);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"(uid=ab)"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"wrong"]);
    let records = recorder.records();
    assert_eq!(records[0].find("result_code"), Some(Value::Text(b"invalid_credentials")));
    let bases: Vec<_> = records[1].values().filter(|(name, _)| *name == "base_object").collect();
    let expected = [&b"dc=weir"[..], b"uid=ab,dc=weir"].map(|base| ("base_object", Value::Text(base)));
    assert_eq!(bases, expected);
    let operations: Vec<_> = records.iter().filter_map(|record| record.find("operation")).collect();
    let expected: [&[u8]; 4] = [b"bind_request", b"search_request", b"unbind_request", b"del_request"];
    assert_eq!(operations, expected.map(Value::Text), "nobody answers the last but one");
    assert!(!recorder.do_records_say(b"hush"));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn datagrams_are_read() {
    let turns = [Turn::client(&message(7, &search())), Turn::server(&message(7, &ended(0x65, 0, b"")))];
    let recorder = told_of_datagrams(AppProtocol::Ldap, &turns);
    assert_eq!(recorder.records().len(), 1);
}

#[test]
fn what_is_encrypted_is_read_anew() {
    let name = tagged(0x77, &[&tagged(0x80, &[b"1.3.6.1.4.1.1466.20037"])]);
    let turns = [
        Turn::client(&message(1, &name)),
        Turn::server(&message(1, &ended(0x78, 0, b""))),
        Turn::client(b"\x16\x03\x01\0\x02\x01\0"),
    ];
    told_however_cut(AppProtocol::Tls, &turns);
}

#[test]
fn what_a_login_wraps_is_not_malformed() {
    let sasl = tagged(0xa3, &[&text(b"GSSAPI"), &text(b"proof")]);
    let bind = tagged(0x60, &[&[2, 1, 3], b"\x04\0", &sasl]);
    let wrapped = b"\0\0\0\x20\x05\x04\x06\xff";
    let turns = [
        Turn::client(&message(1, &bind)),
        Turn::server(&message(1, &ended(0x61, 0, b""))),
        Turn::client(wrapped),
    ];
    let recorder = told_however_cut(AppProtocol::Ldap, &turns);
    assert!(recorder.anomalies().is_empty());
    assert_eq!(recorder.records()[0].find("mechanism"), Some(Value::Text(b"GSSAPI")));
    let turns = [Turn::client(&message(2, &search())), Turn::client(wrapped)];
    assert_eq!(told_however_cut(AppProtocol::Ldap, &turns).anomalies(), [AppAnomaly::Malformed]);
}
