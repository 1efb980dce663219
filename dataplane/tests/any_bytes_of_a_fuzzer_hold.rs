//! What the fuzzer checks, on the bytes that it begins with, among them all that once showed a bug, and on pseudo-random ones.

mod fuzzed;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dataplane::app::{AppProtocol, protocols};
use fuzzed::conversation::Conversation;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The kept seeds of a target, with their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{target} has no seeds"));
    let paths = files.map(|file| file.expect("the folder is readable").path());
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).expect("it is readable"));
    let mut seeds: Vec<_> = paths.map(read).collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds.sort();
    seeds
}

/// Checks each kept seed of a target, all of which have to say something.
fn check_seeds(target: &str, check: impl Fn(&[u8]) -> bool) {
    let is_mute = |(name, seed): (String, Vec<u8>)| (!check(&seed)).then_some(name);
    let mute: Vec<String> = seeds(target).into_iter().filter_map(is_mute).collect();
    assert!(mute.is_empty(), "these say nothing: {mute:?}");
}

/// The protocols that are parsed: each is a target, which has its seeds.
fn parsed() -> impl Iterator<Item = AppProtocol> {
    protocols().into_iter().filter(|info| info.fields.is_some()).map(|info| info.protocol)
}

#[test]
fn that_are_kept() {
    check_seeds("content", |bytes| fuzzed::content::check(bytes) > 0);
    check_seeds("decode", fuzzed::decode::check);
    check_seeds("fragments", |bytes| fuzzed::fragments::check(bytes) > 0);
    check_seeds("segments", |bytes| fuzzed::segments::check(bytes) > 0);
}

#[test]
fn as_conversations_that_are_kept_of_each_parsed_protocol() {
    for protocol in parsed() {
        let is_spoken = |seed: &[u8]| fuzzed::conversation::check(seed).contains(&protocol);
        check_seeds(protocol.as_str(), is_spoken);
    }
}

/// Runs a check on each conversation that is kept of a parsed protocol; where it fails, the output says of which.
fn for_each_conversation(check: impl Fn(&Conversation)) {
    for (name, seed) in parsed().flat_map(|protocol| seeds(protocol.as_str())) {
        println!("{name}");
        check(&Conversation::parse(&seed).expect("it is one"));
    }
}

#[test]
fn as_conversations_that_are_cut_at_every_place() {
    for_each_conversation(Conversation::check_every_cut);
}

/// Places of a piece between which bytes are missing, unless all are asked for.
const GAP_PLACES_MAX: usize = 24;

/// `WEIR_EVERY_CUT=1` tries each two places, which takes some hours.
#[test]
fn as_conversations_with_a_gap_between_each_two_places() {
    let is_every = std::env::var_os("WEIR_EVERY_CUT").is_some();
    let places_max = if is_every { usize::MAX } else { GAP_PLACES_MAX };
    for_each_conversation(|conversation| conversation.check_gaps(places_max));
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

    #[test]
    fn as_conversations_that_are_damaged(which in any::<Index>(), damage in vec(any::<(Index, u8, u8)>(), 1..6)) {
        let seed: &Vec<u8> = which.get(seeds_of_all());
        fuzzed::conversation::check(&damaged(seed, &damage));
    }
}

fn seeds_of_all() -> &'static [Vec<u8>] {
    static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        parsed().flat_map(|protocol| seeds(protocol.as_str())).map(|(_, seed)| seed).collect()
    });
    &SEEDS
}

/// Replaces, removes, inserts and repeats bytes.
fn damaged(bytes: &[u8], damage: &[(Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, kind, value) in damage {
        let at = at.index(bytes.len());
        match kind % 4 {
            0 => bytes[at] = *value,
            1 if bytes.len() > 1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, *value),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}
