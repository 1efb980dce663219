#!/usr/bin/env bash
# The engine runs with the capabilities that its unit leaves to it, and says so where one is missing.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# Prints the capabilities of the unit, as setpriv names them.
unit_capabilities() {
    sed -n 's/^CapabilityBoundingSet=//p' "$root/deploy/weir.service" | tr ' ' '\n' | sed 's/^CAP_//' | tr '[:upper:]' '[:lower:]'
}

# with_capabilities NAME...: engines started from now on can have no others.
with_capabilities() {
    local list
    list=$(printf ',+%s' "$@")
    engine_through=(setpriv --no-new-privs --inh-caps=-all "--bounding-set=-all$list")
}

# says_missing CAPABILITY: without it, the engine ends with 77 and names it.
says_missing() {
    local others=()
    mapfile -t others < <(unit_capabilities | grep -vx "$1")
    with_capabilities "${others[@]}"
    engine_up "$dir/weir.toml" "$dir/engine.log" || true
    check_equal "without CAP_${1^^} the engine ends with 77" "$engine_exit" 77
    check "and names it" grep -qi "cap_$1" "$dir/engine.log"
    check_not "nothing is attached" lab_has_xdp
    engine_end TERM
}

if obstacle=$(lab_obstacle); then skip case-capabilities "$obstacle"; fi
lab_open capabilities
lab_up "weir-caps-$$"
lab_mount_bpffs
engine_write_config "$dir/weir.toml" "$dir/eve.json"
mapfile -t capabilities < <(unit_capabilities)
check_equal "the unit grants five capabilities" "${#capabilities[@]}" 5
# This machine may lack more than a capability: that is for the first start, with all of root's, to find out.
lab_start_engine case-capabilities
engine_end TERM
engine_detach
with_capabilities "${capabilities[@]}"
check "with those alone the engine starts" engine_up "$dir/weir.toml" "$dir/engine.log"
engine_end TERM
check_equal "and ends" "$engine_exit" 0
engine_detach
says_missing net_raw
says_missing net_admin
says_missing bpf
checks_close
