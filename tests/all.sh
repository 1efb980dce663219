#!/usr/bin/env bash
# Runs every test that this machine can run, and lists those it can't, with the reason.
# A test that can't run prints "SKIPPED: NAME: REASON" on a line of its own and passes.
# Exits 0 where all that ran passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${CARGO_TARGET_DIR:-target}
log=$target/test.log
failed=0

main() {
    deploy/prepare.sh build
    # A lab that lacks a tool says so itself, and is skipped.
    deploy/prepare.sh demo peers || true
    mkdir -p "$target"
    : >"$log"
    cargo test --workspace --locked --no-run
    cargo_tests
    cargo build --quiet --release --locked -p engine
    local case
    for case in tests/labs/case-*.sh; do
        lab_case "$case"
    done
    report
}

# Everything goes to the log; the terminal gets what a runner says of itself, and of failures all.
cargo_tests() {
    local code=0
    cargo test --workspace --locked --no-fail-fast -- --show-output >"$log" 2>&1 || code=$?
    if [[ $code -ne 0 ]]; then
        failed=1
        cat "$log"
    else
        grep -E '^ +(Running|Doc-tests) |^test result: ' "$log"
    fi
}

# lab_case CASE: one script in a lab of its own; 0 is passed, 77 is skipped.
lab_case() {
    local name code=0
    name=$(basename "$1" .sh)
    printf '\n     Running %s\n' "$1"
    WEIR=$target/release/weir "$1" >"$target/$name.log" 2>&1 || code=$?
    tee -a "$log" <"$target/$name.log"
    case $code in
    0 | 77) ;;
    *) failed=1 ;;
    esac
}

report() {
    echo
    if grep -q '^SKIPPED: ' "$log"; then
        echo "Skipped on this machine:"
        grep '^SKIPPED: ' "$log" | sort -u | sed 's/^SKIPPED: /    /'
    else
        echo "Nothing was skipped."
    fi
    echo "The whole log: $log"
    exit "$failed"
}

main
