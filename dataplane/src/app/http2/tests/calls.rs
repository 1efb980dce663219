//! Calls of gRPC.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::*;

fn message(flag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[flag], &(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
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
        (message(1, b"no gzip at all, but longer than its head"), DecompressionFailed),
        (message(1, &bomb), DecompressionCap),
    ] {
        let call = headers(0, 1, &with(&CALL, &[("grpc-encoding", "gzip")]));
        let body_frames: Vec<u8> = body.chunks(16_000).flat_map(|piece| data(0, 1, piece)).collect();
        let recorder = told_however_cut(AppProtocol::Grpc, &[client(&[call, body_frames])]);
        assert_eq!(recorder.anomalies(), [anomaly]);
        assert_eq!(recorder.instances(ToServer, Field::HttpRequestBody), [&body[..]]);
    }
}

#[test]
fn so_many_messages_are_inflated_at_once() {
    use crate::limits::GRPC_INFLATES_MAX;
    let call = with(&CALL, &[("grpc-encoding", "gzip")]);
    let sent = message(1, &gzip(b"plain"));
    let (begin, end) = sent.split_at(sent.len() - 1);
    let told = |count: usize| {
        let ids = || (0..count as u32).map(|number| 2 * number + 1);
        let open: Vec<_> = ids().map(|id| [headers(0, id, &call), data(0, id, begin)].concat()).collect();
        let close: Vec<_> = ids().map(|id| data(flag::END_STREAM, id, end)).collect();
        let all = [PREFACE, &settings(&[]), &open.concat(), &close.concat()].concat();
        let (_, recorder) = listen(&[(ToServer, Data(&all)), (ToServer, Data(&[]))]);
        (recorder.anomalies(), recorder.instances(ToServer, Field::GrpcMessage).len())
    };
    assert_eq!(told(GRPC_INFLATES_MAX), (vec![], GRPC_INFLATES_MAX));
    assert_eq!(told(GRPC_INFLATES_MAX + 1), (vec![AppAnomaly::DecompressionCap], GRPC_INFLATES_MAX));
}
