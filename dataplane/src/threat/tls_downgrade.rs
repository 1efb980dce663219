//! TLS downgrade: two ends agree on a version that is older than the operator lets pass (RFC 7568, RFC 8996).

use crate::app::{Record, Value};
use crate::flow::FlowRecord;

/// Versions as records write them, and by numbers that can be compared: ten times that of TLS, and that of SSL.
/// DTLS 1.0 is TLS 1.1 over datagrams (RFC 4347 §1).
const VERSIONS: [(&[u8], u32); 6] =
    [(b"SSLv2", 2), (b"SSLv3", 3), (b"TLSv1", 10), (b"TLS 1.1", 11), (b"DTLS 1.0", 11), (b"TLS 1.2", 12)];
const SSL2: u32 = 2;

/// What a client only offers is no agreement, but for SSL 2.0: whoever says so offers nothing else.
pub(super) fn shows(_: &FlowRecord, record: &Record, version_min: u32, evidence: &mut Record) -> bool {
    let Some(Value::Text(version)) = record.find("version") else { return false };
    let Some((_, number)) = VERSIONS.into_iter().find(|(name, _)| *name == version) else { return false };
    let is_agreed = number == SSL2 || record.find("server_handshake").is_some();
    if !is_agreed || number >= version_min {
        return false;
    }
    evidence.text("version", version);
    evidence.number("threshold", version_min.into());
    if let Some(Value::Text(sni)) = record.find("sni") {
        evidence.text("sni", sni);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::{flow, record};
    use super::*;
    use crate::app::AppProtocol;

    fn is_shown(version: &str, is_agreed: bool, version_min: u32) -> bool {
        let hello = record(AppProtocol::Tls, |record| {
            record.text("version", version.as_bytes());
            if is_agreed {
                record.object("server_handshake", |record| record.number("cipher", 1));
            }
        });
        shows(&flow(53), &hello, version_min, &mut Record::default())
    }

    #[test]
    fn what_is_agreed_on_counts() {
        for (version, version_min, expected) in [
            ("SSLv3", 12, true),
            ("TLSv1", 12, true),
            ("TLS 1.1", 12, true),
            ("TLS 1.2", 12, false),
            ("TLS 1.3", 12, false),
            ("TLS 1.2", 13, true),
            ("TLSv1", 10, false),
            ("SSLv3", 10, true),
            ("UNDETERMINED", 13, false),
        ] {
            assert_eq!(is_shown(version, true, version_min), expected, "{version} {version_min}");
        }
        assert!(!is_shown("TLSv1", false, 12), "it is only offered");
        assert!(is_shown("SSLv2", false, 3));
        assert!(!is_shown("SSLv2", false, 2));
    }
}
