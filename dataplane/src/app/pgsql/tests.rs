//! Conversations of their own making.

use dlp_patterns::Field;

use crate::{
    app::{
        AppAnomaly, AppProtocol, Record, Value,
        conversation::{Turn, told_however_cut},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
};

fn startup(code: u32, rest: &[u8]) -> Vec<u8> {
    [&(rest.len() as u32 + 8).to_be_bytes()[..], &code.to_be_bytes(), rest].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::PgSql, turns)
}

/// A session that is let in at once.
fn session(rest: &[Turn]) -> Recorder {
    let begin = [
        Turn::client(&startup(3 << 16, b"user\0ann\0database\0shop\0\0")),
        Turn::server(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat()),
    ];
    told(&[&begin[..], rest].concat())
}

fn values(record: &Record, name: &str) -> Vec<Vec<u8>> {
    let text = |(of, value)| match value {
        Value::Text(text) if of == name => Some(text.to_vec()),
        _ => None,
    };
    record.values().filter_map(text).collect()
}

#[test]
fn a_login_by_scram_is_three_transactions() {
    let sasl = message(b'p', b"SCRAM-SHA-256\0\0\0\0\x08n,,n=,r=");
    let recorder = told(&[
        Turn::client(&startup(80_877_103, b"")),
        Turn::server(b"N"),
        Turn::client(&startup(3 << 16, b"user\0ann\0database\0shop\0\0")),
        Turn::server(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
        Turn::client(&sasl),
        Turn::server(&message(b'R', b"\0\0\0\x0br=,s=,i=4096")),
        Turn::client(&message(b'p', b"c=biws,r=,p=")),
        Turn::server(
            &[
                message(b'R', b"\0\0\0\x0cv="),
                message(b'R', &[0; 4]),
                message(b'S', b"DateStyle\0ISO\0"),
                message(b'K', &[0, 0, 0, 7, 0, 0, 0, 8]),
                message(b'Z', b"I"),
            ]
            .concat(),
        ),
    ]);
    let records = recorder.records();
    assert_eq!(records.len(), 4);
    assert_eq!(records[0].find("ssl_accepted"), Some(Value::Flag(false)));
    assert_eq!(values(records[1], "database"), [b"shop"]);
    assert_eq!(records[2].find("sasl_param"), Some(Value::Text(b"n,,n=,r=")));
    assert_eq!(records[3].find("message"), Some(Value::Text(b"authentication_ok")));
    assert_eq!(records[3].find("date_style"), Some(Value::Text(b"ISO")));
    assert_eq!((records[3].find("tx_id"), records[3].id()), (Some(Value::Number(4)), 3));
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann"]);
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"shop"]);
}

#[test]
fn a_password_is_not_told() {
    let recorder = told(&[
        Turn::client(&startup(3 << 16, b"user\0ann\0\0")),
        Turn::server(&message(b'R', b"\0\0\0\x03")),
        Turn::client(&message(b'p', b"hidden\0")),
        Turn::server(&message(b'E', b"SFATAL\0C28P01\0Mdenied\0\0")),
    ]);
    let records = recorder.records();
    assert_eq!(records[1].find("password_redacted"), Some(Value::Flag(true)));
    assert_eq!(records[1].find("code"), Some(Value::Text(b"28P01")));
    let texts = records.iter().flat_map(|record| record.values());
    assert!(texts.into_iter().all(|(_, value)| value != Value::Text(b"hidden")));
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"28P01 denied"]);
}

#[test]
fn rows_are_counted() {
    let row = message(b'D', b"\0\x02\0\0\0\x03abc\xff\xff\xff\xff");
    let recorder = session(&[
        Turn::client(&message(b'Q', b"select 1\0")),
        Turn::server(
            &[message(b'T', b"\0\x02"), row.clone(), row, message(b'C', b"SELECT 2\0"), message(b'Z', b"I")]
                .concat(),
        ),
        Turn::client(&message(b'X', b"")),
    ]);
    let records = recorder.records();
    let [_, query, end] = records[..] else { panic!("{records:?}") };
    assert_eq!(query.find("simple_query"), Some(Value::Text(b"select 1")));
    assert_eq!(
        (query.find("data_rows"), query.find("data_size")),
        (Some(Value::Number(2)), Some(Value::Number(6)))
    );
    assert_eq!(query.find("command_completed"), Some(Value::Text(b"SELECT 2")));
    assert_eq!(end.find("message"), Some(Value::Text(b"termination_message")));
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"select 1"]);
}

#[test]
fn a_pipeline_of_prepared_statements_is_answered_in_order() {
    let execute = |statement: &[u8]| {
        [message(b'B', &[b"\0", statement, b"\0\0\0\0\0\0\0"].concat()), message(b'E', b"\0\0\0\0\0")]
            .concat()
    };
    let recorder = session(&[
        Turn::client(
            &[
                message(b'P', b"one\0insert 1\0\0\0"),
                execute(b"one"),
                execute(b"one"),
                execute(b"two"),
                message(b'S', b""),
                message(b'Q', b"select 2\0"),
            ]
            .concat(),
        ),
        Turn::server(
            &[
                message(b'1', b""),
                message(b'2', b""),
                message(b'C', b"INSERT 0 1\0"),
                message(b'2', b""),
                message(b'E', b"SERROR\0C23505\0Mduplicate\0\0"),
                message(b'Z', b"I"),
                message(b'C', b"SELECT 0\0"),
                message(b'Z', b"I"),
            ]
            .concat(),
        ),
    ]);
    let records = recorder.records();
    let [_, first, second, third, last] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (first.find("query"), first.find("command_completed")),
        (Some(Value::Text(b"insert 1")), Some(Value::Text(b"INSERT 0 1")))
    );
    assert_eq!(
        (second.find("query"), second.find("code")),
        (Some(Value::Text(b"insert 1")), Some(Value::Text(b"23505")))
    );
    assert_eq!((third.find("statement_name"), third.find("response")), (Some(Value::Text(b"two")), None));
    assert_eq!(last.find("command_completed"), Some(Value::Text(b"SELECT 0")));
}

#[test]
fn copied_data_is_counted() {
    let recorder = session(&[
        Turn::client(&message(b'Q', b"copy t from stdin\0")),
        Turn::server(&message(b'G', b"\0\0\x02\0\0\0\0")),
        Turn::client(&[message(b'd', b"1\t2\n"), message(b'd', b"3\t4\n"), message(b'c', b"")].concat()),
        Turn::server(&[message(b'C', b"COPY 2\0"), message(b'Z', b"I")].concat()),
    ]);
    let records = recorder.records();
    let [_, query, copy] = records[..] else { panic!("{records:?}") };
    assert_eq!(query.find("columns"), Some(Value::Number(2)));
    assert_eq!(
        (copy.find("msg_count"), copy.find("data_size")),
        (Some(Value::Number(2)), Some(Value::Number(8)))
    );
    assert_eq!(copy.find("command_completed"), Some(Value::Text(b"COPY 2")));
}

#[test]
fn what_is_no_message_is_malformed() {
    let recorder = session(&[Turn::client(b"!\0\0\0\x04")]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
