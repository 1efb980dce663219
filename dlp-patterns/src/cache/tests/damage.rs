//! Files that are not as they were written.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::automaton::{Automaton, Kind};
use crate::compile::Found;
use crate::matcher::MatcherId;

const CODE_AT: usize = 8;
const CONTENT_AT: usize = 40;
const BODY_AT: usize = 112;

/// Writes over the file of a set, has the set compiled again, and says what became of that.
fn outcome_of(change: impl FnOnce(&mut Vec<u8>)) -> Lookup {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path());
    let packs = [small_pack()];
    let (compiled, outcome) = cached(&packs, &cache);
    let path = outcome.file.expect("it can be written");
    let mut file = fs::read(&path).expect("reads");
    change(&mut file);
    fs::write(&path, file).expect("writes");
    let (rules, outcome) = cached(&packs, &cache);
    assert_eq!(hits(&rules, TEXT), hits(&compiled, TEXT), "it was compiled again");
    assert_eq!(cached(&packs, &cache).1.lookup, Lookup::Hit, "and put where the damaged one was");
    outcome.lookup
}

fn damaged(reason: &str) -> Lookup {
    Lookup::Damaged(reason.to_owned())
}

#[test]
fn files_that_are_stale_or_damaged_are_replaced() {
    assert_eq!(outcome_of(|_| {}), Lookup::Hit);
    assert_eq!(outcome_of(|file| file[7] += 1), Lookup::Stale, "another header");
    assert_eq!(outcome_of(|file| file[CODE_AT] ^= 1), Lookup::Stale, "other code");
    assert_eq!(outcome_of(|file| file[0] = b'w'), damaged("it is no compiled set"));
    assert_eq!(outcome_of(Vec::clear), damaged("it is cut off"));
    assert_eq!(outcome_of(|file| file.truncate(BODY_AT - 1)), damaged("it is cut off"));
    assert_eq!(outcome_of(|file| file[CONTENT_AT] ^= 1), damaged("it bears the name of another set"));
    assert_eq!(outcome_of(|file| file.truncate(BODY_AT + 9)), damaged("it has another length than it says"));
    assert_eq!(outcome_of(|file| file.push(0)), damaged("it has another length than it says"));
    assert_eq!(outcome_of(|file| file[BODY_AT - 1] ^= 1), damaged("its checksum is wrong"));
    assert_eq!(outcome_of(|file| file[BODY_AT] ^= 1), damaged("its checksum is wrong"));
    let forge = |file: &mut Vec<u8>| {
        let key = Key::new(&[small_pack()], Tier::best());
        *file = file::encode(&key, &file[BODY_AT..file.len() - 1]);
    };
    assert_eq!(outcome_of(forge), damaged("it holds no set of these rules"), "with a checksum that is right");
}

#[test]
fn a_file_that_others_may_write_to_is_refused_and_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path());
    let packs = [small_pack()];
    let path = cached(&packs, &cache).1.file.expect("it can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let reason = "it has mode 666, so that others may write to it".to_owned();
    assert_eq!(cached(&packs, &cache).1.lookup, Lookup::Refused(reason));
    assert_eq!(cached(&packs, &cache).1.lookup, Lookup::Hit);
}

#[test]
fn a_folder_in_place_of_a_file_is_no_set() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path());
    let packs = [small_pack()];
    let path = Store::new(dir.path()).path(&Key::new(&packs, Tier::best()).to_string());
    fs::create_dir(&path).expect("creates");
    let (rules, outcome) = cached(&packs, &cache);
    assert!(!hits(&rules, TEXT).is_empty());
    assert!(matches!(outcome.lookup, Lookup::Damaged(_)), "{outcome:?}");
    assert!(outcome.unwritable.is_some());
}

/// Decodes what may be anybody's, and scans with it; whether it was taken for a set.
fn try_out(packs: &[Pack], tier: Tier, encoded: &[u8], text: &[u8]) -> bool {
    let Some(rules) = RuleSet::decode(packs, tier, encoded) else { return false };
    hits(&rules, text);
    true
}

