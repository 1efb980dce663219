#!/usr/bin/env bash
# Packs are loaded anew while traffic passes: nothing is lost, new rules block, and a broken pack changes nothing.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

reloads=20

# write_pack PATTERN: the pack of this lab, with one rule.
write_pack() { engine_write_pack "$dir/packs/own.toml" reset http.uri "$1"; }

# How many reloads ended with the result $1.
results() { jq -r 'select(.event_type == "ruleset_reload").ruleset_reload.result' "$dir/eve.json" | grep -cx "$1" || true; }

# reloaded RESULT COUNT: waits until that many reloads ended so.
reloaded() {
    local _
    for _ in {1..300}; do
        [[ $(results "$1") -lt $2 ]] || return 0
        sleep 0.05
    done
    return 1
}

# The field $1 of the last event on a reload.
last_reload() { jq -c "select(.event_type == \"ruleset_reload\").ruleset_reload$1" "$dir/eve.json" | tail -n1; }

weir_reload() { in_ns middle "$weir" reload --config "$dir/weir.toml" >"$dir/said" 2>&1; }

# is_reset WORD: a request with it is reset.
is_reset() {
    fetch "$dir/got" "http://$server_v4/page.txt?q=$1"
    [[ $curl_exit -eq 56 ]]
}

passes() {
    fetch "$dir/got" "http://$server_v4/page.txt?q=$1"
    cmp -s "$dir/got" "$dir/site/pages/page.txt"
}

# A download that lasts for as long as the packs are loaded over and over, by signal and by command in turn.
transfer_through_reloads() {
    section "A download while packs are loaded $reloads times"
    local client
    # Not through fetch: this runs beside.
    in_ns client curl -qgs --noproxy '*' --max-time 60 --limit-rate 4M -o "$dir/download" \
        "http://$server_v4/download.bin" &
    client=$!
    lab_children+=("$client")
    local number
    for ((number = 1; number <= reloads; number++)); do
        if ((number % 2)); then kill -HUP "$engine_pid"; else weir_reload || fail "weir reload"; fi
        reloaded ok "$number" || fail "reload $number ended"
    done
    check "the download lasted longer than that" kill -0 "$client"
    check "it completes" wait "$client"
    check_equal "byte for byte" "$(sha256 "$dir/download")" "$(sha256 "$dir/site/pages/download.bin")"
    check_equal "each reload was told" "$(results ok)" "$reloads"
    check_equal "and none failed" "$(results failed)" 0
    check_equal "the last one has its number" "$(last_reload .epoch)" "$((reloads + 1))"
}

new_rule_blocks() {
    section "A new rule"
    check "a request passes that no rule speaks of" passes newly-forbidden
    check "another is reset" is_reset forbidden-word
    write_pack newly-forbidden
    check "weir reload succeeds" weir_reload
    check "it names the engine" grep -q "process $engine_pid" "$dir/said"
    check "the rules are in force" reloaded ok $((reloads + 1))
    check "the new rule resets" is_reset newly-forbidden
    check "the old one is gone" passes forbidden-word
}

broken_pack_changes_nothing() {
    section "A broken pack"
    write_pack '(newly'
    local refused=0
    weir_reload || refused=$?
    check_equal "weir reload refuses it" "$refused" 78
    check "and says where the mistake is" grep -q 'own.toml:13:' "$dir/said"
    kill -HUP "$engine_pid"
    check "a SIGHUP all the same is told as failed" reloaded failed 1
    check "the event says where the mistake is" grep -q 'own.toml:13:' <<<"$(last_reload '.mistakes[0]')"
    check "and so does the log" grep -q 'own.toml:13:' "$dir/engine.log"
    check "the rules stay in force" is_reset newly-forbidden
    write_pack newly-forbidden
    sed -i '1i mode = "monitor"' "$dir/weir.toml"
    kill -HUP "$engine_pid"
    check "a mended pack is loaded" reloaded ok $((reloads + 2))
    check "the log says that another change needs a restart" grep -q 'at the next start' "$dir/engine.log"
    check "the mode is that of the start" is_reset newly-forbidden
}

rotation() {
    section "Log rotation"
    mv "$dir/eve.json" "$dir/eve.json.1"
    kill -USR1 "$engine_pid"
    local _
    for _ in {1..40}; do [[ ! -e $dir/eve.json ]] || break; sleep 0.05; done
    check "SIGUSR1 opens the file of events anew" test -e "$dir/eve.json"
    sleep 0.3
    check_equal "and loads no packs" "$(results ok)$(results failed)" 00
}

if obstacle=$(lab_obstacle); then skip case-reload "$obstacle"; fi
lab_open reload
lab_up "weir-reload-$$"
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
head -c 60000000 /dev/urandom >"$dir/site/pages/download.bin"
mkdir "$dir/packs"
write_pack forbidden-word
engine_write_config "$dir/weir.toml" "$dir/eve.json"
printf '\n[packs]\ndefault = false\ndirs = ["packs"]\n' >>"$dir/weir.toml"
lab_start_engine case-reload
transfer_through_reloads
new_rule_blocks
broken_pack_changes_nothing
rotation
engine_end TERM
check_equal "the engine ends in peace" "$engine_exit" 0
stats=$(jq -c 'select(.event_type == "stats").stats' "$dir/eve.json" | tail -n1)
check "frames in = forwarded + dropped + held" holds '.decoder.pkts == .ips.accepted + .ips.blocked + .ips.held' "$stats"
check "every frame is accounted for" holds '.ips.unaccounted == 0' "$stats"
timed=$(cat "$dir/eve.json.1" "$dir/eve.json" | jq -s '[.[].stats.latency // {} | .[].transit.frames] | add')
check "frames that were accepted are timed" test "${timed:-0}" -eq "$(jq .ips.accepted <<<"$stats")"
check "no scan lost its rules" holds '.detect.scans_restarted == 0' "$stats"
check "no event was lost" holds '.events_lost == 0' "$stats"
checks_close
