# shellcheck shell=bash disable=SC2016
# memcached, driven by the tools of libmemcached, in text and in binary.
# Sourced.

memcached_port=11999

memcached_obstacle() { peer_lacks memcached memccp memccat; }

# What is stored has the name of its file.
memcached_start() {
    echo allowed >"$1/greeting"
    echo text >"$1/forbidden-word"
    cell_start "$1" 'memcached -u nobody -m 8 -l 0.0.0.0 -p "$2" -vv' "$memcached_port"
}

memcached_ready() { cell_listens "$memcached_port"; }

memcached_talk() {
    memcached_client memccp "$1/greeting" || return
    memcached_client memccat greeting | grep -x allowed || return
    memcached_client memccat --binary greeting | grep -x allowed
}

memcached_offend() { ! memcached_client memccp "$1/forbidden-word"; }

memcached_client() {
    local tool=$1
    shift
    peer_client "$tool" --servers="$server_v4:$memcached_port" "$@"
}

memcached_told() {
    peer_labelled "$memcached_port" "3 memcached"
    peer_told "$memcached_port" memcached '.memcached | .command == "set" and .key == "greeting" and .request_bytes == 8
        and .response == "STORED"' "what is stored"
    peer_told "$memcached_port" memcached '.memcached | .command == "get" and .key == "greeting" and .values == 1
        and .response_bytes == 8' "what is asked for in text"
    peer_told "$memcached_port" memcached '.memcached | .opcode == 12 and .key == "greeting" and .success' "and in binary"
    peer_blocked "$memcached_port" memcached db.statement
    check "the server was told what is allowed" grep -q 'set greeting' "$1/log"
    check_not "and nothing else" grep -q forbidden "$1/log"
}
