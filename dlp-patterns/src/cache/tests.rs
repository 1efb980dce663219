use std::fs;
use std::thread;

use super::*;
use crate::{Direction, Field, Hit, ScanState, Signature, default_packs};

mod damage;

/// A pack of rules that say their fields.
fn pack(rules: &[&str]) -> Pack {
    let rule = |(at, keys): (usize, &&str)| {
        format!(
            "[[rule]]\nid = {}\nname = 'n'\naction = 'alert'\nseverity = 1\ncategory = 'c'\nmask = 'none'\n\
             examples = {{ positive = ['x'], negative = ['y'] }}\n{keys}\n",
            at + 1
        )
    };
    let rules: String = rules.iter().enumerate().map(rule).collect();
    Pack::parse("p.toml", &format!("[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n{rules}"))
        .expect("it is right")
}

/// Rules that are found in every way: by keys, by sets, behind a prefix, by every byte, simulated, whole, and of several
/// parts.
fn mixed_pack() -> Pack {
    pack(&[
        "fields = ['payload']\nregex = 'zebra[0-9]+x'",
        "fields = ['payload', 'http.uri']\nregex = '[a-z]{3,9}=quagga'\nnocase = true",
        r"fields = ['payload']
          regex = '\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b'",
        "fields = ['payload']\nregex = '[a-z]+@[a-z]+'",
        "fields = ['payload']\nregex = 'Warning: .{1,120} in (?:/[a-z]{1,40}){2,10}[.]php'",
        "fields = ['payload']\nregex = '[^-].{0,30}[^-].{18}[^-]'",
        "fields = ['payload']\nregex = '[0-9]{15,16}'\nvalidator = 'luhn'\nnot_after = '[0-9]'",
        "fields = ['payload']\ndirection = 'to_client'\nall = [{ literals = ['okapi', 'tapir'], count = 2 }]",
    ])
}

/// Rules that are compiled in no time.
fn small_pack() -> Pack {
    pack(&[
        "fields = ['payload']\nregex = 'zebra[0-9]+x'",
        "fields = ['http.uri']\nregex = '[a-z]{3,9}=quagga'",
    ])
}

/// What both find something in.
const TEXT: &[u8] =
    b"zebra12x sort=QUAGGA 123-45-6789 me@home 4111111111111111 okapi tapir zebra9 qua=quagga";

/// So many literals that they are looked up as grams.
fn pack_of_literals() -> Pack {
    let literals: Vec<String> = (0..700).map(|number| format!("'lit{:06x}'", number * 7919)).collect();
    pack(&[&format!("fields = ['payload']\nliterals = [{}]", literals.join(", "))])
}

/// Every hit in a text, for each field and direction, cut in two in the middle.
fn hits(rules: &RuleSet, text: &[u8]) -> Vec<(Field, Direction, Hit)> {
    let mut all = Vec::new();
    for (field, way) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way))) {
        let (mut state, mut hits) = (ScanState::default(), Vec::new());
        rules.begin(&mut state, field, way);
        let (one, other) = text.split_at(text.len() / 2);
        for chunk in [one, other] {
            // What a damaged set may do is to give up.
            let _ = rules.scan(&mut state, chunk, &mut hits);
        }
        rules.finish(&mut state, &mut hits);
        all.extend(hits.into_iter().map(|hit| (field, way, hit)));
    }
    all
}

fn cached(packs: &[Pack], cache: &CacheDir) -> (RuleSet, CacheOutcome) {
    RuleSet::compile_cached(packs, cache).expect("the packs are right")
}

