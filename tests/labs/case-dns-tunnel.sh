#!/usr/bin/env bash
# A tunnel that iodine makes is told within twenty questions; where the operator wants it dropped, nothing comes through it.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# The ends of the tunnel inside.
tunnel_server=10.99.0.1

# tunnel_up: starts both ends, and gives the client time to agree with the server.
tunnel_up() {
    # Not by a function, whose shell would be what is stopped.
    nsenter --net="$(lab_netns server)" iodined -f -c -P secret "$tunnel_server" tunnel.test >"$dir/iodined.log" 2>&1 &
    lab_children+=("$!")
    sleep 1
    : >"$dir/iodine.log"
    nsenter --net="$(lab_netns client)" iodine -f -r -P secret "$server_v4" tunnel.test >>"$dir/iodine.log" 2>&1 &
    lab_children+=("$!")
    local _
    for _ in {1..100}; do
        ! grep -q 'transmitting data' "$dir/iodine.log" || return 0
        sleep 0.1
    done
}

tunnel_down() {
    local child
    for child in "${lab_children[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    lab_children=()
}

# Whether a packet comes through the tunnel and back.
passes() { in_ns client ping -q -c 3 -i 0.2 -W 1 "$tunnel_server" >/dev/null 2>&1; }

# How many questions were asked before the tunnel was told; nothing where it was not.
asked_before() {
    jq -n 'reduce inputs as $event ({asked: 0, before: null};
        if $event.dns.type == "request" then .asked += 1
        elif $event.anomaly.event == "dns_tunnel" then .before = .asked
        else . end) | .before // empty' "$dir/eve.json"
}

# with_action ACTION CHECK TEXT: an engine that is told so; whether anything comes through then.
with_action() {
    section "Tunnels in DNS: $1"
    rm -f "$dir/eve.json"
    engine_write_config "$dir/weir.toml" "$dir/eve.json"
    printf '\n[threats.dns_tunnel]\naction = "%s"\n' "$1" >>"$dir/weir.toml"
    lab_start_engine case-dns-tunnel
    tunnel_up
    "$2" "$3" passes
    tunnel_down
    engine_down
    local before
    before=$(asked_before)
    check "told after ${before:-no} questions" test "${before:-99}" -le 20
}

# The word of a reload comes into force while a tunnel is up, and what was counted stays.
with_reload() {
    section "Tunnels in DNS: from alert to drop by a reload"
    rm -f "$dir/eve.json"
    engine_write_config "$dir/weir.toml" "$dir/eve.json"
    printf '\n[threats.dns_tunnel]\naction = "alert"\n' >>"$dir/weir.toml"
    lab_start_engine case-dns-tunnel
    tunnel_up
    check "what is sent through it arrives" passes
    sed -i 's/^action = "alert"/action = "drop"/' "$dir/weir.toml"
    check "weir reload succeeds" in_ns middle "$weir" reload --config "$dir/weir.toml"
    sleep 1
    check_not "nothing arrives any more" passes
    tunnel_down
    engine_down
    check_equal "it was told once" "$(jq -n '[inputs | select(.anomaly.event == "dns_tunnel")] | length' "$dir/eve.json")" 1
}

if obstacle=$(lab_obstacle); then skip case-dns-tunnel "$obstacle"; fi
if ! command -v iodine >/dev/null || ! command -v iodined >/dev/null; then skip case-dns-tunnel "no iodine"; fi
lab_open dns-tunnel
lab_up "weir-dns-$$"
lab_mount_bpffs
with_action alert check "what is sent through it arrives"
with_reload
with_action drop check_not "nothing arrives that is sent through it"
checks_close
