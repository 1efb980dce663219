#!/usr/bin/env bash
# Scans random texts of the drawn packs on every tier, and compares with Hyperscan and with plain automata.
# Usage: match_check.sh [SCANS]   of each pack; 1 000 000 unless told otherwise
# Where Hyperscan isn't installed it prints "SKIPPED: match-check: REASON", and plain automata check more.
# Exits 0 where there was no difference.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scans=${1:-1000000}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
packs=$target/match-check

main() {
    deploy/prepare.sh build
    cargo build --release --locked -p perf
    mkdir -p "$packs"
    local kind with=(--peer hyperscan --automata-every 64)
    perf generate-pack --kind strong --out "$packs/strong.toml"
    if ! check strong --scans 1 --peer hyperscan >"$packs/peer.log" 2>&1; then
        echo "SKIPPED: match-check: no peer: $(tail -n 1 "$packs/peer.log")" >&2
        with=(--automata-every 1)
    fi
    for kind in dlp numeric response request strong literals-1k literals-10k; do
        perf generate-pack --kind "$kind" --out "$packs/$kind.toml"
        check "$kind" --scans "$scans" "${with[@]}"
    done
}

perf() {
    "$target/release/perf" "$@"
}

# check KIND ARGUMENT...
check() {
    perf match-check --pack "$packs/$1.toml" --tier all "${@:2}"
}

main
