//! Who logs in by SASL (RFC 4422): the name alone, never what proves it.

/// The name in the first response of a client: of PLAIN (RFC 4616 §2) and of SCRAM (RFC 5802 §7). Of other mechanisms it is empty.
pub(super) fn user<'r>(mechanism: &[u8], response: &'r [u8]) -> &'r [u8] {
    if mechanism == b"PLAIN" {
        return response.split(|byte| *byte == 0).nth(1).unwrap_or_default();
    }
    if mechanism.starts_with(b"SCRAM-") {
        let mut parts = response.split(|byte| *byte == b',');
        return parts.find_map(|part| part.strip_prefix(b"n=")).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_and_passwords_are_not() {
        assert_eq!(user(b"PLAIN", b"\0weir\0secret"), b"weir");
        assert_eq!(user(b"PLAIN", b"other\0weir\0secret"), b"weir");
        assert_eq!(user(b"PLAIN", b"secret"), b"");
        assert_eq!(user(b"SCRAM-SHA-256", b"n,,n=weir,r=nonce"), b"weir");
        assert_eq!(user(b"SCRAM-SHA-256", b"c=biws,r=nonce,p=proof"), b"");
        assert_eq!(user(b"GSSAPI", b"\0weir\0"), b"");
    }
}
