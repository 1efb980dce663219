use super::*;
use crate::limits::AUTOMATON_STATES_MAX;

fn parse(regex: &str) -> Hir {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex).expect("a regex")
}

fn automaton(regex: &str, reads: Reads, ends: Ends) -> Automaton {
    Automaton::new(&parse(regex), reads, ends).expect("it is small")
}

/// After how many bytes of `text` each match is known, and where it ends; one more than all bytes is the end.
fn matches(automaton: &Automaton, text: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut state = automaton.start(None);
    for (at, byte) in text.iter().enumerate() {
        state = automaton.next(state, *byte);
        let outcome = automaton.outcome(state);
        if outcome & outcome::MATCH_BEFORE != 0 {
            found.push((at + 1, at));
        }
        if outcome & outcome::MATCH != 0 {
            found.push((at + 1, at + 1));
        }
    }
    if automaton.matches_at_end(state) {
        found.push((text.len() + 1, text.len()));
    }
    found
}

fn first(regex: &str, text: &str) -> Vec<(usize, usize)> {
    matches(&automaton(regex, Reads::Forward, Ends::First), text.as_bytes())
}

#[test]
fn a_match_is_known_at_its_last_byte_unless_the_next_one_matters() {
    assert_eq!(first("abc", "abcd"), [(3, 3)]);
    assert_eq!(first(r"abc\b", "abc d"), [(4, 3)]);
    assert_eq!(first(r"abc\b", "abcd"), []);
    assert_eq!(first(r"abc\b", "abc"), [(4, 3)]);
    assert_eq!(first("abc$", "abc"), [(4, 3)]);
    assert_eq!(first("abc$", "abcd"), []);
    assert_eq!(first(r"ab\b|abc", "abc"), [(3, 3)]);
    assert_eq!(first("ab.{0,9}c", "abxxcc"), [(5, 5)], "only the first end");
}

