//! Names in TLS that two programs spell differently, in one spelling.

/// Numbers of cipher suites (IANA's registry) by the names that logs have.
const CIPHERS: [(&str, u16); 22] = [
    ("TLS_RSA_WITH_RC4_128_MD5", 0x0004),
    ("TLS_RSA_WITH_RC4_128_SHA", 0x0005),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 0x000a),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", 0x002f),
    ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0033),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", 0x0035),
    ("TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x0039),
    ("TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", 0x0088),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009c),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", 0x009d),
    ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009e),
    ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x009f),
    ("TLS_AES_128_GCM_SHA256", 0x1301),
    ("TLS_AES_256_GCM_SHA384", 0x1302),
    ("TLS_CHACHA20_POLY1305_SHA256", 0x1303),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc014),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030),
];

/// The number of a cipher suite.
pub fn cipher_number(name: &str) -> Option<u16> {
    CIPHERS.iter().find(|(of, _)| *of == name).map(|(_, number)| *number)
}

/// `TLSv12`, `TLS 1.2` and `TLSv1.2` alike: letters and digits, without the `v`, and with a minor version.
pub fn same_version(version: &str) -> String {
    let plain: String = version.chars().filter(char::is_ascii_alphanumeric).filter(|of| *of != 'v').collect();
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    if plain.contains("TLS") && digits == 1 { plain + "0" } else { plain }
}

/// A distinguished name, whatever the order of its parts and what stands between them (RFC 4514 §2.1).
pub fn same_name(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut begin = 0;
    for (at, _) in name.match_indices(',') {
        // An attribute follows, or the comma belongs to a value.
        let behind = name[at + 1..].trim_start();
        let key = behind.find('=').unwrap_or(0);
        let is_key = key > 0 && behind[..key].chars().all(|of| of.is_ascii_alphanumeric() || of == '.');
        if is_key && !name[..at].ends_with('\\') {
            parts.push(name[begin..at].trim());
            begin = at + 1;
        }
    }
    parts.push(name[begin..].trim());
    parts.sort_unstable();
    parts.join(",").replace('\\', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_one() {
        assert_eq!(same_version("TLSv12"), same_version("TLS 1.2"));
        assert_eq!(same_version("TLSv10"), same_version("TLSv1"));
        assert_ne!(same_version("TLSv11"), same_version("TLSv1"));
        assert_eq!(same_version("DTLSv10"), same_version("DTLS 1.0"));
        assert_eq!(same_name("CN=a,O=B\\, Inc.,C=US"), same_name("C=US, O=B, Inc., CN=a"));
        assert_ne!(same_name("CN=a,O=B"), same_name("CN=b,O=B"));
        assert_eq!(cipher_number("TLS_AES_128_GCM_SHA256"), Some(0x1301));
    }
}
