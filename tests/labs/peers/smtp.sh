# shellcheck shell=bash disable=SC2016
# aiosmtpd, driven by curl in the clear and after STARTTLS. (Another server of Debian would take the place of that which the
# machine sends its mail by.)
# Sourced.

smtp_port=2599

smtp_obstacle() {
    if peer_lacks curl openssl; then return; fi
    peer_lacks_module aiosmtpd
}

smtp_start() {
    peer_certificate "$1"
    smtp_mail 'an allowed subject' >"$1/allowed.eml"
    smtp_mail 'a subject within TLS' >"$1/tls.eml"
    smtp_mail 'a forbidden-word' >"$1/victim.eml"
    cell_start "$1" '/usr/bin/python3 -m aiosmtpd -n -l "0.0.0.0:$2" --tlscert "$1/certificate" --tlskey "$1/key" \
        --no-requiretls -c aiosmtpd.handlers.Mailbox "$1/mail"' "$smtp_port"
}

# smtp_mail SUBJECT: a mail with an attachment.
smtp_mail() {
    printf '%s\r\n' "From: <a@peers.test>" "To: <b@peers.test>" "Subject: $1" "MIME-Version: 1.0" \
        'Content-Type: multipart/mixed; boundary="part"' "" "--part" "Content-Type: text/plain" "" "A text." "--part" \
        'Content-Type: text/csv; name="list.csv"' 'Content-Disposition: attachment; filename="list.csv"' \
        "Content-Transfer-Encoding: base64" "" "$(printf 'one,two\n' | base64)" "--part--"
}

smtp_ready() { cell_listens "$smtp_port"; }

smtp_talk() {
    smtp_client --upload-file "$1/allowed.eml" || return
    smtp_client --ssl-reqd --cacert "$1/certificate" --upload-file "$1/tls.eml"
}

smtp_offend() { ! smtp_client --upload-file "$1/victim.eml"; }

smtp_client() {
    peer_curl "$smtp_port" "smtp://peers.test:$smtp_port/client.test" --mail-from a@peers.test --mail-rcpt b@peers.test "$@"
}

smtp_told() {
    peer_labelled "$smtp_port" "1 smtp, 1 tls within smtp"
    peer_told "$smtp_port" smtp '(.smtp | .helo == "client.test" and .mail_from == "<a@peers.test>"
        and .rcpt_to == ["<b@peers.test>"]) and (.email | .subject == "an allowed subject" and .attachment == ["list.csv"])' \
        "the envelope, the subject and the attachment"
    peer_told "$smtp_port" fileinfo '.fileinfo | .filename == "list.csv" and .size == 8 and .state == "CLOSED"
        and .sha256 == "'"$(printf 'one,two\n' | sha256sum | cut -d' ' -f1)"'"' "the file, decoded"
    peer_told "$smtp_port" tls '.tls | .sni == "peers.test" and .version == "TLS 1.3"' "the TLS that STARTTLS begins"
    peer_blocked "$smtp_port" smtp mail.headers
    check_equal "the server has what is allowed, and nothing else" \
        "$(cat "$1"/mail/*/* | grep -i '^subject' | sort | tr -d '\r' | paste -sd ,)" \
        "Subject: a subject within TLS,Subject: an allowed subject"
}
