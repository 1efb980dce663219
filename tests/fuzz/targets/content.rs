//! Bodies of whatever libFuzzer thinks of, said to be of some codings and of some type.
#![no_main]

#[path = "../../../dataplane/tests/fuzzed/mod.rs"]
#[allow(dead_code, reason = "each target checks one of several things")]
mod fuzzed;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzed::content::check(bytes);
});
