//! Frames of whatever bytes libFuzzer thinks of.
#![no_main]

#[path = "../../../dataplane/tests/fuzzed/mod.rs"]
#[allow(dead_code, reason = "each target checks one of several things")]
mod fuzzed;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzed::decode::check(bytes);
});
