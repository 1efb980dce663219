# shellcheck shell=bash disable=SC2016
# The broker that librdkafka tests its clients with, which lives in kcat, driven by kcat. It says that it is on 127.0.0.1: so
# each end has a socat there, which carries the bytes to the other end as they are.
# Sourced.

kafka_port=19999

kafka_obstacle() { peer_lacks kcat socat; }

kafka_start() {
    cell_start "$1" '
        kcat -C -b none -t none -X test.mock.num.brokers=1 -d mock >/dev/null 2>"$1/broker" &
        until port=$(sed -n "s/.* replaced with 127.0.0.1:\([0-9]*\)$/\1/p" "$1/broker") && [[ -n $port ]]; do sleep 0.1; done
        echo "$port" >"$1/port"
        socat "TCP-LISTEN:$2,fork,reuseaddr" "TCP:127.0.0.1:$port"' "$kafka_port"
}

kafka_ready() { cell_listens "$kafka_port"; }

kafka_talk() {
    local codec
    for codec in none gzip snappy lz4 zstd; do
        printf "allowed, $codec\n%.0s" {1..20} | kafka_client "$1" -P -t notes -z "$codec" -H by=lab || return
    done
    kafka_client "$1" -C -t notes -o beginning -c 100 -q | sort | uniq -c | grep -c ' 20 allowed, ' | grep -x 5
}

kafka_offend() { ! echo forbidden-word | kafka_client "$1" -P -t notes -z gzip -X message.timeout.ms=3000; }

# kafka_client FOLDER ARGUMENT...: kcat, with the broker where that says it is.
kafka_client() {
    peer_client bash -c '
        socat "TCP-LISTEN:$1,bind=127.0.0.1,fork,reuseaddr" "TCP:$2" &
        trap "kill $!" EXIT
        until ss -Hlnt "sport = :$1" | grep -q .; do sleep 0.1; done
        kcat -b "127.0.0.1:$1" -X client.id=lab "${@:3}"' kafka "$(<"$1/port")" "$server_v4:$kafka_port" "${@:2}"
}

kafka_told() {
    peer_labelled "$kafka_port" kafka
    peer_told "$kafka_port" kafka '.kafka | .api == "ApiVersions" and .client_id == "lab" and (.software | startswith("librdkafka"))' \
        "who the client is, and its software"
    peer_told "$kafka_port" kafka '.kafka | .api == "Metadata" and .topics == ["notes"]' "what it asks for"
    local codec
    for codec in gzip snappy lz4 zstd; do
        peer_told "$kafka_port" kafka '.kafka | .api == "Produce" and .topics == ["notes"] and .records > 0
            and .compression == "'$codec'"' "what it says, packed by $codec"
    done
    peer_told "$kafka_port" kafka '.kafka | .api == "Fetch" and .topics == ["notes"] and .records > 0 and .error_code == 0' \
        "what it hears"
    peer_blocked "$kafka_port" kafka mq.message
    check_equal "the broker has what is allowed, and nothing else" "$(kafka_notes "$1")" "100 allowed"
}

kafka_notes() {
    in_ns server timeout 20 kcat -b "127.0.0.1:$(<"$1/port")" -C -t notes -o beginning -e -q |
        cut -d, -f1 | sort | uniq -c | xargs
}
