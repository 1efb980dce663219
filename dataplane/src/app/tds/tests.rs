//! Conversations of their own making.

use dlp_patterns::Field;

use super::{LOGIN7, PRELOGIN, RPC, SQL_BATCH, TABULAR_RESULT, TRANSACTION_HEADERS};
use crate::{
    app::{
        AppAnomaly, AppProtocol, Value,
        conversation::{Turn, told_however_cut},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
};

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Tds, turns)
}

fn packet(kind: u8, status: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16 + 8).to_be_bytes();
    [&[kind, status, high, low, 0, 0, 1, 0][..], body].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn request(body: &[u8]) -> Vec<u8> {
    [&TRANSACTION_HEADERS[..], &[0; 8], &[1, 0, 0, 0], body].concat()
}

/// A version, and what is said of encryption.
fn prelogin(encryption: u8) -> Vec<u8> {
    vec![0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 15, 0, 0, 0, 0, 0, encryption]
}

fn done(status: u8, rows: u8) -> Vec<u8> {
    vec![0xfd, status, 0, 0xc1, 0, rows, 0, 0, 0, 0, 0, 0, 0]
}

fn error(number: u32, message: &str) -> Vec<u8> {
    let text = [&(message.len() as u16).to_le_bytes()[..], &wide(message)].concat();
    let body = [&number.to_le_bytes()[..], &[1, 14], &text].concat();
    [&[0xaa][..], &(body.len() as u16).to_le_bytes(), &body].concat()
}

#[test]
fn a_login_is_told_without_its_password() {
    let mut login = vec![0; 94];
    login[4..8].copy_from_slice(&[4, 0, 0, 0x74]);
    login[40..44].copy_from_slice(&[94, 0, 3, 0]);
    login[44..48].copy_from_slice(&[100, 0, 6, 0]);
    login[68..72].copy_from_slice(&[112, 0, 4, 0]);
    login.extend([wide("ann"), wide("hidden"), wide("shop")].concat());
    login[0] = login.len() as u8;
    let recorder = told(&[
        Turn::client(&packet(PRELOGIN, 1, &prelogin(2))),
        Turn::server(&packet(TABULAR_RESULT, 1, &prelogin(2))),
        Turn::client(&packet(LOGIN7, 1, &login)),
        Turn::server(&packet(TABULAR_RESULT, 1, &[error(18456, "Login failed"), done(2, 0)].concat())),
    ]);
    let records = recorder.records();
    let [_, login] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (login.find("user"), login.find("database")),
        (Some(Value::Text(b"ann")), Some(Value::Text(b"shop")))
    );
    assert_eq!(
        (login.find("success"), login.find("code")),
        (Some(Value::Flag(false)), Some(Value::Number(18456)))
    );
    assert!(login.values().all(|(_, value)| value != Value::Text(b"hidden")));
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"18456 Login failed"]);
}

#[test]
fn what_is_encrypted_is_not_read() {
    let recorder = told(&[
        Turn::client(&packet(PRELOGIN, 1, &prelogin(1))),
        Turn::server(&packet(TABULAR_RESULT, 1, &prelogin(1))),
        Turn::client(b"\x17\x03\x03\xff\xff!!"),
    ]);
    assert_eq!(recorder.records().len(), 1);
    // Only the login is.
    let recorder = told(&[
        Turn::client(&packet(PRELOGIN, 1, &prelogin(0))),
        Turn::server(&packet(TABULAR_RESULT, 1, &prelogin(0))),
        Turn::client(&packet(PRELOGIN, 1, b"handshake")),
        Turn::client(b"\x17\x03\x03\0\x05login"),
        Turn::client(&packet(SQL_BATCH, 1, &request(&wide("select 1")))),
    ]);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"select 1"]);
}

#[test]
fn statements_of_batches_and_procedures_are_told() {
    let batch = request(&wide("select 'ü'"));
    let (begin, end) = batch.split_at(30);
    let text = |text: &str| {
        let wide = wide(text);
        [&[0, 0, 0xe7, 0x40, 0x1f, 9, 4, 0xd0, 0, 0x34][..], &(wide.len() as u16).to_le_bytes(), &wide]
            .concat()
    };
    let execute = [vec![0xff, 0xff, 10, 0, 0, 0], text("select @p"), text("@p int")].concat();
    let prepare = [vec![0xff, 0xff, 13, 0, 0, 0, 0, 1, 0x26, 4, 0], text(""), text("select 2")].concat();
    let own = [&[3, 0][..], &wide("p_x"), &[0, 0], &text("value")].concat();
    let row = [&[0x81, 1, 0][..], &[0xd1; 30]].concat();
    let recorder = told(&[
        Turn::client(&[packet(SQL_BATCH, 0, begin), packet(SQL_BATCH, 1, end)].concat()),
        Turn::server(&[packet(4, 0, &row), packet(4, 1, &done(0x10, 7))].concat()),
        Turn::client(&packet(RPC, 1, &request(&execute))),
        Turn::server(&packet(4, 1, &done(0, 0))),
        Turn::client(&packet(RPC, 1, &request(&prepare))),
        Turn::server(&packet(4, 1, &done(0, 0))),
        Turn::client(&packet(RPC, 1, &request(&own))),
        Turn::server(&packet(4, 1, &done(0, 0))),
    ]);
    let statements = recorder.instances(ToServer, Field::DbStatement);
    assert_eq!(statements, ["select 'ü'".as_bytes(), b"select @p", b"select 2"]);
    let records = recorder.records();
    assert_eq!(
        (records[0].find("rows"), records[0].find("success")),
        (Some(Value::Number(7)), Some(Value::Flag(true)))
    );
    assert_eq!(records[1].find("procedure"), Some(Value::Text(b"sp_executesql")));
    assert_eq!(records[3].find("procedure"), Some(Value::Text(b"p_x")));
}

#[test]
fn requests_of_old_have_no_headers() {
    let recorder = told(&[Turn::client(&packet(SQL_BATCH, 1, &wide("select 1")))]);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"select 1"]);
}

#[test]
fn what_is_no_packet_is_malformed() {
    let recorder =
        told(&[Turn::client(&packet(SQL_BATCH, 1, &request(&wide("select 1")))), Turn::client(&[0x7f; 8])]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
