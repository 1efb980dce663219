use std::io::Write as _;

use flate2::{Compression, write};

use super::*;
use crate::app::{
    Record, Value,
    conversation::{Turn, told_however_cut},
    recorder::Recorder,
};
use crate::limits::KAFKA_DECODED_BYTES_MAX;
use Direction::{ToClient, ToServer};

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

/// A request of client `app`, number 7.
fn request(key: u16, version: u16, body: &[u8]) -> Vec<u8> {
    let tags: &[u8] = if Api::of(key, version).expect("an API").is_flexible(version) { b"\0" } else { b"" };
    framed(&[&key.to_be_bytes(), &version.to_be_bytes(), b"\0\0\0\x07\0\x03app", tags, body])
}

fn response(body: &[u8]) -> Vec<u8> {
    framed(&[b"\0\0\0\x07", body])
}

/// Records as they stand in a batch: each has the key `k`, a value, and a header `h`.
fn records(values: &[&[u8]]) -> Vec<u8> {
    let one = |value: &[u8]| {
        let length = [value.len() as u8 * 2];
        let record = [b"\0\0\0\x02k", &length[..], value, b"\x02\x02h\x04hv"].concat();
        [&[record.len() as u8 * 2][..], &record].concat()
    };
    values.iter().flat_map(|value| one(value)).collect()
}

fn batch(attributes: u16, count: u32, records: &[u8]) -> Vec<u8> {
    let body =
        [&[0; 4][..], b"\x02", &[0; 4], &attributes.to_be_bytes(), &[0; 34], &count.to_be_bytes(), records];
    [&[0; 8][..], &framed(&body)].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// Version 9, without a transaction, for partition 0 of topic `orders`.
fn produce(acknowledgments: u16, batch: &[u8]) -> Vec<u8> {
    let length = batch.len() as u32 + 1;
    let compact = [length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8];
    let front = [&b"\0"[..], &acknowledgments.to_be_bytes(), b"\0\0\x75\x30\x02\x07orders\x02\0\0\0\0"];
    request(api::PRODUCE, 9, &[&front.concat()[..], &compact, batch, b"\0\0\0"].concat())
}

fn texts<'r>(record: &'r Record, list: &str) -> Vec<&'r [u8]> {
    let within = record.values().skip_while(|(name, _)| *name != list).skip(1);
    within.map_while(|(_, value)| if let Value::Text(text) = value { Some(text) } else { None }).collect()
}

fn messages(recorder: &Recorder, direction: Direction) -> Vec<&[u8]> {
    recorder.instances(direction, Field::MqMessage)
}

#[test]
fn what_is_produced_is_told() {
    let plain = batch(0, 2, &records(&[b"one", b"two"]));
    let answer = response(b"\0\x01\0\0\0\0\0");
    let recorder =
        told_however_cut(AppProtocol::Kafka, &[Turn::client(&produce(1, &plain)), Turn::server(&answer)]);
    assert_eq!(messages(&recorder, ToServer), [&b"k"[..], b"one", b"hv", b"k", b"two", b"hv"]);
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [b"orders"]);
    assert_eq!(recorder.instances(ToServer, Field::MqClient), [b"app"]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(record.find("api"), Some(Value::Text(b"Produce")));
    assert_eq!(record.find("records"), Some(Value::Number(2)));
    assert_eq!(record.find("response_bytes"), Some(Value::Number(answer.len() as u64)));
    assert_eq!(texts(record, "topics"), [b"orders"]);
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn compressed_batches_are_told() {
    let plain = records(&[b"one"]);
    for (attributes, records) in
        [(1, gzip(&plain)), (4, zstd::bulk::compress(&plain, 1).expect("memory takes all"))]
    {
        let turn = Turn::client(&produce(0, &batch(attributes, 1, &records)));
        let recorder = told_however_cut(AppProtocol::Kafka, &[turn]);
        assert_eq!(messages(&recorder, ToServer), [&b"k"[..], b"one", b"hv"], "{attributes}");
        assert!(recorder.anomalies().is_empty());
        assert_eq!(recorder.records().len(), 1, "nobody answers it");
    }
    let snappy = Turn::client(&produce(0, &batch(2, 1, b"\x10\x3cwhatever")));
    let recorder = told_however_cut(AppProtocol::Kafka, &[snappy]);
    assert_eq!(recorder.records()[0].find("compression"), Some(Value::Text(b"snappy")));
    let broken = Turn::client(&produce(0, &batch(1, 1, b"no gzip at all")));
    let recorder = told_however_cut(AppProtocol::Kafka, &[broken]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::ContentBroken]);
}

#[test]
fn what_expands_beyond_measure_is_capped() {
    let bomb = batch(4, 1, &zstd::bulk::compress(&vec![0; 8 << 20], 1).expect("memory takes all"));
    let recorder = told_however_cut(AppProtocol::Kafka, &[Turn::client(&produce(0, &bomb))]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::ContentRatio, AppAnomaly::MessageCut]);
}

