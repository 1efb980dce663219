//! However a text is cut into chunks, a scan reports what the oracle finds in the whole of it.

mod oracle;
#[path = "fuzzed/sample.rs"]
mod sample;

use std::sync::LazyLock;

use dlp_patterns::{Direction, Field, Hit, Pack, Rule, RuleSet, ScanState, default_packs};
use oracle::{Found, Oracle};
use proptest::prelude::*;
use sample::{draw, sample};

static DEFAULT: LazyLock<RuleSet> =
    LazyLock::new(|| RuleSet::compile(&default_packs()).expect("they are right"));
static NASTY: LazyLock<RuleSet> = LazyLock::new(|| {
    let pack = Pack::parse("nasty.toml", include_str!("nasty.toml")).expect("it is right");
    RuleSet::compile(&[pack]).expect("it is right")
});

static COMBINED: LazyLock<RuleSet> = LazyLock::new(|| {
    let pack = Pack::parse("combined.toml", include_str!("combined.toml")).expect("it is right");
    RuleSet::compile(&[pack]).expect("it is right")
});

/// The same rules, and some whose tables would be huge, all simulated.
static SIMULATED: LazyLock<RuleSet> = LazyLock::new(|| {
    let packs = [("nasty.toml", include_str!("nasty.toml")), ("huge.toml", include_str!("huge.toml"))];
    let packs = packs.map(|(name, text)| Pack::parse(name, text).expect("it is right"));
    RuleSet::compile_within(&packs, 0).expect("it is right")
});

static COMBINED_SIMULATED: LazyLock<RuleSet> = LazyLock::new(|| {
    let pack = Pack::parse("combined.toml", include_str!("combined.toml")).expect("it is right");
    RuleSet::compile_within(&[pack], 0).expect("it is right")
});

static HUGE: LazyLock<RuleSet> = LazyLock::new(|| {
    let pack = Pack::parse("huge.toml", include_str!("huge.toml")).expect("it is right");
    RuleSet::compile(&[pack]).expect("it is right")
});

/// A part of a random text.
#[derive(Clone, Debug)]
enum Piece {
    /// Bytes as they are.
    Noise(Vec<u8>),
    /// A text of a rule, without its first and last bytes.
    OfRule { rule: prop::sample::Index, seed: u64, skip: usize, drop: usize },
}

fn pieces(noise: &'static str) -> impl Strategy<Value = Vec<Piece>> {
    let noise =
        prop::string::string_regex(noise).expect("a regex").prop_map(|text| Piece::Noise(text.into_bytes()));
    let sides = prop_oneof![4 => Just(0usize), 1 => 0usize..4];
    let of_rule = (any::<prop::sample::Index>(), any::<u64>(), sides.clone(), sides)
        .prop_map(|(rule, seed, skip, drop)| Piece::OfRule { rule, seed, skip, drop });
    prop::collection::vec(prop_oneof![1 => noise, 2 => of_rule], 1..6)
}

/// A text that a rule is made for: one of its examples, or samples of its parts in their order.
fn text_of(oracle: &Oracle<'_>, rule: &Rule, index: usize, seed: u64) -> Vec<u8> {
    let signature = rule.signature();
    let examples: Vec<_> = signature.positive().iter().chain(signature.negative()).collect();
    let mut random = seed | 1;
    if seed.is_multiple_of(3) {
        return examples[draw(&mut random, examples.len())].as_bytes().to_vec();
    }
    let mut text = Vec::new();
    for part in oracle.parts(index) {
        let is_left_out = oracle.parts(index).len() > 1 && draw(&mut random, 6) == 0;
        for _ in 0..if is_left_out { 0 } else { part.count() } {
            sample(part.pattern(), &mut random, &mut text);
            let filler = [&b""[..], b"", b" ", b".-", b"      "];
            text.extend_from_slice(filler[draw(&mut random, filler.len())]);
        }
    }
    text
}

fn assemble(rules: &RuleSet, oracle: &Oracle<'_>, pieces: &[Piece]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Noise(bytes) => text.extend_from_slice(bytes),
            Piece::OfRule { rule, seed, skip, drop } => {
                let index = rule.index(rules.rules().len());
                let sampled = text_of(oracle, &rules.rules()[index], index, *seed);
                text.extend(
                    &sampled[(*skip).min(sampled.len())
                        ..sampled.len().saturating_sub(*drop).max((*skip).min(sampled.len()))],
                );
            }
        }
    }
    text
}

