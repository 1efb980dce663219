# shellcheck shell=bash disable=SC2016
# MariaDB, driven by its own client in the clear and within TLS.
# Sourced.

mysql_port=13999

mysql_obstacle() { peer_lacks mariadb mariadbd mariadb-install-db openssl; }

mysql_start() {
    cat >"$1/init.sql" <<'SQL'
CREATE USER 'peer'@'%' IDENTIFIED BY 'hidden-password';
GRANT ALL ON *.* TO 'peer'@'%';
CREATE DATABASE lab;
SQL
    peer_certificate "$1"
    chown -R nobody: "$1"
    cell_start "$1" '
        mariadb-install-db --no-defaults --datadir="$1/data" --user=nobody --skip-test-db >/dev/null
        mariadbd --no-defaults --datadir="$1/data" --socket="$1/socket" --pid-file="$1/pid" --port="$2" \
            --bind-address=0.0.0.0 --user=nobody --skip-name-resolve --init-file="$1/init.sql" \
            --innodb-buffer-pool-size=8M --ssl-cert="$1/certificate" --ssl-key="$1/key"' "$mysql_port"
}

mysql_ready() { cell_listens "$mysql_port"; }

mysql_talk() {
    mysql_client --skip-ssl -e "CREATE TABLE notes (note text); INSERT INTO notes VALUES ('allowed')" || return
    mysql_client --skip-ssl -e "SELECT note FROM notes" || return
    ! mysql_client --skip-ssl -e "SELECT nothing FROM nowhere" || return
    mysql_client --ssl -e "INSERT INTO notes VALUES ('within TLS')"
}

mysql_offend() { ! mysql_client --skip-ssl -e "INSERT INTO notes VALUES ('forbidden-word')"; }

mysql_client() {
    peer_client mariadb --no-defaults -h "$server_v4" -P "$mysql_port" -u peer -phidden-password "$@" lab
}

mysql_told() {
    peer_labelled "$mysql_port" "3 mysql, 1 tls within mysql"
    peer_told "$mysql_port" mysql '.mysql | .cmd == "login" and .user == "peer" and .database == "lab" and .success
        and (.version | contains("MariaDB"))' "the user, the database and the version"
    peer_told "$mysql_port" mysql '.mysql | .command == "SELECT note FROM notes" and .rows == 1' "a query, and its answer"
    peer_told "$mysql_port" mysql '.mysql | .command == "SELECT nothing FROM nowhere" and .success == false
        and .error.sql_state == "42S02"' "an error"
    peer_told "$mysql_port" mysql '.mysql.tls' "a way made for TLS"
    peer_told "$mysql_port" tls '.tls.version == "TLS 1.3"' "the TLS that follows"
    peer_untold "$mysql_port" hidden-password "no password"
    peer_blocked "$mysql_port" mysql db.statement
    check_equal "the server has what is allowed, and nothing else" "$(mysql_notes)" "allowed,within TLS"
}

mysql_notes() {
    in_ns server mariadb --no-defaults -h "$server_v4" -P "$mysql_port" -u peer -phidden-password -N \
        -e "SELECT group_concat(note ORDER BY note) FROM notes" lab
}
