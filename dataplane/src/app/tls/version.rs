//! Versions of TLS, DTLS and SSL by their numbers on the wire.

use std::fmt;

/// A version as hellos write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) struct Version(pub(in crate::app) u16);

impl Version {
    pub(in crate::app) const SSL2: Version = Version(0x0002);

    /// Whether what follows the hellos is encrypted (RFC 8446 §4.1.3, and the drafts before it).
    pub(in crate::app) fn is_1_3(self) -> bool {
        matches!(self.0, 0x0304 | 0x7f00..=0x7fff | 0xfb00..=0xfbff | 0xfefc)
    }

    /// Whether a ServerHello has no session identifier: drafts of TLS 1.3 before the 22nd.
    pub(in crate::app) fn is_early_draft(self) -> bool {
        (0x7f00..0x7f16).contains(&self.0)
    }

    /// Two characters of JA4.
    pub(in crate::app) fn ja4(self) -> &'static str {
        match self.0 {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        }
    }
}

/// As Suricata's events write it.
impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0002 => out.write_str("SSLv2"),
            0x0300 => out.write_str("SSLv3"),
            0x0301 => out.write_str("TLSv1"),
            0x0302 => out.write_str("TLS 1.1"),
            0x0303 => out.write_str("TLS 1.2"),
            0x0304 => out.write_str("TLS 1.3"),
            0x7f00..=0x7fff => write!(out, "TLS 1.3 draft-{}", self.0 & 0xff),
            0xfb00..=0xfbff => write!(out, "TLS 1.3 draft-{}-fb", self.0 & 0xff),
            0x0100 | 0xfeff => out.write_str("DTLS 1.0"),
            0xfefd => out.write_str("DTLS 1.2"),
            0xfefc => out.write_str("DTLS 1.3"),
            other => write!(out, "0x{other:04x}"),
        }
    }
}
