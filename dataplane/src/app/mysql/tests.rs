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

const PROTOCOL_41: u32 = 1 << 9;
const DEPRECATE_EOF: u32 = 1 << 24;
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_le_bytes()[..3], &[sequence], body].concat()
}

fn packets(bodies: &[&[u8]]) -> Vec<u8> {
    bodies.iter().zip(1..).flat_map(|(body, sequence)| packet(sequence, body)).collect()
}

fn greeting(capabilities: u32) -> Vec<u8> {
    let [a, b, c, d] = capabilities.to_le_bytes();
    packet(0, &[&b"\x0a8.0.1\0\0\0\0\0saltsalt\0"[..], &[a, b, 33, 2, 0, c, d], &[0; 11]].concat())
}

fn login(capabilities: u32, rest: &[u8]) -> Vec<u8> {
    packet(1, &[&capabilities.to_le_bytes()[..], &[0; 28], rest].concat())
}

/// Commands and what answers each, behind a login.
fn session(capabilities: u32, exchanges: &[(&[u8], &[&[u8]])]) -> Recorder {
    let mut turns = vec![
        Turn::server(&greeting(capabilities)),
        Turn::client(&login(capabilities, b"ann\0hidden\0")),
        Turn::server(&packet(2, OK)),
    ];
    for (command, answers) in exchanges {
        turns.push(Turn::client(&packet(0, command)));
        turns.push(Turn::server(&packets(answers)));
    }
    told_however_cut(AppProtocol::MySql, &turns)
}

#[test]
fn a_login_is_told_without_its_password() {
    let recorder = session(PROTOCOL_41, &[]);
    let records = recorder.records();
    let [login] = records[..] else { panic!("{records:?}") };
    assert_eq!(login.find("version"), Some(Value::Text(b"8.0.1")));
    assert_eq!(
        (login.find("cmd"), login.find("user")),
        (Some(Value::Text(b"login")), Some(Value::Text(b"ann")))
    );
    assert_eq!(login.find("success"), Some(Value::Flag(true)));
    assert!(login.values().all(|(_, value)| value != Value::Text(b"hidden")));
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann"]);
}

#[test]
fn rows_are_counted_with_and_without_eof_packets() {
    let end_as_ok: &[u8] = &[0xfe, 0, 0, 2, 0, 0, 0];
    let with: &[&[u8]] = &[&[2], b"def", b"def", EOF, b"\x01a", b"\x01b", EOF];
    let without: &[&[u8]] = &[&[2], b"def", b"def", b"\x01a", b"\x01b", end_as_ok];
    for (capabilities, answers) in [(PROTOCOL_41, with), (PROTOCOL_41 | DEPRECATE_EOF, without)] {
        let recorder = session(capabilities, &[(b"\x03select 1", answers), (b"\x0e", &[OK]), (b"\x01", &[])]);
        let records = recorder.records();
        let [_, query, ping, quit] = records[..] else { panic!("{records:?}") };
        assert_eq!(
            (query.find("command"), query.find("rows")),
            (Some(Value::Text(b"select 1")), Some(Value::Number(2)))
        );
        assert_eq!(ping.find("success"), Some(Value::Flag(true)));
        assert_eq!((quit.find("cmd"), quit.find("success")), (Some(Value::Text(b"quit")), None));
        assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"select 1"]);
    }
}

#[test]
fn several_results_answer_one_query() {
    let ok_and_more: &[u8] = &[0, 3, 0, 10, 0, 0, 0];
    let recorder =
        session(PROTOCOL_41, &[(b"\x03call p()", &[ok_and_more, &[1], b"def", EOF, b"\x01a", EOF])]);
    let query = recorder.records()[1];
    assert_eq!(
        (query.find("affected_rows"), query.find("rows")),
        (Some(Value::Number(3)), Some(Value::Number(1)))
    );
}

#[test]
fn an_execution_tells_the_statement_that_was_prepared() {
    let recorder = session(
        PROTOCOL_41,
        &[
            (b"\x16select ?", &[&[0, 7, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], b"def", EOF, b"def", EOF]),
            (b"\x17\x07\0\0\0\0\x01\0\0\0", &[&[1], b"def", EOF, b"\0\0a", EOF]),
            (b"\x03bad", &[b"\xff\x28\x04#42000syntax"]),
        ],
    );
    let records = recorder.records();
    let [_, prepare, execute, bad] = records[..] else { panic!("{records:?}") };
    assert_eq!(prepare.find("cmd"), Some(Value::Text(b"stmt_prepare")));
    assert_eq!(
        (execute.find("cmd"), execute.find("command"), execute.find("rows")),
        (Some(Value::Text(b"stmt_execute")), Some(Value::Text(b"select ?")), Some(Value::Number(1)))
    );
    assert_eq!(
        (bad.find("code"), bad.find("sql_state")),
        (Some(Value::Number(1064)), Some(Value::Text(b"42000")))
    );
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"1064 syntax"]);
}

#[test]
fn attributes_stand_in_front_of_a_query() {
    let attributes = 1 << 27;
    let query = b"\x03\x02\x01\0\x01\xfe\0\x01a\x08\0\x01b\x02xy\x07\0\0\0\0\0\0\0select 1";
    let recorder = session(PROTOCOL_41 | attributes, &[(query, &[OK])]);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"select 1"]);
}

#[test]
fn a_file_that_is_loaded_is_no_command() {
    let mut turns = vec![
        Turn::server(&greeting(PROTOCOL_41)),
        Turn::client(&login(PROTOCOL_41, b"ann\0\0")),
        Turn::server(&packet(2, OK)),
        Turn::client(&packet(0, b"\x03load data local infile 'f' into table t")),
        Turn::server(&packet(1, b"\xfbf")),
    ];
    turns.push(Turn::client(&[packet(0, b"\x03drop table t"), packet(1, b"")].concat()));
    turns.push(Turn::server(&packet(4, OK)));
    let recorder = told_however_cut(AppProtocol::MySql, &turns);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement).len(), 1);
    assert_eq!(recorder.records()[1].find("success"), Some(Value::Flag(true)));
}

#[test]
fn tls_and_compression_are_told() {
    let tls = PROTOCOL_41 | 1 << 11;
    let request = packet(1, &[&tls.to_le_bytes()[..], &[0; 28]].concat());
    let recorder =
        told_however_cut(AppProtocol::MySql, &[Turn::server(&greeting(tls)), Turn::client(&request)]);
    assert_eq!(recorder.records()[0].find("tls"), Some(Value::Flag(true)));
    let recorder = session(PROTOCOL_41 | 1 << 5, &[]);
    assert_eq!(recorder.records()[0].find("compressed"), Some(Value::Flag(true)));
}

#[test]
fn a_server_that_takes_nobody_says_why() {
    let refusal = packet(0, b"\xff\x10\x04Too many connections");
    let recorder = told_however_cut(AppProtocol::MySql, &[Turn::server(&refusal)]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"1040 Too many connections"]);
}

#[test]
fn a_result_without_columns_is_malformed() {
    let recorder = session(PROTOCOL_41, &[(b"\x03select 1", &[&[0xfc, 0, 0]])]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
