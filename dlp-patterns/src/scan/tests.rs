use super::*;
use crate::limits::{LIVE_CANDIDATES_MAX, MATCH_BYTES_MAX};
use crate::{Pack, default_packs};

fn compiled(rules: &[&str]) -> RuleSet {
    let rule = |(at, pattern): (usize, &&str)| {
        format!(
            "[[rule]]\nid = {}\nname = 'n'\naction = 'alert'\nseverity = 1\ncategory = 'c'\nmask = 'none'\n\
             fields = ['payload']\nexamples = {{ positive = ['x'], negative = ['y'] }}\n{pattern}\n",
            at + 1
        )
    };
    let rules: String = rules.iter().enumerate().map(rule).collect();
    let text = format!("[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n{rules}");
    RuleSet::compile(&[Pack::parse("p.toml", &text).expect("it is right")]).expect("it is right")
}

fn begun(rules: &RuleSet) -> ScanState {
    let mut state = ScanState::default();
    rules.begin(&mut state, Field::Payload, Direction::ToServer);
    state
}

/// Start and end of what a scan in one piece hits.
fn hits(rules: &RuleSet, text: &[u8]) -> Vec<(u64, u64)> {
    let (mut state, mut hits) = (begun(rules), Vec::new());
    rules.scan(&mut state, text, &mut hits).expect("no overflow");
    rules.finish(&mut state, &mut hits);
    hits.iter().map(|hit| (hit.start, hit.end)).collect()
}

#[test]
fn a_state_is_small_and_owns_nothing_until_a_candidate_outlives_its_chunk() {
    assert!(size_of::<ScanState>() <= 160, "{}", size_of::<ScanState>());
    let rules = compiled(&["regex = 'ab.*cd'"]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    for (chunk, capacity) in [(&b"no ab\nhere a"[..], 0), (b"b", 1), (b"x\n", 0)] {
        rules.scan(&mut state, chunk, &mut hits).expect("no overflow");
        assert_eq!(state.live.capacity(), capacity, "behind {}", chunk.escape_ascii());
    }
    assert_eq!(hits, []);
}

#[test]
fn a_card_is_known_at_its_last_digit_and_a_word_at_the_byte_behind() {
    let rules = RuleSet::compile(&default_packs()).expect("they are right");
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    rules.scan(&mut state, b"4111111111111111", &mut hits).expect("no overflow");
    assert_eq!(hits.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(), [(0, 16)]);
    let rules = compiled(&[r"regex = 'abc\b'"]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    rules.scan(&mut state, b"abc", &mut hits).expect("no overflow");
    assert_eq!(hits, []);
    rules.scan(&mut state, b" ", &mut hits).expect("no overflow");
    assert_eq!((hits[0].start, hits[0].end), (0, 3));
}

#[test]
fn a_match_has_at_most_so_many_bytes() {
    for (behind, pattern) in [("", "regex = 'ab[^c]*c'"), (" ", r"regex = 'ab[^c]*c\b'")] {
        let rules = compiled(&[pattern]);
        let gap = usize::try_from(MATCH_BYTES_MAX).expect("small") - 3;
        let text = |gap: usize| format!("ab{}c{behind}", "x".repeat(gap)).into_bytes();
        assert_eq!(hits(&rules, &text(gap)), [(0, MATCH_BYTES_MAX)]);
        assert_eq!(hits(&rules, &text(gap + 1)), []);
    }
}

#[test]
fn candidates_with_the_same_future_are_one() {
    let rules = compiled(&["regex = 'ab.*cd'"]);
    let text = [b"ab".repeat(4 * LIVE_CANDIDATES_MAX), b"cd".to_vec()].concat();
    let end = text.len() as u64;
    assert_eq!(hits(&rules, &text), [(end - 4, end)], "the latest start speaks for all");
}

#[test]
fn candidates_with_different_futures_become_one_when_these_meet() {
    let rules = compiled(&["regex = '(?:ab){3,}cd'"]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    for pair in b"ab".repeat(100).chunks(2) {
        rules.scan(&mut state, pair, &mut hits).expect("no overflow");
        assert!(state.live.len() <= 3, "{:?}", state.live);
    }
    rules.scan(&mut state, b"cd", &mut hits).expect("no overflow");
    assert_eq!(hits.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(), [(194, 202)]);
}

/// The most automaton steps for each byte of a long hostile text, and the most for one byte anywhere.
const STEPS_PER_BYTE_MAX: usize = 8;
const STEPS_AT_A_BYTE_MAX: usize = 32;

#[test]
fn no_hostile_text_costs_more_than_a_few_steps_a_byte() {
    let packs = default_packs();
    let rules = RuleSet::compile(&packs).expect("they are right");
    let signatures = packs.iter().flat_map(Pack::signatures);
    let texts = hostile::texts(signatures.flat_map(crate::Signature::positive).map(String::as_str));
    for (field, direction) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)))
    {
        for (name, text) in &texts {
            let steps = steps(&rules, field, direction, text);
            let (sum, most) = (steps.iter().sum::<usize>(), steps.into_iter().max().unwrap_or_default());
            let place = format!("{name:?} as {} {}", field.as_str(), direction.as_str());
            assert!(sum <= STEPS_PER_BYTE_MAX * text.len(), "{sum} steps for {} bytes: {place}", text.len());
            assert!(most <= STEPS_AT_A_BYTE_MAX, "{most} steps at one byte: {place}");
        }
    }
}

