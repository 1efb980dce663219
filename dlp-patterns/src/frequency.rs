//! How often bytes are to be expected.

use crate::byte_set::ByteSet;

/// No byte is thought to be rarer than this: traffic isn't what one expects, and a byte that seems never to come would
/// make everything that needs it look free.
const CHANCE_MIN: f64 = 1.0 / 2048.0;

/// Letters of English prose by falling frequency, and how many in ten thousand letters each is.
const LETTERS: [(u8, f64); 26] = [
    (b'e', 1202.0),
    (b't', 910.0),
    (b'a', 812.0),
    (b'o', 768.0),
    (b'i', 731.0),
    (b'n', 695.0),
    (b's', 628.0),
    (b'r', 602.0),
    (b'h', 592.0),
    (b'd', 432.0),
    (b'l', 398.0),
    (b'u', 288.0),
    (b'c', 271.0),
    (b'm', 261.0),
    (b'f', 230.0),
    (b'y', 211.0),
    (b'w', 209.0),
    (b'g', 203.0),
    (b'p', 182.0),
    (b'b', 149.0),
    (b'v', 111.0),
    (b'k', 69.0),
    (b'x', 17.0),
    (b'q', 11.0),
    (b'j', 10.0),
    (b'z', 7.0),
];

/// The chance that a byte of traffic is a certain one: prose, markup, JSON, logs and base64 mixed.
#[derive(Clone, Debug)]
pub(crate) struct Frequency([f64; 256]);

impl Frequency {
    /// What a mix of text and what is not text looks like.
    pub(crate) fn of_traffic() -> Frequency {
        let mut chances = [CHANCE_MIN; 256];
        for (letter, share) in LETTERS {
            chances[usize::from(letter)] += 0.56 * share / 10_000.0 + 0.004;
            chances[usize::from(letter.to_ascii_uppercase())] += 0.05 * share / 10_000.0 + 0.002;
        }
        (b'0'..=b'9').for_each(|digit| chances[usize::from(digit)] += 0.010);
        for (byte, chance) in [
            (b' ', 0.10),
            (b'"', 0.02),
            (b'\n', 0.015),
            (b'.', 0.012),
            (b',', 0.012),
            (b'/', 0.012),
            (b':', 0.010),
            (b'-', 0.008),
            (b'<', 0.008),
            (b'>', 0.008),
            (b'=', 0.008),
            (b'_', 0.005),
            (b'\r', 0.005),
            (b'\t', 0.004),
            (b'(', 0.003),
            (b')', 0.003),
            (b';', 0.004),
            (b'\'', 0.003),
            (b'{', 0.003),
            (b'}', 0.003),
            (b'&', 0.002),
            (b'%', 0.002),
        ] {
            chances[usize::from(byte)] += chance;
        }
        let sum: f64 = chances.iter().sum();
        Frequency(chances.map(|chance| chance / sum))
    }

    /// The chance of one byte.
    pub(crate) fn of_byte(&self, byte: u8) -> f64 {
        self.0[usize::from(byte)]
    }

    /// The chance that a byte is in the set.
    pub(crate) fn of_set(&self, set: &ByteSet) -> f64 {
        set.iter().map(|byte| self.of_byte(byte)).sum::<f64>().min(1.0)
    }
}
