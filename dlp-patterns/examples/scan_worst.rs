//! Prints the texts that the default packs scan slowest: `cargo run --release -p dlp-patterns --example scan_worst`.

use std::hint::black_box;
use std::time::Instant;

use dlp_patterns::{Direction, Field, Pack, RuleSet, ScanState, Signature, default_packs};

#[path = "../src/scan/hostile.rs"]
mod hostile;

const SEGMENT_BYTES: usize = 1460;
/// The best of them counts, for whatever is slower was disturbed.
const ROUNDS: usize = 5;
/// Texts that are printed for each field.
const SHOWN: usize = 5;

fn main() {
    let packs = default_packs();
    let rules = RuleSet::compile(&packs).expect("the default packs are right");
    let signatures = packs.iter().flat_map(Pack::signatures);
    let texts = hostile::texts(signatures.flat_map(Signature::positive).map(String::as_str));
    println!("{} texts; the slowest of each field, in ns a byte", texts.len());
    for (field, direction) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)))
    {
        let mut costs: Vec<_> =
            texts.iter().map(|(name, text)| (cost_ns(&rules, field, direction, text), name)).collect();
        costs.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (cost_ns, name) in costs.iter().take(SHOWN) {
            println!("{:18} {:9} {cost_ns:8.1}  {}", field.as_str(), direction.as_str(), name.escape_debug());
        }
    }
}

/// Nanoseconds a byte.
fn cost_ns(rules: &RuleSet, field: Field, direction: Direction, text: &[u8]) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (mut state, mut hits) = (ScanState::default(), Vec::new());
        let begin = Instant::now();
        rules.begin(&mut state, field, direction);
        for segment in text.chunks(SEGMENT_BYTES) {
            // An overflow takes no longer.
            let _ = rules.scan(&mut state, black_box(segment), &mut hits);
            hits.clear();
        }
        rules.finish(&mut state, &mut hits);
        begin.elapsed().as_secs_f64()
    });
    #[expect(clippy::cast_precision_loss, reason = "it is far below 2^52")]
    let bytes = text.len() as f64;
    rounds.fold(f64::INFINITY, f64::min) * 1e9 / bytes
}
