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

    /// A mask and a value such that each byte of the set is the value under the mask.
    pub(crate) fn masked(&self) -> (u8, u8) {
        let (all, any) = self.iter().fold((u8::MAX, 0), |(all, any), byte| (all & byte, any | byte));
        let same = !(all ^ any);
        (same, all & same)
    }

    /// Its bytes with the bit set that tells the cases of a letter apart, 32: the lower half of each word stands for those
    /// without it.
    pub(crate) fn folded(&self) -> ByteSet {
        ByteSet(self.0.map(|word| (word | word << 32) & !u64::from(u32::MAX)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_sets_a_bit_of_each_byte() {
        let set = ByteSet::from_fn(|byte| byte % 7 == 3 || byte > 250);
        let one_by_one = ByteSet::from_fn(|folded| set.iter().any(|byte| byte | 32 == folded));
        assert_eq!(set.folded(), one_by_one);
    }

    #[test]
    fn each_byte_is_the_value_under_the_mask() {
        let either_case = ByteSet::from_fn(|byte| byte | 32 == b'k');
        assert_eq!(either_case.masked(), (!32, b'K'));
        assert_eq!(ByteSet::of(b'7').masked(), (u8::MAX, b'7'));
        assert_eq!(ByteSet::from_fn(|byte| byte.is_ascii_digit()).masked(), (0xf0, 0x30));
    }
}
