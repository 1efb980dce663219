# shellcheck shell=bash disable=SC2016
# OpenLDAP, driven by its own clients.
# Sourced.

ldap_port=13890

ldap_obstacle() { peer_lacks slapd ldapadd ldapsearch openssl; }

ldap_start() {
    peer_certificate "$1"
    mkdir "$1/data"
    cat >"$1/slapd.conf" <<CONFIG
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile $1/certificate
TLSCertificateKeyFile $1/key
database mdb
maxsize 10485760
directory $1/data
suffix dc=peers,dc=test
rootdn cn=admin,dc=peers,dc=test
rootpw hidden-password
CONFIG
    cat >"$1/notes.ldif" <<'LDIF'
dn: dc=peers,dc=test
objectClass: dcObject
objectClass: organization
dc: peers
o: peers

dn: ou=allowed,dc=peers,dc=test
objectClass: organizationalUnit
ou: allowed
LDIF
    cell_start "$1" 'slapd -d stats -h "ldap://0.0.0.0:$2" -f "$1/slapd.conf"' "$ldap_port"
}

ldap_ready() { cell_listens "$ldap_port"; }

ldap_talk() {
    ldap_client ldapadd -D cn=admin,dc=peers,dc=test -w hidden-password -f "$1/notes.ldif" || return
    ldap_client ldapsearch -b dc=peers,dc=test '(ou=allowed)' | grep '^dn: ou=allowed' || return
    LDAPTLS_REQCERT=never ldap_client ldapsearch -ZZ -b dc=peers,dc=test '(ou=allowed)' | grep '^dn: ou=allowed'
}

ldap_offend() { ! ldap_client ldapsearch -b dc=peers,dc=test '(ou=forbidden-word)'; }

ldap_client() { peer_client "$1" -x -H "ldap://$server_v4:$ldap_port" "${@:2}"; }

ldap_told() {
    peer_labelled "$ldap_port" "2 ldap, 1 tls within ldap"
    peer_told "$ldap_port" ldap '.ldap.request.bind_request | .version == 3 and .name == "cn=admin,dc=peers,dc=test"' \
        "who the client is"
    peer_told "$ldap_port" ldap '.ldap.request.add_request.entry == "ou=allowed,dc=peers,dc=test"' "an entry that it adds"
    peer_told "$ldap_port" ldap '.ldap | .request.search_request.base_object == "dc=peers,dc=test"
        and .request.search_request.filter == "(ou=allowed)" and .responses[-1].search_result_done.result_code == "success"' \
        "what it looks for, and how that ends"
    peer_told "$ldap_port" tls '.tls.version == "TLS 1.3"' "the TLS that it begins"
    peer_untold "$ldap_port" hidden-password "no password"
    peer_blocked "$ldap_port" ldap db.statement
    check "the server was asked what is allowed" grep -q 'SRCH .*filter="(ou=allowed)"' "$1/log"
    check_not "and nothing else" grep -q forbidden "$1/log"
}
