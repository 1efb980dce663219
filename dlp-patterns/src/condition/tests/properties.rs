//! Conditions against all combinations of all matches, with nothing known about what can be left out.

use proptest::prelude::*;

use super::*;
use crate::limits::CHAINS_MAX;

/// A match, and when it becomes known.
type Known = (u64, Found);

/// Matches of one part that don't overlap: of each the gap before it, its length, and whether it is known late.
fn sequence(
    part: usize,
    gap: impl Strategy<Value = u64>,
    len: impl Strategy<Value = u64>,
    matches_max: usize,
) -> impl Strategy<Value = Vec<Known>> {
    prop::collection::vec((gap, len, any::<bool>()), 0..=matches_max).prop_map(move |steps| {
        let mut at = 0;
        let place = |(gap, len, is_late): (u64, u64, bool)| {
            let start = at + gap;
            at = start + len;
            (at + u64::from(is_late), Found { part, start, end: at })
        };
        steps.into_iter().map(place).collect()
    })
}

/// As the matcher yields them.
fn in_turn(sequences: &[Vec<Known>]) -> Vec<Found> {
    let mut all = sequences.concat();
    all.sort_by_key(|(known, found)| (*known, found.end));
    all.into_iter().map(|(_, found)| found).collect()
}

fn conditions() -> impl Strategy<Value = Condition> {
    let counts = |least, most| prop::collection::vec(1u32..=3, least..=most);
    let positive = prop_oneof![(counts(1, 3), counts(0, 2)), (counts(0, 3), counts(1, 2))];
    let within_bytes = prop::option::of(prop_oneof![1u64..60, 900u64..1300]);
    (positive, counts(0, 1), within_bytes, any::<bool>()).prop_map(
        |((all, any), none, within_bytes, in_order)| {
            let in_order = in_order && all.len() > 1;
            let roles = [(Role::All, &all), (Role::Any, &any), (Role::None, &none)];
            let needs = roles.iter().flat_map(|(role, counts)| counts.iter().map(|count| (*role, *count)));
            condition(&needs.collect::<Vec<_>>(), within_bytes, in_order)
        },
    )
}

fn cases() -> impl Strategy<Value = (Condition, Vec<Found>)> {
    conditions().prop_flat_map(|condition| {
        let gap = || prop_oneof![9 => 0u64..12, 1 => 900u64..1100];
        let len = || prop_oneof![9 => 1u64..9, 1 => 1u64..1500];
        let sequences = (0..condition.parts.len()).map(|part| sequence(part, gap(), len(), 5));
        let sequences = sequences.collect::<Vec<_>>().prop_map(|sequences| in_turn(&sequences));
        (Just(condition), sequences)
    })
}

/// Whether some choice of `count` matches for each of the parts fulfils them and lies within the distance; `chosen` is
/// what was chosen for the parts before.
fn can_choose(condition: &Condition, parts: &[usize], matches: &[Found], chosen: &[Vec<Found>]) -> bool {
    let Some((&part, rest)) = parts.split_first() else {
        let all = || chosen.iter().flatten();
        let begin = all().map(|found| found.start).min();
        let end = all().map(|found| found.end).max();
        let is_ordered = |pair: &[Vec<Found>]| {
            let (before, after) = (&pair[0], &pair[1]);
            before.iter().all(|before| after.iter().all(|after| before.end <= after.start))
        };
        let is_near = |within_bytes| end.zip(begin).is_none_or(|(end, begin)| end - begin <= within_bytes);
        return condition.within_bytes.is_none_or(is_near)
            && (!condition.in_order || chosen[..condition.all].windows(2).all(is_ordered));
    };
    let own: Vec<Found> = matches.iter().copied().filter(|found| found.part == part).collect();
    (0u32..1 << own.len()).filter(|choice| choice.count_ones() == condition.parts[part].count).any(|choice| {
        let choice = own.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1).map(|(_, found)| *found);
        let chosen: Vec<_> = chosen.iter().cloned().chain([choice.collect()]).collect();
        can_choose(condition, rest, matches, &chosen)
    })
}

