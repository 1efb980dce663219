#!/usr/bin/env bash
# The demo: stops a real attack and a real leak between a real curl and a real nginx, and proves each step.
# Usage: run.sh   (or WEIR=PATH run.sh, for a binary that is built already)
# Exits 0 where everything held. Without root or AF_XDP the same job runs offline, on a capture.
set -euo pipefail

demo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab.sh
. "$demo/../labs/lab.sh"
# shellcheck source=inline.sh
. "$demo/inline.sh"
# shellcheck source=offline.sh
. "$demo/offline.sh"

main() {
    lab_open demo
    local obstacle
    if obstacle=$(lab_obstacle); then
        not_inline "$obstacle (as root, all of it runs: sudo -E env PATH=\"\$PATH\" make demo)"
    else
        demo_inline
    fi
    demo_offline
    checks_close
}

not_inline() {
    printf '\n!!!   NOT INLINE: %s\n!!!   No frame crosses AF_XDP; the same job runs on a capture instead.\n' "$1"
}

main
