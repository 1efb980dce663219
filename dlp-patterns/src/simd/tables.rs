//! What the kernels look bytes up in.

/// How the bytes at a position are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Whether a byte can't be told from those that the row was made of.
    pub(crate) fn is_in(&self, row: u128, byte: u8) -> bool {
        let bits = self.row_of(byte);
        row & bits == bits
    }
}

/// For each of eight buckets of a set, and each position, which bytes may stand there.
///
/// Invariant: `tables` holds `sets * positions` tables, set by set; bit `b` of entry `y` says whether bit `y` is in the row
/// of bucket `b`. `positions` is 4, 6 or 8, and `sets` is 1, 2 or 4.
#[derive(Clone, Debug)]
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
}
