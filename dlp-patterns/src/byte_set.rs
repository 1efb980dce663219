//! A set of byte values.

use regex_syntax::hir::{Class, ClassBytes, ClassUnicodeRange};
use serde::{Deserialize, Serialize};

/// A set of byte values, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte.
    pub(crate) const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// The set of one byte.
    pub(crate) fn of(byte: u8) -> ByteSet {
        let mut set = ByteSet::default();
        set.insert(byte);
        set
    }

    /// The bytes for which `is_in` is true.
    pub(crate) fn from_fn(is_in: impl Fn(u8) -> bool) -> ByteSet {
        let mut set = ByteSet::default();
        (0..=u8::MAX).filter(|byte| is_in(*byte)).for_each(|byte| set.insert(byte));
        set
    }

    pub(crate) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    #[inline]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_all(&self) -> bool {
        *self == ByteSet::ALL
    }

    /// The members in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..4_u8).zip(self.0).flat_map(|(word, bits)| {
            std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)))
                .take_while(|bits| *bits != 0)
                .map(move |bits| word << 6 | bits.trailing_zeros() as u8)
        })
    }

    /// Its bytes but for those of the other.
    pub(crate) fn without(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }
}

impl From<&ClassBytes> for ByteSet {
    fn from(class: &ClassBytes) -> ByteSet {
        let mut set = ByteSet::default();
        class.iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.insert(byte));
        set
    }
}

impl From<&Class> for ByteSet {
    /// Of a class of characters those that are a byte each: ASCII.
    fn from(class: &Class) -> ByteSet {
        match class {
            Class::Bytes(class) => ByteSet::from(class),
            Class::Unicode(class) => ByteSet::from_fn(|byte| {
                let is_in =
                    |range: &ClassUnicodeRange| (range.start()..=range.end()).contains(&char::from(byte));
                byte.is_ascii() && class.iter().any(is_in)
            }),
        }
    }
}
