//! A gzip response as frames → verdicts, beside its decompressor alone.

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::http::SEGMENT_BYTES_MAX;
use bench::random::Random;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::app::Lane;
use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink, Reading};
use dataplane::flow::{Direction, FlowRecord};
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::{Pack, RuleSet, default_packs};
use engine::sample::{Connection, Ends};
use flate2::{Compression, Decompress, FlushDecompress, write::DeflateEncoder};

const BODY_BYTES: usize = 4 << 20;
/// Header and trailer of a member (RFC 1952 §2.3) without a name.
const HEADER: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
const TRAILER_BYTES: usize = 8;
/// The ratio is of the best of so many runs.
const RUNS: usize = 15;

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

/// A page of words and numbers, which comes to a fifth or so.
fn page(random: &mut Random) -> Vec<u8> {
    const WORDS: [&str; 8] = ["river", "table", "window", "garden", "paper", "silver", "market", "bridge"];
    let mut page = Vec::with_capacity(BODY_BYTES + 100);
    while page.len() < BODY_BYTES {
        let word = WORDS[random.below(8) as usize];
        writeln!(page, "<li class=\"{word}\">{word} {}</li>", random.below(100_000)).expect("memory");
    }
    page
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn frames(deflated: &[u8]) -> Vec<Vec<u8>> {
    let ends = Ends::new(([10, 0, 0, 1], 40_000).into(), ([192, 0, 2, 1], 80).into(), &[]);
    let mut connection = Connection::new(ends, [1, 2]);
    let mut frames = connection.handshake();
    let request = b"GET / HTTP/1.1\r\nHost: www.example\r\nAccept-Encoding: gzip\r\n\r\n";
    frames.push(connection.segment(Direction::ToServer, DATA, request));
    let length = HEADER.len() + deflated.len() + TRAILER_BYTES;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
    let response = [head.as_bytes(), HEADER, deflated, &[0; TRAILER_BYTES]].concat();
    for piece in response.chunks(SEGMENT_BYTES_MAX) {
        frames.push(connection.segment(Direction::ToClient, DATA, piece));
        frames.push(connection.segment(Direction::ToServer, TcpFlags::ACK, b""));
    }
    frames
}

/// Counts what the rules read of the response, beside what is on the wire.
#[derive(Default)]
struct Decoded(usize);

impl EventSink for Decoded {
    fn emit(&mut self, _event: Event<'_>) {}

    fn reads(&mut self, _flow: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        if let Reading::Data(bytes) = reading
            && lane.direction == Direction::ToClient
            && lane != Lane::main(Direction::ToClient)
        {
            self.0 += bytes.len();
        }
    }
}

fn judge(pipeline: &mut Pipeline, frames: &mut [Vec<u8>]) -> usize {
    let mut decoded = Decoded::default();
    for (index, frame) in frames.iter_mut().enumerate() {
        let (now_ns, wire_bytes) = (index as u64 * 10_000, frame.len() as u32);
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        pipeline.process(frame, meta, &mut decoded);
    }
    decoded.0
}

/// The decompressor alone, on the same pieces.
fn inflate(decompress: &mut Decompress, room: &mut [u8], deflated: &[u8]) -> usize {
    decompress.reset(false);
    for piece in deflated.chunks(SEGMENT_BYTES_MAX) {
        let begin = decompress.total_in();
        loop {
            let rest = &piece[(decompress.total_in() - begin) as usize..];
            let before = decompress.total_out();
            decompress.decompress(rest, room, FlushDecompress::None).expect("it is deflate");
            if black_box(decompress.total_out() - before) < room.len() as u64 {
                break;
            }
        }
    }
    decompress.total_out() as usize
}

fn fastest(mut run: impl FnMut() -> usize, expected: usize) -> Duration {
    let times = (0..RUNS).map(|_| {
        let begin = Instant::now();
        assert_eq!(run(), expected);
        begin.elapsed()
    });
    times.min().unwrap_or_default()
}

fn benchmark(criterion: &mut Criterion) {
    let page = page(&mut Random::new(1));
    let deflated = deflate(&page);
    let mut frames = frames(&deflated);
    let (mut decompress, mut room) = (Decompress::new(false), vec![0; 16 * 1024]);
    let mut group = criterion.benchmark_group("content");
    group.throughput(Throughput::Bytes(page.len() as u64)).sample_size(10);
    assert_eq!(inflate(&mut decompress, &mut room, &deflated), page.len());
    let alone = fastest(|| inflate(&mut decompress, &mut room, &deflated), page.len());
    group.bench_function("inflate_alone", |bencher| {
        bencher.iter(|| inflate(&mut decompress, &mut room, black_box(&deflated)));
    });
    for (name, packs) in [("gzip_no_pack", Vec::<Pack>::new()), ("gzip_default_packs", default_packs())] {
        let rules = Arc::new(RuleSet::compile(&packs).expect("the packs compile"));
        let settings = Settings { flows_max: 64, ..Settings::default() };
        let fresh = || Pipeline::new(settings.clone(), Arc::clone(&rules));
        assert_eq!(judge(&mut fresh(), &mut frames), page.len(), "all of it is read");
        let taken = fastest(|| judge(&mut fresh(), &mut frames), page.len());
        let share = alone.as_secs_f64() / taken.as_secs_f64();
        println!("{name}: {:.0} % of the speed of the decompressor alone", share * 100.0);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(fresh, |pipeline| judge(pipeline, &mut frames), BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
