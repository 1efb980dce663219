//! The work that texts cause which are made for that.

use super::*;
use crate::Signature;
use crate::scan::hostile;

/// Steps of automata that no text makes more of for each of its bytes. They are most where each byte is a chunk: each
/// confirmation begins again with each chunk.
const STEPS_PER_BYTE_SEEN: u64 = 32;
const _: () = assert!(STEPS_PER_BYTE_SEEN < STEPS_PER_BYTE as u64);

/// The steps that a text costs in chunks of that size; `None` if they were too many.
fn steps(
    rules: &RuleSet,
    (field, direction): (Field, Direction),
    text: &[u8],
    chunk_bytes: usize,
) -> Option<u64> {
    let (mut state, mut hits) = (ScanState::default(), Vec::new());
    rules.begin(&mut state, field, direction);
    let chunks = text.chunks(chunk_bytes);
    chunks.map(|chunk| rules.scan_counting(&mut state, chunk, &mut hits).ok()).sum()
}

#[test]
fn no_hostile_text_costs_the_default_packs_more_than_a_few_steps_a_byte() {
    let packs = default_packs();
    let rules = RuleSet::compile(&packs).expect("they are right");
    let signatures = packs.iter().flat_map(Pack::signatures);
    let texts = hostile::texts(signatures.flat_map(Signature::positive).map(String::as_str));
    let mut contexts: Vec<(Field, Direction)> = Vec::new();
    for (field, way) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way))) {
        let of = |(field, way)| rules.context(field, way).map(std::ptr::from_ref);
        if rules.has_rules(field, way) && !contexts.iter().any(|known| of(*known) == of((field, way))) {
            contexts.push((field, way));
        }
    }
    for (name, text) in &texts {
        for &context in &contexts {
            // By one, the begin is as bad as the rest.
            for (text, chunk_bytes) in [(&text[..256], 1), (text.as_slice(), text.len())] {
                let steps = steps(&rules, context, text, chunk_bytes);
                let steps =
                    steps.unwrap_or_else(|| panic!("{name:?} overflows in {context:?}, by {chunk_bytes}"));
                let most = STEPS_PER_BYTE_SEEN * text.len() as u64;
                assert!(steps <= most, "{name:?} costs {steps} steps in {context:?}, by {chunk_bytes}");
            }
        }
    }
}

#[test]
fn too_much_work_is_told_once_and_what_is_not_there_is_no_hit_then() {
    // Each `qz` begins a confirmation that is in a state of its own for hundreds of bytes.
    let rules = compiled(&[
        "regex = 'qz.{300,340}xx'",
        "all = [{ literals = ['here'] }]\nnone = [{ literals = ['there'] }]",
        "literals = ['end']",
    ]);
    let (mut state, mut hits) = (begun(&rules), Vec::new());
    let flood = b"qz".repeat(160);
    let mut scan = |chunk: &[u8]| rules.scan(&mut state, chunk, &mut hits);
    assert_eq!(scan(b"here "), Ok(()));
    let overflows = std::iter::repeat_with(|| scan(&flood)).take(9).filter(Result::is_err).count();
    assert_eq!(overflows, 1);
    scan(&[b'\n'; 64]).expect("it was told");
    scan(b"end").expect("it was told");
    rules.finish(&mut state, &mut hits);
    assert_eq!(hits.iter().map(|hit| hit.rule.0).collect::<Vec<_>>(), [2], "what is there is found");
    rules.begin(&mut state, Field::Payload, Direction::ToServer);
    rules.scan(&mut state, b"here", &mut hits).expect("no overflow");
    rules.finish(&mut state, &mut hits);
    assert_eq!(hits.len(), 2, "the next field is whole");
}

#[test]
fn where_every_byte_may_end_a_match_looking_at_these_is_paid_for() {
    // Of ones no card has the right check digit.
    for (rule, text) in [
        ("regex = '[0-9a-z ]{13,40}'\nvalidator = 'luhn'", [b'1'; 256]),
        ("regex = '[^-]{9,60}'\nnot_after = '[^+]'", [b'a'; 256]),
    ] {
        let rules = compiled(&[rule]);
        assert_eq!(found_by(&rules), FoundBy::EveryByte, "{rule}");
        let (mut state, mut hits) = (begun(&rules), Vec::new());
        let mut scan = |chunk: &[u8]| rules.scan_counting(&mut state, chunk, &mut hits);
        assert_eq!(scan(&[b'-'; 256]), Ok(0), "{rule}: to read costs nothing");
        let steps = scan(&text).expect("there is a burst");
        assert!(steps > u64::from(STEPS_PER_BYTE) * 256, "{rule}: {steps}");
        let overflows = std::iter::repeat_with(|| scan(&text)).take(40).filter(Result::is_err).count();
        assert_eq!(overflows, 1, "{rule}");
        scan(b"--").expect("it was told");
        scan(b"-4111111111111111-").expect("it was told");
        assert_eq!(hits.len(), usize::from(rule.contains("luhn")), "{rule}: what comes next is found");
    }
}
