//! Flows whose chunks are scanned in batches hit what they hit when each is scanned by itself.

mod random;

use std::sync::LazyLock;

use dlp_patterns::{BatchItem, Direction, Field, Hit, Pack, RuleSet, ScanState, Tier, default_packs};
use proptest::prelude::*;
use random::draw;

/// Rules for a tier, and the texts that they are made for.
struct Ready {
    tier: Tier,
    rules: RuleSet,
    contexts: Vec<(Field, Direction)>,
    texts: Vec<String>,
}

fn ready(packs: &[Pack]) -> Vec<Ready> {
    let signatures = || packs.iter().flat_map(Pack::signatures);
    let texts = || signatures().flat_map(|signature| signature.positive().iter().chain(signature.negative()));
    let of_tier = |tier| {
        let rules = RuleSet::compile_for(packs, tier).expect("they are right");
        let contexts = Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)));
        let contexts = contexts.filter(|(field, way)| rules.has_rules(*field, *way)).collect();
        Ready { tier, rules, contexts, texts: texts().cloned().collect() }
    };
    Tier::available().map(of_tier).collect()
}

fn pack(name: &str, text: &str) -> Pack {
    Pack::parse(name, text).expect("it is right")
}

static DEFAULT: LazyLock<Vec<Ready>> = LazyLock::new(|| ready(&default_packs()));
static NASTY: LazyLock<Vec<Ready>> =
    LazyLock::new(|| ready(&[pack("nasty.toml", include_str!("nasty.toml"))]));
static COMBINED: LazyLock<Vec<Ready>> =
    LazyLock::new(|| ready(&[pack("combined.toml", include_str!("combined.toml"))]));

/// A chunk of a flow; where `ends`, the field ends behind it, and another begins.
#[derive(Clone, Debug)]
struct Chunk {
    /// Counted around.
    flow: usize,
    bytes: usize,
    ends: bool,
}

/// A flow, scanned in batches and by itself.
#[derive(Default)]
struct Flow {
    together: (ScanState, Vec<Hit>),
    alone: (ScanState, Vec<Hit>),
    random: u64,
    /// What it has still to send.
    text: Vec<u8>,
}

impl Flow {
    fn begin(&mut self, ready: &Ready) {
        let (field, direction) = ready.contexts[draw(&mut self.random, ready.contexts.len())];
        ready.rules.begin(&mut self.together.0, field, direction);
        ready.rules.begin(&mut self.alone.0, field, direction);
    }

    fn end(&mut self, ready: &Ready) {
        ready.rules.finish(&mut self.together.0, &mut self.together.1);
        ready.rules.finish(&mut self.alone.0, &mut self.alone.1);
    }

    /// The next bytes: examples, some of them with a byte changed, with noise between them.
    fn next(&mut self, ready: &Ready, bytes: usize) -> Vec<u8> {
        while self.text.len() < bytes {
            let mut text = ready.texts[draw(&mut self.random, ready.texts.len())].clone().into_bytes();
            if draw(&mut self.random, 3) == 0 && !text.is_empty() {
                let at = draw(&mut self.random, text.len());
                text[at] ^= [0x80, 0x20][draw(&mut self.random, 2)];
            }
            self.text.extend(text);
            let (noise, alphabet) = (draw(&mut self.random, 60), [&b" .-\n0123456789abcd"[..], b" "]);
            let alphabet = alphabet[draw(&mut self.random, 2)];
            self.text.extend((0..noise).map(|_| alphabet[draw(&mut self.random, alphabet.len())]));
        }
        self.text.drain(..bytes).collect()
    }
}

fn batches() -> impl Strategy<Value = Vec<Vec<Chunk>>> {
    let bytes = prop_oneof![4 => 0usize..40, 4 => 100usize..300, 2 => 490usize..520, 1 => 1000usize..6000];
    let chunk = (any::<usize>(), bytes, prop::bool::weighted(0.1));
    let chunk = chunk.prop_map(|(flow, bytes, ends)| Chunk { flow, bytes, ends });
    prop::collection::vec(prop::collection::vec(chunk, 1..24), 1..6)
}

/// Scans batches, and each chunk of them by itself, and demands that these are equal; how many hits
/// there were.
fn check(ready: &Ready, seeds: &[u64], batches: &[Vec<Chunk>]) -> Result<usize, TestCaseError> {
    let rules = &ready.rules;
    let mut flows: Vec<Flow> =
        seeds.iter().map(|seed| Flow { random: *seed | 1, ..Flow::default() }).collect();
    flows.iter_mut().for_each(|flow| flow.begin(ready));
    for batch in batches {
        let mut chunks: Vec<Option<(Vec<u8>, bool)>> = vec![None; flows.len()];
        for chunk in batch {
            let at = chunk.flow % flows.len();
            chunks[at].get_or_insert_with(|| (flows[at].next(ready, chunk.bytes), chunk.ends));
        }
        let mut items: Vec<_> = flows
            .iter_mut()
            .zip(&chunks)
            .filter_map(|(flow, chunk)| {
                let (state, hits) = &mut flow.together;
                Some(BatchItem::new(state, &chunk.as_ref()?.0, hits))
            })
            .collect();
        rules.scan_batch(&mut items);
        let mut results = items.iter().map(|item| item.result).collect::<Vec<_>>().into_iter();
        for (flow, chunk) in flows.iter_mut().zip(&chunks) {
            let Some((bytes, ends)) = chunk else { continue };
            let result = rules.scan(&mut flow.alone.0, bytes, &mut flow.alone.1);
            prop_assert_eq!(results.next(), Some(result));
            prop_assert_eq!(&flow.together.1, &flow.alone.1, "{}", ready.tier.as_str());
            prop_assert_eq!(rules.is_waiting(&flow.together.0), rules.is_waiting(&flow.alone.0));
            if *ends {
                flow.end(ready);
                flow.begin(ready);
            }
        }
    }
    for flow in &mut flows {
        flow.end(ready);
        prop_assert_eq!(&flow.together.1, &flow.alone.1, "{}", ready.tier.as_str());
    }
    Ok(flows.iter().map(|flow| flow.together.1.len()).sum())
}

/// Else nothing would be said by all being equal.
#[test]
fn what_is_scanned_in_batches_is_hit() {
    let seeds: Vec<u64> = (1..=16).map(|seed: u64| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let chunk = |(flow, bytes)| Chunk { flow, bytes, ends: flow % 5 == 0 };
    for sizes in [[30, 60, 90, 120], [200, 301, 402, 503], [505, 1000, 2000, 5000]] {
        let batch: Vec<Chunk> = (0..seeds.len()).zip(sizes.into_iter().cycle()).map(chunk).collect();
        let batches = vec![batch; 6];
        for ready in DEFAULT.iter().chain(&*NASTY).chain(&*COMBINED) {
            let hits = check(ready, &seeds, &batches).expect("they are equal");
            assert!(hits >= seeds.len() / 2, "{hits} hits with {sizes:?} on {}", ready.tier.as_str());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn in_any_mix_of_flows_contexts_and_sizes(
        seeds in prop::collection::vec(any::<u64>(), 1..20),
        batches in batches(),
    ) {
        for ready in DEFAULT.iter().chain(&*NASTY).chain(&*COMBINED) {
            check(ready, &seeds, &batches)?;
        }
    }
}
