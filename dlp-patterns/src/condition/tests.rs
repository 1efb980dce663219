use super::*;

mod properties;

fn condition(parts: &[(Role, u32)], within_bytes: Option<u64>, in_order: bool) -> Condition {
    let parts = parts.iter().map(|&(role, count)| Need { role, count }).collect();
    Condition::new(parts, within_bytes, in_order)
}

/// What each match does, given as (part, start, end), and what the end of the field does.
fn run(condition: &Condition, matches: &[(usize, u64, u64)]) -> (Vec<Advance>, Option<Span>) {
    let mut progress = Progress::default();
    let advance = |&(part, start, end): &_| condition.advance(&mut progress, Found { part, start, end });
    let advances = matches.iter().map(advance).collect();
    (advances, condition.finish(&mut progress))
}

/// The index of the match that hits.
fn hit(condition: &Condition, matches: &[(usize, u64, u64)]) -> Option<usize> {
    let (advances, finish) = run(condition, matches);
    assert_eq!(finish, None, "nothing is decided at the end");
    let at = advances.iter().position(|advance| *advance != Advance::Open)?;
    let (_, start, end) = matches[at];
    assert_eq!(advances[at], Advance::Hit(Span { start, end }), "reported as the match that completed it");
    assert!(advances[at + 1..].iter().all(|advance| *advance == Advance::Open), "once a field");
    Some(at)
}

#[test]
fn all_and_any_hit_with_the_match_that_completes_them() {
    let both = condition(&[(Role::All, 1), (Role::All, 1)], None, false);
    assert_eq!(hit(&both, &[(1, 0, 3), (1, 9, 12), (0, 90, 99), (1, 100, 102)]), Some(2));
    assert_eq!(hit(&both, &[(1, 0, 3), (1, 9, 12)]), None);
    let either = condition(&[(Role::Any, 2), (Role::Any, 1)], None, false);
    assert_eq!(hit(&either, &[(0, 0, 3), (0, 9, 12)]), Some(1));
    assert_eq!(hit(&either, &[(0, 0, 3), (1, 9, 12)]), Some(1));
    let all_and_any = condition(&[(Role::All, 1), (Role::Any, 1), (Role::Any, 1)], None, false);
    assert_eq!(hit(&all_and_any, &[(1, 0, 2), (2, 3, 5), (0, 7, 9)]), Some(2));
    assert_eq!(hit(&all_and_any, &[(0, 0, 2), (2, 3, 5)]), Some(1));
}

#[test]
fn none_is_decided_at_the_end_of_the_field() {
    let unless = condition(&[(Role::All, 1), (Role::None, 2)], None, false);
    assert!(unless.is_decided_at_end());
    let span = Span { start: 4, end: 6 };
    let (advances, finish) = run(&unless, &[(1, 0, 2), (0, 4, 6), (0, 7, 9)]);
    assert_eq!(advances, [Advance::Open, Advance::Held(span), Advance::Open]);
    assert_eq!(finish, Some(span));
    let (advances, finish) = run(&unless, &[(1, 0, 2), (0, 4, 6), (1, 7, 9)]);
    assert_eq!((advances[1], finish), (Advance::Held(span), None));
    let (advances, finish) = run(&unless, &[(1, 0, 2), (1, 2, 4), (0, 4, 6)]);
    assert_eq!((advances[2], finish), (Advance::Open, None));
    assert_eq!(run(&unless, &[]).1, None);
}

#[test]
fn a_count_counts_matches() {
    let five = condition(&[(Role::All, 5)], None, false);
    let matches: Vec<_> = (0..9).map(|at| (0, at * 10, at * 10 + 4)).collect();
    assert_eq!(hit(&five, &matches), Some(4));
    let five_near = condition(&[(Role::All, 5)], Some(14), false);
    assert_eq!(hit(&five_near, &matches), None, "44 bytes");
    let matches: Vec<_> = [0, 10, 14, 16, 18, 21, 23].map(|at| (0, at, at + 2)).into();
    assert_eq!(hit(&five_near, &matches), Some(5), "from 10 to 23");
}

