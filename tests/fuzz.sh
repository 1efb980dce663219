#!/usr/bin/env bash
# Fuzzes each target: the matcher (a pack, a text, and where it is cut), coded bodies, frames, pieces of datagrams, segments, and
# the parser of each protocol, under its name. What they find is kept below the target folder.
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
# Each has its seeds.
[[ ${#fuzzed[@]} -gt 0 ]] || mapfile -t fuzzed < <(ls tests/fuzz/seeds)
for name in "${fuzzed[@]}"; do
    binary=$name bytes_max=512
    if [[ ! -e tests/fuzz/targets/$name.rs ]]; then
        binary=parser bytes_max=2048
    fi
    mkdir -p "$target/corpus/$name"
    # What is new goes to the first folder.
    WEIR_FUZZ_PROTOCOL=$name cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir "$target" \
        --sanitizer "${SANITIZER:-none}" "$binary" "$target/corpus/$name" "tests/fuzz/seeds/$name" -- \
        -max_total_time="$seconds" -max_len="$bytes_max" -timeout=10 -artifact_prefix="$target/found-$name-"
done
