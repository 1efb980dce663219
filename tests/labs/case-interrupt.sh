#!/usr/bin/env bash
# A demo that is interrupted at any moment leaves nothing behind.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# interrupt_at TEXT: runs the demo until it says TEXT, and ends it there.
interrupt_at() {
    local demo code=0 _
    : >"$dir/said"
    mkdir -p "$dir/tmp"
    TMPDIR=$dir/tmp WEIR=$weir "$root/tests/demo/run.sh" >"$dir/said" 2>&1 &
    demo=$!
    lab_children+=("$demo")
    for _ in {1..300}; do
        ! grep -q "$1" "$dir/said" || break
        sleep 0.1
    done
    kill -TERM "$demo" || true
    wait "$demo" || code=$?
    if grep -q 'NOT INLINE' "$dir/said"; then
        skip case-interrupt "$(grep -m1 'NOT INLINE' "$dir/said")"
    fi
    check_equal "interrupted at \"$1\", it says so" "$code" 143
    check_equal "no namespace is left" "$(ip netns list | grep "weir-demo-$demo-")" ""
    check_equal "no file is left" "$(ls -A "$dir/tmp")" ""
    check_not "no program is left" pgrep -f "$dir/tmp/"
    check_equal "no pin is left" "$(find /sys/fs/bpf -name "weir-demo-$demo*" 2>/dev/null)" ""
}

if obstacle=$(lab_obstacle); then skip case-interrupt "$obstacle"; fi
lab_open interrupt
interrupt_at "Without Weir"
interrupt_at "With Weir"
interrupt_at "What means no harm"
interrupt_at "killed in mid-download"
checks_close
