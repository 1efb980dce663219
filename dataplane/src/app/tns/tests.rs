//! Conversations of their own making.

use dlp_patterns::Field;

use super::{ACCEPT, CONNECT, DATA, REFUSE};
use crate::{
    app::{
        AppAnomaly, AppProtocol, Value,
        conversation::{Turn, told_however_cut},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
};

const DESCRIPTION: &[u8] =
    b"(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=shop)(CID=(PROGRAM=sqlplus)(HOST=desk)(USER=ann)))(ADDRESS=(HOST=h)))";

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Tns, turns)
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16 + 8).to_be_bytes()[..], &[0, 0, kind, 0, 0, 0], body].concat()
}

fn long_packet(kind: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], &[kind, 0, 0, 0], body].concat()
}

fn connect(data: &[u8]) -> Vec<u8> {
    packet(CONNECT, &[&[1, 0x3b, 1, 0x2c][..], &[0; 46], data].concat())
}

#[test]
fn statements_and_errors_are_found_by_their_shape() {
    let query = [&b"\0\0\x03\x5e\x02\0\0\0@"[..], b"select x from y\0\0\x01"].concat();
    let recorder = told(&[
        Turn::client(&connect(b"")),
        Turn::client(&packet(DATA, &[&[0, 0], DESCRIPTION].concat())),
        Turn::server(&packet(ACCEPT, &[1, 0x3b, 0, 0])),
        Turn::client(&long_packet(DATA, &query)),
        Turn::server(&long_packet(DATA, b"\0\0\x04ORA-00942: no table\n\0")),
    ]);
    let records = recorder.records();
    let [connect, query] = records[..] else { panic!("{records:?}") };
    assert_eq!(
        (connect.find("service"), connect.find("os_user"), connect.find("host")),
        (Some(Value::Text(b"shop")), Some(Value::Text(b"ann")), Some(Value::Text(b"desk")))
    );
    assert_eq!(
        (query.find("success"), query.find("error")),
        (Some(Value::Flag(false)), Some(Value::Text(b"ORA-00942: no table")))
    );
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"shop"]);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [b"select x from y"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"ORA-00942: no table"]);
}

#[test]
fn a_refusal_is_an_error() {
    let recorder = told(&[
        Turn::client(&connect(DESCRIPTION)),
        Turn::server(&packet(REFUSE, b"\x22\0\0\x10(DESCRIPTION=(ERR=12505))")),
    ]);
    assert_eq!(recorder.records()[0].find("response"), Some(Value::Text(b"refuse")));
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"(DESCRIPTION=(ERR=12505))"]);
}

#[test]
fn a_type_that_is_none_is_malformed() {
    let recorder = told(&[Turn::client(&[connect(b""), packet(99, b"")].concat())]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}
