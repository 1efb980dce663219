use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_however_cut},
};
use Direction::{ToClient, ToServer};

const OPENING: &[u8] = b"AMQP\0\0\x09\x01";

fn frame(kind: u8, channel: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&[kind, 0, channel], &length[..], payload, &[FRAME_END]].concat()
}

fn method(channel: u8, class: u8, number: u8, arguments: &[&[u8]]) -> Vec<u8> {
    frame(METHOD, channel, &[&[0, class, 0, number], &arguments.concat()[..]].concat())
}

fn short(text: &[u8]) -> Vec<u8> {
    [&[text.len() as u8], text].concat()
}

fn long(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text].concat()
}

fn login(mechanism: &[u8], response: &[u8]) -> Vec<Turn> {
    let properties = [&short(b"product")[..], b"S", &long(b"client lib")].concat();
    let named = [&properties[..], &short(b"connection_name"), b"S", &long(b"app")].concat();
    let start =
        method(0, 10, 10, &[b"\0\x09", &long(&properties), &long(b"PLAIN AMQPLAIN"), &long(b"en_US")]);
    let ok = method(0, 10, 11, &[&long(&named), &short(mechanism), &long(response), &short(b"en_US")]);
    let open = method(0, 10, 40, &[&short(b"/shop"), b"\0\0"]);
    vec![Turn::client(OPENING), Turn::server(&start), Turn::client(&ok), Turn::client(&open)]
}

#[test]
fn logins_queues_and_messages_are_told() {
    let header =
        frame(HEADER, 1, &[&b"\0\x3c\0\0\0\0\0\0\0\0\0\x0a\x80\0"[..], &short(b"text/plain")].concat());
    let other = frame(HEADER, 2, b"\0\x3c\0\0\0\0\0\0\0\0\0\x03\0\0");
    let published = [
        method(1, 50, 10, &[b"\0\0", &short(b"orders"), b"\0\0\0\0\0"]),
        method(1, 50, 20, &[b"\0\0", &short(b"orders"), &short(b"shop"), &short(b"new.*"), b"\0\0\0\0\0"]),
        method(1, 60, 40, &[b"\0\0", &short(b"shop"), &short(b"new.eu"), b"\0"]),
        header,
        frame(BODY, 1, b"hello"),
        // Channels go on beside each other.
        method(2, 60, 40, &[b"\0\0", &short(b""), &short(b"orders"), b"\0"]),
        other,
        frame(BODY, 2, b"two"),
        frame(BODY, 1, b"world"),
        frame(HEARTBEAT, 0, b""),
    ];
    let delivered = [
        method(1, 60, 60, &[&short(b"tag"), &[0; 9], &short(b"shop"), &short(b"new.eu")]),
        frame(HEADER, 1, b"\0\x3c\0\0\0\0\0\0\0\0\0\x05\0\0"),
        frame(BODY, 1, b"hello"),
        method(1, 20, 40, &[b"\x01\x94", &short(b"NOT_FOUND"), b"\0\0\0\0"]),
    ];
    let rest = [Turn::client(&published.concat()), Turn::server(&delivered.concat())];
    let turns = [&login(b"PLAIN", b"\0weir\0hush")[..], &rest].concat();
    let recorder = told_however_cut(AppProtocol::Amqp, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MqClient), [b"app"]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"/shop"]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [&b"hello"[..], b"two", b"world"]);
    assert_eq!(recorder.instances(ToClient, Field::MqMessage), [b"hello"]);
    assert_eq!(
        recorder.instances(ToServer, Field::MqTopic),
        [&b"orders"[..], b"orders", b"shop", b"new.*", b"shop", b"new.eu", b"orders"]
    );
    let records = recorder.records();
    let methods: Vec<_> = records.iter().filter_map(|record| record.find("method")).collect();
    let expected: [&[u8]; 9] = [
        b"connection.start",
        b"connection.start-ok",
        b"connection.open",
        b"queue.declare",
        b"queue.bind",
        b"basic.publish",
        b"basic.publish",
        b"basic.deliver",
        b"channel.close",
    ];
    assert_eq!(methods, expected.map(Value::Text));
    assert_eq!(records[0].find("protocol_version"), Some(Value::Text(b"0-9-1")));
    assert_eq!(records[6].find("message_bytes"), Some(Value::Number(3)), "of channel 2, which is over first");
    assert_eq!(records[7].find("content_type"), Some(Value::Text(b"text/plain")));
    assert_eq!(records[9].find("reply_code"), Some(Value::Number(404)));
    assert!(!recorder.do_records_say(b"hush"));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn a_login_in_a_table_is_told() {
    let response =
        [&short(b"LOGIN")[..], b"S", &long(b"weir"), &short(b"PASSWORD"), b"S", &long(b"hush")].concat();
    let recorder = told_however_cut(AppProtocol::Amqp, &login(b"AMQPLAIN", &response));
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    assert!(!recorder.do_records_say(b"hush"));
}

#[test]
fn other_versions_are_recognised() {
    let turns = [Turn::client(b"AMQP\x03\x01\0\0"), Turn::server(b"AMQP\x03\x01\0\0\xff\xff")];
    let recorder = told_however_cut(AppProtocol::Amqp, &turns);
    assert_eq!(recorder.records()[0].find("protocol_version"), Some(Value::Text(b"1.0")));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn what_is_no_frame_is_told() {
    let unended = [&frame(METHOD, 0, b"\0\x0a\0\x0b")[..11], b"x"].concat();
    for bad in [&b"\x07\0\0\0\0\0\0\xce"[..], &unended, &frame(METHOD, 0, b"\0\x0a")] {
        let turns = [Turn::client(OPENING), Turn::client(bad)];
        assert_eq!(told_however_cut(AppProtocol::Amqp, &turns).anomalies(), [AppAnomaly::Malformed]);
    }
}

#[test]
fn a_long_body_is_told_up_to_its_cut() {
    let publish = method(1, 60, 40, &[b"\0\0", &short(b"shop"), &short(b"new"), b"\0"]);
    let header = frame(HEADER, 1, b"\0\x3c\0\0\0\0\0\0\0\0\x4e\x20\0\0");
    let turns =
        [Turn::client(OPENING), Turn::client(&[publish, header, frame(BODY, 1, &[b'x'; 20_000])].concat())];
    let recorder = told_however_cut(AppProtocol::Amqp, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
    assert_eq!(recorder.records()[1].find("message_bytes"), Some(Value::Number(20_000)));
}
