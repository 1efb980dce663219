//! Bodies of streams that are coded, and values within them: as those of HTTP/1 are.

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};

use super::{calls::gzip, *};
use crate::app::{Depth, HttpFile, HttpFileStage, recorder::Told};

const TEXT: &[u8] = b"some text, and some text again";

fn coded(name: &str) -> Vec<u8> {
    match name {
        "gzip" => gzip(TEXT),
        "deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(TEXT).expect("memory takes all");
            encoder.finish().expect("memory takes all")
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 18);
            encoder.write_all(TEXT).expect("memory takes all");
            encoder.into_inner()
        }
        "zstd" => zstd::bulk::compress(TEXT, 3).expect("memory takes all"),
        _ => TEXT.to_vec(),
    }
}

/// What is told so deep in a direction, as field instances.
fn instances(recorder: &Recorder, of: Depth) -> Vec<&[u8]> {
    let told = recorder.told.iter().filter_map(|told| match told {
        Told::End(lane, Field::HttpRequestBody | Field::HttpResponseBody, bytes) if lane.depth == of => {
            Some(bytes.as_slice())
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn each_stream_has_its_coding() {
    let names = ["gzip", "deflate", "br", "zstd", "identity"];
    let ids = (0..names.len() as u32).map(|number| 2 * number + 1);
    let bodies: Vec<_> = names.into_iter().map(coded).collect();
    let mut answers = Vec::new();
    for (id, name) in ids.clone().zip(names) {
        answers.push(headers(0, id, &[(":status", "200"), ("content-encoding", name)]));
    }
    // They take turns.
    for (id, body) in ids.clone().zip(&bodies) {
        answers.push(data(0, id, &body[..7]));
    }
    for (id, body) in ids.clone().zip(&bodies) {
        answers.push(data(flag::END_STREAM, id, &body[7..]));
    }
    let get: Vec<_> = ids.map(|id| headers(flag::END_STREAM, id, &REQUEST)).collect();
    let recorder = told(&[client(&get), server(&answers)]);
    assert_eq!(recorder.anomalies(), []);
    assert_eq!(instances(&recorder, Depth::Decoded), [TEXT; 4]);
    assert_eq!(instances(&recorder, Depth::Wire), bodies);
    let counted: Vec<_> = recorder.transactions().iter().map(|of| of.response_bytes).collect();
    assert_eq!(counted, bodies.iter().map(|body| body.len() as u64).collect::<Vec<_>>());
    let files: Vec<_> = recorder.transactions().iter().map(|of| of.files[1].clone()).collect();
    assert_eq!(
        files,
        vec![file(b"", TEXT.len(), HttpFileStage::Complete); 5],
        "as long as what they come to"
    );
}

fn file(name: &[u8], bytes: usize, stage: HttpFileStage) -> HttpFile {
    HttpFile { name: name.to_vec(), bytes: bytes as u64, stage, has_gap: false }
}

#[test]
fn what_streams_carry_is_told_as_files() {
    let named = with(&REQUEST, &[("content-disposition", "attachment; filename=a.txt")]);
    let answer = headers(0, 1, &[(":status", "200")]);
    let recorder = told(&[
        client(&[headers(0, 1, &named), data(0, 1, b"abc"), data(flag::END_STREAM, 1, b"de")]),
        server(&[answer.clone(), data(0, 1, b"abc")]),
    ]);
    let files = [file(b"a.txt", 5, HttpFileStage::Complete), file(b"", 3, HttpFileStage::Begun)];
    assert_eq!(recorder.transactions()[0].files, files);
    assert!(recorder.transactions()[0].held_bytes() > named.len(), "its name counts");
    let tunnel = headers(0, 1, &[(":method", "CONNECT"), (":authority", "h.example:25")]);
    let call = headers(0, 1, &with(&REQUEST, &[("content-type", "application/grpc")]));
    for (protocol, request) in [(AppProtocol::Http2, tunnel), (AppProtocol::Grpc, call)] {
        let frames = [request, data(flag::END_STREAM, 1, b"\0\0\0\0\x01x")];
        let turns = [client(&frames), server(std::slice::from_ref(&answer))];
        let stages = told_however_cut(protocol, &turns).transactions()[0].files.each_ref().map(|of| of.stage);
        assert_eq!(stages, [HttpFileStage::Absent; 2]);
    }
}

#[test]
fn what_cannot_be_decoded_is_told_and_scanned_as_it_is() {
    use AppAnomaly::*;
    let bomb = gzip(&vec![0; 4 << 20]);
    for (coding, body, anomaly) in [
        ("compress", TEXT, ContentCoding),
        ("gzip, gzip, gzip, gzip, gzip", TEXT, ContentLayers),
        ("gzip", TEXT, ContentBroken),
        ("gzip", &coded("gzip")[..20], ContentBroken),
        ("gzip", &bomb, ContentRatio),
    ] {
        let request = headers(0, 1, &with(&REQUEST, &[("content-encoding", coding)]));
        let recorder = told(&[client(&[request, data(flag::END_STREAM, 1, body)])]);
        assert_eq!(recorder.anomalies(), [anomaly], "{coding}");
        assert_eq!(instances(&recorder, Depth::Wire), [body]);
    }
}

#[test]
fn values_are_told_without_their_escapes() {
    let form = with(&REQUEST, &[("content-type", "application/x-www-form-urlencoded")]);
    let sent = [headers(0, 1, &form), data(flag::END_STREAM, 1, b"a=%27+or&b=1")];
    let recorder = told(&[client(&sent)]);
    assert_eq!(instances(&recorder, Depth::WireValues), [b"a=' or"]);
}

#[test]
fn nothing_is_decoded_behind_a_gap() {
    let body = coded("gzip");
    let request = headers(0, 1, &with(&REQUEST, &[("content-encoding", "gzip")]));
    let frame = data(flag::END_STREAM, 1, &body);
    let begin = [PREFACE, &settings(&[]), &request, &frame[..9 + 15]].concat();
    let chunks = [(ToServer, Data(&begin[..])), (ToServer, Gap(3)), (ToServer, Data(&frame[9 + 18..]))];
    let (app, recorder) = listen(&chunks);
    assert_eq!(app.protocol(), AppProtocol::Http2);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Gap, AppAnomaly::ContentGap]);
    assert_eq!(instances(&recorder, Depth::Wire), [&body[..15], &body[18..]]);
    let whole = file(b"", body.len(), HttpFileStage::Complete);
    assert_eq!(recorder.transactions()[0].files[0], HttpFile { has_gap: true, ..whole });
}
