//! Strings that look like words and are none.

use std::collections::BTreeSet;

use crate::random::Random;

use super::pack::Shape;

const SEED: u64 = 0x6c69_7465;
const LENGTH_BYTES_MIN: u32 = 5;
const LENGTH_BYTES_MAX: u32 = 24;

const ONSETS: [&str; 24] = [
    "b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t",
    "tr", "v", "w", "z",
];
const RHYMES: [&str; 24] = [
    "a", "al", "an", "ar", "e", "el", "en", "er", "es", "i", "in", "ing", "ion", "is", "o", "on", "or", "ou",
    "u", "un", "ur", "ate", "ea", "y",
];

/// So many different strings, each in any case.
pub(super) fn shapes(count: usize) -> Vec<Shape> {
    let mut random = Random::new(SEED);
    let mut words = BTreeSet::new();
    let mut shapes = Vec::new();
    while shapes.len() < count {
        let word = word(&mut random);
        if words.insert(word.clone()) {
            shapes.push(Shape::literal(word));
        }
    }
    shapes
}

fn word(random: &mut Random) -> String {
    let spread = LENGTH_BYTES_MAX - LENGTH_BYTES_MIN + 1;
    let length = (LENGTH_BYTES_MIN + random.below(spread).min(random.below(spread))) as usize;
    let mut word = String::new();
    while word.len() < length {
        word.push_str(ONSETS[random.below(ONSETS.len() as u32) as usize]);
        word.push_str(RHYMES[random.below(RHYMES.len() as u32) as usize]);
    }
    word.truncate(length);
    word
}
