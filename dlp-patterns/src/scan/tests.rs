use super::*;
use crate::{FoundBy, Pack, default_packs};

mod batch;
mod work;

pub(super) fn compiled(rules: &[&str]) -> RuleSet {
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

/// How the first rule is found.
fn found_by(rules: &RuleSet) -> FoundBy {
    rules.costs().next().expect("there is a rule").1.found_by
}

pub(super) fn begun(rules: &RuleSet) -> ScanState {
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
    assert!(size_of::<ScanState>() <= 256, "{}", size_of::<ScanState>());
    let rules = compiled(&["regex = 'ab.*cd'"]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    for (chunk, capacity) in [(&b"no ab\nhere a"[..], 0), (b"b", 0), (b"x", 1), (b"y\n", 0)] {
        rules.scan(&mut state, chunk, &mut hits).expect("no overflow");
        let live = state.kept.as_ref().map_or(0, |kept| kept.live.len());
        assert_eq!(live, capacity, "behind {}", chunk.escape_ascii());
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
fn a_match_may_be_as_long_as_it_likes() {
    let rules = compiled(&["regex = 'ab[^c]*c'"]);
    let text = [b"ab".to_vec(), vec![b'x'; 1 << 20], b"c".to_vec()].concat();
    assert_eq!(hits(&rules, &text), [(0, text.len() as u64)]);
}

#[test]
fn a_rule_hits_a_field_once_where_its_first_match_ends() {
    let rules = compiled(&["regex = 'ab[0-9]*x|b[0-9]y'"]);
    assert_eq!(hits(&rules, b"ab1y ab1x"), [(1, 4)]);
    assert_eq!(hits(&rules, b"ab12345x b1y b2y"), [(0, 8)]);
    assert_eq!(hits(&rules, b"ab1234567 ab1x b1y"), [(10, 14)]);
    assert_eq!(hits(&rules, b"ababx"), [(2, 5)], "the latest begin");
}

#[test]
fn a_field_that_began_under_another_set_is_not_scanned() {
    let (old, new) = (compiled(&["regex = 'ab.*c'"]), compiled(&["regex = 'b+'", "regex = '[^-]{9}'"]));
    let (mut state, mut hits) = (begun(&old), Vec::new());
    old.scan(&mut state, b"abx", &mut hits).expect("no overflow");
    assert!(old.is_waiting(&state) && !new.is_waiting(&state));
    new.scan(&mut state, b"bbbbbbbbbbbbc", &mut hits).expect("nothing to overflow");
    new.finish(&mut state, &mut hits);
    assert_eq!(hits, []);
    new.begin(&mut state, Field::Payload, Direction::ToServer);
    new.scan(&mut state, b"b", &mut hits).expect("no overflow");
    assert_eq!((hits[0].start, hits[0].end), (0, 1), "a field of its own is");
}

#[test]
fn where_every_rule_has_hit_nothing_is_looked_at_any_more() {
    let rules = compiled(&["regex = 'ab'", "all = [{ regex = 'cd' }, { regex = 'ef' }]"]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    let mut steps = |chunk: &[u8]| rules.scan_counting(&mut state, chunk, &mut hits).expect("no overflow");
    assert!(steps(b"ab cd ab cd") > 0);
    assert!(steps(b"cd ef") > 0, "one rule waits for a part");
    assert_eq!(steps(b"ab cd ef"), 0);
    rules.finish(&mut state, &mut hits);
    assert_eq!(hits.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(), [(0, 2), (14, 16)]);
    rules.begin(&mut state, Field::Payload, Direction::ToServer);
    assert!(rules.scan_counting(&mut state, b"ab", &mut hits).expect("no overflow") > 0, "the next field");
}

#[test]
fn a_confirmation_that_began_within_a_match_is_none_of_its_own() {
    let rules = compiled(&["regex = 'a[^e]*d'\ncount = 2"]);
    assert_eq!(hits(&rules, b"aad, d"), [], "both begin before the first one ends");
    assert_eq!(hits(&rules, b"aad, ad"), [(5, 7)]);
    // Two beginnings come to the same state; the later one is behind the first match, and speaks for both.
    let rules = compiled(&["regex = '(?:a|ba)[0-9]*x'\ncount = 2"]);
    assert_eq!(hits(&rules, b"a1xba2x"), [(4, 7)]);
    let rules = compiled(&["regex = 'ab|b[0-9]{40,}c'\ncount = 2"]);
    let digits = [b"ab".as_slice(), &[b'7'; 99], b"c"].concat();
    assert_eq!(hits(&rules, &digits), [], "`b…c` overlaps `ab`");
    assert_eq!(hits(&rules, &[b"b", digits.as_slice()].concat()), []);
    assert_eq!(hits(&rules, &[digits.as_slice(), b"ab"].concat()), [(102, 104)]);
}

#[test]
fn a_validator_sees_each_begin_of_a_literal_that_is_cut() {
    // Only from the first digit on the sum is right; behind the digits a literal goes on beyond its window.
    let rules = compiled(&["regex = '[0-9]{1,20}zebra-abcdefghiklmnop-abcde-98713'\nvalidator = 'luhn'"]);
    let text = b"799273zebra-abcdefghiklmnop-abcde-98713";
    for cut in 0..text.len() {
        let (mut state, mut hits) = (begun(&rules), Vec::new());
        for chunk in [&text[..cut], &text[cut..]] {
            rules.scan(&mut state, chunk, &mut hits).expect("no overflow");
        }
        let found: Vec<_> = hits.iter().map(|hit| (hit.start, hit.end)).collect();
        assert_eq!(found, [(0, text.len() as u64)], "cut at {cut}");
    }
}

#[test]
fn large_chunks_are_counted_through() {
    let rules = compiled(&["regex = 'a[ab]'\ncount = 4000\n"]);
    let text = b"ab".repeat(5000);
    assert_eq!(hits(&rules, &text), [(7998, 8000)]);
    assert_eq!(hits(&rules, &text[..7998]), []);
}

#[test]
fn a_rule_that_the_end_decides_holds_what_it_found() {
    let rules = compiled(&[
        "all = [{ regex = 'ab[0-9]*c' }]\nnone = [{ regex = 'zz$' }]",
        "any = [{ regex = 'x+y$' }]\nnone = [{ regex = 'q' }]",
        r"regex = 'z\b'",
    ]);
    let (mut state, mut found) = (begun(&rules), Vec::new());
    for chunk in [&b"ab0123"[..], b"45c", &[b' '; 300], b"xxxy"] {
        rules.scan(&mut state, chunk, &mut found).expect("no overflow");
        assert!(rules.is_waiting(&state), "a rule was found in parts");
        assert_eq!(found, []);
    }
    rules.finish(&mut state, &mut found);
    let shown: Vec<_> = found.iter().map(|hit| (hit.start, hit.end, hit.excerpt.as_slice())).collect();
    assert_eq!(shown, [(0, 9, &b"ab012345c"[..]), (311, 313, b"xy")]);
    assert_eq!(hits(&rules, b"abc xy zz"), [(8, 9)]);
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

#[test]
fn a_scan_waits_while_a_match_is_under_way() {
    let rules = compiled(&["regex = 'begin[a-z ]*end'"]);
    let everywhere = compiled(&["regex = '[^-]{8}[^-]'"]);
    let context = everywhere.context(Field::Payload, Direction::ToServer).expect("there is a rule");
    assert_eq!(context.everywhere().len(), 1, "it has no window");
    let cases: [(&RuleSet, &[u8], bool); 7] = [
        (&rules, b"nothing at all, ", false),
        (&rules, b"nothing, begin a", true),
        (&rules, b"nothing, begin a match...", false),
        (&rules, b"begin a match end, begin", false),
        (&everywhere, b"-1-2-3-", false),
        (&everywhere, b"-1-2-3-abcdef", true),
        (&everywhere, b"-1-2-3-abcdef-", false),
    ];
    for (rules, text, expected) in cases {
        let (mut state, mut hits) = (begun(rules), Vec::new());
        rules.scan(&mut state, text, &mut hits).expect("no overflow");
        assert_eq!(rules.is_waiting(&state), expected, "behind {}", text.escape_ascii());
        rules.finish(&mut state, &mut hits);
        assert!(!rules.is_waiting(&state), "the field is over");
    }
}

#[test]
fn a_flood_of_begins_is_read_by_one_simulation() {
    let rules = compiled(&["regex = 'Warning: .{1,120} in (?:/[a-z]{1,40}){2,10}[.]php'"]);
    assert_eq!(found_by(&rules), FoundBy::SimulatedWindows);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    let flood = b"Warning: in /a/b".repeat(400);
    for chunk in flood.chunks(7) {
        rules.scan(&mut state, chunk, &mut hits).expect("no overflow");
    }
    assert!(rules.is_waiting(&state));
    rules.scan(&mut state, b".php", &mut hits).expect("no overflow");
    assert_eq!(hits.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(), [(6368, 6404)]);
    assert!(!rules.is_waiting(&state), "a rule hits once");
    rules.begin(&mut state, Field::Payload, Direction::ToServer);
    rules.scan(&mut state, b" in /a/b.php", &mut hits).expect("no overflow");
    assert_eq!((hits.len(), rules.is_waiting(&state)), (1, false), "nothing is left of the last field");
}

#[test]
fn where_nothing_is_seldom_every_byte_is_simulated() {
    let rules = compiled(&["regex = '[^-].{0,30}[^-].{18}[^-]'"]);
    assert_eq!(found_by(&rules), FoundBy::SimulatedEveryByte);
    assert_eq!(hits(&rules, b"---a--------------------a------------------a-"), [(3, 44)]);
}

#[test]
fn a_simulation_that_costs_too_much_ends_with_an_overflow() {
    let rules = compiled(&["regex = 'zq.{0,900}zq.{900}x'"]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    let text = b"zq".repeat(2000);
    let overflows =
        text.chunks(100).filter(|chunk| rules.scan(&mut state, chunk, &mut hits).is_err()).count();
    assert_eq!(overflows, 1);
}
