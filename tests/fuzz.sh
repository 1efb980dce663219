#!/usr/bin/env bash
# Fuzzes each target: the matcher (a pack, a text, and where it is cut), frames, pieces of datagrams, and segments. What they
# find is kept below the target folder.
# Usage: [SANITIZER=address] fuzz.sh [SECONDS [TARGET...]]   60 seconds each and all of them, unless told otherwise
# Without a sanitizer it is many times faster, and checks more; little of the code is unsafe.
# Where the fuzzer can't be had it prints "SKIPPED: fuzz: REASON" and exits with 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "SKIPPED: fuzz: there is no cargo +nightly fuzz; it takes a nightly toolchain and cargo-fuzz" >&2
    exit 0
fi
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
seconds=${1:-60}
fuzzed=("${@:2}")
[[ ${#fuzzed[@]} -gt 0 ]] || fuzzed=(matcher decode fragments segments)
for name in "${fuzzed[@]}"; do
    mkdir -p "$target/corpus/$name"
    # What is new goes to the first folder.
    cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir "$target" \
        --sanitizer "${SANITIZER:-none}" "$name" "$target/corpus/$name" "tests/fuzz/seeds/$name" -- \
        -max_total_time="$seconds" -max_len=512 -artifact_prefix="$target/found-$name-"
done
