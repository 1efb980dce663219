#!/usr/bin/env bash
# The demo: stops a real attack and a real leak between a real curl and a real nginx, and proves each step.
# Usage: run.sh   (or WEIR=PATH run.sh, for a binary that is built already)
# Exits 0 where everything held. Without root or AF_XDP the same job runs offline, on a capture.
set -euo pipefail

demo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$demo/../.." && pwd)
labs=$root/tests/labs
# shellcheck source=../labs/checks.sh
. "$labs/checks.sh"
# shellcheck source=../labs/topology.sh
. "$labs/topology.sh"
# shellcheck source=../labs/site.sh
. "$labs/site.sh"
# shellcheck source=../labs/engine.sh
. "$labs/engine.sh"
# shellcheck source=inline.sh
. "$demo/inline.sh"
# shellcheck source=offline.sh
. "$demo/offline.sh"

dir=''

main() {
    build
    dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    local obstacle
    if obstacle=$(inline_obstacle); then
        warn "$obstacle"
    else
        demo_inline
    fi
    demo_offline
    checks_close
}

build() {
    if [[ -z ${WEIR-} ]]; then
        "$root/deploy/prepare.sh" build demo
        echo "building weir (release)"
        (cd "$root" && cargo build --quiet --release --locked -p engine)
        WEIR=${CARGO_TARGET_DIR:-$root/target}/release/weir
    fi
    weir=$WEIR
}

# Why nothing can run inline here, if so.
inline_obstacle() {
    if [[ $EUID -ne 0 ]]; then
        echo "this is not root (sudo -E env PATH=\"\$PATH\" make demo runs all of it)"
    elif ! (unshare --net true) 2>/dev/null; then
        echo "no network namespace can be made here"
    else
        return 1
    fi
}

warn() {
    printf '\n!!!   NOT INLINE: %s\n!!!   No frame crosses AF_XDP; the same job runs on a capture instead.\n' "$1"
}

clean_up() {
    trap - EXIT
    trap "" INT TERM HUP
    set +e
    download_end
    engine_down
    site_down
    lab_down
    rm -rf "$dir"
}

main
