#!/usr/bin/env bash
# systemd accepts the unit as it is, without a word.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

verify() {
    # The unit names the path of an installed binary.
    sed "s#/usr/local/bin/weir#$weir#" "$1" >"$dir/weir.service"
    systemd-analyze verify --man=no "$dir/weir.service" 2>&1
}

command -v systemd-analyze >/dev/null || skip case-unit "there is no systemd-analyze"
lab_open unit
check_equal "systemd-analyze verify has nothing to say on weir.service" "$(verify "$root/deploy/weir.service")" ""
sed 's/^WatchdogSec=/WatchdogSeconds=/' "$root/deploy/weir.service" >"$dir/wrong.service"
check "it would have noticed a wrong key" grep -q WatchdogSeconds <<<"$(verify "$dir/wrong.service")"
checks_close
