# shellcheck shell=bash disable=SC2016
# Samba, driven by its own client.
# Sourced.

smb_port=14450

smb_obstacle() { peer_lacks smbd smbclient smbpasswd; }

smb_start() {
    mkdir -p "$1"/{share,state}
    chmod 777 "$1/share"
    cat >"$1/smb.conf" <<CONFIG
[global]
workgroup = PEERS
server role = standalone server
smb ports = $smb_port
disable spoolss = yes
load printers = no
map to guest = bad user
guest account = nobody
private dir = $1/state
lock directory = $1/state
state directory = $1/state
cache directory = $1/state
pid directory = $1/state
ncalrpc dir = $1/state/ncalrpc
binddns dir = $1/state
log file = $1/samba.log
[notes]
path = $1/share
guest ok = yes
read only = no
force user = nobody
CONFIG
    echo allowed >"$1/allowed.txt"
    cell_start "$1" 'smbd --foreground --no-process-group --configfile="$1/smb.conf"'
}

smb_ready() { cell_listens "$smb_port"; }

smb_talk() {
    smb_client "put $1/allowed.txt allowed.txt; ls; get allowed.txt $1/got.txt" || return
    cmp "$1/allowed.txt" "$1/got.txt"
}

smb_offend() { ! smb_client "put $1/allowed.txt forbidden-word.txt"; }

smb_client() {
    peer_client smbclient --configfile=/dev/null -p "$smb_port" -U 'PEERS\peer%hidden-password' "//$server_v4/notes" -c "$1"
}

smb_told() {
    peer_labelled "$smb_port" "1 smb"
    peer_told "$smb_port" smb '.smb | .dialect == "3.11" and .command == "SMB2_COMMAND_NEGOTIATE_PROTOCOL"' "the dialect"
    peer_told "$smb_port" smb '.smb | .command == "SMB2_COMMAND_SESSION_SETUP" and .ntlmssp.user == "peer"
        and .ntlmssp.domain == "PEERS"' "who the client is"
    peer_told "$smb_port" smb '.smb | .command == "SMB2_COMMAND_TREE_CONNECT" and (.share | endswith("\\notes"))
        and .share_type == "FILE"' "the share"
    peer_told "$smb_port" smb '.smb | .command == "SMB2_COMMAND_CREATE" and .filename == "allowed.txt"
        and .status == "STATUS_SUCCESS"' "a file"
    peer_told "$smb_port" smb '.smb | .command == "SMB2_COMMAND_WRITE" and .moved_bytes == 8' "what is written"
    peer_told "$smb_port" smb '.smb | .command == "SMB2_COMMAND_READ" and .moved_bytes == 8 and .tree_id > 0' "what is read"
    peer_blocked "$smb_port" smb file.name
    check_equal "the server has what is allowed, and nothing else" "$(ls "$1/share")" allowed.txt
}
