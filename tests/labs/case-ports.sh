#!/usr/bin/env bash
# An engine that can't have both of its ports says why, and leaves both as they were.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# refuses TEXT WORD: the engine ends by itself, with an error that says WORD.
refuses() {
    local started=0
    engine_up "$dir/weir.toml" "$dir/engine.log" || started=$?
    # Where it did start after all.
    engine_end TERM
    if [[ $engine_exit -eq 77 ]]; then skip case-ports "$(tail -n1 "$dir/engine.log")"; fi
    check "$1: the engine does not start" test "$started" -ne 0
    check "$1: with exit code 1 or 78, no panic" test "$engine_exit" -eq 1 -o "$engine_exit" -eq 78
    check "$1: the error names it" grep -qF -- "$2" "$dir/engine.log"
}

# A program that is not Weir's, on the port $1.
attach_foreign() {
    printf '%s\n' '__attribute__((section("xdp"), used)) int foreign(void *ctx) { return 2; }' >"$dir/foreign.c"
    "${CLANG:-clang-14}" -O2 -g -target bpf -c "$dir/foreign.c" -o "$dir/foreign.o"
    in_ns middle ip link set dev "$1" xdp obj "$dir/foreign.o" sec xdp
}

attached() { ip -n "$lab_prefix-middle" -d link show "$1" | grep -o 'prog/xdp id [0-9]*' || true; }

if obstacle=$(lab_obstacle); then skip case-ports "$obstacle"; fi
lab_open ports
lab_up "weir-ports-$$"
lab_mount_bpffs

engine_write_config "$dir/weir.toml" "$dir/eve.json"
sed -i 's/^outside = .*/outside = "nowhere0"/' "$dir/weir.toml"
refuses "a missing interface" nowhere0
check_equal "nothing is attached to the other port" "$(attached inside)" ""

engine_write_config "$dir/weir.toml" "$dir/eve.json"
attach_foreign outside
foreign=$(attached outside)
check "a foreign program is attached" test -n "$foreign"
refuses "a foreign program" outside
check_equal "the foreign program is still attached" "$(attached outside)" "$foreign"
check_equal "nothing is attached to the other port" "$(attached inside)" ""
in_ns middle ip link set dev outside xdp off
check_equal "no pin is left" "$(find /sys/fs/bpf -name "$lab_prefix*")" ""

engine_write_config "$dir/weir.toml" "$dir/eve.json"
check "an engine starts" engine_up "$dir/weir.toml" "$dir/engine.log"
program=$(attached inside)
refused=0
engine_detach || refused=$?
check_equal "weir detach beside a running engine is refused" "$refused" 1
check "its program stays attached" test -n "$program" -a "$program" = "$(attached inside)"

# other_link LOG: an engine that calls the link by another name, which ends by itself.
other_link() {
    sed 's/^name = .*/name = "other"/' "$dir/weir.toml" >"$dir/other.toml"
    nsenter --net="$(lab_netns middle)" "$weir" run --config "$dir/other.toml" >"$1" 2>&1 || true
}
other_link "$dir/other.log"
check "under another name, the live engine's link is told" \
    grep -qF "inside is a port of link $lab_prefix already, and an engine works on it" "$dir/other.log"
check_not "and nobody is told to detach it" grep -q 'weir detach' "$dir/other.log"
engine_end KILL
other_link "$dir/other.log"
check "once that was killed, the way out is to detach it" grep -q 'its engine is gone: `weir detach' "$dir/other.log"
check "an engine of its own name starts" engine_up "$dir/weir.toml" "$dir/engine.log"
engine_end TERM
check_equal "nothing is attached after it" "$(attached inside)" ""
checks_close
