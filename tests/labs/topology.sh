# shellcheck shell=bash
# One lab: a client and a server, joined through a middle by two veth pairs. In the middle both ports are in
# a Linux bridge, which carries the traffic whenever no engine takes it; it is none for links that fail closed (lab_way).
#
#   client to-server 10.77.0.1, fd77::1  --  outside [bridge] inside  --  to-client 10.77.0.2, fd77::2 server
#
# Sourced. Everything has the lab's prefix in its name, nothing leaves these namespaces, and lab_down
# removes all of it, however far lab_up came.

client_v4=10.77.0.1 client_v6=fd77::1
server_v4=10.77.0.2 server_v6=fd77::2
lab_prefix=
# RX and TX queues of every device; as many as the kernel likes where nobody says.
lab_queues=
lab_mounted_bpffs=

# Lays the lab out under the prefix $1. Fails where this machine does not let us.
lab_up() {
    lab_prefix=$1
    local end
    for end in client middle server; do
        ip netns add "$lab_prefix-$end" || return
        ip -n "$lab_prefix-$end" link set lo up || return
    done
    lab_veth client to-server outside || return
    lab_veth server to-client inside || return
    ip -n "$lab_prefix-middle" link add bridge type bridge mcast_snooping 0 || return
    local port
    for port in outside inside; do
        ip -n "$lab_prefix-middle" link set "$port" master bridge up || return
    done
    ip -n "$lab_prefix-middle" link set bridge up || return
    lab_end client to-server "$client_v4" "$client_v6" || return
    lab_end server to-client "$server_v4" "$server_v6" || return
    lab_wait_for_bridge
}

# lab_veth END DEVICE PORT: a cable from an end to a port of the middle.
lab_veth() {
    local count=()
    [[ -z $lab_queues ]] || count=(numrxqueues "$lab_queues" numtxqueues "$lab_queues")
    ip -n "$lab_prefix-$1" link add "$2" "${count[@]}" type veth \
        peer name "$3" netns "$lab_prefix-middle" "${count[@]}"
}

# Gives the device $2 in the namespace $1 its addresses. Of the offloads only segmentation is turned off: a
# frame longer than a UMEM frame can't be carried. Checksum offload stays as it is.
lab_end() {
    local end=$1 device=$2 v4=$3 v6=$4
    in_ns "$end" ethtool -K "$device" tso off gso off || return
    ip -n "$lab_prefix-$end" address add "$v4/24" dev "$device" || return
    ip -n "$lab_prefix-$end" address add "$v6/64" dev "$device" nodad || return
    ip -n "$lab_prefix-$end" link set "$device" up
}

# A port of a bridge carries nothing before the bridge noticed that its carrier is up.
lab_wait_for_bridge() {
    local _
    for _ in {1..50}; do
        [[ $(ip -n "$lab_prefix-middle" -d link show master bridge | grep -c 'state forwarding') -eq 2 ]] && return
        sleep 0.1
    done
    echo "topology: the bridge does not forward" >&2
    return 1
}

# lab_way WORD: the way that a link of this `on_engine_loss` has without an engine: the bridge for "forward", and none for
# "drop", where the bridge joins its ports to the node alone.
lab_way() {
    local port isolated=off
    [[ $1 == forward ]] || isolated=on
    for port in outside inside; do
        ip -n "$lab_prefix-middle" link set "$port" type bridge_slave isolated "$isolated" || return
    done
}

# Runs a command in the network namespace of $1. Not with `ip netns exec`, which mounts another /sys, where the
# pinned programs are not.
in_ns() {
    local end=$1
    shift
    nsenter --net="$(lab_netns "$end")" "$@"
}

# Whether any program is attached to a port of the middle. (grep reads all: under pipefail, a writer that loses its
# reader would count as a no.)
lab_has_xdp() {
    ip -n "$lab_prefix-middle" -d link show | grep 'prog/xdp' >/dev/null
}

# Pinned links live in a BPF file system, which a machine without systemd has not mounted.
lab_mount_bpffs() {
    [[ $(stat -f -c %T /sys/fs/bpf 2>/dev/null) != bpf_fs ]] || return 0
    mount -t bpf bpf /sys/fs/bpf || return
    lab_mounted_bpffs=yes
}

# Removes the lab. What runs in its namespaces must have been ended before.
lab_down() {
    [[ -n $lab_prefix ]] || return 0
    local end
    for end in client middle server; do
        [[ ! -e /run/netns/$lab_prefix-$end ]] || ip netns delete "$lab_prefix-$end"
    done
    # Unless somebody else has pinned something meanwhile.
    [[ -z $lab_mounted_bpffs ]] || { rmdir /sys/fs/bpf/weir && umount /sys/fs/bpf; } 2>/dev/null || true
    lab_prefix='' lab_mounted_bpffs=''
}

# The network namespace of $1. For what runs in the background: `nsenter --net=… PROGRAM &` makes $! the
# program itself.
lab_netns() { echo "/run/netns/$lab_prefix-$1"; }
