# shellcheck shell=bash disable=SC2016
# Knot DNS, asked by dig over UDP and TCP.
# Sourced.

dns_port=5399

dns_obstacle() { peer_lacks knotd dig; }

dns_start() {
    cat >"$1/knot.conf" <<CONFIG
server:
    rundir: "$1"
    listen: 0.0.0.0@$dns_port
database:
    storage: "$1"
log:
  - target: stdout
    any: info
zone:
  - domain: peers.test
    storage: "$1"
CONFIG
    cat >"$1/peers.test.zone" <<'ZONE'
@ 60 SOA ns hostmaster 1 3600 600 86400 60
@ 60 NS ns
ns 60 A 192.0.2.1
allowed 60 A 192.0.2.7
allowed 60 TXT "a text"
forbidden-word 60 A 192.0.2.8
ZONE
    cell_start "$1" 'knotd -c "$1/knot.conf"'
}

dns_ready() { in_ns server dig "@$server_v4" -p "$dns_port" +tries=1 +timeout=1 +short ns.peers.test | grep -qx 192.0.2.1; }

dns_talk() {
    dns_client allowed.peers.test A | grep -x 192.0.2.7 || return
    dns_client +tcp allowed.peers.test TXT | grep 'a text' || return
    dns_client missing.peers.test AAAA
}

dns_offend() { ! dns_client forbidden-word.peers.test A && ! dns_client +tcp forbidden-word.peers.test A; }

dns_client() { peer_client dig "@$server_v4" -p "$dns_port" +tries=1 +timeout=4 +short "$@"; }

dns_told() {
    peer_labelled "$dns_port" "3 dns"
    peer_told "$dns_port" dns '.proto == "UDP" and (.dns | .type == "response" and .rcode == "NOERROR"
        and any(.answers[]; .rrname == "allowed.peers.test" and .rrtype == "A" and .rdata == "192.0.2.7"))' "an address"
    peer_told "$dns_port" dns '.proto == "TCP" and (.dns | .type == "response" and any(.answers[]; .rrtype == "TXT"))' \
        "a text, over TCP"
    peer_told "$dns_port" dns '.dns | .rcode == "NXDOMAIN" and .queries[0].rrname == "missing.peers.test"' \
        "that there is no such name"
    peer_blocked "$dns_port" dns dns.query 2
}
