#!/usr/bin/env bash
# A card number that is split over two segments after any of its digits is never complete at the client.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

mid_number=0

# split_at HOST DIGITS SEGMENT_BYTES
split_at() {
    local url=http://$1/split.txt page=$dir/site/pages/split.txt offset bytes
    offset=$(offset_split_at 110000 "$2" "$header_bytes" "$3")
    page_with "$offset" "$card" >"$page"
    fetch "$dir/got" "$url"
    bytes=$(stat -c %s "$dir/got")
    check_equal "split after $2 digits, $1: reset with $bytes bytes received" "$curl_exit" 56
    cmp -s -n "$bytes" "$dir/got" "$page" || fail "what was received is not what was sent"
    [[ $bytes -lt $((offset + 16)) ]] || fail "the number is complete at the client"
    [[ $bytes -le $offset ]] || mid_number=$((mid_number + 1))
}

if obstacle=$(lab_obstacle); then skip case-split "$obstacle"; fi
lab_open split
lab_up "weir-split-$$"
lab_mount_bpffs
site_up "$dir/site"
engine_write_config "$dir/weir.toml" "$dir/eve.json"
lab_start_engine case-split

page_with 110000 "$no_card" >"$dir/site/pages/split.txt"
fetch "$dir/got" "http://$server_v4/split.txt"
header_bytes=$curl_header_bytes
check "a number that is no card's arrives" cmp -s "$dir/got" "$dir/site/pages/split.txt"
for digits in {0..16}; do
    split_at "$server_v4" "$digits" "$segment_bytes_v4"
    split_at "[$server_v6]" "$digits" "$segment_bytes_v6"
done
check "$mid_number of the cuts fell inside of the number" test "$mid_number" -ge 10
checks_close
