# shellcheck shell=bash disable=SC2016
# NATS, driven by lines: Debian has no client of it.
# Sourced.

nats_port=4999

nats_obstacle() { peer_lacks nats-server; }

nats_start() { cell_start "$1" 'nats-server -a 0.0.0.0 -p "$2" --user peer --pass hidden-password -DV' "$nats_port"; }

nats_ready() { cell_listens "$nats_port"; }

nats_talk() { nats_client 'SUB notes.* 1\r\nPUB notes.first 7\r\nallowed\r\n' | grep '^allowed'; }

nats_offend() { ! nats_client 'PUB notes.first 14\r\nforbidden-word\r\n' | grep PONG; }

# nats_client LINES: logs in, says LINES, and waits until they are answered.
nats_client() {
    peer_client bash -c 'exec 3<>"/dev/tcp/$1/$2"
        printf "CONNECT {\"verbose\":false,\"user\":\"peer\",\"pass\":\"hidden-password\",\"name\":\"lab\"}\r\n" >&3
        printf "$3PING\r\n" >&3
        sed "/^PONG/q" <&3' nats "$server_v4" "$nats_port" "$1"
}

nats_told() {
    peer_labelled "$nats_port" "1 nats"
    peer_told "$nats_port" nats '.nats | .command == "INFO" and .auth_required and (.version | startswith("2."))' \
        "what the server says it is"
    peer_told "$nats_port" nats '.nats | .command == "CONNECT" and .user == "peer" and .name == "lab"' "who the client is"
    peer_told "$nats_port" nats '.nats | .command == "SUB" and .subject == "notes.*" and .sid == "1"' \
        "what it wants to hear of"
    peer_told "$nats_port" nats '.nats | .command == "PUB" and .subject == "notes.first" and .message_bytes == 7' \
        "what it says"
    peer_told "$nats_port" nats '.nats | .command == "MSG" and .subject == "notes.first" and .message_bytes == 7' \
        "what it hears"
    peer_untold "$nats_port" hidden-password "no password"
    peer_blocked "$nats_port" nats mq.message
    check "the server was told what is allowed" grep -q 'MSG_PAYLOAD: \["allowed"\]' "$1/log"
    check_not "and nothing else" grep -q forbidden "$1/log"
}
