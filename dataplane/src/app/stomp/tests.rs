use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_however_cut},
};
use Direction::{ToClient, ToServer};

const CONNECT: &[u8] =
    b"CONNECT\naccept-version:1.2\nhost:/\nlogin:weir\npasscode:hush\nclient-id:app\n\n\0\n";
const CONNECTED: &[u8] = b"CONNECTED\r\nversion:1.2\r\nserver:broker/1\r\n\r\n\0";

#[test]
fn frames_and_messages_are_told() {
    let turns = [
        Turn::client(CONNECT),
        Turn::server(CONNECTED),
        Turn::client(b"SUBSCRIBE\nid:0\ndestination:/queue/orders\n\n\0\n\n"),
        Turn::client(b"SEND\ndestination:/queue/orders\ndestination:/other\ncontent-length:5\n\nhe\0lo\0"),
        Turn::server(b"MESSAGE\nsubscription:0\nmessage-id:7\ndestination:/queue/orders\n\nhello\0\n"),
        Turn::server(b"ERROR\nmessage:gone\n\n\0"),
    ];
    let recorder = told_however_cut(AppProtocol::Stomp, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MqClient), [b"app"]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [b"/queue/orders", b"/queue/orders"]);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [b"he\0lo"]);
    assert_eq!(recorder.instances(ToClient, Field::MqMessage), [b"hello"]);
    let records = recorder.records();
    let commands: Vec<_> = records.iter().filter_map(|record| record.find("command")).collect();
    let expected: [&[u8]; 6] = [b"CONNECT", b"CONNECTED", b"SUBSCRIBE", b"SEND", b"MESSAGE", b"ERROR"];
    assert_eq!(commands, expected.map(Value::Text));
    assert_eq!(records[1].find("server"), Some(Value::Text(b"broker/1")));
    assert_eq!(records[3].find("message_bytes"), Some(Value::Number(5)));
    assert!(!recorder.do_records_say(b"hush"));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn what_is_no_frame_is_told() {
    for bad in [&b"NONSENSE\n"[..], b"SEND\nno colon\n", b"SEND\ncontent-length:1\n\nxy"] {
        let turns = [Turn::client(CONNECT), Turn::server(CONNECTED), Turn::client(bad)];
        assert_eq!(told_however_cut(AppProtocol::Stomp, &turns).anomalies(), [AppAnomaly::Malformed]);
    }
}

/// A frame that breaks off is told as far as it came.
#[test]
fn a_frame_that_breaks_off_is_told() {
    let turns = [Turn::client(CONNECT), Turn::client(b"SEND\ndestination:/q\n\nhel")];
    let recorder = told_however_cut(AppProtocol::Stomp, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MqMessage), [b"hel"]);
    assert_eq!(recorder.records().len(), 2);
}
