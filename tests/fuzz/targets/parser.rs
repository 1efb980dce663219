//! Conversations of whatever libFuzzer thinks of, for the parser of one protocol.
#![no_main]

#[path = "../../../dataplane/tests/fuzzed/mod.rs"]
#[allow(dead_code, reason = "each target checks one of several things")]
mod fuzzed;

use std::sync::LazyLock;

use dataplane::app::AppProtocol;
use libfuzzer_sys::{Corpus, fuzz_target};

/// One binary serves them all: which one it is for, the environment says.
static PROTOCOL: LazyLock<AppProtocol> = LazyLock::new(|| {
    let name = std::env::var("WEIR_FUZZ_PROTOCOL").expect("WEIR_FUZZ_PROTOCOL names a protocol");
    AppProtocol::from_name(&name).unwrap_or_else(|| panic!("{name} is no protocol"))
});

// What is of another protocol is for another run.
fuzz_target!(|bytes: &[u8]| -> Corpus {
    if fuzzed::conversation::check(bytes).contains(&PROTOCOL) { Corpus::Keep } else { Corpus::Reject }
});
