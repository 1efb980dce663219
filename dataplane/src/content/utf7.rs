//! [`Utf7`]: UTF-7 (RFC 2152) as UTF-8: its runs of Base64 are taken off and read as UTF-16.

use arrayvec::ArrayVec;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Decoder, UTF_16BE};
use memchr::memchr;

use super::charset::decode;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Digits of a run that are decoded at a time: they make whole bytes, and whole units of UTF-16.
const DIGITS: usize = 8;

/// A text under way.
#[derive(Debug, Default)]
pub(super) struct Utf7 {
    run: Option<Run>,
}

/// Letters in Base64, behind a `+`.
#[derive(Debug)]
struct Run {
    digits: ArrayVec<u8, DIGITS>,
    units: Decoder,
    is_begun: bool,
}

impl Utf7 {
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        while let Some((&byte, rest)) = bytes.split_first() {
            let Some(run) = &mut self.run else {
                let end = memchr(b'+', bytes).unwrap_or(bytes.len());
                let (plain, behind) = bytes.split_at(end);
                if !plain.is_empty() {
                    out(plain);
                }
                if !behind.is_empty() {
                    let units = UTF_16BE.new_decoder_without_bom_handling();
                    self.run = Some(Run { digits: ArrayVec::new(), units, is_begun: false });
                }
                bytes = behind.get(1..).unwrap_or_default();
                continue;
            };
            if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') && (byte == b'/' || run.is_begun) {
                run.is_begun = true;
                run.digits.push(byte);
                if run.digits.is_full() {
                    run.decode(false, out);
                }
                bytes = rest;
                continue;
            }
            self.end(out);
            // The sign that ends a run is no letter.
            if byte == b'-' {
                bytes = rest;
            }
        }
    }

    pub(super) fn finish(&mut self, out: &mut impl FnMut(&[u8])) {
        if self.run.is_some() {
            self.end(out);
        }
    }

    fn end(&mut self, out: &mut impl FnMut(&[u8])) {
        match self.run.take() {
            Some(mut run) if run.is_begun => run.decode(true, out),
            // `+-` is a plus sign; alone it is one to lenient readers.
            Some(_) => out(b"+"),
            None => {}
        }
    }
}

impl Run {
    fn decode(&mut self, is_last: bool, out: &mut impl FnMut(&[u8])) {
        // One digit alone makes no byte, and bits that are left over make no unit (RFC 2152 §2, rule 2).
        let count = match self.digits.len() {
            DIGITS => DIGITS,
            6 | 7 => 6,
            3..=5 => 3,
            _ => 0,
        };
        let mut units = [0; DIGITS];
        let digits = self.digits.get(..count).unwrap_or_default();
        let bytes = BASE64.decode_slice(digits, &mut units).unwrap_or_default();
        decode(&mut self.units, units.get(..bytes / 2 * 2).unwrap_or_default(), is_last, out);
        self.digits.clear();
    }
}
