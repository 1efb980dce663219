# shellcheck shell=bash
# The server of a lab and its client: nginx with a site of its own, and curl.
# Sourced, after topology.sh.

site_dir='' site_pid=''
curl_exit=0 curl_seconds=0 curl_header_bytes=0

# Starts nginx on the server's side, with all it writes under $1, and waits until it answers.
site_up() {
    site_dir=$1
    mkdir -p "$site_dir/pages"
    # nginx gives up root before it reads a page.
    chmod 711 "$site_dir"
    site_config >"$site_dir/nginx.conf"
    : >"$site_dir/access.log"
    nsenter --net="$(lab_netns server)" \
        nginx -p "$site_dir" -e "$site_dir/error.log" -c "$site_dir/nginx.conf" &
    site_pid=$!
    local _
    for _ in {1..50}; do
        in_ns server curl -qs --noproxy '*' -o /dev/null "http://$server_v4/ready" && return
        kill -0 "$site_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "site: nginx does not start" >&2
    cat "$site_dir/error.log" >&2
    return 1
}

site_down() {
    [[ -n $site_pid ]] || return 0
    kill "$site_pid" 2>/dev/null || true
    wait "$site_pid" 2>/dev/null || true
    site_pid=
}

site_config() {
    cat <<END
daemon off;
worker_processes 1;
user nobody nogroup;
pid $site_dir/nginx.pid;
events { worker_connections 64; }
http {
    log_format seen '\$remote_addr "\$request" "\$http_user_agent" \$status';
    access_log $site_dir/access.log seen;
    default_type text/plain;
    types { text/html html; application/octet-stream bin; }
    sendfile on;
    tcp_nopush on;
    client_body_temp_path $site_dir/body;
    proxy_temp_path $site_dir/proxy;
    fastcgi_temp_path $site_dir/fastcgi;
    uwsgi_temp_path $site_dir/uwsgi;
    scgi_temp_path $site_dir/scgi;
    server {
        listen 80;
        listen [::]:80;
        root $site_dir/pages;
        location = /ready { access_log off; return 204; }
    }
}
END
}

# fetch FILE URL [ARGUMENT...]: one request from the client's side, the body into FILE. Leaves curl's exit code,
# the seconds it took and the size of the response's header in curl_exit, curl_seconds and curl_header_bytes.
# shellcheck disable=SC2034 # Not every lab asks for all of them.
fetch() {
    local file=$1 url=$2 written
    shift 2
    : >"$file"
    curl_exit=0
    # -q: whatever this user's .curlrc says; -g: braces are meant as such.
    written=$(in_ns client curl -qgs --noproxy '*' --max-time 60 -o "$file" \
        -w '%{time_total} %{size_header}' "$@" "$url") || curl_exit=$?
    curl_seconds=${written% *}
    curl_header_bytes=${written#* }
}

sha256() { sha256sum "$1" | cut -d' ' -f1; }

# How many lines nginx logged that hold $1.
site_saw() { grep -cF -- "$1" "$site_dir/access.log" || true; }

# Waits until nginx logged a line that holds $1: it does so after the client has its answer.
site_logged() {
    local _
    for _ in {1..30}; do
        [[ $(site_saw "$1") -eq 0 ]] || return 0
        sleep 0.1
    done
    return 1
}
