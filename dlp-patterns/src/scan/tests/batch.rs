//! What a batch does that a scan of one chunk doesn't.

use super::*;
use crate::limits::BATCH_SEEN_MAX;
use crate::scan::BatchItem;

/// Scans one chunk of each flow in a batch and another of each by itself, and demands that these are equal; how many
/// overflowed.
fn scan_both(
    rules: &RuleSet,
    together: &mut [(ScanState, Vec<Hit>)],
    alone: &mut [(ScanState, Vec<Hit>)],
    chunks: &[&[u8]],
) -> usize {
    let flows = together.iter_mut().zip(chunks);
    let mut items: Vec<_> = flows.map(|((state, hits), chunk)| BatchItem::new(state, chunk, hits)).collect();
    rules.scan_batch(&mut items);
    let results: Vec<_> = items.iter().map(|item| item.result).collect();
    for (at, (state, hits)) in alone.iter_mut().enumerate() {
        assert_eq!(results[at], rules.scan(state, chunks[at], hits), "flow {at}");
        assert_eq!(&together[at].1, hits, "flow {at}");
        let (one, other) = (&together[at].0, &*state);
        assert_eq!(
            (one.offset, one.credit, one.tail.bytes()),
            (other.offset, other.credit, other.tail.bytes())
        );
        let [one, other] =
            [one, other].map(|state| state.kept.as_ref().map(|kept| (&kept.live, &kept.everywhere)));
        assert_eq!(one, other, "flow {at}");
    }
    results.iter().filter(|result| result.is_err()).count()
}

fn flows(rules: &RuleSet, count: usize) -> Vec<(ScanState, Vec<Hit>)> {
    (0..count).map(|_| (begun(rules), Vec::new())).collect()
}

#[test]
fn windows_reach_into_the_next_chunk_of_a_flow_and_not_into_that_of_its_neighbour() {
    let rules = compiled(&["literals = ['windowed']", "regex = 'tail[0-9]*x'"]);
    let (mut together, mut alone) = (flows(&rules, 3), flows(&rules, 3));
    // With chunks of eight bytes no filler stands between the slots.
    for chunks in [
        [&b"....wind"[..], b"owed.win", b"tail...."],
        [b"owed.tai", b"dowed...", b"l12x.tai"],
        [b"l12x....", b"windowed", b"l7x....."],
    ] {
        scan_both(&rules, &mut together, &mut alone, &chunks);
    }
    let found = |at: usize| together[at].1.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>();
    assert_eq!([found(0), found(1), found(2)], [vec![(4, 12), (13, 20)], vec![(5, 13)], vec![(13, 19)]]);
}

#[test]
fn nothing_is_kept_of_flows_in_which_nothing_is_found() {
    let rules = compiled(&["regex = 'ab.*cd'"]);
    let mut states: Vec<_> = (0..9).map(|_| begun(&rules)).collect();
    let mut hits = vec![Vec::new(); 9];
    let flows = states.iter_mut().zip(&mut hits);
    let mut items: Vec<_> = flows.map(|(state, hits)| BatchItem::new(state, &[b'x'; 300], hits)).collect();
    rules.scan_batch(&mut items);
    assert!(states.iter().all(|state| state.offset == 300 && state.kept.is_none()));
}

#[test]
fn each_flow_has_its_own_budget() {
    let rules = compiled(&["regex = 'qz.{300,340}xx'", "literals = ['end']"]);
    let flood = b"qz".repeat(160);
    let chunks: [&[u8]; 4] = [&flood, b"quiet", &flood, &flood[..64]];
    let (mut together, mut alone) = (flows(&rules, 4), flows(&rules, 4));
    let rounds = (0..9).map(|_| scan_both(&rules, &mut together, &mut alone, &chunks));
    assert_eq!(rounds.sum::<usize>(), 3, "each flood is told once");
    for chunk in [&[b'\n'; 64][..], b"end"] {
        scan_both(&rules, &mut together, &mut alone, &[chunk; 4]);
    }
    assert!(together.iter().all(|(_, hits)| hits.len() == 1));
}

#[test]
fn matches_that_cost_too_much_to_look_at_are_the_same_whoever_reads_in_step() {
    let cards = |least: usize| format!("regex = '[0-9a-z ]{{{least},40}}'\nvalidator = 'luhn'");
    let rules = [13, 14, 15, 16, 17, 18].map(cards);
    let rules = compiled(&rules.each_ref().map(String::as_str));
    // Each of the automata could spend what there is, and all of them look at the same card, in the end too late.
    let flood = [&[b'1'; 300][..], b"4111111111111111"].concat();
    let chunks: [&[u8]; 5] = [&flood, b"quiet", &flood[16..], b"4111 1111 1111 1111 ", &flood[..200]];
    let (mut together, mut alone) = (flows(&rules, 5), flows(&rules, 5));
    let overflows: usize = (0..30).map(|_| scan_both(&rules, &mut together, &mut alone, &chunks)).sum();
    assert!(overflows >= 1, "{overflows}");
    assert!(together[3].1.len() >= 4);
}

#[test]
fn more_windows_than_can_be_sorted_are_all_followed() {
    let rules = compiled(&["literals = ['aaaa']\ncount = 900", "literals = ['aaaaa']\ncount = 700"]);
    let chunk = [b'a'; 480];
    let (mut together, mut alone) = (flows(&rules, 4), flows(&rules, 4));
    assert!(4 * chunk.len() > BATCH_SEEN_MAX);
    for _ in 0..9 {
        scan_both(&rules, &mut together, &mut alone, &[&chunk[..]; 4]);
    }
    assert!(together.iter().all(|(_, hits)| hits.len() == 2));
}

#[test]
fn automata_that_read_every_byte_go_on_in_each_flow() {
    let rules =
        compiled(&["regex = '[^-]{9}'", "regex = '[a-z ]{3}[0-9 ]{5}'\ncount = 2", "literals = ['zz']"]);
    let context = rules.context(Field::Payload, Direction::ToServer).expect("there are rules");
    assert!(!context.everywhere().is_empty());
    let texts: [&[u8]; 6] =
        [b"-1-2-3-4-5-6-7", b"123456789", b"abc12345 abc99999", b"", &[b'a'; 600], b"a 1 2 3 4 5 zz"];
    let (mut together, mut alone) = (flows(&rules, 6), flows(&rules, 6));
    for size in [1, 3, 0, 5, 600] {
        let chunks = texts.map(|text| &text[..size.min(text.len())]);
        scan_both(&rules, &mut together, &mut alone, &chunks);
    }
    assert!(together.iter().filter(|(_, hits)| !hits.is_empty()).count() >= 4);
}
