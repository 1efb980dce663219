# shellcheck shell=bash disable=SC2016
# nginx, driven by curl and nghttp: HTTP/1 and HTTP/2 in the clear, and both within TLS.
# Sourced.

http_port=8807 http2_port=8282 https_port=8843

http_obstacle() { peer_lacks nginx curl nghttp openssl; }

http_start() {
    mkdir "$1/pages"
    printf 'a page that is allowed\n' >"$1/pages/page.txt"
    peer_certificate "$1"
    http_config "$1" >"$1/nginx.conf"
    : >"$1/access.log"
    cell_start "$1" 'nginx -p "$1" -e "$1/error.log" -c "$1/nginx.conf"'
}

http_config() {
    cat <<CONFIG
daemon off;
worker_processes 1;
user nobody nogroup;
pid $1/nginx.pid;
events { worker_connections 64; }
http {
    log_format seen '\$server_port \$server_protocol \$request_uri \$status';
    access_log $1/access.log seen;
    default_type text/plain;
    client_body_temp_path $1/body;
    proxy_temp_path $1/proxy;
    fastcgi_temp_path $1/fastcgi;
    uwsgi_temp_path $1/uwsgi;
    scgi_temp_path $1/scgi;
    root $1/pages;
    server { listen $http_port; }
    server { listen $http2_port http2; }
    server {
        listen $https_port ssl http2;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate $1/certificate;
        ssl_certificate_key $1/key;
    }
}
CONFIG
}

http_ready() { cell_listens "$https_port"; }

http_talk() {
    peer_curl "$http_port" "http://peers.test:$http_port/page.txt?by=curl" || return
    peer_client nghttp "http://$server_v4:$http2_port/page.txt?by=nghttp" || return
    local by
    for by in "--http2 --tls-max 1.2" --http2 --http2 --http1.1; do
        # shellcheck disable=SC2086 # Words.
        peer_curl "$https_port" $by --cacert "$1/certificate" "https://peers.test:$https_port/page.txt" || return
    done
}

http_offend() {
    ! peer_curl "$http_port" "http://peers.test:$http_port/forbidden-word" || return
    # nghttp says only in words that nobody answered.
    peer_client nghttp "http://$server_v4:$http2_port/forbidden-word" 2>&1 | grep 'not processed'
}

http_told() {
    peer_labelled "$http_port" "1 http"
    peer_told "$http_port" http '.http | .hostname == "peers.test" and .http_port == 8807 and .url == "/page.txt?by=curl" and .http_method == "GET"
        and .status == 200 and .length == 23 and (.http_user_agent | startswith("curl/"))' "curl's request, and its answer"
    peer_labelled "$http2_port" "1 http2"
    peer_told "$http2_port" http '.http | .version == "2" and .url == "/page.txt?by=nghttp" and .status == 200 and .length == 23
        and (.http_user_agent | startswith("nghttp2/"))' "nghttp's request, and its answer"
    http_told_of_tls
    peer_blocked "$http_port" http http.uri
    peer_blocked "$http2_port" http2 http.uri
    check "nginx answered what is allowed" grep -q "^$http_port HTTP/1.1 /page.txt?by=curl 200" "$1/access.log"
    check "on both ports" grep -q "^$http2_port HTTP/2.0 /page.txt?by=nghttp 200" "$1/access.log"
    check_not "and saw nothing else" grep -q forbidden "$1/access.log"
}

http_told_of_tls() {
    peer_labelled "$https_port" "4 tls"
    peer_told "$https_port" tls '.tls | .sni == "peers.test" and .version == "TLS 1.2" and .client_alpns == ["h2", "http/1.1"]
        and .server_alpns == ["h2"] and .subject == "CN=peers.test" and .subjectaltname == ["peers.test"]' \
        "of TLS 1.2 the name, protocols and certificate"
    peer_told "$https_port" tls '.tls | .sni == "peers.test" and .version == "TLS 1.3" and .client_alpns == ["http/1.1"]' \
        "of TLS 1.3 the name and protocols"
    check_equal "two like clients have the same JA4, others another" "$(http_fingerprints)" "1 1 2"
}

# How many handshakes there were of each fingerprint.
http_fingerprints() {
    jq -r --argjson port "$https_port" 'select(.event_type == "tls" and .dest_port == $port).tls.ja4' "$dir/eve.json" |
        sort | uniq -c | awk '{ print $1 }' | sort | paste -sd ' '
}
