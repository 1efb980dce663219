# shellcheck shell=bash
# A lab from its start to its end: what it needs, a folder of its own, and no trace of it afterwards.
# Sourced; brings the other parts of a lab along.

labs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$labs/../.." && pwd)
# shellcheck source=checks.sh
. "$labs/checks.sh"
# shellcheck source=topology.sh
. "$labs/topology.sh"
# shellcheck source=site.sh
. "$labs/site.sh"
# shellcheck source=pages.sh
. "$labs/pages.sh"
# shellcheck source=engine.sh
. "$labs/engine.sh"

# The folder of this run, and the binary under test.
dir='' weir=''
# Programs started in the background that are not the engine or the site.
lab_children=()

# lab_open NAME: sets `dir` and `weir`, building the binary unless WEIR names one.
lab_open() {
    lab_find_weir
    dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-$1.XXXXXX")
    # nginx reads its pages without being root.
    chmod 711 "$dir"
    trap lab_close EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}

lab_find_weir() {
    if [[ -z ${WEIR-} ]]; then
        "$root/deploy/prepare.sh" build
        # Without these, lab_obstacle says what is missing.
        "$root/deploy/prepare.sh" demo || true
        echo "building weir in release mode"
        (cd "$root" && cargo build --quiet --release --locked -p engine)
        WEIR=${CARGO_TARGET_DIR:-$root/target}/release/weir
    fi
    weir=$(realpath "$WEIR")
}

lab_close() {
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    local child
    for child in "${lab_children[@]}"; do
        kill "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    done
    engine_down
    site_down
    lab_down
    rm -rf "$dir"
}

# Programs of packages.debian that labs and demo are made of.
lab_tools=(ip ethtool nginx curl jq pgrep)

# Says why no lab can be laid out on this machine; fails where one can.
lab_obstacle() {
    local tool
    if [[ $EUID -ne 0 ]]; then
        echo "this is not root"
    elif ! unshare --net true 2>/dev/null; then
        echo "no network namespace can be made here"
    else
        for tool in "${lab_tools[@]}"; do
            command -v "$tool" >/dev/null || { echo "there is no $tool (see deploy/packages.debian)"; return; }
        done
        return 1
    fi
}

# lab_start_engine NAME: the engine between the ports, or the end of this lab: skipped where the machine lacks
# what it takes (77), failed else.
lab_start_engine() {
    engine_up "$dir/weir.toml" "$dir/engine.log" && return
    cat "$dir/engine.log"
    [[ $engine_exit -ne 77 ]] || skip "$1" "$(tail -n1 "$dir/engine.log")"
    exit 1
}
