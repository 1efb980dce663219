//! [`Encoding`]: whether text reads as data that was encoded, by the shape of it.

/// The shape of text.
///
/// Words have letters beside letters, and digits at their end; what is encoded changes between letters and digits, or between
/// large and small ones, as chance has it: hexadecimal at 47 of 100 places, base32 at 30.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Encoding {
    /// Bytes without dots.
    pub(super) bytes: usize,
    /// Changes between letter and digit, or from small to large.
    pub(super) changes: usize,
    /// Bytes that no name of a host has (RFC 952), nor a service (RFC 2782): not of letters, digits, `-`, `_`, `*`.
    pub(super) unusual: usize,
    /// `=`, with which base64 is filled up.
    pub(super) filled: usize,
    pub(super) label_bytes_max: usize,
    /// In thousandths of a bit per byte.
    pub(super) entropy: u32,
}

impl Encoding {
    /// Of text; `ignores_case` where that was chosen by chance.
    pub(super) fn of(text: &[u8], ignores_case: bool) -> Encoding {
        let mut encoding = Encoding::default();
        let mut counts = [0u16; 256];
        for label in text.split(|byte| *byte == b'.') {
            encoding.bytes += label.len();
            encoding.label_bytes_max = encoding.label_bytes_max.max(label.len());
            for byte in label {
                counts[usize::from(*byte)] += 1;
                encoding.filled += usize::from(*byte == b'=');
                let is_usual = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*');
                encoding.unusual += usize::from(!is_usual);
            }
            let changes = label.windows(2).filter(|pair| is_change(pair[0], pair[1], ignores_case));
            encoding.changes += changes.count();
        }
        encoding.entropy = entropy(&counts, encoding.bytes);
        encoding
    }

    /// Whether it reads as such.
    pub(super) fn is_encoded(&self) -> bool {
        let is_mixed = self.changes * 8 >= self.bytes && self.changes >= 3;
        let is_binary = self.unusual >= 2 && self.unusual * 8 >= self.bytes;
        // So many letters that are all about as frequent are no word, nor several.
        let is_even = self.label_bytes_max >= 40 && self.entropy >= 4000;
        self.bytes >= 8 && (is_mixed || is_binary || is_even)
    }
}

fn is_change(one: u8, next: u8, ignores_case: bool) -> bool {
    let is_digit_change = one.is_ascii_digit() != next.is_ascii_digit();
    let is_word = one.is_ascii_alphanumeric() && next.is_ascii_alphanumeric();
    let is_case_change = !ignores_case && one.is_ascii_lowercase() && next.is_ascii_uppercase();
    is_word && is_digit_change || is_case_change
}

/// Shannon's, of so many bytes, in thousandths of a bit.
fn entropy(counts: &[u16; 256], bytes: usize) -> u32 {
    let all = bytes.max(1) as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / all);
    (shares.map(|share| -share * share.log2()).sum::<f64>() * 1000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_told_from_words() {
        let is_encoded = |text: &str| Encoding::of(text.as_bytes(), false).is_encoded();
        let encoded =
            ["7cd501a621c362010a", "hvMAAAAFCAAABPQIFCP3jBGyCsqKjf9o1jmtOwgAAAC3ZWNka", "mfr2gz3fm5twq2lk4n"];
        for text in encoded {
            assert!(is_encoded(text), "{text}");
        }
        for text in
            ["www", "mail-imap.l", "e1234.dscb", "static.programme-tv", "_sip._udp.sip.voice", "autodiscover"]
        {
            assert!(!is_encoded(text), "{text}");
        }
        assert!(!Encoding::of(b"wWw.eXaMpLeSiTe", true).is_encoded());
    }
}