#[test]
fn a_long_batch_is_cut_and_no_bomb() {
    let log: String = (0..1500).map(|line| format!("{line:08} {}\n", "nothing to see ".repeat(13))).collect();
    assert!(log.len() > KAFKA_DECODED_BYTES_MAX);
    let long = batch(4, 1, &zstd::bulk::compress(log.as_bytes(), 1).expect("memory takes all"));
    let recorder = told_however_cut(AppProtocol::Kafka, &[Turn::client(&produce(0, &long))]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
    // All batches of a message count.
    let half = batch(4, 1, &zstd::bulk::compress(&log.as_bytes()[..200 << 10], 1).expect("memory takes all"));
    let recorder = told_however_cut(AppProtocol::Kafka, &[Turn::client(&produce(0, &half.repeat(9)))]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
    let recorder = told_however_cut(AppProtocol::Kafka, &[Turn::client(&produce(0, &half))]);
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn messages_of_the_old_formats_are_told_through_their_compression() {
    let message = |magic: u8, attributes: u8, value: &[u8]| {
        let time: &[u8] = if magic == 1 { &[0; 8] } else { &[] };
        let front = [&[0; 4][..], &[magic, attributes], time, b"\xff\xff\xff\xff"].concat();
        [&[0; 8][..], &framed(&[&front, &(value.len() as u32).to_be_bytes(), value])].concat()
    };
    let inner = [message(1, 0, b"one"), message(1, 0, b"two")].concat();
    let set = [message(0, 0, b"zero"), message(1, 1, &gzip(&inner))].concat();
    let front = b"\0\0\0\0\0\x0a\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0";
    let body = [&front[..], &framed(&[&set])].concat();
    let recorder = told_however_cut(AppProtocol::Kafka, &[Turn::client(&request(api::PRODUCE, 2, &body))]);
    assert_eq!(messages(&recorder, ToServer), [&b"zero"[..], b"one", b"two"]);
    assert_eq!(recorder.records()[0].find("records"), Some(Value::Number(3)));
}

#[test]
fn what_is_fetched_is_told() {
    let fetch = [
        &b"\xff\xff\xff\xff\0\0\x01\xf4\0\0\0\x01\x03\x20\0\0\0"[..],
        b"\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x05\0\x10\0\0",
    ];
    let front =
        [&b"\0\0\0\0\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0\0\0"[..], &[0; 16], b"\0\0\0\0"].concat();
    let answer = [&front[..], &framed(&[&batch(0, 1, &records(&[b"one"]))])].concat();
    let turns = [Turn::client(&request(api::FETCH, 4, &fetch.concat())), Turn::server(&response(&answer))];
    let recorder = told_however_cut(AppProtocol::Kafka, &turns);
    assert_eq!(messages(&recorder, ToClient), [&b"k"[..], b"one", b"hv"]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(
        (texts(record, "topics"), record.find("records")),
        (vec![&b"orders"[..]], Some(Value::Number(1)))
    );
}

/// Layouts of the two spellings, each with a topic `orders` or a group `group`.
#[test]
fn topics_and_groups_are_told_of_each_api() {
    let of: [(u16, u16, &[u8]); 11] = [
        (api::METADATA, 1, b"\0\0\0\x01\0\x06orders"),
        (api::METADATA, 12, &[&b"\x02"[..], &[9; 16], b"\x07orders\0\x01\0\0"].concat()),
        (api::FETCH, 12, &[&[0; 25][..], b"\x02\x07orders\x01\0\x01\x01\0"].concat()),
        (api::LIST_OFFSETS, 6, b"\xff\xff\xff\xff\0\x02\x07orders\x01\0\0"),
        (api::CREATE_TOPICS, 5, b"\x02\x07orders\0\0\0\x01\0\x01\x01\x01\0\0\0\x75\x30\0\0"),
        (api::DELETE_TOPICS, 3, b"\0\0\0\x01\0\x06orders\0\0\x75\x30"),
        (api::OFFSET_COMMIT, 8, b"\x06group\0\0\0\x01\x02m\0\x02\x07orders\x01\0\0"),
        (api::OFFSET_FETCH, 9, b"\x02\x06group\x02m\0\0\0\x01\x02\x07orders\x02\0\0\0\0\0\0\0"),
        (api::JOIN_GROUP, 6, b"\x06group\0\0\0\x01"),
        (api::FIND_COORDINATOR, 4, b"\0\x02\x06group\0"),
        (api::DELETE_GROUPS, 0, b"\0\0\0\x01\0\x05group"),
    ];
    for (key, version, body) in of {
        let recorder = told_however_cut(AppProtocol::Kafka, &[Turn::client(&request(key, version, body))]);
        let [record] = recorder.records()[..] else { panic!("one record") };
        let (topics, groups) = (texts(record, "topics"), texts(record, "groups"));
        let is_of_topics = key < api::OFFSET_COMMIT || key == api::CREATE_TOPICS || key == api::DELETE_TOPICS;
        let is_of_both = matches!(key, api::OFFSET_COMMIT | api::OFFSET_FETCH);
        assert_eq!(topics == [b"orders"], is_of_topics || is_of_both, "{key}: {topics:?}");
        assert_eq!(groups == [b"group"], !is_of_topics, "{key}: {groups:?}");
        assert_eq!(recorder.instances(ToServer, Field::MqTopic).len(), topics.len());
        assert!(recorder.anomalies().is_empty());
    }
}

#[test]
fn topics_with_identifiers_are_told_by_their_names() {
    let asked = [&b"\x02"[..], &[9; 16], b"\0\0\0\0"].concat();
    let broker = b"\x02\0\0\0\x01\x05host\0\0\x23\x84\0\0";
    let topic =
        [&b"\x02\0\0\x07orders"[..], &[9; 16], b"\0\x02", &[0; 14], b"\x02\0\0\0\x01\x01\x01\0"].concat();
    let told = [&b"\0\0\0\0\0"[..], broker, b"\x02c\0\0\0\x01", &topic, b"\0\0\0\0\0\0"].concat();
    let fetch = |id: u8| [&[0; 25][..], b"\x02", &[id; 16], b"\x01\0\x01\x01\0"].concat();
    let turns = [
        Turn::client(&request(api::METADATA, 12, &asked)),
        Turn::server(&response(&told)),
        Turn::client(&request(api::FETCH, 13, &fetch(9))),
        Turn::client(&request(api::FETCH, 13, &fetch(8))),
    ];
    let recorder = told_however_cut(AppProtocol::Kafka, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MqTopic), [b"orders"]);
    let records = recorder.records();
    assert_eq!(texts(records[1], "topics"), [b"orders"]);
    assert_eq!(texts(records[2], "topics"), [b"08".repeat(16)]);
}

#[test]
fn logins_are_told_without_what_proves_them() {
    let turns = [
        Turn::client(&request(api::SASL_HANDSHAKE, 1, b"\0\x05PLAIN")),
        Turn::server(&response(b"\0\0\0\0\0\x01\0\x05PLAIN")),
        Turn::client(&request(api::SASL_AUTHENTICATE, 2, b"\x0d\0weir\0secret\0")),
        Turn::server(&response(b"\0\0\x3a\x06wrong\x01\0")),
    ];
    let recorder = told_however_cut(AppProtocol::Kafka, &turns);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    let records = recorder.records();
    assert_eq!(records[0].find("mechanism"), Some(Value::Text(b"PLAIN")));
    assert_eq!(records[1].find("user"), Some(Value::Text(b"weir")));
    assert_eq!(records[1].find("error_code"), Some(Value::Number(58)));
    assert!(!recorder.do_records_say(b"secret"));

    let bare = [
        Turn::client(&request(api::SASL_HANDSHAKE, 0, b"\0\x05PLAIN")),
        Turn::server(&response(b"\0\0\0\0\0\x01\0\x05PLAIN")),
        Turn::client(&framed(&[b"\0weir\0secret"])),
        Turn::server(&framed(&[])),
        Turn::client(&request(api::API_VERSIONS, 3, b"\x05tool\x041.0\0")),
    ];
    let recorder = told_however_cut(AppProtocol::Kafka, &bare);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"weir"]);
    assert_eq!(recorder.records()[1].find("software"), Some(Value::Text(b"tool 1.0")));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn a_broker_that_is_heard_first_is_one() {
    let turns = [
        Turn::client(&response(b"\0\0\0\0\0\x01\0\0\0\0\0\x09\0\0\0\0")),
        Turn::server(&request(api::METADATA, 1, b"\0\0\0\x01\0\x06orders")),
    ];
    let recorder = told_however_cut(AppProtocol::Kafka, &turns);
    assert_eq!(recorder.instances(ToClient, Field::MqTopic), [b"orders"]);
    assert_eq!(recorder.records().len(), 1);
}

#[test]
fn what_is_no_request_is_told() {
    let turns = [Turn::client(&request(api::METADATA, 1, b"\0\0\0\0")), Turn::client(&framed(&[&[0xff; 9]]))];
    let recorder = told_however_cut(AppProtocol::Kafka, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    let startup = b"\0\0\0\x14\0\x03\0\0user\0weir\0\0\0\0\0";
    told_however_cut(AppProtocol::PgSql, &[Turn::client(startup)]);
    // A session of ZooKeeper begins like this.
    let zeros = [&b"\0\0\0\x2c"[..], &[0; 40]].concat();
    assert_eq!(is_begun_by(Prefix::of(ToServer, &zeros)), Answer::No);
}

#[test]
fn a_long_message_is_told_up_to_its_cut() {
    let values = vec![&b"a value of some length"[..]; 600];
    let long = produce(1, &batch(0, 600, &records(&values)));
    let turns = [Turn::client(&long), Turn::client(&request(api::METADATA, 1, b"\0\0\0\x01\0\x06orders"))];
    let recorder = told_however_cut(AppProtocol::Kafka, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
    let told = messages(&recorder, ToServer).len();
    assert!((1000..1800).contains(&told), "{told}");
    assert_eq!(recorder.records().len(), 2);
}