#[test]
fn every_end_is_found_where_it_is_asked_for() {
    let all = |regex, text: &str| matches(&automaton(regex, Reads::Forward, Ends::All), text.as_bytes());
    assert_eq!(all("a+", "aaab"), [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(all(r"a+\b", "aa a"), [(3, 2)]);
    assert_eq!(all(r"[0-9]{2,3}(?:\b|x)", "123x"), [(4, 4)]);
    assert_eq!(all(r"[0-9]{2,3}(?:\b|x)", "123"), [(4, 3)]);
}

#[test]
fn an_automaton_reads_backward_and_from_anywhere() {
    let back = automaton(r"\bab+", Reads::Backward, Ends::First);
    assert_eq!(matches(&back, b"bba x"), [(4, 3)]);
    assert_eq!(matches(&back, b"bba"), [(4, 3)]);
    assert_eq!(matches(&back, b"bbay"), []);
    let anywhere = automaton("[a-c]d", Reads::ForwardFromAnywhere, Ends::All);
    assert_eq!(matches(&anywhere, b"xadbd"), [(3, 3), (5, 5)]);
}

#[test]
fn what_stands_behind_the_start_is_seen() {
    let word = automaton(r"\bab", Reads::Forward, Ends::First);
    let is_dead = |behind| word.next(word.start(behind), b'a') == DEAD;
    assert_eq!([None, Some(b' '), Some(b'x'), Some(b'_')].map(is_dead), [false, false, true, true]);
}

#[test]
fn states_are_as_few_as_can_be() {
    assert_eq!(automaton("abc|xbc", Reads::Forward, Ends::First).states(), 5, "dead, match, start, a|x, b");
    let counted = automaton("(?:key|token)[ =:]{0,20}[0-9a-f]{32}", Reads::Forward, Ends::First);
    assert!(counted.states() < 70, "{}", counted.states());
    assert_eq!(counted.stride_log2, 4, "few classes of bytes");
}

#[test]
fn what_would_be_huge_is_refused() {
    assert!(Automaton::new(&parse("a.*b.{200}c"), Reads::Forward, Ends::First).is_none());
}

/// Determinizing these takes seconds, and nothing could be made of what comes of it.
#[test]
fn what_would_have_too_many_states_is_not_determinized_to_its_end() {
    for (regex, reads, ends) in [
        ("[a-c].{0,14}a?", Reads::ForwardFromAnywhere, Ends::All),
        (r"[a-c].{0,14}(?:a|\b)", Reads::ForwardFromAnywhere, Ends::First),
    ] {
        let states = |dots: usize| {
            let regex = regex.replace("14", &dots.to_string());
            let dense = explore::determinize(&parse(&regex), reads, ends)?;
            Some((dense.memory_usage() / 4) >> dense.byte_classes().stride2())
        };
        assert!(states(9).expect("it is small enough") > AUTOMATON_STATES_MAX / 32, "{regex}");
        assert_eq!(states(14), None, "{regex}");
    }
}

#[test]
fn where_it_takes_too_many_rounds_states_are_as_many_as_they_were() {
    let graph = |regex| explore::graph(&parse(regex), Reads::Forward, Ends::First).expect("it is small");
    let states = |graph: &Graph| (graph.nodes.len(), graph.minimized().nodes.len());
    // Both ways through `x` and `y` are the same.
    let (before, few) = states(&graph("(?:x[^-]{0,40}|y[^-]{0,40})zz"));
    assert!(few < before, "{few} of {before}");
    let long = graph("(?:x[^-]{0,1900}|y[^-]{0,1900})zz");
    let (before, many) = states(&long);
    assert_eq!(many, before);
    let automaton = Automaton::from_graph(&long.minimized());
    assert!(automaton.is_sound());
    assert_eq!(matches(&automaton, b"y.....zz"), [(8, 8)]);
}

#[test]
fn a_row_of_sets_needs_no_determinization() {
    for (regex, texts) in [
        ("abc", &["abc", "abd", "xabc", "ab"][..]),
        ("(?i)a[b-d]c[0-9]", &["aBC7x", "aec7", "ADc0", "abc"]),
        ("[^a][a-z][^\\x00]", &["bcd", "aab", "zzz", "A0c"]),
    ] {
        let row = crate::compile::plain_row(&parse(regex)).expect("it is plain");
        let (plain, determinized) = (Automaton::of_row(&row), automaton(regex, Reads::Forward, Ends::First));
        assert_eq!(plain.states(), determinized.states(), "{regex}");
        for text in texts {
            assert_eq!(matches(&plain, text.as_bytes()), matches(&determinized, text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn a_row_may_tell_all_bytes_apart() {
    let regex: String = (0..=u8::MAX).map(|byte| format!("\\x{byte:02x}")).collect();
    let row = crate::compile::plain_row(&parse(&regex)).expect("it is plain");
    let text: Vec<u8> = (0..=u8::MAX).collect();
    let row = Automaton::of_row(&row);
    assert!(!matches(&row, &text).is_empty());
    assert!(matches(&row, &text[..255]).is_empty());
}

#[test]
fn an_automaton_that_could_match_nothing_is_told_from_one_that_can_not() {
    let is_whole = |automaton: &Automaton| automaton.is_sound() && automaton.matches_no_empty_string();
    for regex in ["ab", r"a\b", r"\bab?$", "[a-z]{2,3}"] {
        for (reads, ends) in [
            (Reads::Forward, Ends::First),
            (Reads::Backward, Ends::All),
            (Reads::ForwardFromAnywhere, Ends::All),
        ] {
            assert!(is_whole(&automaton(regex, reads, ends)), "{regex} {reads:?}");
        }
    }
    let of_nothing = ["a?", r"\b", "a*$"].map(|regex| automaton(regex, Reads::Backward, Ends::All));
    assert!(of_nothing.iter().all(|automaton| automaton.is_sound() && !is_whole(automaton)));
    let mut forged = automaton("ab", Reads::Forward, Ends::All);
    forged.starts[Kind::Word as usize] = (1..forged.special)
        .find(|state| forged.outcome(*state) & outcome::MATCH != 0)
        .expect("it says matches");
    assert!(forged.is_sound() && !is_whole(&forged));
    let mut forged = automaton(r"ab\b", Reads::Forward, Ends::All);
    let before = (1..forged.special).find(|state| forged.outcome(*state) & outcome::MATCH_BEFORE != 0);
    let row = usize::from(forged.starts[0]) << forged.stride_log2;
    forged.transitions[row] = before.expect("the next byte matters");
    assert!(forged.is_sound() && !is_whole(&forged), "a byte after the start");
}
