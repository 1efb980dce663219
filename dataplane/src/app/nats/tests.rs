use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_however_cut},
};
use Direction::{ToClient, ToServer};

const INFO: &[u8] =
    b"INFO {\"server_id\":\"ND\",\"server_name\":\"a\",\"version\":\"2.10\",\"auth_required\":true} \r\n";
const CONNECT: &[u8] =
    b"CONNECT {\"verbose\":false,\"user\":\"weir\",\"pass\":\"hush\",\"auth_token\":\"hush\",\
    \"name\":\"app\",\"lang\":\"go\"}\r\n";

#[test]
fn operations_and_messages_are_told() {
    let turns = [
        Turn::server(INFO),
        Turn::client(CONNECT),
        Turn::client(b"PING\r\n"),
        Turn::server(b"PONG\r\n"),
        Turn::client(b"sub orders.* workers 1\r\nPUB orders.new inbox 5\r\nhe\r\no\r\n"),
        Turn::server(b"MSG orders.new 1 inbox 5\r\nhe\r\no\r\nMSG orders.new 1 0\r\n\r\n"),
        Turn::client(b"HPUB orders 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 1\r\n"),
        Turn::server(b"-ERR 'Stale Connection'\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Nats, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MqClient), [b"app"]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [&b"orders.*"[..], b"orders.new", b"orders"]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [&b"he\r\no"[..], b"NATS/1.0\r\n\r\nhi"]);
    assert_eq!(recorder.instances(ToClient, Field::MqMessage), [b"he\r\no"]);
    let records = recorder.records();
    let commands: Vec<_> = records.iter().filter_map(|record| record.find("command")).collect();
    let expected: [&[u8]; 9] =
        [b"INFO", b"CONNECT", b"SUB", b"PUB", b"MSG", b"MSG", b"HPUB", b"UNSUB", b"-ERR"];
    assert_eq!(commands, expected.map(Value::Text));
    assert_eq!(records[2].find("queue_group"), Some(Value::Text(b"workers")));
    assert_eq!(records[3].find("reply_to"), Some(Value::Text(b"inbox")));
    assert_eq!(records[3].find("message_bytes"), Some(Value::Number(5)));
    assert!(!recorder.do_records_say(b"hush"), "of what proves a login nothing is told");
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn what_is_no_operation_is_told() {
    for bad in
        [&b"PUB orders\r\n"[..], b"NONSENSE\r\n", b"PUB orders 99999999999\r\n", b"PUB o 2\r\nabcd\r\n"]
    {
        let turns = [Turn::server(INFO), Turn::client(CONNECT), Turn::client(bad)];
        let recorder = told_however_cut(AppProtocol::Nats, &turns);
        assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    }
    let proxy = b"CONNECT weir.example:443 HTTP/1.1\r\nHost: weir.example\r\n\r\n";
    told_however_cut(AppProtocol::Http, &[Turn::client(proxy)]);
}

#[test]
fn a_client_that_encrypts_is_read_anew() {
    let turns = [Turn::server(INFO), Turn::client(b"\x16\x03\x01\0\x02\x01\0")];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    assert_eq!(recorder.records()[0].find("command"), Some(Value::Text(b"INFO")));
}
