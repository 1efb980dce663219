#!/usr/bin/env bash
# shellcheck disable=SC2016 # Dollars in single quotes are jq's.
# A start promises nothing that it can't hold: what would end with the engine, or lead around it, is refused or told of.
# What passed without an engine, the next one tells.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# answers: the client gets a page. Short, since a link that fails closed is silent.
answers() {
    fetch "$dir/got" "http://$server_v4/page.txt" --max-time 2
    cmp -s "$dir/got" "$dir/site/pages/page.txt"
}

# says WORDS: the engine has logged it.
says() { grep -qF -- "$1" "$dir/engine.log"; }

# refuses TEXT WORDS: the engine ends by itself as for a bad config, says so with the place of the link and a hint, and has
# attached nothing.
refuses() {
    engine_up "$dir/weir.toml" "$dir/engine.log" || true
    engine_end TERM
    check_equal "$1: bad config" "$engine_exit" 78
    check "$1: the error says why" says "$2"
    check "$1: and where" grep -qE "weir.toml:1:1: link $lab_prefix: .*" "$dir/engine.log"
    check "$1: with a hint" says "  hint: "
    check_not "$1: nothing is attached" lab_has_xdp
}

# Under `ip netns exec`, /sys and what is pinned there are the command's alone.
own_sys() {
    section "in a mount namespace of its own"
    engine_through=(unshare --mount sh -c 'mount -t sysfs sysfs /sys && exec "$@"' sh)
    engine_write_config "$dir/weir.toml" "$dir/eve.json" drop
    refuses "own /sys, drop" "the BPF file system on /sys/fs/bpf here ends with this command"
    check "it names the way in" says 'nsenter --net='
    check_not "nothing passes, as no engine ever ran" answers
    engine_write_config "$dir/weir.toml" "$dir/eve.json" forward
    lab_start_engine case-start
    check "own /sys, forward: a warning" says "after a kill no program is left"
    engine_end KILL
    check "own /sys, forward: a page passes after a kill" answers
    check_not "own /sys, forward: the program went with the engine" lab_has_xdp
    engine_through=()
    in_netns_exec
}

# The command itself, of which the above is what it does.
in_netns_exec() {
    local code=0
    engine_write_config "$dir/weir.toml" "$dir/eve.json" drop
    timeout 20 ip netns exec "$lab_prefix-middle" "$weir" run --config "$dir/weir.toml" >"$dir/engine.log" 2>&1 || code=$?
    check_equal "ip netns exec, drop: bad config" "$code" 78
    check "ip netns exec, drop: the error says why" says "the BPF file system on /sys/fs/bpf here ends with this command"
    sed -i 's/^inside = .*/inside = "none"/' "$dir/weir.toml"
    timeout 20 ip netns exec "$lab_prefix-middle" "$weir" run --config "$dir/weir.toml" >"$dir/engine.log" 2>&1 || true
    check "without one of its ports: that is told" says "there is no interface none"
    check "and so is the other" says "the BPF file system on /sys/fs/bpf here ends with this command"
}

# The bridge of the lab joins its ports, or keeps them apart.
bridged() {
    section "the bridge"
    engine_write_config "$dir/weir.toml" "$dir/eve.json" drop
    lab_way forward
    check "the bridge passes a page without an engine" answers
    refuses "drop, in one bridge" "must not be ports of one bridge that joins them"
    lab_way drop
    engine_write_config "$dir/weir.toml" "$dir/eve.json" forward
    lab_way drop
    refuses "forward, isolated in the bridge" "must be ports of one bridge, and not both isolated"
}

counted() {
    jq -s --arg link "$lab_prefix" --arg counter "$1" \
        'map(select(.event_type == "stats")) | last | .stats.capture[$link] | .inside[$counter] + .outside[$counter]' "$dir/eve.json"
}

# What the programs did without an engine is in the log of the next one, and in its events.
outage() {
    section "an outage"
    local word=$1 counter=$2 before
    engine_write_config "$dir/weir.toml" "$dir/eve.json" "$word"
    rm -f "$dir/eve.json"
    lab_start_engine case-start
    check "$word: the log says how the link is" grep -qE \
        "link is open.*link=\"$lab_prefix\".*mode=\"protect\" on_engine_loss=\"$word\".*queues=[0-9]+ zero_copy_queues=0" "$dir/engine.log"
    check "$word: a page passes" answers
    check_not "$word: there was no outage" says "while no engine took them"
    engine_end KILL
    answers || true
    lab_start_engine case-start
    check "$word: the next engine tells of it" says "while no engine took them"
    engine_end TERM
    before=$(counted "$counter")
    check "$word: and so do its events" test "$before" -ge 1
    rm -f "$dir/eve.json"
    lab_start_engine case-start
    check_not "$word: a clean end is no outage" says "while no engine took them"
    engine_end TERM
    check_equal "$word: nor for the events" "$(counted "$counter")" 0
    check_equal "$word: no pin is left" "$(find /sys/fs/bpf/weir -name "$lab_prefix*")" ""
}

# bpf_mounts COUNT: so many engines, where no BPF file system is mounted yet, make one of it.
bpf_mounts() {
    unshare --mount bash -c '
        umount /sys/fs/bpf
        for number in $(seq "$2"); do "$1" detach "start-$$-$number" 2>/dev/null & done
        wait
        grep -c " /sys/fs/bpf .* - bpf " /proc/self/mountinfo' sh "$weir" "$1"
}

if obstacle=$(lab_obstacle); then skip case-start "$obstacle"; fi
lab_open start
lab_up "weir-start-$$"
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
own_sys
bridged
outage forward passed_by_engine_loss
outage drop dropped_by_engine_loss
section "many at once"
check_equal "the BPF file system is mounted once" "$(bpf_mounts 16)" 1
checks_close
