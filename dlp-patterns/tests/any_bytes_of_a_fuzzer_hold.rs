//! What the fuzzer checks, on the bytes that it begins with, among them all that once showed a bug, and on pseudo-random ones.

mod fuzzed;

use std::path::Path;

use fuzzed::{Seen, check};

/// Some seconds.
const CASES: u64 = 100;

#[test]
fn that_are_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/matcher");
    let files = std::fs::read_dir(&folder).expect("the seeds are kept");
    let seeds: Vec<_> = files.map(|file| file.expect("the folder is readable").path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        println!("{}", seed.display());
        let seen = check(&std::fs::read(&seed).expect("it is readable"));
        assert!(seen.rules > 0, "{} says nothing", seed.display());
    }
}

#[test]
fn at_random() {
    let mut sum = Seen::default();
    for number in 1..=CASES {
        let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let length = 16 + fuzzed::sample::draw(&mut random, 150);
        let byte = |random: &mut u64| fuzzed::sample::draw(random, 256).to_le_bytes()[0];
        let bytes: Vec<u8> = (0..length).map(|_| byte(&mut random)).collect();
        println!("number {number}: {}", bytes.escape_ascii());
        let seen = check(&bytes);
        sum.rules += seen.rules;
        sum.hits += seen.hits;
        sum.default_hits += seen.default_hits;
        sum.overflows += seen.overflows;
    }
    println!("{sum:?}");
    let cases = usize::try_from(CASES).expect("a few");
    assert!(sum.rules > cases && sum.hits > cases && sum.default_hits > cases / 4, "{sum:?}");
    assert!(sum.overflows < cases / 10, "{sum:?}");
}
