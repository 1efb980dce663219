//! DNS over HTTPS: names that are asked for where no resolver of the house sees them (RFC 8484).

use crate::app::{HttpTransaction, Record, Value};
use crate::flow::FlowRecord;
use crate::policy::is_below;

/// Hosts of public resolvers, and what stands below them.
const RESOLVERS: [&[u8]; 15] = [
    b"cloudflare-dns.com",
    b"dns.adguard-dns.com",
    b"dns.adguard.com",
    b"dns.alidns.com",
    b"dns.google",
    b"dns.mullvad.net",
    b"dns.nextdns.io",
    b"dns.quad9.net",
    b"dns.switch.ch",
    b"dns0.eu",
    b"doh.cleanbrowsing.org",
    b"doh.dns.sb",
    b"doh.opendns.com",
    b"doh.pub",
    b"one.one.one.one",
];

/// A handshake of TLS or QUIC that names a resolver.
pub(super) fn shows(_: &FlowRecord, record: &Record, _: u32, evidence: &mut Record) -> bool {
    let Some(Value::Text(sni)) = record.find("sni") else { return false };
    if !RESOLVERS.iter().any(|resolver| is_below(sni, resolver)) {
        return false;
    }
    evidence.text("sni", sni);
    true
}

/// A message of HTTP that is one of DNS (RFC 8484 §4.1, §6).
pub(super) fn is_in(transaction: &HttpTransaction, evidence: &mut Record) -> bool {
    let is_asked = transaction.url.starts_with(b"/dns-query");
    let is_dns = transaction.content_type.eq_ignore_ascii_case(b"application/dns-message");
    if !is_dns {
        return false;
    }
    evidence.text_if_any("hostname", &transaction.host);
    evidence.text("http_content_type", &transaction.content_type);
    evidence.flag("well_known_path", is_asked);
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::{flow, record};
    use super::*;
    use crate::app::AppProtocol;

    #[test]
    fn resolvers_and_messages_show_it() {
        let hello = |sni: &str| record(AppProtocol::Tls, |record| record.text("sni", sni.as_bytes()));
        let is_shown = |sni| shows(&flow(443), &hello(sni), 0, &mut Record::default());
        assert!(is_shown("dns.google"));
        assert!(is_shown("mozilla.Cloudflare-DNS.com"));
        assert!(!is_shown("notdns.google"));
        assert!(!is_shown("www.example.org"));
        let answered = |kind: &[u8]| HttpTransaction {
            url: b"/dns-query?dns=AAAB".to_vec(),
            content_type: kind.to_vec(),
            ..HttpTransaction::default()
        };
        assert!(is_in(&answered(b"application/dns-message"), &mut Record::default()));
        assert!(!is_in(&answered(b"text/html"), &mut Record::default()));
    }
}
