# shellcheck shell=bash
# The job without a wire: the same pipeline over a capture that Weir makes itself.
# Sourced by run.sh.

demo_offline() {
    section "Offline: the same pipeline over a capture"
    local capture=$dir/sample.pcap summary
    "$weir" sample-capture "$capture" >/dev/null
    check "weir sample-capture wrote $(stat -c %s "$capture" 2>/dev/null || echo no) bytes" test -s "$capture"
    summary=$("$weir" replay "$capture" --eve "$dir/sample.json" -o json)
    "$weir" verdicts "$dir/sample.json" | tee "$dir/sample.txt"
    offline_verdicts "$summary"
    "$weir" replay "$capture" --eve "$dir/again.json" -o json >/dev/null
    check "a second replay writes the same events" cmp -s "$dir/sample.json" "$dir/again.json"
}

offline_verdicts() {
    local summary=$1
    check "Log4Shell is in the verdicts" grep -qi 'log4shell' "$dir/sample.txt"
    check "a card number is in the verdicts" grep -qiE 'cards?\b' "$dir/sample.txt"
    check_not "no card number stands there in full" grep -qE '[0-9]{13,19}' "$dir/sample.txt"
    check "frames were dropped by a rule" holds '.dropped.rule > 0' "$summary"
    check "$(jq -r '"\(.frames) frames in = \(.forwarded) forwarded + \(.dropped | add) dropped"' <<<"$summary")" \
        holds '.frames > 0 and .frames == .forwarded + (.dropped | add)' "$summary"
}