/// How many steps rules' automata make at each byte: one for each candidate that is alive before it, and one for each
/// byte of a literal that ends with it.
fn steps(rules: &RuleSet, field: Field, direction: Direction, text: &[u8]) -> Vec<usize> {
    let (mut state, mut hits) = (ScanState::default(), Vec::new());
    rules.begin(&mut state, field, direction);
    let Some(literals) = rules.literals(field, direction) else { return Vec::new() };
    let mut at = literals.start();
    let step = |byte: &[u8]| {
        let alive = state.live.len();
        rules.scan(&mut state, byte, &mut hits).expect("the default packs keep few candidates alive");
        let has_ended = literals.find(&mut at, byte, 0).is_some();
        let ended = has_ended.then(|| literals.ended(at).map(|literal| literal.bytes.len()).sum());
        alive + ended.unwrap_or(0)
    };
    text.chunks(1).map(step).collect()
}

#[test]
fn overflow_is_told_once_and_what_is_alive_goes_on() {
    let rules = compiled(&["regex = 'ab.{300,340}cd'"]);
    let text = [b"ab".repeat(LIVE_CANDIDATES_MAX + 9), vec![b'x'; 230], b"cd".to_vec()].concat();
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    let told: Vec<_> =
        text.chunks(7).filter_map(|chunk| rules.scan(&mut state, chunk, &mut hits).err()).collect();
    assert_eq!(told, [ScanOverflow]);
    assert_eq!(hits.len(), 1, "the oldest are not given up for the newest");
}

#[test]
fn a_field_that_began_under_another_set_goes_on_under_this_one() {
    let (old, new) =
        (compiled(&["literals = ['abc']"]), compiled(&[r"regex = '\bxyz'", "literals = ['b x']"]));
    let (mut state, mut hits) = (begun(&old), Vec::new());
    old.scan(&mut state, b"ab", &mut hits).expect("no overflow");
    new.scan(&mut state, b"xyz xyz", &mut hits).expect("no overflow");
    new.finish(&mut state, &mut hits);
    assert_eq!(
        hits.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(),
        [(6, 9)],
        "offsets go on too"
    );
}

#[test]
fn without_a_field_nothing_is_scanned() {
    let rules = compiled(&["literals = ['abc']"]);
    let (mut state, mut hits) = (ScanState::default(), Vec::new());
    rules.scan(&mut state, b"abc", &mut hits).expect("nothing to overflow");
    rules.begin(&mut state, Field::HttpUri, Direction::ToServer);
    rules.scan(&mut state, b"abc", &mut hits).expect("nothing to overflow");
    rules.finish(&mut state, &mut hits);
    assert_eq!(hits, []);
}
