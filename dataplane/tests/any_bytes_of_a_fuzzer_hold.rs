//! What the fuzzer checks, on the bytes that it begins with, among them all that once showed a bug, and on pseudo-random ones.

mod fuzzed;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// Checks each kept seed of a target, all of which have to say something.
fn check_seeds(target: &str, check: impl Fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).expect("the seeds are kept");
    let seeds: Vec<_> = files.map(|file| file.expect("the folder is readable").path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        assert!(check(&std::fs::read(&seed).expect("it is readable")), "{} says nothing", seed.display());
    }
}

#[test]
fn that_are_kept() {
    check_seeds("content", |bytes| fuzzed::content::check(bytes) > 0);
    check_seeds("decode", fuzzed::decode::check);
    check_seeds("fragments", |bytes| fuzzed::fragments::check(bytes) > 0);
    check_seeds("segments", |bytes| fuzzed::segments::check(bytes) > 0);
}

proptest! {
    #[test]
    fn as_a_frame(bytes in vec(any::<u8>(), 0..200)) {
        fuzzed::decode::check(&bytes);
    }

    #[test]
    fn as_a_body(bytes in vec(any::<u8>(), 0..400)) {
        fuzzed::content::check(&bytes);
    }

    #[test]
    fn as_pieces_of_datagrams(bytes in vec(any::<u8>(), 0..200)) {
        fuzzed::fragments::check(&bytes);
    }

    #[test]
    fn as_segments(bytes in vec(any::<u8>(), 0..300)) {
        fuzzed::segments::check(&bytes);
    }
}
