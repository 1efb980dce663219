# shellcheck shell=bash disable=SC2016
# The key distribution center of MIT Kerberos, driven by kinit over UDP and TCP.
# Sourced.

krb5_port=18888

krb5_obstacle() { peer_lacks krb5kdc kdb5_util kadmin.local kinit; }

krb5_start() {
    cat >"$1/krb5.conf" <<CONFIG
[libdefaults]
default_realm = PEERS.TEST
dns_lookup_kdc = false
[realms]
PEERS.TEST = {
    kdc = $server_v4:$krb5_port
    kdc_listen = $krb5_port
    kdc_tcp_listen = $krb5_port
    database_name = $1/principal
    key_stash_file = $1/stash
    acl_file = $1/acl
}
[logging]
kdc = FILE:$1/kdc.log
CONFIG
    sed 's/^default_realm/udp_preference_limit = 1\n&/' "$1/krb5.conf" >"$1/tcp.conf"
    cell_start "$1" '
        export KRB5_CONFIG=$1/krb5.conf KRB5_KDC_PROFILE=$1/krb5.conf
        kdb5_util create -s -P master-password
        kadmin.local addprinc -pw hidden-password peer
        krb5kdc -n -P "$1/pid"'
}

krb5_ready() { cell_listens "$krb5_port"; }

krb5_talk() {
    krb5_client "$1/krb5.conf" "$1/tickets" peer || return
    krb5_client "$1/tcp.conf" "$1/tickets" peer || return
    ! krb5_client "$1/krb5.conf" "$1/tickets" nobody
}

krb5_offend() { ! krb5_client "$1/tcp.conf" "$1/tickets" forbidden-word; }

# krb5_client CONFIG TICKETS PRINCIPAL
krb5_client() { KRB5_CONFIG=$1 KRB5CCNAME=FILE:$2 peer_client kinit "$3" <<<hidden-password; }

krb5_told() {
    peer_labelled "$krb5_port" krb5
    local proto
    for proto in UDP TCP; do
        peer_told "$krb5_port" krb5 ".proto == \"$proto\""' and (.krb5 | .msg_type == "KRB_AS_REP" and .cname == "peer"
            and .realm == "PEERS.TEST" and (.sname | startswith("krbtgt/")))' "a ticket, over $proto"
    done
    peer_told "$krb5_port" krb5 '.krb5 | .msg_type == "KRB_ERROR" and .error_code == "KDC_ERR_C_PRINCIPAL_UNKNOWN"' \
        "an error"
    peer_blocked "$krb5_port" krb5 db.user some
    check "the server was asked for what is allowed" grep -q 'ISSUE: .* peer@PEERS.TEST' "$1/kdc.log"
    check_not "and for nothing else" grep -q forbidden "$1/kdc.log"
}
