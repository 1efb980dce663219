//! Messages → hits: every pack on prose and on what it looks for, and the rules for secrets on every kind of bytes and in
//! messages of every size.

use std::hint::black_box;

use bench::syntax::parse;
use bench::workload::{DataKind, PackKind};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use dlp_patterns::{Direction, Field, Hit, Pack, RuleSet, ScanState, default_packs};
use regex_syntax::hir::Hir;

/// Bytes that a case scans: more than the fast caches hold.
const DATA_BYTES: usize = 1 << 20;
/// What an MTU of 1500 leaves of IPv4.
const SEGMENT_BYTES: usize = 1460;
/// From a small request to a page that is not so small.
const MESSAGES_BYTES: [usize; 4] = [200, SEGMENT_BYTES, 16 << 10, DATA_BYTES];
const SEED: u64 = 1;

/// A rule set with its name and what it looks for.
struct Subject {
    name: &'static str,
    rules: RuleSet,
    patterns: Vec<Hir>,
}

impl Subject {
    fn new(name: &'static str, mut packs: Vec<Pack>) -> Subject {
        if RuleSet::compile(&packs).is_err() {
            packs.iter_mut().for_each(leave_out_refused);
        }
        let rules = RuleSet::compile(&packs).expect("what was refused is left out");
        // No text of a combination is drawn.
        let patterns =
            packs.iter().flat_map(Pack::signatures).filter_map(|signature| parse(signature).ok()).collect();
        Subject { name, rules, patterns }
    }

    fn generated(name: &'static str, kinds: &[PackKind]) -> Subject {
        let pack = |kind: &PackKind| kind.pack(kind.as_str()).expect("it is right");
        Subject::new(name, kinds.iter().map(pack).collect())
    }

    fn data(&self, kind: DataKind) -> Vec<u8> {
        kind.bytes(DATA_BYTES, &self.patterns, SEED)
    }

    /// Scans all messages in pieces of so many bytes, and returns how many fields caused more work than they may.
    fn scan(&self, data: &[u8], message_bytes: usize, piece_bytes: usize, hits: &mut Vec<Hit>) -> usize {
        hits.clear();
        let (mut state, mut overflows) = (ScanState::default(), 0);
        for message in data.chunks(message_bytes) {
            self.rules.begin(&mut state, Field::Payload, Direction::ToServer);
            for piece in message.chunks(piece_bytes) {
                overflows += usize::from(self.rules.scan(&mut state, piece, hits).is_err());
            }
            self.rules.finish(&mut state, hits);
        }
        overflows
    }

    /// Measures a case, once it has shown that its hits are the same in whole messages, and as many as they should be.
    fn case(
        &self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        kind: DataKind,
        data: &[u8],
        message_bytes: usize,
    ) {
        let name = format!("{}/{}/{message_bytes}", self.name, kind.as_str());
        let (mut whole, mut hits) = (Vec::new(), Vec::new());
        assert_eq!(self.scan(data, message_bytes, usize::MAX, &mut whole), 0, "{name}");
        assert_eq!(self.scan(data, message_bytes, SEGMENT_BYTES, &mut hits), 0, "{name}");
        assert_eq!(hits, whole, "{name}");
        let messages = data.len().div_ceil(message_bytes);
        // A rule hits a message once, and about one text in 200 bytes is made to be hit.
        match kind {
            DataKind::Dense => assert!(hits.len() * 3 > messages, "{name}: {} hits", hits.len()),
            _ => assert!(hits.len() * 200 < data.len(), "{name}: {} hits", hits.len()),
        }
        group.throughput(Throughput::Bytes(data.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| self.scan(black_box(data), message_bytes, SEGMENT_BYTES, &mut hits));
        });
    }
}

/// A rule whose automaton would be too large is the compiler's to refuse, and not measured.
fn leave_out_refused(pack: &mut Pack) {
    let refused = |single: Pack| {
        let id = single.signatures().first()?.id();
        RuleSet::compile(&[single]).is_err().then_some(id)
    };
    let refused: Vec<u32> = pack.singles().filter_map(refused).collect();
    pack.retain(|signature| !refused.contains(&signature.id()));
}

fn subjects() -> Vec<Subject> {
    let mut subjects = vec![Subject::new("default", default_packs())];
    subjects.push(Subject::generated("dlp+numeric", &[PackKind::Dlp, PackKind::Numeric]));
    let alone = PackKind::ALL.into_iter().filter(|kind| *kind != PackKind::Numeric);
    subjects.extend(alone.map(|kind| Subject::generated(kind.as_str(), &[kind])));
    subjects
}

fn benchmark(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("match");
    for subject in subjects() {
        let has_all = subject.name == PackKind::Dlp.as_str();
        for kind in DataKind::ALL {
            let is_wanted = |bytes: &usize| {
                has_all || (*bytes == SEGMENT_BYTES && matches!(kind, DataKind::Text | DataKind::Dense))
            };
            let sizes: Vec<usize> = MESSAGES_BYTES.into_iter().filter(is_wanted).collect();
            if sizes.is_empty() {
                continue;
            }
            let data = subject.data(kind);
            for message_bytes in sizes {
                subject.case(&mut group, kind, &data, message_bytes);
            }
        }
    }
    group.finish();
}

/// There are many cases, and none of them is short.
fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(2))
}

criterion_group!(name = benches; config = criterion(); targets = benchmark);
criterion_main!(benches);
