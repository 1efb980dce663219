//! Calls of gRPC.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::*;

fn message(flag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[flag], &(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

const CALL: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/pkg.Greeter/SayHello"),
    (":authority", "h"),
    ("content-type", "application/grpc+proto"),
];

#[test]
fn messages_and_status_are_told() {
    let sent = [message(0, b"first"), message(0, b""), message(1, &gzip(b"second"))].concat();
    let (one, two) = sent.split_at(8);
    let recorder = told_however_cut(
        AppProtocol::Grpc,
        &[
            client(&[
                headers(0, 1, &with(&CALL, &[("grpc-encoding", "gzip")])),
                data(0, 1, one),
                data(flag::END_STREAM, 1, two),
            ]),
            server(&[
                headers(0, 1, &[(":status", "200"), ("content-type", "application/grpc")]),
                data(0, 1, &message(0, b"answer")),
                headers(flag::END_STREAM, 1, &[("grpc-status", "5"), ("grpc-message", "no such")]),
            ]),
        ],
    );
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(recorder.instances(ToServer, Field::GrpcMessage), [&b"first"[..], b"second"]);
    assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [&sent[..]]);
    assert_eq!(recorder.instances(ToClient, Field::GrpcMessage), [b"answer"]);
    let record = recorder.records().into_iter().find(|record| record.protocol() == AppProtocol::Grpc);
    let record = record.expect("it is told");
    assert_eq!(record.find("service"), Some(Value::Text(b"pkg.Greeter")));
    assert_eq!(record.find("method"), Some(Value::Text(b"SayHello")));
    assert_eq!(record.find("messages"), Some(Value::Number(3)));
    assert_eq!(record.find("status"), Some(Value::Number(5)));
    assert_eq!(record.find("message"), Some(Value::Text(b"no such")));
    assert_eq!(record.id(), recorder.transactions()[0].id);
}

#[test]
fn what_is_no_message_is_told() {
    use AppAnomaly::*;
    let bomb = gzip(&vec![0; 8 << 20]);
    for (body, anomaly) in [
        (message(2, b"x"), Malformed),
        (message(1, b"no gzip at all, but longer than its head"), ContentBroken),
        (message(1, &bomb), ContentRatio),
    ] {
        let call = headers(0, 1, &with(&CALL, &[("grpc-encoding", "gzip")]));
        let body_frames: Vec<u8> = body.chunks(16_000).flat_map(|piece| data(0, 1, piece)).collect();
        let recorder = told_however_cut(AppProtocol::Grpc, &[client(&[call, body_frames])]);
        assert_eq!(recorder.anomalies(), [anomaly]);
        assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [&body[..]]);
    }
}

#[test]
fn messages_are_of_whatever_coding_they_say() {
    let message_of = |coding: &str, bytes: &[u8]| {
        let call = headers(0, 1, &with(&CALL, &[("grpc-encoding", coding)]));
        let recorder = told_however_cut(
            AppProtocol::Grpc,
            &[client(&[call, data(flag::END_STREAM, 1, &message(1, bytes))])],
        );
        (recorder.anomalies(), recorder.instances(ToServer, Field::GrpcMessage).concat())
    };
    let zstd = zstd::bulk::compress(b"plain", 3).expect("memory takes all");
    assert_eq!(message_of("zstd", &zstd), (vec![], b"plain".to_vec()));
    assert_eq!(message_of("snappy", b"?"), (vec![AppAnomaly::ContentCoding], b"?".to_vec()));
}

/// What each of them comes to is within measure, and what all come to is not.
#[test]
fn a_bomb_in_parts_is_one() {
    let part = message(1, &gzip(&vec![0; 64 * 1024]));
    let call = headers(0, 1, &with(&CALL, &[("grpc-encoding", "gzip")]));
    let told = |count: usize| {
        let turns = [client(&[call.clone(), data(0, 1, &part.repeat(count))])];
        told_however_cut(AppProtocol::Grpc, &turns).anomalies()
    };
    assert_eq!((told(3), told(60)), (vec![], vec![AppAnomaly::ContentRatio]));
}

#[test]
fn who_serves_a_service_is_told_as_its_product() {
    let call = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/etcdserverpb.KV/Range"),
        (":authority", "h"),
        ("content-type", "application/grpc"),
    ];
    let answered = |status: &[(&str, &str)]| {
        let head = with(&[(":status", "200"), ("content-type", "application/grpc")], status);
        let turns =
            [client(&[headers(flag::END_STREAM, 1, &call)]), server(&[headers(flag::END_STREAM, 1, &head)])];
        told_however_cut(AppProtocol::Grpc, &turns).products()
    };
    assert_eq!(answered(&[("grpc-status", "0")]), [HttpProduct::Etcd]);
    assert_eq!(answered(&[("grpc-status", "12")]), [], "it has no such service");
    assert_eq!(answered(&[("grpc-status", "12"), ("server", "envoy")]), [HttpProduct::Envoy]);
}
