# shellcheck shell=bash disable=SC2016
# OpenSSH's server and client.
# Sourced.

ssh_port=2299

ssh_obstacle() { peer_lacks /usr/sbin/sshd ssh ssh-keygen; }

ssh_start() {
    ssh-keygen -q -t ed25519 -N '' -f "$1/host"
    ssh-keygen -q -t ed25519 -N '' -f "$1/user"
    # An account whose password is written with an exclamation mark counts as locked.
    cell_start "$1" '
        mkdir -m 755 /run/sshd
        (umask 077 && sed "s/^root:!/root:*/" /etc/shadow >/run/shadow)
        mount --bind /run/shadow /etc/shadow
        /usr/sbin/sshd -D -e -f /dev/null -o Port="$2" -o HostKey="$1/host" -o AuthorizedKeysFile="$1/user.pub" \
            -o StrictModes=no -o PermitRootLogin=yes -o UsePAM=no -o PidFile=none' "$ssh_port"
}

ssh_ready() { cell_listens "$ssh_port"; }

ssh_talk() {
    peer_client ssh -F none -i "$1/user" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o KexAlgorithms=curve25519-sha256 -p "$ssh_port" "root@$server_v4" echo said by a shell | grep -x 'said by a shell'
}

# What its client says in the clear is not ours to word.
ssh_offend() { :; }

ssh_told() {
    peer_labelled "$ssh_port" "1 ssh"
    peer_told "$ssh_port" ssh '.ssh | (.client.software_version | startswith("OpenSSH_"))
        and (.server.software_version | startswith("OpenSSH_")) and .client.proto_version == "2.0"' "the software of both ends"
    peer_told "$ssh_port" ssh '.ssh | (.client.hassh.string | startswith("curve25519-sha256,"))
        and (.server.hassh.hash | length == 32)' "the fingerprints of both ends"
}
