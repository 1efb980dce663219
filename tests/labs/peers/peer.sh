# shellcheck shell=bash
# What all peers are made of. Each peer NAME is a file NAME.sh of functions, which are given a folder of its own:
#   NAME_obstacle   says why it can't be had on this machine; fails where it can
#   NAME_start      starts its server in a cell
#   NAME_ready      whether it answers
#   NAME_talk       what its client says that is allowed; fails where it isn't answered
#   NAME_offend     what its client says that is forbidden; fails where it is answered
#   NAME_told       checks what the engine told of all that, and what the server knows of it
# Sourced.

# peer_lacks PROGRAM...: says which is not there; fails where all are.
peer_lacks() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "there is no $program (see deploy/packages.debian)"; return; }
    done
    return 1
}

# The same of a module of Debian's Python.
peer_lacks_module() {
    ! /usr/bin/python3 -c "import $1" 2>/dev/null || return 1
    echo "there is no module $1 of Python (see deploy/packages.debian)"
}

# peer_certificate FOLDER: a key there, and its certificate, for peers.test.
peer_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=peers.test \
        -addext subjectAltName=DNS:peers.test -keyout "$1/key" -out "$1/certificate" 2>/dev/null
    chmod 600 "$1/key"
}

# peer_client PROGRAM [ARGUMENT...]: a client, which is given up where its server leaves it waiting.
peer_client() { timeout 30 nsenter --net="$(lab_netns client)" "$@"; }

# peer_curl [ARGUMENT...]: curl that knows where peers.test is on the port $1.
peer_curl() {
    local port=$1
    shift
    # -q: whatever this user's .curlrc says; -g: braces are meant as such.
    peer_client curl -qgsS --noproxy '*' --resolve "peers.test:$port:$server_v4" "$@"
}

# peer_told PORT TYPE FILTER TEXT: an event of this type, of a flow to the port, for which the jq filter holds.
peer_told() { check "$4" peer_events "any(.event_type == \"$2\" and ($3))" "$1"; }

# peer_untold PORT WORD TEXT: no event of a flow to the port holds the word anywhere.
peer_untold() { check "$3" peer_events "length > 0 and all(tojson | contains(\"$2\") | not)" "$1"; }

# peer_events FILTER PORT: whether the jq filter says true of all events of flows to the port.
peer_events() { jq -en --argjson port "$2" "[inputs | select(.dest_port == \$port)] | $1" "$dir/eve.json" >/dev/null; }

# peer_labelled PORT LABELS: what the flows to the port are that offended nobody, and that they were forwarded: "4 pgsql, 1 tls
# within pgsql", or without numbers where a client opens as many as it likes.
peer_labelled() {
    local flows
    flows=$(jq -nr --argjson port "$1" '[inputs | select(.event_type == "flow" and .dest_port == $port and .flow.alerted == false)]
        | group_by([.app_proto, .app_proto_orig, .flow.action]) | map("\(length) \(.[0].app_proto)"
            + (.[0].app_proto_orig | if . then " within \(.)" else "" end)
            + (.[0].flow.action | if . then " but \(.)" else "" end)) | join(", ")' "$dir/eve.json")
    [[ $2 == [0-9]* ]] || flows=$(sed -E 's/(^|, )[0-9]+ /\1/g' <<<"$flows")
    check_equal "forwarded to port $1: $2" "$flows" "$2"
}

# peer_blocked PORT LABEL FIELD [FLOWS]: what is forbidden was found in FIELD, of so many flows (one, unless it is said or
# "some"), and these went no further.
peer_blocked() {
    local alerts flows=${4:-1}
    alerts=$(jq -c --argjson port "$1" 'select(.event_type == "alert" and .dest_port == $port)
        | [.app_proto, .alert.context.field, .alert.action]' "$dir/eve.json" | sort | uniq -c | awk '{ print $1, $2 }')
    [[ $flows != some ]] || alerts="some ${alerts#* }"
    check_equal "the rule stops it in $3" "$alerts" "$flows [\"$2\",\"$3\",\"blocked\"]"
    peer_told "$1" flow '.flow.alerted and .flow.action == "drop" and .flow.drop_reason == "rule"' "and its flow with it"
}
