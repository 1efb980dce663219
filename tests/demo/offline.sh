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
    local frames forwarded dropped
    frames=$(counted frames) forwarded=$(counted forwarded)
    dropped=${summary#*'"dropped":{'}
    dropped=$(tr , '\n' <<<"${dropped%%\}*}" | awk -F : '{ n += $2 } END { print n }')
    check "frames were dropped by a rule" test "$(counted rule)" -gt 0
    check "$frames frames in = $forwarded forwarded + $dropped dropped" \
        test "$frames" -gt 0 -a "$frames" -eq $((forwarded + dropped))
}

# counted NAME: a number of the summary. Without jq, which a user who is not root may lack.
counted() { grep -o "\"$1\":[0-9]*" <<<"$summary" | cut -d : -f 2; }
