//! Stream chunks → HTTP fields.

use std::hint::black_box;

use bench::http::{Kind, request, response};
use bench::random::Random;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataplane::app::{App, AppAnomaly, AppProtocol, AppSink, HttpTransaction, Lane, Record, SpareParsers};
use dataplane::flow::Direction;
use dataplane::reassembly::StreamChunk;
use dlp_patterns::Field;

#[derive(Default)]
struct Count {
    fields: usize,
    bytes: usize,
    transactions: usize,
    anomalies: usize,
}

impl AppSink for Count {
    fn begin(&mut self, _lane: Lane, _field: Field) {
        self.fields += 1;
    }
    fn data(&mut self, _lane: Lane, bytes: &[u8]) {
        self.bytes += black_box(bytes).len();
    }
    fn end(&mut self, _lane: Lane) {}
    fn transaction(&mut self, _transaction: &HttpTransaction) {
        self.transactions += 1;
    }
    fn record(&mut self, _record: &Record) {
        self.transactions += 1;
    }
    fn anomaly(&mut self, _direction: Direction, _protocol: AppProtocol, _anomaly: AppAnomaly) {
        self.anomalies += 1;
    }
}

fn parse(request: &[u8], response: &[u8], parsers: &mut SpareParsers) -> Count {
    let mut count = Count::default();
    let mut app = App::new();
    app.advance(Direction::ToServer, StreamChunk::Data(request), parsers, &mut count);
    for piece in response.chunks(1460) {
        app.advance(Direction::ToClient, StreamChunk::Data(piece), parsers, &mut count);
    }
    app.finish(parsers, &mut count);
    count
}

fn benchmark(criterion: &mut Criterion) {
    let mut random = Random::new(1);
    let request = request(0, &mut random);
    let mut group = criterion.benchmark_group("app");
    for (name, kind) in [("http_small", Kind::HttpSmall), ("http_bulk", Kind::HttpBulk)] {
        let response = response(kind, &mut random);
        let mut parsers = SpareParsers::default();
        let count = parse(&request, &response, &mut parsers);
        assert_eq!((count.transactions, count.anomalies), (1, 0));
        assert!(count.fields >= 4 && count.bytes > response.len() / 2);
        group.throughput(Throughput::Bytes((request.len() + response.len()) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| parse(black_box(&request), black_box(&response), &mut parsers));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