/// Where an automaton that has few states starts: the last numbers of it, a byte each.
fn starts_of(automaton: &Automaton, encoded: &[u8]) -> Range<usize> {
    let own = postcard::to_stdvec(automaton).expect("it is plain data");
    let at = encoded.windows(own.len()).position(|window| window == own).expect("it is in there");
    at + own.len() - Kind::COUNT..at + own.len()
}

/// Automata that find matches without a byte would find the same one for ever.
#[test]
fn automata_that_start_anywhere_are_refused_or_come_to_an_end() {
    let packs = [pack(&[r"fields = ['payload']
        regex = '[^-]{2}\b'
        count = 60"])];
    let rules = RuleSet::compile(&packs).expect("it is right");
    let encoded = rules.encode();
    let Found::ByEveryByte(automata) = rules.matcher(MatcherId(0)).found() else {
        panic!("nothing of it is seldom")
    };
    let [forward, backward] = [&automata.forward, &automata.backward].map(|of| starts_of(of, &encoded));
    let (mut taken, mut refused) = (0, 0);
    for first in 0..automata.forward.states() as u8 {
        for last in 0..automata.backward.states() as u8 {
            let mut forged = encoded.clone();
            forged[forward.clone()].fill(first);
            forged[backward.clone()].fill(last);
            let is_taken = try_out(&packs, Tier::best(), &forged, TEXT);
            *(if is_taken { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} {refused}");
}

/// What a lead repeats of its branch may not say otherwise: an empty match would be found for ever, and one of many would
/// take memory that nobody bounded.
#[test]
fn leads_that_say_other_than_their_branches_are_refused() {
    let packs = [pack(&["fields = ['payload']\nliterals = ['secretkey']"])];
    let encoded = RuleSet::compile(&packs).expect("it is right").encode();
    // Nothing ahead, the literal at 0 with nine bytes, that it is a match, and the only one.
    let lead = [0, 1, 0, 9, 1, 0];
    let places: Vec<usize> = (0..encoded.len()).filter(|at| encoded[*at..].starts_with(&lead)).collect();
    let [at] = places.as_slice() else { panic!("one lead: {places:?}") };
    assert!(try_out(&packs, Tier::best(), &encoded, b"a secretkey"));
    for (field, value) in [(3, 0), (3, 8), (4, 0), (5, 1), (5, 2)] {
        let mut forged = encoded.clone();
        forged[at + field] = value;
        assert!(!try_out(&packs, Tier::best(), &forged, b"a secretkey"), "{value} for {}", lead[field]);
    }
}

/// Bytes that no checksum speaks for: nothing that they say makes a scan panic.
#[test]
fn forged_sets_are_refused_or_scan_without_a_panic() {
    let literals = b"lit001eef lit004d57 LIT0x lit00 lit001eeflit004d57";
    for (pack, text) in [(mixed_pack(), TEXT), (pack_of_literals(), literals)] {
        let packs = [pack];
        for tier in [Tier::Scalar, Tier::best()] {
            let encoded = RuleSet::compile_for(&packs, tier).expect("it is right").encode();
            assert!(try_out(&packs, tier, &encoded, text));
            // Within a long row of the same bytes, one is as good as the others.
            let is_telling = |at: &usize| {
                let around = &encoded[at.saturating_sub(8)..(at + 9).min(encoded.len())];
                around.iter().any(|byte| byte != &around[0])
            };
            let telling: Vec<usize> = (0..encoded.len()).filter(is_telling).collect();
            let (mut forged, mut taken, mut random) = (encoded.clone(), 0, 0x9e37_79b9_7f4a_7c15_u64);
            for at in telling.iter().step_by(telling.len().div_ceil(1500)) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let other = [1, 0x80, 0xff, (random >> 40) as u8 | 1][(random >> 60) as usize & 3];
                forged[*at] ^= other;
                taken += usize::from(try_out(&packs, tier, &forged, text));
                // Some stay, so that wrong numbers come together.
                if random >> 50 & 7 != 0 || !try_out(&packs, tier, &forged, text) {
                    forged[*at] = encoded[*at];
                }
            }
            assert!(taken > 100, "some were scanned with");
            let cuts = (0..encoded.len()).step_by(encoded.len() / 100);
            cuts.for_each(|cut| assert!(!try_out(&packs, tier, &encoded[..cut], text), "cut at {cut}"));
        }
    }
}
