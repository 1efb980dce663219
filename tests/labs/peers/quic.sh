# shellcheck shell=bash disable=SC2016
# QUIC between Caddy, which serves HTTP/3, and kdig, which wants to ask DNS: Debian has no two ends that speak of the same
# thing in it. So the server says no, in a handshake that both ends understand.
# Sourced.

quic_port=8539

quic_obstacle() { peer_lacks caddy kdig openssl; }

quic_start() {
    peer_certificate "$1"
    cat >"$1/Caddyfile" <<CONFIG
{
    admin off
    auto_https off
    storage file_system $1
}
https://:$quic_port {
    tls $1/certificate $1/key
    respond "allowed"
}
CONFIG
    cell_start "$1" 'HOME=$1 caddy run --adapter caddyfile --config "$1/Caddyfile"'
}

quic_ready() { cell_listens "$quic_port"; }

# Either way it gets no answer that it could use.
quic_talk() { ! quic_client allowed.peers.test; }

quic_offend() { ! quic_client forbidden-word.peers.test; }

quic_client() {
    peer_client kdig "@$server_v4" -p "$quic_port" +tls-hostname="$1" +quic +retry=0 +timeout=3 peers.test
}

quic_told() {
    peer_labelled "$quic_port" "1 quic"
    peer_told "$quic_port" quic '.quic | .sni == "allowed.peers.test" and .version == "1"' "the name"
    peer_told "$quic_port" flow '.flow | .alerted == false and .pkts_toclient > 0' "the server answered what is allowed"
    peer_blocked "$quic_port" quic tls.sni
    peer_told "$quic_port" flow '.flow | .alerted and .pkts_toclient == 0' "and never saw what is not"
}
