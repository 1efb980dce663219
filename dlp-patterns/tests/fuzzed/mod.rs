//! What holds for every pack, every text and every cutting: here for those that a fuzzer's bytes stand for.

use std::sync::LazyLock;

use dlp_patterns::{Direction, Field, Hit, RuleSet, ScanState, Tier, default_packs};

mod case;
mod plain;
pub(crate) mod sample;

use case::{Case, compile};
use plain::Plain;

static DEFAULT: LazyLock<Vec<RuleSet>> = LazyLock::new(|| {
    let packs = default_packs();
    Tier::available().map(|tier| RuleSet::compile_for(&packs, tier).expect("they are right")).collect()
});

/// What was there to be checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Rules that the compiler took.
    pub(crate) rules: usize,
    /// Hits in the whole text.
    pub(crate) hits: usize,
    /// Hits of the default packs.
    pub(crate) default_hits: usize,
    /// Scans that were given up since they caused too much work.
    pub(crate) overflows: usize,
}

/// Hits, and whether the scan caused more work than it may.
#[derive(Debug, PartialEq)]
struct Scanned {
    hits: Vec<Hit>,
    is_overflow: bool,
}

/// Checks that a scan finds the same on each tier and in any chunks, that this is what plain automata find, and that no text
/// causes the default packs more work than it may.
///
/// # Panics
/// If any of that does not hold.
#[must_use = "a check that saw nothing is none"]
pub(crate) fn check(bytes: &[u8]) -> Seen {
    let case = Case::read(bytes);
    let mut seen = Seen { rules: case.rules.len(), ..Seen::default() };
    if !case.rules.is_empty() {
        check_own(&case, &mut seen);
    }
    // Those that the default packs speak of.
    let field = Field::ALL[case.text.len() % 5];
    let direction = Direction::BOTH[case.text.len() / 8 % 2];
    let mut first = None;
    for rules in &*DEFAULT {
        for chunks in cuttings(&case) {
            let scanned = scan(rules, (field, direction), &chunks);
            assert!(!scanned.is_overflow, "the default packs overflow on {field:?} {direction:?}\n{case}");
            seen.default_hits = scanned.hits.len();
            let expected = first.get_or_insert_with(|| scanned.hits.clone());
            assert_eq!(&scanned.hits, expected, "the default packs on {field:?} {direction:?}\n{case}");
        }
    }
    seen
}

/// The rules of the case itself.
fn check_own(case: &Case, seen: &mut Seen) {
    let first_end = |rule: &case::Shape| Some(Plain::new(&rule.hir_from_before())?.first_end(&case.text));
    let ends: Vec<Option<Option<u64>>> = case.rules.iter().map(first_end).collect();
    let mut first = None;
    for tier in Tier::available() {
        let rules = compile(&case.rules, tier).expect("each of them compiled alone");
        for chunks in cuttings(case) {
            let scanned = scan(&rules, (Field::Payload, Direction::ToServer), &chunks);
            let is_true = |hit: &Hit| ends[hit.rule.0 as usize].is_none_or(|end| end == Some(hit.end));
            let name = tier.as_str();
            if scanned.is_overflow {
                // It may miss then, and invents nothing. Where it comes to that depends on tier and chunks.
                seen.overflows += 1;
                assert!(scanned.hits.iter().all(is_true), "{name} invents {:?}\n{case}", scanned.hits);
                continue;
            }
            let first = first.get_or_insert_with(|| scanned.hits.clone());
            assert_eq!(&scanned.hits, first, "{name} in {} chunks\n{case}", chunks.len());
        }
    }
    let Some(hits) = first else { return };
    for (id, end) in (0..).zip(&ends) {
        let found = hits.iter().find(|hit| hit.rule.0 == id).map(|hit| hit.end);
        assert!(
            end.is_none_or(|end| end == found),
            "rule {id} ends at {found:?}, plainly at {end:?}\n{case}"
        );
    }
    seen.hits = hits.len();
}

/// In one, as the case says, and byte by byte.
fn cuttings(case: &Case) -> [Vec<&[u8]>; 3] {
    [vec![case.text.as_slice()], case.chunks(), case.text.chunks(1).collect()]
}

fn scan(rules: &RuleSet, (field, direction): (Field, Direction), chunks: &[&[u8]]) -> Scanned {
    let (mut state, mut hits) = (ScanState::default(), Vec::new());
    rules.begin(&mut state, field, direction);
    let mut is_overflow = false;
    for chunk in chunks {
        is_overflow |= rules.scan(&mut state, chunk, &mut hits).is_err();
    }
    rules.finish(&mut state, &mut hits);
    Scanned { hits, is_overflow }
}
