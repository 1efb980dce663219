# shellcheck shell=bash disable=SC2016
# Redis, driven by redis-cli.
# Sourced.

redis_port=16999

redis_obstacle() { peer_lacks redis-server redis-cli; }

redis_start() {
    cell_start "$1" 'redis-server --port "$2" --bind 0.0.0.0 --save "" --dir "$1" --requirepass hidden-password' \
        "$redis_port"
}

redis_ready() { cell_listens "$redis_port"; }

redis_talk() {
    redis_client SET greeting allowed | grep -x OK || return
    redis_client -3 GET greeting | grep -x allowed || return
    redis_client NOTHING | grep ERR
}

redis_offend() { ! redis_client SET victim forbidden-word; }

redis_client() { peer_client redis-cli --no-auth-warning -h "$server_v4" -p "$redis_port" -a hidden-password -n 3 "$@"; }

redis_told() {
    peer_labelled "$redis_port" "3 redis"
    peer_told "$redis_port" redis '.redis | .command == "SELECT" and .database == "3" and .success' "the database"
    peer_told "$redis_port" redis '.redis | .command == "SET" and .key == "greeting" and .reply == "OK"
        and .statement == "SET greeting allowed"' "a command, its key, and its answer"
    peer_told "$redis_port" redis '.redis | .command == "HELLO" and .success' "the change to version 3"
    peer_told "$redis_port" redis '.redis | .command == "NOTHING" and (.error | startswith("ERR unknown command"))' \
        "an error"
    peer_untold "$redis_port" hidden-password "no password"
    peer_blocked "$redis_port" redis db.statement
    check_equal "the server has what is allowed, and nothing else" "$(redis_keys)" greeting
}

redis_keys() {
    in_ns server redis-cli --no-auth-warning -h "$server_v4" -p "$redis_port" -a hidden-password -n 3 KEYS '*'
}