fn scan<'c>(
    rules: &RuleSet,
    state: &mut ScanState,
    (field, direction): (Field, Direction),
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> Vec<Hit> {
    let mut hits = Vec::new();
    rules.begin(state, field, direction);
    for chunk in chunks {
        rules.scan(state, chunk, &mut hits).expect("these texts are short");
    }
    rules.finish(state, &mut hits);
    hits
}

fn cut<'t>(text: &'t [u8], cuts: &[prop::sample::Index]) -> Vec<&'t [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(text.len());
    let mut from = 0;
    cuts.into_iter().map(|to| &text[std::mem::replace(&mut from, to)..to]).collect()
}

fn check(rules: &RuleSet, pieces: &[Piece], cuts: &[prop::sample::Index]) -> Result<(), TestCaseError> {
    let oracle = Oracle::new(rules);
    let text = assemble(rules, &oracle, pieces);
    let mut state = ScanState::default();
    for (field, direction) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)))
    {
        if !rules.has_rules(field, direction) {
            continue;
        }
        let looks = |rule: &Rule| {
            rule.fields().contains(&field) && rule.direction().is_none_or(|only| only == direction)
        };
        let expected = oracle.hits(&text, looks);
        let whole = scan(rules, &mut state, (field, direction), [text.as_slice()]);
        let found: Vec<Found> = whole.iter().map(|hit| (hit.rule.0, hit.start, hit.end)).collect();
        prop_assert_eq!(&found, &expected, "whole: {}", text.escape_ascii());
        for hit in &whole {
            let (start, end) =
                (usize::try_from(hit.start).expect("short"), usize::try_from(hit.end).expect("short"));
            prop_assert_eq!(hit.excerpt.as_slice(), &text[start.max(end.saturating_sub(64))..end]);
        }
        let chunks = cut(&text, cuts);
        prop_assert_eq!(
            &scan(rules, &mut state, (field, direction), chunks),
            &whole,
            "cut: {}",
            text.escape_ascii()
        );
        let bytes = text.chunks(1);
        prop_assert_eq!(
            &scan(rules, &mut state, (field, direction), bytes),
            &whole,
            "bytes: {}",
            text.escape_ascii()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_default_packs(
        pieces in pieces("[ -~\r\n]{0,12}|[0-9 -]{0,20}|[.$%{/'=;]{0,6}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        check(&DEFAULT, &pieces, &cuts)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_nasty_pack(
        pieces in pieces("[a-d]{0,12}|[a-dA-D0-9 .\n]{0,8}|[0-9]{0,6}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        check(&NASTY, &pieces, &cuts)?;
    }

    #[test]
    fn a_nasty_pack_that_is_simulated(
        pieces in pieces("[a-d]{0,12}|[a-dA-D0-9 .\n]{0,8}|[0-9]{0,6}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        check(&SIMULATED, &pieces, &cuts)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_pack_of_huge_automata(
        pieces in pieces("[a-d]{0,12}|(?:Warning: |in /a/b\\.php|select |from ){0,3}|[a-z ]{0,40}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        check(&HUGE, &pieces, &cuts)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn a_pack_of_combinations(
        pieces in pieces("[a-e]{0,12}|[a-e0-9 .\n-]{0,8}|[0-9]{0,6}|[ .]{0,40}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        check(&COMBINED, &pieces, &cuts)?;
    }

    #[test]
    fn a_pack_of_combinations_that_is_simulated(
        pieces in pieces("[a-e]{0,12}|[a-e0-9 .\n-]{0,8}|[0-9]{0,6}|[ .]{0,40}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        check(&COMBINED_SIMULATED, &pieces, &cuts)?;
    }
}

#[test]
fn samples_reach_every_rule() {
    for rules in [&*DEFAULT, &*NASTY, &*COMBINED, &*HUGE, &*SIMULATED] {
        let oracle = Oracle::new(rules);
        for (index, rule) in rules.rules().iter().enumerate() {
            let field = rule.fields()[0];
            let direction = rule.direction().unwrap_or(Direction::ToClient);
            let is_hit = (0..200u64).any(|seed| {
                let text = text_of(&oracle, rule, index, seed * 7919 + 1);
                let hits = scan(rules, &mut ScanState::default(), (field, direction), [text.as_slice()]);
                hits.iter().any(|hit| hit.rule.0 as usize == index)
            });
            assert!(is_hit, "no sample of \"{}\" is hit", rule.name());
        }
    }
}
