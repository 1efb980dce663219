//! The matcher on whatever libFuzzer thinks of: a pack, a text, and where it is cut.
#![no_main]

#[path = "../../../dlp-patterns/tests/fuzzed/mod.rs"]
mod fuzzed;

use libfuzzer_sys::{Corpus, fuzz_target};

// Bytes that stand for no rule are not worth keeping.
fuzz_target!(|bytes: &[u8]| -> Corpus {
    let seen = fuzzed::check(bytes);
    if seen.rules == 0 { Corpus::Reject } else { Corpus::Keep }
});