/// Whether the parts of `all` and `any` are fulfilled by some of the matches.
fn holds(condition: &Condition, matches: &[Found]) -> bool {
    let all: Vec<usize> = (0..condition.all).collect();
    let mut any = condition.all..condition.positive;
    if any.is_empty() {
        return can_choose(condition, &all, matches, &[]);
    }
    any.any(|any| can_choose(condition, &[&all[..], &[any]].concat(), matches, &[]))
}

/// The match with which the rule hits, by the book.
fn expected(condition: &Condition, matches: &[Found]) -> Option<Found> {
    let is_excluded = (condition.positive..condition.parts.len()).any(|part| {
        can_choose(
            &Condition { within_bytes: None, in_order: false, ..condition.clone() },
            &[part],
            matches,
            &[],
        )
    });
    if is_excluded {
        return None;
    }
    (1..=matches.len()).find(|&len| holds(condition, &matches[..len])).map(|len| matches[len - 1])
}

/// The match with which the rule hits.
fn actual(condition: &Condition, matches: &[Found]) -> Option<Found> {
    let mut progress = Progress::default();
    let mut reported = Vec::new();
    for &found in matches {
        let span = Span { start: found.start, end: found.end };
        match condition.advance(&mut progress, found) {
            Advance::Open => {}
            Advance::Held(held) => {
                assert_eq!((held, condition.is_decided_at_end()), (span, true));
                reported.push(found);
            }
            Advance::Hit(hit) => {
                assert_eq!((hit, condition.is_decided_at_end()), (span, false));
                reported.push(found);
            }
        }
        assert!(progress.heap_bytes() <= condition.progress_bytes_max(), "the cap is kept");
    }
    assert!(reported.len() <= 1, "once a field");
    let reported = reported.pop();
    match condition.finish(&mut progress) {
        Some(span) => {
            assert_eq!(Some(span), reported.map(|found| Span { start: found.start, end: found.end }));
        }
        None if condition.is_decided_at_end() => return None,
        None => {}
    }
    reported
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_condition_is_all_combinations_of_all_matches((condition, matches) in cases()) {
        let hit = expected(&condition, &matches);
        prop_assert_eq!(actual(&condition, &matches), hit);

        let mut firsts = vec![false; condition.parts.len()];
        let needed = |found: &Found| {
            condition.needs_every(found.part) || !std::mem::replace(&mut firsts[found.part], true)
        };
        let needed: Vec<Found> = matches.iter().copied().filter(needed).collect();
        prop_assert_eq!(actual(&condition, &needed), hit, "the first match of a part is enough where it says so");
    }

    #[test]
    fn a_flood_of_chains_hides_nothing(
        many in sequence(0, 0u64..4, 1u64..4, 60),
        long in sequence(1, 0u64..100, prop_oneof![1u64..20, 1u64..300], 6),
        within_bytes in 1u64..400,
    ) {
        let ordered = condition(&[(Role::All, 1), (Role::All, 1)], Some(within_bytes), true);
        let matches = in_turn(&[many, long]);
        let index = |found: Option<Found>| {
            found.and_then(|found| matches.iter().position(|other| *other == found)).unwrap_or(usize::MAX)
        };
        let is_pair = |after: &Found| {
            let is_before = |before: &&Found| before.part == 0 && before.end <= after.start;
            after.part == 1
                && matches.iter().filter(is_before).any(|before| after.end - before.start <= within_bytes)
        };
        let (hit, book) = (index(actual(&ordered, &matches)), index(matches.iter().copied().find(is_pair)));
        prop_assert!(hit <= book, "never missed");
        if hit < book {
            let found = matches[hit];
            let inside = matches[..hit].iter().filter(|other| other.part == 0 && other.end > found.start);
            prop_assert!(inside.count() >= CHAINS_MAX - 1, "exact where the cap is not reached");
        }
    }
}
