#!/usr/bin/env bash
# Between two network cards of an emulated machine, the engine forwards and blocks, and no frame is copied: each is sent from
# where it was received. Needs no root.
# Usage: case-zero-copy.sh [virtio|igb]   the kind of the cards, virtio unless told otherwise
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=../guest/machine.sh
. "$root/tests/guest/machine.sh"

# write_config FILE ZERO_COPY INSIDE OUTSIDE
write_config() {
    cat >"$1" <<END
[[link]]
name = "wire"
inside = "$3"
outside = "$4"
on_engine_loss = "drop"
# An emulated processor is slow.
heartbeat_timeout_ms = 60000
zero_copy = "$2"
# All of them are looked at.
frames_per_queue = 2048

[packs]
default = false
dirs = ["/packs"]
cache = "/cache"

[flows]
max = 1024

[events]
eve = "/eve.json"
END
}

card=${1-virtio}
[[ $card == virtio || $card == igb ]] || { echo "usage: ${0##*/} [virtio|igb]" >&2; exit 2; }
if obstacle=$(machine_obstacle "$card"); then skip case-zero-copy "$obstacle"; fi
lab_open zero-copy
(cd "$root" && cargo build --quiet --locked -p tests --bin zero_copy)
mkdir -p "$dir/files/packs"
# One of the default packs: all of them would take ten seconds to compile there.
cp "$root/dlp-patterns/packs/keys.toml" "$dir/files/packs"
write_config "$dir/files/require.toml" require eth0 eth1
write_config "$dir/files/never.toml" never eth0 eth1
write_config "$dir/files/refused.toml" require eth2 eth3
write_config "$dir/files/narrow.toml" auto eth0 eth1
sed -i 's/^frames_per_queue/frame_bytes = 2048\n&/' "$dir/files/narrow.toml"
machine_image "$card" "$dir/files" "$dir/initial.gz"
machine_command "$card" "$dir/initial.gz"
# In the background, so that an interrupted case is over at once.
"${CARGO_TARGET_DIR:-$root/target}/debug/zero_copy" "$card" "$dir" "${machine[@]}" &
lab_children+=($!)
wait $!
