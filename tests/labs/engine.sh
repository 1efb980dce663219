# shellcheck shell=bash
# The engine of a lab: `weir run` between the two ports of the middle.
# Sourced, after topology.sh. `weir` is the path of the binary.

engine_pid='' engine_config='' engine_exit=0
# What the engine is started through, such as setpriv with its arguments; it must exec.
engine_through=()

# engine_write_config FILE EVE [ON_ENGINE_LOSS]: a config for the lab, whose events go to EVE. The ports get the way without
# an engine that it asks for.
engine_write_config() {
    lab_way "${3-forward}"
    cat >"$1" <<END
[[link]]
name = "$lab_prefix"
inside = "inside"
outside = "outside"
on_engine_loss = "${3-forward}"

[events]
eve = "$2"
END
}

# engine_write_pack FILE ACTION FIELD PATTERN: a pack of one rule. The pattern is its own example: a plain word, or a mistake.
engine_write_pack() {
    cat >"$1" <<END
[pack]
name = "own"
version = "1"
description = "One rule of a lab."

[[rule]]
id = 4000001
name = "Forbidden word"
action = "$2"
severity = 1
category = "Test"
fields = ["$3"]
regex = '$4'
mask = "none"
examples = { positive = ["$4"], negative = ["allowed"] }
END
}

# engine_up CONFIG LOG [ARGUMENT]...: starts the engine and waits until it says that it is ready. Where it ends instead, its
# exit code is in engine_exit.
engine_up() {
    engine_config=$1
    local log=$2 _
    shift 2
    : >"$log"
    nsenter --net="$(lab_netns middle)" "${engine_through[@]}" \
        "$weir" run --config "$engine_config" "$@" >>"$log" 2>&1 &
    engine_pid=$!
    for _ in {1..200}; do
        grep -q 'weir: ready' "$log" && return
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 0.1
    done
    engine_end TERM
    return 1
}

# Sends the signal $1 and waits for the end, whose code is in engine_exit (137 where it took a SIGKILL). The
# shell's own word on a killed job is kept quiet.
engine_end() {
    [[ -n $engine_pid ]] || return 0
    local _
    engine_exit=0
    kill "-$1" "$engine_pid" || true
    # It may be stopped.
    kill -CONT "$engine_pid" || true
    for _ in {1..200}; do
        kill -0 "$engine_pid" || break
        sleep 0.05
    done
    kill -KILL "$engine_pid" || true
    wait "$engine_pid" || engine_exit=$?
    engine_pid=
} 2>/dev/null

# Takes the pinned program off both ports.
engine_detach() { in_ns middle "$weir" detach --config "$engine_config" 2>/dev/null; }

# Ends the engine, and leaves nothing of it attached or pinned, whatever state it was in.
engine_down() {
    engine_end TERM
    [[ -n $engine_config ]] || return 0
    ! lab_has_xdp || engine_detach >/dev/null 2>&1 || true
    rm -rf "/sys/fs/bpf/weir/${lab_prefix:?}"* "/run/weir/$lab_prefix"*
    engine_config=
}
