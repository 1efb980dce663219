//! What the kernels look bytes up in.

use serde::{Deserialize, Serialize};

use super::Tier;
use crate::cache::table;
use crate::compile::window;

/// How the bytes at a position are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Alphabet {
    /// 16 symbols: the low nibble of a byte, exclusive-or what stands here for its high nibble. One look-up a position,
    /// after bytes have been turned into symbols once. It tells values apart.
    Mixed([u8; 16]),
    /// Both nibbles, each looked up for itself. Two look-ups a position. It tells ranges apart, such as digits and letters.
    Nibbles,
    /// The low seven bits, looked up at once: exact for ASCII.
    Low7,
}

impl Alphabet {
    /// Entries of a table: 16 for each look-up, or 128.
    pub(crate) fn table_bytes(&self) -> usize {
        match self {
            Alphabet::Mixed(_) => 16,
            Alphabet::Nibbles => 32,
            Alphabet::Low7 => 128,
        }
    }

    /// What stands for a byte, as bits of a row: those of a set of bytes are all of theirs together.
    pub(crate) fn row_of(&self, byte: u8) -> u128 {
        match self {
            Alphabet::Mixed(high) => 1 << ((byte & 15) ^ high[usize::from(byte >> 4)]),
            Alphabet::Nibbles => 1 << (byte & 15) | 1 << (16 + (byte >> 4)),
            Alphabet::Low7 => 1 << (byte & 127),
        }
    }

    /// Whether the kernel of a tier has it, and every symbol is one; it may be from a file.
    fn is_sound(&self, tier: Tier) -> bool {
        match self {
            Alphabet::Mixed(high) => tier != Tier::Avx512Vbmi && high.iter().all(|symbol| *symbol < 16),
            Alphabet::Nibbles => tier != Tier::Avx512Vbmi,
            Alphabet::Low7 => [Tier::Scalar, Tier::Avx512Vbmi].contains(&tier),
        }
    }
}

/// For each of eight buckets of a set, and each position, which bytes may stand there.
///
/// Invariant: `tables` holds `sets * positions` tables, set by set; bit `b` of entry `y` says whether bit `y` is in the row
/// of bucket `b`. `positions` is 4, 6 or 8, and `sets` is 1, 2 or 4.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BucketTables {
    pub(crate) alphabet: Alphabet,
    pub(crate) positions: usize,
    pub(crate) sets: usize,
    pub(crate) tables: Vec<u8>,
}

impl BucketTables {
    /// The table of a set for a position.
    #[inline]
    pub(crate) fn table(&self, set: usize, position: usize) -> &[u8] {
        let bytes = self.alphabet.table_bytes();
        let from = (set * self.positions + position) * bytes;
        &self.tables[from..from + bytes]
    }

    /// Whether the kernel of a tier can look bytes up in it; it may be from a file.
    pub(crate) fn is_sound(&self, tier: Tier) -> bool {
        let is_shape = [4, 6, 8].contains(&self.positions) && [1, 2, 4].contains(&self.sets);
        self.alphabet.is_sound(tier)
            && is_shape
            && self.tables.len() == self.sets * self.positions * self.alphabet.table_bytes()
    }
}

/// A set of grams: four bytes each, whatever their case. Each sets two bits of one word, so that a look is one access to
/// memory (Putze, Sanders and Singler, *Cache-, hash- and space-efficient Bloom filters*, 2007).
///
/// Invariant: there are `1 << (32 - shift)` bits in `words`, and at least 32.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GramSet {
    #[serde(with = "table")]
    words: Vec<u32>,
    shift: u32,
}

impl GramSet {
    /// Takes the case out of a gram.
    pub(crate) const FOLD: u32 = window::FOLD as u32;

    /// Multiplicative hashing with the golden ratio (Knuth, TAOCP vol. 3, 6.4).
    pub(crate) const FACTOR: u32 = 0x9e37_79b1;

    /// Bits that tell the bits of a word apart.
    pub(crate) const BIT_BITS: u32 = 5;

    /// A set with `1 << bits` bits.
    ///
    /// # Panics
    /// If that is less than one word, or more than a hash can address.
    pub(crate) fn new(bits: u32, grams: impl Iterator<Item = u32>) -> GramSet {
        assert!(
            (GramSet::BIT_BITS..=u32::BITS - GramSet::BIT_BITS).contains(&bits),
            "it has whole words, and a hash has 32 bits, five of them for the second bit"
        );
        let mut set = GramSet { words: vec![0; 1 << (bits - GramSet::BIT_BITS)], shift: 32 - bits };
        for gram in grams {
            let (word, bits) = set.place_of(gram);
            set.words[word] |= bits;
        }
        set
    }

    /// Whether a gram may be in the set.
    #[inline]
    pub(crate) fn may_have(&self, gram: u32) -> bool {
        let (word, bits) = self.place_of(gram);
        self.words[word] & bits == bits
    }

    /// Whether its invariant holds: it may be from a file.
    pub(crate) fn is_sound(&self) -> bool {
        (GramSet::BIT_BITS..=u32::BITS - GramSet::BIT_BITS).contains(&self.shift)
            && self.words.len() == 1 << (u32::BITS - GramSet::BIT_BITS - self.shift)
    }

    pub(crate) fn words(&self) -> &[u32] {
        &self.words
    }

    pub(crate) fn shift(&self) -> u32 {
        self.shift
    }

    /// In which word of the set a gram is, and which bits of it are set then.
    #[inline]
    fn place_of(&self, gram: u32) -> (usize, u32) {
        let hash = (gram | GramSet::FOLD).wrapping_mul(GramSet::FACTOR);
        let first = hash >> self.shift;
        // A shift of a word counts modulo 32.
        let second = hash >> (self.shift - GramSet::BIT_BITS);
        ((first >> GramSet::BIT_BITS) as usize, 1_u32.wrapping_shl(first) | 1_u32.wrapping_shl(second))
    }
}
