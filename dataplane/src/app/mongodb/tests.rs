//! Conversations of their own making.

use dlp_patterns::Field;

use crate::{
    app::{
        AppAnomaly, AppProtocol, Value,
        conversation::{Turn, told_however_cut},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
    limits::{BSON_DEPTH_MAX, MESSAGE_BYTES_HELD_MAX},
};

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::MongoDb, turns)
}

fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    let elements = elements.concat();
    [&(elements.len() as u32 + 5).to_le_bytes()[..], &elements, &[0]].concat()
}

fn element(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind][..], name.as_bytes(), &[0], value].concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    element(2, name, &[&(value.len() as u32 + 1).to_le_bytes()[..], value.as_bytes(), &[0]].concat())
}

fn number(name: &str, value: i32) -> Vec<u8> {
    element(16, name, &value.to_le_bytes())
}

fn ok(value: f64) -> Vec<u8> {
    element(1, "ok", &value.to_le_bytes())
}

fn message(id: u32, answers: u32, operation: u32, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 16;
    [&[length, id, answers, operation].map(u32::to_le_bytes).concat()[..], body].concat()
}

fn msg(id: u32, answers: u32, document: &[u8]) -> Vec<u8> {
    message(id, answers, 2013, &[&[0; 5][..], document].concat())
}

#[test]
fn replies_find_their_commands() {
    let nested = document(&[element(3, "$gt", &document(&[])), element(8, "$ne", &[1])]);
    let find = document(&[text("find", "users"), element(3, "filter", &nested), text("$db", "shop")]);
    let batch = document(&[element(3, "0", &document(&[])), element(3, "1", &document(&[]))]);
    let found = document(&[element(3, "cursor", &document(&[element(4, "firstBatch", &batch)])), ok(1.0)]);
    let failed = document(&[ok(0.0), text("errmsg", "no such command"), number("code", 59)]);
    let recorder = told(&[
        Turn::client(&[msg(1, 0, &find), msg(2, 0, &document(&[number("odd", 1)]))].concat()),
        Turn::server(&[msg(8, 2, &failed), msg(9, 1, &found)].concat()),
    ]);
    let records = recorder.records();
    let [odd, find] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (find.find("command"), find.find("collection"), find.find("database")),
        (Some(Value::Text(b"find")), Some(Value::Text(b"users")), Some(Value::Text(b"shop")))
    );
    let statement = &b"{find: \"users\", filter: {$gt: {}, $ne: true}, $db: \"shop\"}"[..];
    assert_eq!(find.find("statement"), Some(Value::Text(statement)));
    assert_eq!(
        (find.find("documents"), find.find("success")),
        (Some(Value::Number(2)), Some(Value::Flag(true)))
    );
    assert_eq!((odd.find("success"), odd.find("code")), (Some(Value::Flag(false)), Some(Value::Text(b"59"))));
    assert_eq!(recorder.instances(ToServer, Field::DbStatement)[0], statement);
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"shop"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"59 no such command"]);
}

#[test]
fn a_login_is_told_without_its_payload() {
    let payload = b"n,,n=ann,r=hidden";
    let binary = [&(payload.len() as u32).to_le_bytes()[..], &[0], payload].concat();
    let start = document(&[
        number("saslStart", 1),
        text("mechanism", "SCRAM-SHA-256"),
        element(5, "payload", &binary),
        text("$db", "admin"),
    ]);
    let recorder = told(&[Turn::client(&msg(1, 0, &start))]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann"]);
    let expected = &b"{saslStart: 1, mechanism: \"SCRAM-SHA-256\", payload: ***, $db: \"admin\"}"[..];
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [expected]);
    assert_eq!(recorder.records()[0].find("statement"), Some(Value::Text(expected)));
}

#[test]
fn operations_of_old_are_read() {
    let command = document(&[number("ismaster", 1)]);
    let query = [&[0; 4][..], b"admin.$cmd\0", &[0; 4], &[0xff; 4], &command].concat();
    let reply = [&[0; 16][..], &1u32.to_le_bytes(), &document(&[ok(1.0)])].concat();
    let insert = [&[0; 4][..], b"shop.users\0", &document(&[text("name", "ann")])].concat();
    let compressed = [&2013u32.to_le_bytes()[..], &9u32.to_le_bytes(), &[1], b"......"].concat();
    let recorder = told(&[
        Turn::client(&message(1, 0, 2004, &query)),
        Turn::server(&message(2, 1, 1, &reply)),
        Turn::client(&message(3, 0, 2002, &insert)),
        Turn::client(&message(4, 0, 2012, &compressed)),
    ]);
    let records = recorder.records();
    let [query, insert, compressed] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (query.find("command"), query.find("documents")),
        (Some(Value::Text(b"ismaster")), Some(Value::Number(1)))
    );
    assert_eq!(
        (insert.find("collection"), insert.find("statement")),
        (Some(Value::Text(b"users")), Some(Value::Text(b"{name: \"ann\"}")))
    );
    assert_eq!(compressed.find("compressor"), Some(Value::Text(b"snappy")));
}

#[test]
fn a_sequence_of_documents_may_be_cut() {
    let large = text("x", &"y".repeat(MESSAGE_BYTES_HELD_MAX));
    let documents = [document(&[number("a", 1)]), document(&[large])].concat();
    let sequence =
        [&[1][..], &(documents.len() as u32 + 14).to_le_bytes(), b"documents\0", &documents].concat();
    let body = [&[0; 5][..], &document(&[text("insert", "users")]), &sequence].concat();
    let recorder = told(&[Turn::client(&message(1, 0, 2013, &body))]);
    let [statement] = recorder.instances(ToServer, Field::DbStatement)[..] else { panic!("one") };
    assert!(statement.starts_with(b"{insert: \"users\"} documents: {a: 1}{x: \"yyy"));
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
}

#[test]
fn documents_within_documents_end_somewhere() {
    let deep = (0..BSON_DEPTH_MAX + 9).fold(document(&[]), |inner, _| document(&[element(3, "d", &inner)]));
    let recorder = told(&[Turn::client(&msg(1, 0, &deep))]);
    let [statement] = recorder.instances(ToServer, Field::DbStatement)[..] else { panic!("one") };
    assert_eq!(statement.iter().filter(|byte| **byte == b'd').count(), BSON_DEPTH_MAX);
}

#[test]
fn what_has_no_operation_is_malformed() {
    let recorder =
        told(&[Turn::client(&msg(1, 0, &document(&[ok(1.0)]))), Turn::client(&message(2, 0, 9, b""))]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