#[test]
fn a_hit_is_the_set_that_was_compiled() {
    let mut text = TEXT.to_vec();
    let examples = default_packs();
    let examples = examples.iter().flat_map(Pack::signatures).flat_map(Signature::positive);
    examples.for_each(|example| text.extend([b" ", example.as_bytes()].concat()));
    text.extend(b" lit001eef lit004d57 ");
    for packs in [default_packs(), vec![mixed_pack()], vec![pack_of_literals()]] {
        for tier in Tier::available() {
            let dir = tempfile::tempdir().expect("a folder");
            let cache = CacheDir::new(dir.path().join("made/when/needed"));
            let of_tier = || RuleSet::compile_cached_for(&packs, tier, &cache).expect("the packs are right");
            let (compiled, missed) = of_tier();
            let (read, hit) = of_tier();
            assert_eq!((missed.lookup, hit.lookup), (Lookup::Miss, Lookup::Hit), "{tier:?}");
            assert_eq!((&hit.file, hit.file_bytes), (&missed.file, missed.file_bytes));
            assert_eq!(read.encode(), compiled.encode(), "{tier:?}");
            assert_eq!((read.size(), read.rules().len()), (compiled.size(), compiled.rules().len()));
            assert!(hits(&compiled, &text).len() >= 2, "{tier:?}");
            assert_eq!(hits(&read, &text), hits(&compiled, &text), "{tier:?}");
        }
    }
}

#[test]
fn names_come_from_the_packs_at_hand() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path());
    cached(&[pack(&["fields = ['payload']\nregex = 'zebra'"])], &cache);
    let text = "[pack]\nname = 'new'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 77\nname = 'other'\n\
                action = 'drop'\nseverity = 3\ncategory = 'c'\nmask = 'none'\nfields = ['payload']\nregex = 'zebra'\n\
                examples = { positive = ['x'], negative = ['y'] }\n";
    let (rules, outcome) = cached(&[Pack::parse("p.toml", text).expect("it is right")], &cache);
    let rule = &rules.rules()[0];
    assert_eq!(outcome.lookup, Lookup::Hit);
    assert_eq!((rule.id(), rule.name(), rule.pack(), rule.severity()), (77, "other", "new", 3));
}

#[test]
fn what_is_another_set_is_missed() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path());
    let zebra = [pack(&["fields = ['payload']\nregex = 'zebra'"])];
    cached(&zebra, &cache);
    let zebras = [pack(&["fields = ['payload']\nregex = 'zebras'"])];
    assert_eq!(cached(&zebras, &cache).1.lookup, Lookup::Miss);
    assert_eq!(cached(&zebra, &cache).1.lookup, Lookup::Hit);
    for tier in Tier::available().filter(|tier| *tier != Tier::best()) {
        let (_, outcome) = RuleSet::compile_cached_for(&zebra, tier, &cache).expect("it is right");
        assert_eq!(outcome.lookup, Lookup::Miss, "{tier:?}");
    }
}

#[test]
fn mistakes_are_told_whatever_is_cached() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path().join("never made"));
    let wrong = [pack(&["fields = ['payload']\nregex = 'a('"])];
    assert_eq!(RuleSet::compile_cached(&wrong, &cache).expect_err("it is no regex").len(), 1);
    assert!(!dir.path().join("never made").exists());
    // Ids are no part of what is compiled.
    let rule = "fields = ['payload']\nregex = 'zebra'";
    cached(&[pack(&[rule, rule])], &cache);
    let twice = [pack(&[rule]), pack(&[rule])];
    let mistakes = RuleSet::compile_cached(&twice, &cache).expect_err("1 is used twice");
    assert!(mistakes[0].to_string().contains("id 1 is used twice"));
}

#[test]
fn a_set_that_cannot_be_stored_is_used() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("file"), "no folder").expect("writes");
    let (rules, outcome) = cached(&[small_pack()], &CacheDir::new(dir.path().join("file/cache")));
    assert!(!hits(&rules, TEXT).is_empty());
    assert_eq!((outcome.file, outcome.file_bytes), (None, 0));
    let reason = outcome.unwritable.expect("a file is no folder");
    assert!(reason.contains("file/cache: ") && reason.contains("ot a directory"), "{reason}");
}

#[test]
fn writers_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = CacheDir::new(dir.path());
    let packs = [small_pack()];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let (rules, outcome) = cached(&packs, &cache);
                    assert!(matches!(outcome.lookup, Lookup::Hit | Lookup::Miss), "{outcome:?}");
                    assert_eq!(outcome.unwritable, None);
                    assert!(!hits(&rules, TEXT).is_empty());
                    // Makes others write once more.
                    let _ = fs::remove_file(outcome.file.expect("it is there"));
                }
            });
        }
    });
    let (_, outcome) = cached(&packs, &cache);
    let file = outcome.file.expect("it can be written");
    let left: Vec<_> =
        fs::read_dir(dir.path()).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(left, [file]);
}
