use super::*;
use crate::app::{
    AppProtocol, Record, Value,
    conversation::{Turn, told_however_cut},
    recorder::Recorder,
};
use Direction::{ToClient, ToServer};

/// Of version 3.1.1, with a will and a login.
const CONNECT: &[u8] =
    b"\x10\x2a\0\x04MQTT\x04\xee\0\x3c\0\x05meter\0\x04will\0\x04gone\0\x04weir\0\x05hush!";
const CONNACK: &[u8] = b"\x20\x02\0\0";

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Mqtt, turns)
}

fn names(record: &Record) -> Vec<&str> {
    let mut depth = 0;
    let mut names = Vec::new();
    for (name, value) in record.values() {
        match value {
            Value::Object | Value::List => {
                if depth == 0 {
                    names.push(name);
                }
                depth += 1;
            }
            Value::Close => depth -= 1,
            _ => {}
        }
    }
    names
}

#[test]
fn a_connection_is_told_without_its_password() {
    let recorder = told(&[Turn::client(CONNECT), Turn::server(CONNACK)]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(names(record), ["connect", "connack"]);
    assert_eq!(record.find("client_id"), Some(Value::Text(b"meter")));
    assert!(recorder.do_records_say(b"weir"));
    assert_eq!(record.find("protocol_version"), Some(Value::Number(4)));
    assert_eq!(record.find("return_code"), Some(Value::Number(0)));
    assert!(!recorder.do_records_say(b"hush!"));
    assert_eq!(recorder.instances(ToServer, Field::MqClient), [b"meter"]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [b"will"]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [b"gone"]);
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn messages_are_told_with_what_acknowledges_them() {
    let turns = [
        Turn::client(b"\x10\x14\0\x04MQTT\x05\x02\0\x3c\x03\x21\0\x14\0\x04pump"),
        Turn::server(b"\x20\x03\0\0\0"),
        Turn::client(b"\x82\x0a\0\x01\0\0\x04a/+b\x01"),
        Turn::server(b"\x90\x04\0\x01\0\x01"),
        // At most once, at least once, exactly once.
        Turn::server(b"\x30\x08\0\x03a/b\0on"),
        Turn::client(b"\x32\x0a\0\x03a/b\0\x02\0on"),
        Turn::server(b"\x40\x02\0\x02"),
        Turn::client(b"\x34\x0b\0\x03a/b\0\x03\0off"),
        Turn::server(b"\x50\x03\0\x03\x10"),
        Turn::client(b"\x62\x02\0\x03"),
        Turn::server(b"\x70\x02\0\x03"),
        Turn::client(b"\xc0\0"),
        Turn::server(b"\xd0\0"),
        Turn::client(b"\xa2\x09\0\x04\0\0\x04a/+b"),
        Turn::server(b"\xb0\x04\0\x04\0\0"),
        Turn::client(b"\xe0\x01\x04"),
    ];
    let recorder = told(&turns);
    let records: Vec<_> = recorder.records().into_iter().map(names).collect();
    let expected: [&[&str]; 8] = [
        &["connect", "connack"],
        &["subscribe", "suback"],
        &["publish"],
        &["publish", "puback"],
        &["publish", "pubrec", "pubrel", "pubcomp"],
        &["pingreq", "pingresp"],
        &["unsubscribe", "unsuback"],
        &["disconnect"],
    ];
    assert_eq!(records, expected);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [&b"on"[..], b"off"]);
    assert_eq!(recorder.instances(ToClient, Field::MqMessage), [b"on"]);
    assert_eq!(recorder.instances(ToClient, Field::MqTopic), [b"a/b"]);
    assert_eq!(recorder.records()[4].find("reason_code"), Some(Value::Number(0x10)));
    assert!(recorder.anomalies().is_empty(), "{:?}", recorder.anomalies());
}

#[test]
fn what_does_not_belong_there_is_told() {
    let tell = |turns: &[Turn]| told(turns).anomalies();
    let begun = |rest: &[Turn]| tell(&[&[Turn::client(CONNECT), Turn::server(CONNACK)][..], rest].concat());
    assert_eq!(begun(&[Turn::client(CONNECT)]), [AppAnomaly::MqttDoubleConnect]);
    assert_eq!(begun(&[Turn::server(b"\x40\x02\0\x02")]), [AppAnomaly::MqttMissingPublish]);
    assert_eq!(begun(&[Turn::server(b"\x90\x03\0\x02\0")]), [AppAnomaly::MqttMissingSubscribe]);
    assert_eq!(begun(&[Turn::server(b"\xb0\x02\0\x02")]), [AppAnomaly::MqttMissingUnsubscribe]);
    assert_eq!(begun(&[Turn::client(b"\x36\x05\0\x01a\0\x01")]), [AppAnomaly::MqttInvalidQos]);
    assert_eq!(begun(&[Turn::client(b"\x32\x05\0\x01a\0\0")]), [AppAnomaly::MqttMissingId]);
    assert_eq!(begun(&[Turn::client(b"\xf0\0")]), [AppAnomaly::MqttUnassignedMessageType]);
    assert_eq!(begun(&[Turn::client(b"\x82\x01\0")]), [AppAnomaly::Malformed]);
    let early = [Turn::client(CONNECT), Turn::client(b"\x30\x03\0\x01a"), Turn::client(b"\x30\x03\0\x01a")];
    assert_eq!(tell(&early), [AppAnomaly::MqttUnintroducedMessage]);
    let unasked = [Turn::server(CONNACK), Turn::client(b"\x82\x06\0\x01\0\x01a\0")];
    assert_eq!(tell(&unasked), [AppAnomaly::MqttMissingConnect]);
}

#[test]
fn a_connection_that_was_picked_up_is_told_by_its_answers() {
    let recorder = told(&[Turn::client(b"\x32\x07\0\x01a\0\x02on"), Turn::server(b"\x40\x02\0\x02")]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [b"on"]);
    told(&[Turn::client(b"\xc0\0"), Turn::server(b"\xd0\0")]);
    let other = [Turn::client(b"\x32\x07\0\x01a\0\x02on"), Turn::server(b"\x40\x02\0\x03")];
    told_however_cut(AppProtocol::Unknown, &other);
    let version_9 = b"\x10\x10\0\x04MQTT\x09\x02\0\x3c\0\x04pump";
    told_however_cut(AppProtocol::Unknown, &[Turn::client(version_9), Turn::server(b"\xee\xee\xee\xee")]);
}

#[test]
fn a_long_message_is_told_up_to_its_cut() {
    let long = [&b"\x30\xa3\x9c\x01\0\x01a"[..], &[b'x'; 20_000]].concat();
    let turns = [Turn::client(CONNECT), Turn::server(CONNACK), Turn::client(&long), Turn::client(b"\xe0\0")];
    let recorder = told(&turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
    assert!(recorder.instances(ToServer, Field::MqMessage)[1].len() > 16_000);
    assert_eq!(recorder.records().len(), 3);
}
