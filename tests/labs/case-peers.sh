#!/usr/bin/env bash
# Real servers and their own clients are told apart on ports that are nobody's, and read; what a rule forbids never arrives.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=cell.sh
. "$labs/cell.sh"
# shellcheck source=peers/peer.sh
. "$labs/peers/peer.sh"
# shellcheck source=peers/http.sh
. "$labs/peers/http.sh"
# shellcheck source=peers/grpc.sh
. "$labs/peers/grpc.sh"
# shellcheck source=peers/websocket.sh
. "$labs/peers/websocket.sh"
# shellcheck source=peers/pgsql.sh
. "$labs/peers/pgsql.sh"
# shellcheck source=peers/mysql.sh
. "$labs/peers/mysql.sh"
# shellcheck source=peers/redis.sh
. "$labs/peers/redis.sh"
# shellcheck source=peers/memcached.sh
. "$labs/peers/memcached.sh"
# shellcheck source=peers/amqp.sh
. "$labs/peers/amqp.sh"
# shellcheck source=peers/zookeeper.sh
. "$labs/peers/zookeeper.sh"
# shellcheck source=peers/ssh.sh
. "$labs/peers/ssh.sh"
# shellcheck source=peers/dns.sh
. "$labs/peers/dns.sh"
# shellcheck source=peers/quic.sh
. "$labs/peers/quic.sh"
# shellcheck source=peers/nats.sh
. "$labs/peers/nats.sh"
# shellcheck source=peers/kafka.sh
. "$labs/peers/kafka.sh"
# shellcheck source=peers/mqtt.sh
. "$labs/peers/mqtt.sh"
# shellcheck source=peers/ldap.sh
. "$labs/peers/ldap.sh"
# shellcheck source=peers/krb5.sh
. "$labs/peers/krb5.sh"
# shellcheck source=peers/smb.sh
. "$labs/peers/smb.sh"
# shellcheck source=peers/smtp.sh
. "$labs/peers/smtp.sh"

# Those that this machine has.
peers=()

# find_peers NAME...: says of each that can't be had why.
find_peers() {
    local name obstacle
    for name in "$@"; do
        if obstacle=$("${name}_obstacle"); then
            echo "SKIPPED: case-peers: $name: $obstacle"
        else
            peers+=("$name")
        fi
    done
    [[ ${#peers[@]} -gt 0 ]] || exit 77
}

start_peers() {
    local name
    for name in "${peers[@]}"; do
        mkdir -m 755 "$dir/$name"
        "${name}_start" "$dir/$name"
    done
}

# Some take seconds to start, and more on a machine with little to spare.
await_peers() {
    local name tenths=900
    for name in "${peers[@]}"; do
        until "${name}_ready"; do
            if ((tenths-- == 0)); then
                cat "$dir/$name/log"
                echo "case-peers: $name does not start" >&2
                exit 1
            fi
            sleep 0.1
        done
    done
}

# run_clients PART TEXT: of all peers beside one another.
run_clients() {
    local part=$1 text=$2 name
    section "$text"
    for name in "${peers[@]}"; do
        (
            set +e
            "${name}_$part" "$dir/$name" >"$dir/$name/$part" 2>&1 </dev/null
            echo $? >"$dir/$name/$part.exit"
        ) &
        lab_children+=("$!")
    done
    wait "${lab_children[@]}"
    lab_children=()
    for name in "${peers[@]}"; do
        check "$name" client_is_done "$dir/$name/$part"
    done
}

client_is_done() {
    [[ $(<"$1.exit") != 0 ]] || return 0
    cat "$1"
    return 1
}

# One word is forbidden in what parsers draw out, so that they have to read what is to be stopped.
write_packs() {
    mkdir "$dir/packs"
    engine_write_pack "$dir/packs/fields.toml" reset http.uri forbidden-word
    local fields='"http.uri", "tls.sni", "dns.query", "db.statement", "db.user", "mq.topic", "mq.message", "file.name"'
    sed -i "s/\"http.uri\"/$fields, \"mail.headers\", \"websocket.message\", \"grpc.message\"/" "$dir/packs/fields.toml"
    printf '\n[packs]\ndirs = ["packs"]\n' >>"$dir/weir.toml"
}

if obstacle=$(lab_obstacle); then skip case-peers "$obstacle"; fi
find_peers http grpc websocket quic dns ssh smtp pgsql mysql redis memcached amqp kafka mqtt nats zookeeper ldap krb5 smb
lab_open peers
trap 'cells_end; lab_close' EXIT
lab_up "weir-peers-$$"
lab_mount_bpffs
start_peers
engine_write_config "$dir/weir.toml" "$dir/eve.json"
write_packs
lab_start_engine case-peers
await_peers
run_clients talk "What is allowed is answered"
run_clients offend "What is forbidden is not"
engine_end TERM
for name in "${peers[@]}"; do
    section "What is told of $name"
    "${name}_told" "$dir/$name"
done
checks_close
