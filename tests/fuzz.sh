#!/usr/bin/env bash
# Fuzzes the matcher: a pack, a text, and where it is cut. What it finds is kept below the target folder.
# Usage: [SANITIZER=address] fuzz.sh [SECONDS]   60 unless told otherwise
# Without a sanitizer it is many times faster, and checks more; little of the code is unsafe.
# Where the fuzzer can't be had it prints "SKIPPED: fuzz: REASON" and exits with 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "SKIPPED: fuzz: there is no cargo +nightly fuzz; it takes a nightly toolchain and cargo-fuzz" >&2
    exit 0
fi
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
mkdir -p "$target/corpus"
# What is new goes to the first folder.
cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir "$target" \
    --sanitizer "${SANITIZER:-none}" matcher "$target/corpus" tests/fuzz/seeds -- \
    -max_total_time="${1:-60}" -max_len=512 -artifact_prefix="$target/found-"
