#!/usr/bin/env bash
# Numbered datagrams, a thousand a second, while the engine is killed, stalls, loads its packs anew, is stopped, started and
# replaced. With "forward" next to none is lost; with "drop" not one passes that was not looked at.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

rate=1000
# SLACK=0 asks for what a quiet machine does.
slack=${SLACK:-100}
numbered_port=9000
forbidden='forbidden-word'

write_pack() {
    mkdir -p "$dir/packs"
    engine_write_pack "$dir/packs/own.toml" drop payload "$forbidden"
}

write_config() {
    engine_write_config "$dir/weir.toml" "$dir/eve.json" "$1"
    printf '\n[packs]\ndefault = false\ndirs = ["packs"]\n' >>"$dir/weir.toml"
}

# through TEXT SECONDS COMMAND...: what becomes of the datagrams of so many seconds, while the command does something to the
# engine after the first of them. As JSON in `told`.
through() {
    local text=$1 seconds=$2 run
    shift 2
    "$numbered" --from "$(lab_netns client)" --to "$(lab_netns server)" --at "$server_v4:$numbered_port" \
        --rate "$rate" --seconds "$seconds" --forbidden "$forbidden" >"$dir/numbered" &
    run=$!
    sleep 0.7
    "$@"
    wait "$run"
    told=$(<"$dir/numbered")
    echo "      $text: $(jq -r '"lost \(.lost) of \(.sent), \(.reordered) reordered, \(.duplicated) twice, pause \(.longest_pause_ms) ms, \(.forbidden_received) of \(.forbidden_sent) forbidden passed"' <<<"$told")"
}

# lost_at_most TEXT COUNT: a busy machine, on which whoever is to go on waits for a core, loses some more (SLACK).
lost_at_most() {
    check "$1: at most $2 and $slack lost" holds ".sent > 0 and .lost <= $2 + $slack and .duplicated == 0" "$told"
}

none_passed() { check "$1: nothing passes that was not looked at" holds '.forbidden_sent > 0 and .forbidden_received == 0' "$told"; }

# outcome WORD TEXT LOST: what the operator's word asks for.
outcome() {
    if [[ $1 == forward ]]; then lost_at_most "$2" "$3"; else none_passed "$2"; fi
}

nothing() { :; }

kill_and_restart() {
    engine_end KILL
    sleep 0.3
    lab_start_engine case-numbered
}

stall() {
    kill -STOP "$engine_pid"
    sleep 1
    kill -CONT "$engine_pid"
}

reload() { in_ns middle "$weir" reload --config "$dir/weir.toml" 2>/dev/null; sleep 0.3; in_ns middle "$weir" reload --config "$dir/weir.toml" 2>/dev/null; }

stop_and_start() {
    engine_end TERM
    lab_start_engine case-numbered
}

# A new engine takes over from the one that runs, which ends in peace.
upgrade() {
    local former=$engine_pid former_exit=0
    engine_up "$dir/weir.toml" "$dir/next.log" --takeover || { cat "$dir/engine.log" "$dir/next.log"; exit 1; }
    wait "$former" || former_exit=$?
    check_equal "the former engine ends in peace" "$former_exit" 0
}

word_of() {
    local word=$1
    section "on_engine_loss = \"$word\""
    write_config "$word"
    lab_start_engine case-numbered
    through "undisturbed" 2 nothing
    lost_at_most "$word, undisturbed" 0
    none_passed "$word, undisturbed"
    through "SIGKILL and a new engine" 3 kill_and_restart
    outcome "$word" "$word, SIGKILL" 5
    through "SIGSTOP for a second" 3 stall
    outcome "$word" "$word, SIGSTOP" 0
    through "two reloads" 2 reload
    lost_at_most "$word, reload" 0
    none_passed "$word, reload"
    through "a new engine takes over" 3 upgrade
    outcome "$word" "$word, upgrade" 5
    echo "      $(grep -o 'gap_ms=.*' "$dir/next.log") from the last word of the former engine to the first of the new one"
    through "stop and start" 3 stop_and_start
    [[ $word == drop ]] || outcome "$word" "$word, stop and start" 5
    engine_end TERM
}

if obstacle=$(lab_obstacle); then skip case-numbered "$obstacle"; fi
lab_open numbered
(cd "$root" && cargo build --quiet --locked -p tests --bin numbered)
numbered=${CARGO_TARGET_DIR:-$root/target}/debug/numbered
lab_up "weir-numbered-$$"
lab_mount_bpffs
write_pack
word_of forward
word_of drop
checks_close
