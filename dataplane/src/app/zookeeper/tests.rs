use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_however_cut},
};
use Direction::{ToClient, ToServer};

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

fn text(text: &[u8]) -> Vec<u8> {
    framed(&[text])
}

fn session() -> [Turn; 2] {
    let connect = framed(&[&[0; 12], b"\0\0\x75\x30", &[0; 8], &text(&[7; 16]), b"\0"]);
    let connected = framed(&[b"\0\0\0\0\0\0\x75\x30\x01\0\0\0\0\0\0\x02", &text(&[7; 16]), b"\0"]);
    [Turn::client(&connect), Turn::server(&connected)]
}

/// An answer to request `number` without an error, in transaction 9.
fn answer(number: u8, body: &[u8]) -> Turn {
    Turn::server(&framed(&[&[0, 0, 0, number], b"\0\0\0\0\0\0\0\x09\0\0\0\0", body]))
}

#[test]
fn sessions_and_nodes_are_told() {
    let create = framed(&[b"\0\0\0\x01\0\0\0\x01", &text(b"/app"), &text(b"data"), b"\0\0\0\0\0\0\0\0"]);
    let get = framed(&[b"\0\0\0\x02\0\0\0\x04", &text(b"/app"), b"\x01"]);
    let auth = framed(&[b"\xff\xff\xff\xfc\0\0\0\x64\0\0\0\0", &text(b"digest"), &text(b"weir:hush")]);
    let fired = framed(&[
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        b"\0\0\0\x03\0\0\0\x03",
        &text(b"/app"),
    ]);
    let turns = [
        &session()[..],
        &[
            Turn::client(&create),
            answer(1, &text(b"/app")),
            Turn::client(&get),
            answer(2, &text(b"data")),
            Turn::client(&framed(&[b"\xff\xff\xff\xfe\0\0\0\x0b"])),
            Turn::server(&framed(&[b"\xff\xff\xff\xfe\0\0\0\0\0\0\0\x09\0\0\0\0"])),
            Turn::client(&auth),
            Turn::server(&framed(&[b"\xff\xff\xff\xfc\0\0\0\0\0\0\0\0\xff\xff\xff\x8d"])),
            Turn::server(&fired),
            Turn::client(&framed(&[b"\0\0\0\x03\xff\xff\xff\xf5"])),
        ],
    ]
    .concat();
    let recorder = told_however_cut(AppProtocol::ZooKeeper, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [b"/app", b"/app"]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [b"data"]);
    assert_eq!(recorder.instances(ToClient, Field::MqMessage), [b"data"]);
    assert_eq!(recorder.instances(ToClient, Field::MqTopic), [b"/app"]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    let records = recorder.records();
    let operations: Vec<_> = records.iter().filter_map(|record| record.find("operation")).collect();
    let expected: [&[u8]; 6] = [b"connect", b"create", b"getData", b"auth", b"notification", b"closeSession"];
    assert_eq!(operations, expected.map(Value::Text));
    assert_eq!(records[0].find("session_id"), Some(Value::Text(b"0x100000000000002")));
    assert_eq!(records[1].find("zxid"), Some(Value::Number(9)));
    assert_eq!(records[3].find("error_code"), Some(Value::Text(b"-115")));
    assert!(!recorder.do_records_say(b"hush"));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn operations_within_one_are_told() {
    let one = |operation: u8, path: &[u8], rest: &[u8]| {
        [&[0, 0, 0, operation, 0, 0xff, 0xff, 0xff, 0xff][..], &text(path), rest].concat()
    };
    let permissions = [&b"\0\0\0\x01\0\0\0\x1f"[..], &text(b"world"), &text(b"anyone"), b"\0\0\0\0"].concat();
    let multi = [
        one(1, b"/a", &[&text(b"one")[..], &permissions].concat()),
        one(5, b"/b", &[&text(b"two")[..], b"\0\0\0\0"].concat()),
        one(2, b"/c", b"\0\0\0\0"),
        b"\xff\xff\xff\xff\x01\xff\xff\xff\xff".to_vec(),
    ];
    let multi = framed(&[b"\0\0\0\x01\0\0\0\x0e", &multi.concat()]);
    let recorder =
        told_however_cut(AppProtocol::ZooKeeper, &[&session()[..], &[Turn::client(&multi)]].concat());
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [b"/a", b"/b", b"/c"]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [b"one", b"two"]);
}

#[test]
fn words_are_told_by_their_answers() {
    let recorder =
        told_however_cut(AppProtocol::ZooKeeper, &[Turn::client(b"ruok\n"), Turn::server(b"imok")]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(record.find("command"), Some(Value::Text(b"ruok")));
    assert_eq!(record.find("answer"), Some(Value::Text(b"imok")));
    let refused = b"mntr is not executed because it is not in the whitelist.\n";
    told_however_cut(AppProtocol::ZooKeeper, &[Turn::client(b"mntr"), Turn::server(refused)]);
    told_however_cut(AppProtocol::Unknown, &[Turn::client(b"ruok"), Turn::server(b"i am not ok")]);
}

#[test]
fn what_is_no_operation_is_told() {
    let turns = [&session()[..], &[Turn::client(&framed(&[b"\0\0\0\x01\0\0\x03\xe7"]))]].concat();
    assert_eq!(told_however_cut(AppProtocol::ZooKeeper, &turns).anomalies(), [AppAnomaly::Malformed]);
    let other = framed(&[&[0; 12], b"\0\0\x75\x30", &[0; 8], b"\0\0\0\x11", &[7; 16]]);
    told_however_cut(AppProtocol::Unknown, &[Turn::client(&other), Turn::server(b"\xee\xee\xee\xee")]);
}
