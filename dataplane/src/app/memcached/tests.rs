//! Conversations of their own making.

use dlp_patterns::Field;

use crate::{
    app::{
        AppAnomaly, AppProtocol, Value,
        conversation::{Turn, told_however_cut, told_of_datagrams},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
};

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Memcached, turns)
}

fn frame(magic: u8, operation: u8, status: u16, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    let [high, low] = (key.len() as u16).to_be_bytes();
    let body = extras.len() + key.len() + value.len();
    [
        &[magic, operation, high, low, extras.len() as u8, 0][..],
        &status.to_be_bytes(),
        &(body as u32).to_be_bytes(),
        b"opaqcas_____",
        extras,
        key,
        value,
    ]
    .concat()
}

#[test]
fn data_between_lines_is_no_line() {
    let recorder = told(&[
        Turn::client(b"set k 0 0 7\r\nget x\r\n\r\nget k none\r\nincr k 1\r\n"),
        Turn::server(b"STORED\r\nVALUE k 0 7\r\nEND\r\nxx\r\nEND\r\nCLIENT_ERROR no number\r\n"),
    ]);
    let records = recorder.records();
    let [set, get, incr] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (set.find("key"), set.find("request_bytes"), set.find("response")),
        (Some(Value::Text(b"k")), Some(Value::Number(7)), Some(Value::Text(b"STORED")))
    );
    assert_eq!(
        (get.find("values"), get.find("response_bytes")),
        (Some(Value::Number(1)), Some(Value::Number(7)))
    );
    assert_eq!(incr.find("error"), Some(Value::Text(b"CLIENT_ERROR no number")));
    let statements = recorder.instances(ToServer, Field::DbStatement);
    assert_eq!(statements, [&b"set k 0 0 7"[..], b"get k none", b"incr k 1"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"CLIENT_ERROR no number"]);
}

#[test]
fn what_is_asked_quietly_is_not_awaited() {
    let recorder = told(&[
        Turn::client(b"delete a noreply\r\nmg b v q\r\nmn\r\nget c\r\n"),
        Turn::server(b"VA 2\r\nxx\r\nMN\r\nEND\r\n"),
    ]);
    let told: Vec<_> =
        recorder.records().iter().map(|record| (record.find("command"), record.find("response"))).collect();
    let text = |bytes| Some(Value::Text(bytes));
    assert_eq!(
        told,
        [
            (text(b"delete"), None),
            (text(b"mg"), None),
            (text(b"mn"), text(b"MN")),
            (text(b"get"), text(b"END"))
        ]
    );
}

#[test]
fn binary_answers_find_their_commands() {
    let recorder = told(&[
        Turn::client(
            &[frame(0x80, 0x21, 0, b"", b"PLAIN", b"\0ann\0hidden"), frame(0x80, 0, 0, b"", b"k", b"")]
                .concat(),
        ),
        Turn::server(
            &[frame(0x81, 0, 0, b"flag", b"", b"value"), frame(0x81, 0x21, 0x20, b"", b"", b"no")].concat(),
        ),
    ]);
    let records = recorder.records();
    let [get, login] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (get.find("command"), get.find("key"), get.find("response_bytes")),
        (Some(Value::Text(b"get")), Some(Value::Text(b"k")), Some(Value::Number(9)))
    );
    assert_eq!(
        (login.find("user"), login.find("success")),
        (Some(Value::Text(b"ann")), Some(Value::Flag(false)))
    );
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"0x20 authentication failed"]);
}

#[test]
fn couchbase_is_told_by_its_hello() {
    let turns = [
        Turn::client(
            &[frame(0x80, 0x1f, 0, b"", b"sdk", &[0, 1, 0, 2]), frame(0x80, 0x89, 0, b"", b"shop", b"")]
                .concat(),
        ),
        Turn::server(
            &[frame(0x81, 0x1f, 0, b"", b"", &[0, 1]), frame(0x81, 0x89, 0x24, b"", b"", b"")].concat(),
        ),
    ];
    let recorder = told_however_cut(AppProtocol::Couchbase, &turns);
    let commands: Vec<_> = recorder.records().iter().map(|record| record.find("command")).collect();
    assert_eq!(commands, [Some(Value::Text(b"hello")), Some(Value::Text(b"select_bucket"))]);
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"shop"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"0x24 no access"]);
}

#[test]
fn datagrams_have_a_head_of_their_own() {
    let recorder = told_of_datagrams(
        AppProtocol::Memcached,
        &[
            Turn::client(b"\0\x01\0\0\0\x01\0\0get k\r\n"),
            Turn::server(b"\0\x01\0\0\0\x02\0\0VALUE k 0 100000\r\nxxxx"),
            Turn::server(b"\0\x01\0\x01\0\x02\0\0xxxx\r\nEND\r\n"),
            Turn::client(b"\0\x02\0\0\0\x01\0\0stats\r\n"),
        ],
    );
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [&b"get k"[..], b"stats"]);
}

#[test]
fn a_head_that_is_none_is_malformed() {
    let recorder = told(&[Turn::client(&[frame(0x80, 0, 0, b"", b"k", b""), vec![7; 24]].concat())]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
