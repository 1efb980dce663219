# shellcheck shell=bash
# Servers of a lab beside its site: each with processes and a /run of its own, so that all that it started ends with it.
# Sourced, after topology.sh.

cells=()

# cell_start FOLDER SCRIPT [ARGUMENT...]: a script of bash on the server's side, which stands in FOLDER and says what it
# says in FOLDER/log.
cell_start() {
    local folder=$1 script=$2
    shift 2
    # Init of the namespace keeps root, whatever its server gives up: else it would outlive us. The last `:` keeps bash init.
    # shellcheck disable=SC2016 # It expands in the cell.
    nsenter --net="$(lab_netns server)" unshare --pid --fork --kill-child --mount --mount-proc \
        bash -c 'mount -t tmpfs -o mode=755 run /run && cd "$1" && bash -ec "$2" cell "$1" "${@:3}"; :' \
        cell "$folder" "$script" "$@" >"$folder/log" 2>&1 </dev/null &
    cells+=("$!")
}

# Whether a cell listens on the port $1, of TCP or UDP.
cell_listens() { in_ns server ss -Hlntu "sport = :$1" | grep . >/dev/null; }

# Ends all cells at once: `unshare` heeds no other signal, and its child goes with it.
cells_end() {
    local cell
    for cell in "${cells[@]}"; do kill -KILL "$cell" || true; done
    for cell in "${cells[@]}"; do wait "$cell" || true; done
    cells=()
} 2>/dev/null