#[test]
fn within_is_from_the_first_begin_to_the_last_end() {
    let near = condition(&[(Role::All, 1), (Role::All, 1)], Some(10), false);
    assert_eq!(hit(&near, &[(0, 0, 3), (1, 8, 10)]), Some(1));
    assert_eq!(hit(&near, &[(0, 0, 3), (1, 9, 11)]), None);
    assert_eq!(hit(&near, &[(0, 0, 3), (0, 5, 7), (1, 9, 11)]), Some(2), "the latest match is the nearest");
    assert_eq!(hit(&near, &[(1, 4, 5), (0, 0, 11)]), None, "also a match that others lie in is too long");
    let with_any = condition(&[(Role::All, 1), (Role::Any, 1)], Some(10), false);
    assert_eq!(hit(&with_any, &[(1, 0, 2), (0, 9, 11), (1, 17, 19)]), Some(2));
    let unless = condition(&[(Role::All, 2), (Role::None, 1)], Some(10), false);
    assert_eq!(
        run(&unless, &[(0, 0, 2), (0, 5, 7), (1, 1000, 1002)]).1,
        None,
        "`none` is for the whole field"
    );
}

#[test]
fn in_order_means_one_behind_the_other() {
    let ordered = condition(&[(Role::All, 1), (Role::All, 2)], None, true);
    assert_eq!(
        hit(&ordered, &[(1, 0, 2), (1, 3, 5), (0, 6, 9), (1, 8, 10), (1, 10, 12), (1, 12, 14)]),
        Some(5)
    );
    let near = condition(&[(Role::All, 1), (Role::All, 1)], Some(10), true);
    assert_eq!(
        hit(&near, &[(0, 0, 2), (0, 6, 8), (1, 7, 11)]),
        None,
        "the near one overlaps, the other is far"
    );
    assert_eq!(hit(&near, &[(0, 0, 2), (0, 6, 8), (1, 8, 11)]), Some(2));
    assert_eq!(hit(&near, &[(0, 1, 2), (0, 6, 8), (1, 7, 11)]), Some(2), "the other is near, too");
}

#[test]
fn only_where_they_matter_all_matches_are_needed() {
    let simple = condition(&[(Role::All, 1)], None, false);
    assert!(simple.is_simple() && !simple.needs_every(0));
    let count = condition(&[(Role::All, 2)], None, false);
    assert!(!count.is_simple() && count.needs_every(0));
    let needs = |condition: Condition| (0..4).map(|part| condition.needs_every(part)).collect::<Vec<_>>();
    let parts = [(Role::All, 1), (Role::All, 1), (Role::Any, 1), (Role::None, 1)];
    assert_eq!(needs(condition(&parts, None, false)), [false, false, false, false]);
    assert_eq!(needs(condition(&parts, None, true)), [false, true, false, false]);
    assert_eq!(needs(condition(&parts, Some(9), false)), [true, true, true, false]);
}

#[test]
fn what_is_over_is_over() {
    let both = condition(&[(Role::All, 1), (Role::All, 1)], Some(9), true);
    let mut progress = Progress::default();
    assert!(!progress.is_over() && progress.heap_bytes() == 0);
    both.advance(&mut progress, Found { part: 0, start: 0, end: 2 });
    assert!(!progress.is_over() && progress.heap_bytes() > 0);
    both.advance(&mut progress, Found { part: 1, start: 2, end: 4 });
    assert!(progress.is_over() && progress.heap_bytes() == 0);
    assert_eq!(both.finish(&mut progress), None, "it was reported");
}

#[test]
fn a_signature_says_its_condition() {
    let pack = crate::Pack::parse(
        "p.toml",
        "pack = { name = 'p', version = '1', description = 'd' }\n\
         [[rule]]\nid = 1\nname = 'n'\naction = 'drop'\nseverity = 2\ncategory = 'c'\nfields = ['payload']\nmask = 'none'\n\
         within = 9\nin_order = true\n\
         none = [{ regex = 'x' }]\nall = [{ regex = 'a' }, { regex = 'b', count = 2 }]\n\
         examples = { positive = ['abb'], negative = ['x'] }\n",
    );
    let pack = pack.expect("it is right");
    let condition = Condition::of(&pack.signatures()[0]);
    assert_eq!(hit_at_end(&condition, &[(0, 0, 1), (1, 1, 2), (1, 8, 9)]), Some(2));
    assert_eq!(hit_at_end(&condition, &[(0, 0, 1), (1, 1, 2), (1, 9, 10)]), None);
    assert_eq!(hit_at_end(&condition, &[(0, 0, 1), (1, 1, 2), (1, 8, 9), (2, 20, 21)]), None);
}

/// The index of the match that a rule with a part of `none` hits with.
fn hit_at_end(condition: &Condition, matches: &[(usize, u64, u64)]) -> Option<usize> {
    let span = run(condition, matches).1?;
    matches.iter().position(|&(_, start, end)| Span { start, end } == span)
}
