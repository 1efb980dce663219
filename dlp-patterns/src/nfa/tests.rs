use super::*;

fn parse(regex: &str) -> Hir {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex).expect("a regex")
}

/// When each match is known, where it ends, and its latest start; matches may begin anywhere.
fn matches(regex: &str, text: &[u8]) -> Vec<(usize, usize, u64)> {
    let nfa = Nfa::new(&parse(regex)).expect("it is small");
    let (mut now, mut next) = (Threads::new(), Threads::new());
    let mut behind = None;
    let mut found = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        let begun = nfa.may_begin_with(*byte).then_some(at as u64);
        let said = nfa.step(&now, begun, (behind, *byte), &mut next);
        std::mem::swap(&mut now, &mut next);
        assert!(now.is_sorted_by(|one, other| one.start >= other.start), "later starts first");
        found.extend(said.before.map(|start| (at + 1, at, start)));
        found.extend(said.now.map(|start| (at + 1, at + 1, start)));
        behind = Some(*byte);
    }
    found.extend(nfa.matches_at_end(&now, behind).map(|start| (text.len() + 1, text.len(), start)));
    found
}

#[test]
fn a_match_is_known_at_its_last_byte_unless_the_next_one_matters() {
    assert_eq!(matches("abc", b"abcabc"), [(3, 3, 0), (6, 6, 3)]);
    assert_eq!(matches(r"abc\b", b"abc d"), [(4, 3, 0)]);
    assert_eq!(matches(r"abc\b", b"abcd"), []);
    assert_eq!(matches(r"abc\b", b"abc"), [(4, 3, 0)]);
    assert_eq!(matches(r"ab(?:\b|\B)", b"ab"), [(2, 2, 0)], "whatever comes next");
    assert_eq!(matches(r"(?m)^a$", b"a\na\r"), [(2, 1, 0)]);
    assert_eq!(matches(r"(?mR)^a$", b"a\na\r"), [(2, 1, 0), (4, 3, 2)]);
    assert_eq!(matches(r"\Bb\b", b"b ab"), [(5, 4, 3)]);
}

#[test]
fn of_the_starts_that_come_to_agree_the_latest_is_kept() {
    assert_eq!(matches("a.{1,3}b", b"aaxb"), [(4, 4, 1)]);
    assert_eq!(matches("aa.{1,3}b|ax", b"aaxxb"), [(3, 3, 1), (5, 5, 0)]);
}

#[test]
fn threads_of_two_sources_are_joined_by_their_starts() {
    let thread = |position, start| Thread { position, start };
    let mut joined = Threads::new();
    join(&[thread(3, 9), thread(1, 4)], &[thread(1, 7), thread(2, 4)], &mut joined);
    assert_eq!(joined.as_slice(), [thread(3, 9), thread(1, 7), thread(2, 4)]);
}

#[test]
fn positions_are_the_bytes_of_the_pattern() {
    let positions = |regex| Nfa::new(&parse(regex)).map(|nfa| nfa.positions());
    assert_eq!(positions("ab[cd]"), Some(4));
    assert_eq!(positions("a.{1,120}b"), Some(123));
    assert_eq!(positions("(?:ab|cb)d"), Some(5), "what reads the same before the same is one");
    assert_eq!(positions("a.{2048}"), None);
    assert_eq!(positions("(?:a?b?c?){300}d"), None, "too many edges");
}

#[test]
fn a_byte_costs_as_many_steps_as_edges_are_looked_at() {
    let nfa = Nfa::new(&parse("a.{1,9}b")).expect("it is small");
    let (mut now, mut next) = (Threads::new(), Threads::new());
    let mut worst = 0;
    for at in 0..100 {
        worst = worst.max(nfa.step(&now, Some(at), (Some(b'a'), b'a'), &mut next).steps);
        std::mem::swap(&mut now, &mut next);
        assert!(now.len() <= nfa.positions());
    }
    assert_eq!(
        worst,
        1 + 1 + 2 * 8 + 1,
        "the start, the first byte, and a way on and a way out behind each but the last"
    );
}

#[test]
fn an_automaton_that_could_match_nothing_is_not_sound() {
    let mut forged = Nfa::new(&parse("ab?")).expect("it is small");
    assert!(forged.is_sound());
    forged.edges[0].to = ACCEPT;
    assert!(!forged.is_sound());
}
