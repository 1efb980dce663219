//! The first byte of a kind, eight bytes at a time: lines of messages are short, and a call of a vector routine costs more than
//! most of them.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Eight bytes in their order, the first one lowest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

/// Bytes of a word: the lowest one is certain, those above it are not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks(u64);

impl Word {
    /// Those that are `byte`.
    #[inline]
    pub(super) fn equal(self, byte: u8) -> Marks {
        Word(self.0 ^ (ONES * u64::from(byte))).below(1)
    }

    /// Those that are less than `bound`, which is 0x80 at most.
    #[inline]
    pub(super) fn below(self, bound: u8) -> Marks {
        Marks(self.0.wrapping_sub(ONES * u64::from(bound)) & !self.0 & TOPS)
    }
}

impl Marks {
    /// Those of either.
    #[inline]
    pub(super) fn or(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }
}

/// Place of the first byte that is marked.
#[inline]
pub(super) fn first(bytes: &[u8], marks: impl Fn(Word) -> Marks) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (number, word) in words.iter().enumerate() {
        let Marks(marked) = marks(Word(u64::from_le_bytes(*word)));
        if marked != 0 {
            return Some(8 * number + marked.trailing_zeros() as usize / 8);
        }
    }
    let is_marked = |byte: &u8| marks(Word(ONES * u64::from(*byte))).0 != 0;
    rest.iter().position(is_marked).map(|at| bytes.len() - rest.len() + at)
}

/// Place of the first byte that ends a line, or is where some think that it ends: CR, LF or NUL.
#[inline]
pub(super) fn first_break(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        // Of those below, tabs alone stand in lines of anybody.
        let place = at + first(bytes.get(at..)?, |word| word.below(b'\r' + 1))?;
        if matches!(bytes.get(place)?, b'\r' | b'\n' | 0) {
            return Some(place);
        }
        at = place + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_first_one(bytes in proptest::collection::vec(prop_oneof![0..0x24_u8, any::<u8>()], 0..40)) {
            prop_assert_eq!(
                first(&bytes, |word| word.equal(b'!')),
                bytes.iter().position(|byte| *byte == b'!')
            );
            prop_assert_eq!(
                first(&bytes, |word| word.below(b'\r')),
                bytes.iter().position(|byte| *byte < b'\r')
            );
            prop_assert_eq!(
                first(&bytes, |word| word.below(2).or(word.equal(0xff)).or(word.equal(b' '))),
                bytes.iter().position(|byte| matches!(byte, 0 | 1 | b' ' | 0xff))
            );
            prop_assert_eq!(
                first_break(&bytes),
                bytes.iter().position(|byte| matches!(byte, 0 | b'\r' | b'\n'))
            );
        }
    }
}
