//! What the kernels look bytes up in.

use crate::byte_set::ByteSet;

/// How bytes are told apart where 16 symbols have to do: a byte's symbol is its low nibble, exclusive-or what `high` has
/// for its high nibble. That is two instructions, and keeps letters of one case and digits apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alphabet {
    pub(crate) high: [u8; 16],
}

impl Alphabet {
    /// The symbol of a byte, below 16.
    #[inline]
    pub(crate) fn symbol(&self, byte: u8) -> u8 {
        (byte & 15) ^ self.high[usize::from(byte >> 4)]
    }
}

/// For each of eight buckets of a set, and each position, which symbols may stand there.
///
/// Invariant: `tables` holds `sets * positions` tables of `symbols` bytes each, set by set; bit `b` of entry `y` is for
/// symbol `y` in bucket `b`. `positions` is 4, 6 or 8, and `sets` is 1, 2 or 4.
#[derive(Clone, Debug)]
pub(crate) struct BucketTables {
    pub(crate) alphabet: Alphabet,
    /// 16, told apart by the alphabet, or 128, the low seven bits of a byte.
    pub(crate) symbols: usize,
    pub(crate) positions: usize,
    pub(crate) sets: usize,
    pub(crate) tables: Vec<u8>,
}

impl BucketTables {
    /// The table of a set for a position.
    #[inline]
    pub(crate) fn table(&self, set: usize, position: usize) -> &[u8] {
        let from = (set * self.positions + position) * self.symbols;
        &self.tables[from..from + self.symbols]
    }

    /// The symbol of a byte.
    pub(crate) fn symbol(&self, byte: u8) -> u8 {
        if self.symbols == 16 { self.alphabet.symbol(byte) } else { byte & 127 }
    }
}

/// A set of bytes as kernels test it: exact for ASCII, and all or none of the other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SetTable {
    /// By low nibble: a bit for each high nibble from 0 to 7.
    pub(crate) rows: [u8; 16],
    /// Whether bytes from 128 on are taken to be in the set.
    pub(crate) has_high: bool,
}

impl SetTable {
    /// The smallest table that has all bytes of the set.
    pub(crate) fn new(set: &ByteSet) -> SetTable {
        let mut rows = [0; 16];
        for byte in set.iter().filter(u8::is_ascii) {
            rows[usize::from(byte & 15)] |= 1 << (byte >> 4);
        }
        SetTable { rows, has_high: set.iter().any(|byte| !byte.is_ascii()) }
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        if byte.is_ascii() { self.rows[usize::from(byte & 15)] >> (byte >> 4) & 1 == 1 } else { self.has_high }
    }
}
