# shellcheck shell=bash
# What a lab says: one line for each thing that was to hold, and the count of those that did not.
# Sourced.

checks_passed=0 checks_failed=0

section() { printf '\n%s\n' "$*"; }

ok() {
    checks_passed=$((checks_passed + 1))
    printf 'ok    %s\n' "$*"
}

fail() {
    checks_failed=$((checks_failed + 1))
    printf 'FAIL  %s\n' "$*"
}

# check TEXT COMMAND...: ok where the command succeeds, else FAIL.
check() {
    local text=$1
    shift
    if "$@"; then ok "$text"; else fail "$text"; fi
}

# check_not TEXT COMMAND...: ok where the command says no (1). Any other failure is no answer.
check_not() {
    local text=$1 code=0
    shift
    "$@" || code=$?
    if [[ $code -eq 1 ]]; then ok "$text"; else fail "$text"; fi
}

# check_equal TEXT FOUND WANTED
check_equal() {
    if [[ $2 == "$3" ]]; then ok "$1"; else fail "$1: found ${2:-nothing}, wanted $3"; fi
}

# holds FILTER JSON: whether the jq filter says true.
holds() { jq -e "$1" <<<"$2" >/dev/null; }

# skip LAB REASON: ends the lab; make test repeats the line at its end.
skip() {
    echo "SKIPPED: $1: $2"
    exit 77
}

# The closing line, and the exit code that goes with it. A lab that checked nothing did not hold.
checks_close() {
    printf '\n%d passed, %d failed\n' "$checks_passed" "$checks_failed"
    [[ $checks_failed -eq 0 && $checks_passed -gt 0 ]]
}
