#!/usr/bin/env bash
# Datagrams that the kernels of the lab cut into pieces arrive whole, or not at all where a rule matches in what only the
# whole shows; also where their flow and their pieces belong to different workers. Whatever identification their sender uses
# again, they have one of their own each.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# listen ADDRESS FILE: what one datagram to port 9000 of the server brings.
listen() {
    in_ns server timeout 5 python3 - "$1" >"$2" 2>/dev/null <<'END' &
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
receiver = socket.socket(family, socket.SOCK_DGRAM)
receiver.bind((sys.argv[1], 9000))
receiver.settimeout(2)
sys.stdout.buffer.write(receiver.recv(65535))
END
    listener=$!
    sleep 0.5
}

# send ADDRESS FILE PORT: sends a file from that port to port 9000 of the server, as one datagram.
send() {
    in_ns client python3 - "$1" "$2" "$3" <<'END'
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sender = socket.socket(family, socket.SOCK_DGRAM)
sender.bind(("", int(sys.argv[3])))
sender.sendto(open(sys.argv[2], "rb").read(), (sys.argv[1], 9000))
END
}

# exchange ADDRESS FILE PORT: sends it, and leaves in $dir/got what arrived.
exchange() {
    listen "$1" "$dir/got"
    send "$1" "$2" "$3"
    wait "$listener" || true
}

# identifications: sends two datagrams in two pieces each, all under one identification, and says how many pieces of how many
# identifications come.
identifications() {
    in_ns server timeout 5 python3 - "$client_v4" >"$dir/identifications" <<'END' &
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
wire.bind(("to-client", 0x0800))
wire.settimeout(3)
came = []
while len(came) < 4:
    ip = wire.recv(2048)
    if ip[12:16] == socket.inet_aton(sys.argv[1]) and ip[9] == 253:
        came.append(ip[4:6])
print(len(came), len(set(came)))
END
    listener=$!
    sleep 0.5
    in_ns client python3 - "$client_v4" "$server_v4" <<'END'
import socket, struct, sys
source, destination = map(socket.inet_aton, sys.argv[1:])
sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for _ in range(2):
    for place in 0x2000, 1:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 77, place, 64, 253, 0, source, destination)
        sender.sendto(header + b"harmless", (sys.argv[2], 0))
END
    wait "$listener" || true
    cat "$dir/identifications"
}

# Sends the client's begin of a UDP datagram whose length no piece but the last can have.
odd_piece() {
    in_ns client python3 - "$client_v4" "$server_v4" <<'END'
import socket, struct, sys
source, destination = map(socket.inet_aton, sys.argv[1:])
sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 33, 78, 0x2000, 64, 17, 0, source, destination)
sender.sendto(header + struct.pack("!HHHH", 5353, 53, 40, 0) + b"piece", (sys.argv[2], 0))
END
}

# stats JQ: a figure of the last `stats` event.
stats() {
    jq -s "[.[] | select(.event_type == \"stats\")] | last | .stats.$1" "$dir/eve.json"
}

if obstacle=$(lab_obstacle); then skip case-fragments "$obstacle"; fi
command -v python3 >/dev/null || skip case-fragments "python3 is not installed"
lab_open fragments
for queues in 1 4; do
    [[ -z $lab_queues ]] || lab_down
    lab_queues=$queues
    lab_up "weir-frag-$queues-$$"
    lab_mount_bpffs
    mkdir -p "$dir/packs"
    engine_write_pack "$dir/packs/own.toml" drop payload forbidden
    engine_write_config "$dir/weir.toml" "$dir/eve.json"
    printf '\n[packs]\ndirs = ["%s"]\n' "$dir/packs" >>"$dir/weir.toml"
    lab_start_engine case-fragments
    head -c 40000 /dev/zero | tr '\0' a >"$dir/harmless"
    cp "$dir/harmless" "$dir/harmful"
    # Across the cut between the first two pieces of an MTU of 1500, in IPv4 (behind 1472 bytes) and IPv6 (behind 1440).
    for place in 1436 1468; do printf forbidden | dd of="$dir/harmful" bs=1 seek="$place" conv=notrunc status=none; done
    for server in "$server_v4" "$server_v6"; do
        for port in 5001 5002 5003 5004; do
            exchange "$server" "$dir/harmless" "$port"
            check "$queues queues, from port $port to $server: 40000 bytes arrive as they were" cmp -s "$dir/got" "$dir/harmless"
        done
        exchange "$server" "$dir/harmful" 5005
        check_equal "$queues queues, to $server: a word across two pieces does not arrive" "$(stat -c %s "$dir/got")" 0
    done
    check_equal "$queues queues: of two datagrams with one identification, each gets its own" "$(identifications)" "4 2"
    odd_piece
    sleep 0.5
    engine_end TERM
    check_equal "$queues queues: a piece that no datagram can have is told with its ends, its port and its link" \
        "$(jq -r 'select(.event_type == "drop" and .drop.reason == "fragment")
            | "\(.src_ip):\(.src_port) \(.dest_ip):\(.dest_port) \(.proto) \(.drop.port) \(.in_iface)"' "$dir/eve.json" | tail -n1)" \
        "$client_v4:5353 $server_v4:53 UDP outside $lab_prefix"
    check_equal "without an engine both have that one" "$(identifications)" "4 1"
    check_equal "$queues queues: the books balance" "$(stats ips.unaccounted)" 0
    check "$queues queues: pieces of datagrams with the word were dropped by the rule" \
        test "$(stats ips.drop_reason.rule)" -ge 50
    check_equal "$queues queues: and none for anything else but that piece" \
        "$(stats ips.blocked)" "$(($(stats ips.drop_reason.rule) + 1))"
done
checks_close
