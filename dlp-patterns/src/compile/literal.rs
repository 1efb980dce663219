//! Rows of bytes that are compared rather than read by an automaton.

use serde::{Deserialize, Serialize};

use crate::byte_set::ByteSet;
use crate::limits::LITERAL_BYTES_MAX;

/// One byte after another, of each of which some bits don't count: those that tell the cases of a letter apart.
///
/// Invariant: `masks` and `values` have the same length, which a state can count; no value has a bit that its mask lacks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Literal {
    masks: Box<[u8]>,
    values: Box<[u8]>,
}

impl Literal {
    /// The row of these sets, if each is what a mask and a value say.
    pub(super) fn of_row(sets: &[ByteSet]) -> Option<Literal> {
        if sets.len() > LITERAL_BYTES_MAX {
            return None;
        }
        let masked = sets.iter().map(|set| {
            let (mask, value) = set.masked();
            (set.len() == 1 << mask.count_zeros()).then_some((mask, value))
        });
        let (masks, values): (Vec<u8>, Vec<u8>) = masked.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some(Literal { masks: masks.into(), values: values.into() })
    }

    /// How many bytes it has.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether its bytes from `at` on may begin with these; there are no more of these than of its own.
    #[inline]
    pub(crate) fn goes_on(&self, at: usize, bytes: &[u8]) -> bool {
        debug_assert!(at + bytes.len() <= self.len(), "it is compared with no more than it has");
        is_value(&self.masks[at..], &self.values[at..], bytes)
    }

    /// Whether its invariant holds, and it isn't empty: it may be from a file.
    pub(super) fn is_sound(&self) -> bool {
        let has_no_more = |(mask, value): (&u8, &u8)| value & !mask == 0;
        (1..=LITERAL_BYTES_MAX).contains(&self.masks.len())
            && self.masks.len() == self.values.len()
            && self.masks.iter().zip(&self.values).all(has_no_more)
    }

    /// Its memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.masks.len() + self.values.len()
    }
}

/// Whether bytes are the values under the masks, as far as there are any of all three.
#[inline]
fn is_value(masks: &[u8], values: &[u8], bytes: &[u8]) -> bool {
    // All are compared, for the sake of the branches that aren't there.
    let bytes = masks.iter().zip(values).zip(bytes);
    bytes.fold(0, |differ, ((mask, value), byte)| differ | byte & mask ^ value) == 0
}

/// Literals side by side, so that one that is whole is compared without a look at anything else.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Literals(Vec<u8>);

/// Where one of [`Literals`] is, and how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiteralId {
    at: u32,
    pub(crate) len: u16,
}

impl Literals {
    /// Takes one more; `None` if there is no room.
    pub(crate) fn push(&mut self, literal: &Literal) -> Option<LiteralId> {
        let (at, len) = (u32::try_from(self.0.len()).ok()?, u16::try_from(literal.len()).ok()?);
        self.0.extend_from_slice(&literal.masks);
        self.0.extend_from_slice(&literal.values);
        Some(LiteralId { at, len })
    }

    /// Whether these bytes, as many as it has, are the literal.
    #[inline]
    pub(crate) fn is(&self, id: LiteralId, bytes: &[u8]) -> bool {
        let own = &self.0[id.at as usize..][..2 * usize::from(id.len)];
        let (masks, values) = own.split_at(usize::from(id.len));
        is_value(masks, values, bytes)
    }

    /// Whether it can be asked for that literal; it may be from a file.
    pub(crate) fn has(&self, id: LiteralId) -> bool {
        id.at as usize + 2 * usize::from(id.len) <= self.0.len()
    }

    /// Their memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_its_sets_are_wherever_it_is_cut() {
        let sets = [ByteSet::of(b'k'), ByteSet::from_fn(|byte| byte | 32 == b'e'), ByteSet::of(b'-')];
        let literal = Literal::of_row(&sets).expect("values and cases");
        for (at, bytes, is_one) in [
            (0, &b"ke-"[..], true),
            (0, b"kE-", true),
            (0, b"k", true),
            (1, b"E", true),
            (2, b"-", true),
            (0, b"Ke-", false),
            (0, b"ke+", false),
            (1, b"k", false),
            (1, b"e\r", false),
        ] {
            assert_eq!(literal.goes_on(at, bytes), is_one, "{bytes:?} at {at}");
        }
        assert!(literal.is_sound());
        let mut literals = Literals::default();
        let [_, id] = [(); 2].map(|()| literals.push(&literal).expect("there is room"));
        assert!(literals.has(id) && !literals.has(LiteralId { len: id.len + 1, ..id }));
        assert!(literals.is(id, b"kE-") && !literals.is(id, b"kE+"));
    }

    #[test]
    fn a_set_that_is_no_value_under_a_mask_has_none() {
        let digits = ByteSet::from_fn(|byte| byte.is_ascii_digit());
        assert!(Literal::of_row(&[ByteSet::of(b'k'), digits]).is_none());
        assert!(Literal::of_row(&[ByteSet::default()]).is_none(), "nothing can stand there");
        assert!(Literal::of_row(&[ByteSet::ALL]).is_some());
        assert!(Literal::of_row(&vec![ByteSet::of(b'k'); 65_536]).is_none(), "no state counts so far");
    }
}
