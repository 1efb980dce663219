#!/usr/bin/env bash
# What a running engine has of live flows is listed to whoever may ask, as they stand, and no frame waits for it.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

lists=100

weir_flows() { in_ns middle "$weir" flows --config "$dir/weir.toml" "$@"; }

# flow FILTER [ARGUMENT]...: what is listed, as JSON, led through a filter of jq.
flow() {
    local filter=$1
    shift
    weir_flows -o json "$@" | jq -r "$filter"
}

# The bytes that the download has brought so far.
downloaded() { flow '.flows[0].bytes_toclient' --app http --state established --verdict inspected; }

live_flows_are_listed() {
    section "A download, listed $lists times"
    local client before number
    # Not through fetch: this runs beside.
    in_ns client curl -qgs --noproxy '*' --max-time 60 --limit-rate 4M -o "$dir/download" \
        "http://$server_v4/download.bin" &
    client=$!
    lab_children+=("$client")
    for _ in {1..100}; do
        [[ $(flow .matched --port 80) -lt 1 ]] || break
        sleep 0.1
    done
    check "a person sees it" grep -q "http.*inspected" <<<"$(weir_flows --address "$server_v4")"
    before=$(downloaded)
    for ((number = 1; number <= lists; number++)); do weir_flows >"$dir/said"; done
    check "it goes on meanwhile" test "$(downloaded)" -gt "$before"
    check_equal "its server" "$(flow '.flows[0] | "\(.dest_ip):\(.dest_port)"' --app http)" "$server_v4:80"
    check_equal "nobody has port 81" "$(flow '[.listed, .matched] | @csv' --port 81)" 0,0
    check_equal "another network has none" "$(flow .matched --address 203.0.113.0/24)" 0
    check "it lasted longer than the lists" kill -0 "$client"
    check "it completes" wait "$client"
    check_equal "byte for byte" "$(sha256 "$dir/download")" "$(sha256 "$dir/site/pages/download.bin")"
}

what_is_blocked_is_listed() {
    section "A blocked flow"
    fetch "$dir/got" "http://$server_v4/page.txt?q=forbidden-word"
    check_equal "the request is reset" "$curl_exit" 56
    check_equal "its flow is blocked by a rule" \
        "$(flow '[.flows[] | .verdict, .reason, .alerted] | @csv' --verdict blocked)" '"blocked","rule",true'
    check "and there are others" test "$(flow .matched)" -gt 1
    local code=0
    weir_flows --link nowhere >"$dir/said" 2>&1 || code=$?
    check_equal "a link that is not there is an error" "$code" 1
    check "which names those that are" grep -qE "there is no link nowhere; there is $lab_prefix\$" "$dir/said"
    check_equal "no more is listed than is asked for" "$(flow .listed --max 1)" 1
}

nobody_to_ask() {
    section "No engine"
    local code=0
    weir_flows >"$dir/said" 2>&1 || code=$?
    check_equal "weir flows fails" "$code" 1
    check "and says that no engine works on the link" grep -q 'no engine works on it' "$dir/said"
}

if obstacle=$(lab_obstacle); then skip case-flows "$obstacle"; fi
lab_open flows
lab_up "weir-flows-$$"
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
head -c 60000000 /dev/urandom >"$dir/site/pages/download.bin"
mkdir "$dir/packs"
engine_write_pack "$dir/packs/own.toml" reset http.uri forbidden-word
engine_write_config "$dir/weir.toml" "$dir/eve.json"
printf '\n[packs]\ndefault = false\ndirs = ["packs"]\n' >>"$dir/weir.toml"
lab_start_engine case-flows
live_flows_are_listed
what_is_blocked_is_listed
engine_end TERM
check_equal "the engine ends in peace" "$engine_exit" 0
nobody_to_ask
stats=$(jq -c 'select(.event_type == "stats").stats' "$dir/eve.json" | tail -n1)
check "every frame is accounted for" holds '.ips.unaccounted == 0' "$stats"
checks_close
