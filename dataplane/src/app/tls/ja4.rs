//! JA4 (<https://github.com/FoxIO-LLC/ja4>, `technical_details/JA4.md`): a ClientHello whatever order it is said in.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{grease::is_grease, version::Version};
use crate::app::fingerprint::hex;

/// What carries a ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Carrier {
    Tls,
    Dtls,
    Quic,
}

/// What is said of a ClientHello.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'o> {
    pub(super) carrier: Carrier,
    /// The highest that is offered.
    pub(super) version: Version,
    pub(super) has_sni: bool,
    pub(super) ciphers: &'o [u16],
    pub(super) extensions: &'o [u16],
    pub(super) signatures: &'o [u16],
    /// The first protocol of ALPN.
    pub(super) alpn: Option<&'o [u8]>,
}

/// Numbers above are told as this.
const COUNT_MAX: usize = 99;
const HASH_DIGITS: usize = 12;
// Extensions that do not count for the hash: what they say is told in front.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

impl Offer<'_> {
    /// The fingerprint.
    pub(super) fn ja4(&self) -> String {
        let carrier = match self.carrier {
            Carrier::Tls => 't',
            Carrier::Dtls => 'd',
            Carrier::Quic => 'q',
        };
        let sni = if self.has_sni { 'd' } else { 'i' };
        let count = |list: &[u16]| list.iter().filter(|number| !is_grease(**number)).count().min(COUNT_MAX);
        let [first, last] = self.alpn.map_or(['0', '0'], ends);
        let mut ja4 = format!(
            "{carrier}{}{sni}{:02}{:02}{first}{last}",
            self.version.ja4(),
            count(self.ciphers),
            count(self.extensions)
        );
        let ciphers = list(sorted(self.ciphers, &[]));
        let mut extensions = list(sorted(self.extensions, &[SERVER_NAME, ALPN]));
        let signatures = list(self.signatures.iter().copied().filter(|number| !is_grease(*number)));
        if !extensions.is_empty() && !signatures.is_empty() {
            extensions.push('_');
            extensions.push_str(&signatures);
        }
        for text in [ciphers, extensions] {
            ja4.push('_');
            ja4.push_str(&short_hash(&text));
        }
        ja4
    }
}

fn sorted(numbers: &[u16], without: &[u16]) -> impl Iterator<Item = u16> {
    let counts = |number: &u16| !is_grease(*number) && !without.contains(number);
    let mut numbers: Vec<u16> = numbers.iter().copied().filter(counts).collect();
    numbers.sort_unstable();
    numbers.into_iter()
}

fn list(numbers: impl Iterator<Item = u16>) -> String {
    let mut text = String::new();
    for number in numbers {
        let separator = if text.is_empty() { "" } else { "," };
        write!(text, "{separator}{number:04x}").expect("memory takes all");
    }
    text
}

fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(HASH_DIGITS);
    }
    let mut hash = hex(&Sha256::digest(text.as_bytes()));
    hash.truncate(HASH_DIGITS);
    hash
}

/// First and last character of a protocol's name, or of its hexadecimal digits where one of these is no letter or digit.
fn ends(alpn: &[u8]) -> [char; 2] {
    let (Some(&first), Some(&last)) = (alpn.first(), alpn.last()) else { return ['0', '0'] };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [first.into(), last.into()];
    }
    [first >> 4, last & 0x0f].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification: the lists of its raw form, in another order and with GREASE.
    #[test]
    fn the_example_of_its_specification() {
        let ciphers = [
            0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
            0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let extensions = [
            0x3a3a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
            0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
        ];
        let signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let offer = Offer {
            carrier: Carrier::Tls,
            version: Version(0x0304),
            has_sni: true,
            ciphers: &ciphers,
            extensions: &extensions,
            signatures: &signatures,
            alpn: Some(b"h2"),
        };
        assert_eq!(offer.ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let bare = Offer {
            carrier: Carrier::Quic,
            has_sni: false,
            ciphers: &[],
            extensions: &[],
            signatures: &[],
            alpn: None,
            ..offer
        };
        assert_eq!(bare.ja4(), "q13i000000_000000000000_000000000000");
    }

    #[test]
    fn names_that_are_no_text_are_told_by_their_digits() {
        assert_eq!(ends(b"http/1.1"), ['h', '1']);
        assert_eq!(ends(b"\xab"), ['a', 'b']);
        assert_eq!(ends(b"0\xab"), ['3', 'b']);
        assert_eq!(ends(b""), ['0', '0']);
    }
}
