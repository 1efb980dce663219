//! Conversations of their own making.

use dlp_patterns::Field;

use crate::{
    app::{
        AppAnomaly, AppProtocol, Value,
        conversation::{Turn, told_however_cut},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
};

const STARTUP: &[u8] = b"\0\x01\0\x0bCQL_VERSION\0\x053.0.0";

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Cassandra, turns)
}

fn frame(version: u8, stream: u8, operation: u8, body: &[u8]) -> Vec<u8> {
    [&[version, 0, 0, stream, operation][..], &(body.len() as u32).to_be_bytes(), body].concat()
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn long_string(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat()
}

/// Rows with one column, a list of numbers.
fn rows(count: u8) -> Vec<u8> {
    let columns = [string("shop"), string("users"), string("ages"), vec![0, 0x20, 0, 9]].concat();
    [&[0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1][..], &columns, &[0, 0, 0, count]].concat()
}

#[test]
fn responses_find_their_requests() {
    let batch =
        [&[0, 0, 2, 0][..], &long_string("insert 1"), &[0, 0, 1], &string("id"), &[0, 0, 0, 1, 0]].concat();
    let recorder = told(&[
        Turn::client(&frame(4, 0, 1, STARTUP)),
        Turn::server(&frame(0x84, 0, 3, &string("org.Password"))),
        Turn::client(&frame(4, 0, 15, &long_string("\0ann\0hidden"))),
        Turn::server(&frame(0x84, 0, 16, &[0xff; 4])),
        Turn::client(
            &[
                frame(4, 1, 7, &[long_string("USE \"shop\";"), vec![0, 1, 0]].concat()),
                frame(4, 2, 9, &long_string("select ?")),
                frame(4, 3, 13, &batch),
            ]
            .concat(),
        ),
        Turn::server(
            &[
                frame(0x84, 2, 8, &[&[0, 0, 0, 4][..], &string("id")].concat()),
                frame(0x84, 3, 0, &[&[0, 0, 0x22, 0][..], &string("bad")].concat()),
                frame(0x84, 1, 8, &[&[0, 0, 0, 3][..], &string("shop")].concat()),
            ]
            .concat(),
        ),
        Turn::client(&frame(4, 4, 10, &[string("id"), vec![0, 1, 0]].concat())),
        Turn::server(&frame(0x84, 4, 8, &rows(3))),
    ]);
    let records = recorder.records();
    let [_, login, prepare, batch, chosen, execute] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (login.find("user"), login.find("response")),
        (Some(Value::Text(b"ann")), Some(Value::Text(b"auth_success")))
    );
    assert_eq!(prepare.find("result"), Some(Value::Text(b"prepared")));
    assert_eq!(
        (batch.find("statements"), batch.find("code")),
        (Some(Value::Number(2)), Some(Value::Number(0x2200)))
    );
    assert_eq!(chosen.find("keyspace"), Some(Value::Text(b"shop")));
    assert_eq!(
        (execute.find("statement"), execute.find("rows")),
        (Some(Value::Text(b"select ?")), Some(Value::Number(3)))
    );
    let statements = recorder.instances(ToServer, Field::DbStatement);
    assert_eq!(statements, [&b"USE \"shop\";"[..], b"select ?", b"insert 1"]);
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"shop"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"0x2200 bad"]);
}

#[test]
fn frames_stand_in_segments_of_version_5() {
    let segment = |payload: &[u8]| {
        let [low, middle, high, _] = (payload.len() as u32 | 1 << 17).to_le_bytes();
        [&[low, middle, high, 0, 0, 0][..], payload, &[0; 4]].concat()
    };
    let query = frame(5, 1, 7, &long_string("select 1"));
    let (begin, end) = query.split_at(11);
    let recorder = told(&[
        Turn::client(&frame(5, 0, 1, STARTUP)),
        Turn::server(&frame(0x85, 0, 2, b"")),
        Turn::client(&[segment(begin), segment(end)].concat()),
        Turn::server(&segment(&frame(0x85, 1, 8, &[0, 0, 0, 1]))),
    ]);
    let query = recorder.records()[1];
    assert_eq!(
        (query.find("statement"), query.find("result")),
        (Some(Value::Text(b"select 1")), Some(Value::Text(b"void")))
    );
}

#[test]
fn a_version_that_is_none_is_malformed() {
    let recorder = told(&[Turn::client(&[frame(4, 0, 5, b""), frame(9, 0, 5, b"")].concat())]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
