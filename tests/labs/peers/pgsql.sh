# shellcheck shell=bash disable=SC2016
# PostgreSQL, driven by psql in the clear and within TLS.
# Sourced.

pgsql_port=15999

pgsql_obstacle() {
    if peer_lacks psql openssl; then return; fi
    [[ -z $(pgsql_programs) ]] || return
    echo "there is no server of PostgreSQL (see deploy/packages.debian)"
}

# Debian keeps the programs of each version in a folder of its own.
pgsql_programs() { find /usr/lib/postgresql -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -n1; }

pgsql_start() {
    peer_certificate "$1"
    chown -R nobody: "$1"
    cell_start "$1" '
        as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
        as_nobody "$2/initdb" -D "$1/data" -U postgres --auth=trust --no-sync
        echo "host all all all trust" >>"$1/data/pg_hba.conf"
        as_nobody "$2/postgres" -D "$1/data" -k "$1" -p "$3" -h "*" -F -c shared_buffers=8MB \
            -c ssl=on -c ssl_cert_file="$1/certificate" -c ssl_key_file="$1/key"' "$(pgsql_programs)" "$pgsql_port"
}

pgsql_ready() { in_ns server "$(pgsql_programs)/pg_isready" -q -h "$server_v4" -p "$pgsql_port"; }

pgsql_talk() {
    pgsql_client disable -c "CREATE TABLE notes (note text)" -c "INSERT INTO notes VALUES ('allowed')" \
        -c "SELECT note FROM notes" -c "COPY notes FROM STDIN" <<<"copied" || return
    ! pgsql_client disable -c "SELECT nothing FROM nowhere" || return
    # Its own client prepares nothing.
    echo "INSERT INTO notes VALUES ('prepared ' || :client_id)" >"$1/script"
    peer_client "$(pgsql_programs)/pgbench" -n -M prepared -t 1 -f "$1/script" \
        "host=$server_v4 port=$pgsql_port user=postgres dbname=postgres sslmode=disable" || return
    pgsql_client require -c "INSERT INTO notes VALUES ('within TLS')"
}

pgsql_offend() { ! pgsql_client disable -c "INSERT INTO notes VALUES ('forbidden-word')"; }

# pgsql_client MODE ARGUMENT...: psql, with or without TLS.
pgsql_client() {
    local mode=$1 server="host=peers.test hostaddr=$server_v4 port=$pgsql_port user=postgres dbname=postgres"
    shift
    peer_client psql -X -v ON_ERROR_STOP=1 "$server sslmode=$mode" "$@"
}

pgsql_told() {
    # One of them is of pgbench before it begins.
    peer_labelled "$pgsql_port" "4 pgsql, 1 tls within pgsql"
    peer_told "$pgsql_port" pgsql '.pgsql.request.startup_parameters
        | .user == "postgres" and any(.optional_parameters[]; .database == "postgres")' "the user and the database"
    peer_told "$pgsql_port" pgsql '.pgsql | .request.simple_query == "SELECT note FROM notes"
        and .response.data_rows == 1 and .response.command_completed == "SELECT 1"' "a query, and its answer"
    peer_told "$pgsql_port" pgsql '.pgsql | .request.copy_data_in.data_size == 7
        and .response.command_completed == "COPY 1"' "what is copied"
    peer_told "$pgsql_port" pgsql '.pgsql | .request.message == "execute" and (.request.query | startswith("INSERT INTO notes"))
        and .response.command_completed == "INSERT 0 1"' "a prepared statement that is run"
    peer_told "$pgsql_port" pgsql '.pgsql | .request.simple_query == "SELECT nothing FROM nowhere"
        and .response.code == "42P01"' "an error"
    peer_told "$pgsql_port" pgsql '.pgsql | .request.message == "SSL Request" and .response.ssl_accepted' \
        "a way made for TLS"
    peer_told "$pgsql_port" tls '.tls | .sni == "peers.test" and .version == "TLS 1.3"' "the TLS that follows"
    peer_blocked "$pgsql_port" pgsql db.statement
    check_equal "the server has what is allowed, and nothing else" "$(pgsql_notes)" "allowed,copied,prepared 0,within TLS"
}

pgsql_notes() {
    in_ns server psql -X -A -t "host=$server_v4 port=$pgsql_port user=postgres" \
        -c "SELECT string_agg(note, ',' ORDER BY note) FROM notes"
}
