//! Versions of QUIC by their numbers on the wire, and the salts of their initial keys.

use std::fmt;

/// A version as packets write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuicVersion(pub(super) u32);

/// What the initial keys of a version are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Derivation {
    pub(super) salt: [u8; 20],
    /// In front of the labels of keys.
    pub(super) label: &'static str,
}

/// RFC 9001 §5.2.
const SALT_1: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
/// RFC 9369 §3.3.1.
const SALT_2: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
// draft-ietf-quic-tls-22, -23 and -29 §5.2.
const SALT_22: [u8; 20] =
    *b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";
const SALT_23: [u8; 20] =
    *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
const SALT_29: [u8; 20] =
    *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
// Of Google's own versions.
const SALT_Q050: [u8; 20] =
    *b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45";
const SALT_T050: [u8; 20] =
    *b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10";
const SALT_T051: [u8; 20] =
    *b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d";

impl QuicVersion {
    pub(super) const NEGOTIATION: QuicVersion = QuicVersion(0);
    pub(super) const V2: QuicVersion = QuicVersion(0x6b33_43cf);

    /// How its initial keys are made; `None` where it is not known.
    pub(super) fn derivation(self) -> Option<Derivation> {
        let salt = match self.0 {
            // The last of Facebook's own, beside the last drafts.
            1 | 0xff00_0021 | 0xff00_0022 | 0xface_b010 => SALT_1,
            0x6b33_43cf => SALT_2,
            0xff00_0016 | 0xface_b001 => SALT_22,
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => SALT_23,
            0xff00_001d..=0xff00_0020 => SALT_29,
            0x5130_3530 => SALT_Q050,
            0x5430_3530 => SALT_T050,
            0x5430_3531 => SALT_T051,
            // What is said so that servers keep negotiating is laid out as the first version is.
            _ if self.is_reserved() => SALT_1,
            _ => return None,
        };
        let label = if self == QuicVersion::V2 { "quicv2 " } else { "quic " };
        Some(Derivation { salt, label })
    }

    /// Whether its packets are laid out and protected as RFC 9001 says.
    pub(super) fn is_encrypted(self) -> bool {
        self.derivation().is_some()
    }

    /// Whether it is one of Google's own: a letter and three digits.
    pub(super) fn is_google(self) -> bool {
        matches!(self.0.to_be_bytes(), [b'Q' | b'T', b'0', tens, ones]
            if tens.is_ascii_digit() && ones.is_ascii_digit())
    }

    /// The number that one of Google's own has.
    pub(super) fn google_number(self) -> u8 {
        let [_, _, tens, ones] = self.0.to_be_bytes().map(|digit| digit.wrapping_sub(b'0') % 10);
        tens * 10 + ones
    }

    /// Whether it is one of Google's that is not encrypted where its hellos stand.
    pub(super) fn is_plain_google(self) -> bool {
        self.is_google() && !self.is_encrypted()
    }

    /// Whether somebody speaks it.
    pub(super) fn is_known(self) -> bool {
        self.is_encrypted() || self.is_google() || matches!(self.0, 0xff00_0001..=0xff00_00ff)
    }

    /// Whether it is said so that servers keep negotiating (RFC 9000 §15).
    fn is_reserved(self) -> bool {
        self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a
    }
}

/// As Suricata's events write it.
impl fmt::Display for QuicVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_google() {
            return write!(out, "{:x}", self.0);
        }
        self.0.to_be_bytes().iter().try_for_each(|byte| write!(out, "{}", char::from(*byte)))
    }
}
