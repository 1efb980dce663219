//! [`Vlans`]: the VLAN identifiers that a packet carries.

use std::fmt;

use arrayvec::ArrayVec;

/// Identifiers of 12 bits, at most [`Vlans::MAX`], in one word: a list in memory would be copied from header to header, for
/// nothing in most frames. Identifier 0 is told from none.
///
/// Fields of 16 bits with the innermost identifier lowest, each with a mark beside it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vlans(u64);

const FIELD_BITS: usize = 16;
const PRESENT: u64 = 0x1000;
const IDENTIFIER: u16 = 0x0fff;

/// More identifiers than [`Vlans::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyVlans;

impl Vlans {
    /// How many identifiers there may be: providers use two, and three where one wraps another's.
    pub const MAX: usize = 3;

    /// The bits that they take, from the lowest.
    pub(crate) const BITS: usize = Vlans::MAX * FIELD_BITS;

    /// Adds one inside of all others. Only its low 12 bits count.
    ///
    /// # Errors
    /// Where there is no room.
    #[inline]
    pub fn push(&mut self, id: u16) -> Result<(), TooManyVlans> {
        if self.len() == Vlans::MAX {
            return Err(TooManyVlans);
        }
        self.0 = self.0 << FIELD_BITS | PRESENT | u64::from(id & IDENTIFIER);
        Ok(())
    }

    /// How many there are.
    #[inline]
    pub fn len(self) -> usize {
        (u64::BITS - self.0.leading_zeros()).div_ceil(FIELD_BITS as u32) as usize
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The identifiers, the outermost first.
    pub fn ids(self) -> ArrayVec<u16, { Vlans::MAX }> {
        (0..self.len()).rev().map(|depth| (self.0 >> (FIELD_BITS * depth)) as u16 & IDENTIFIER).collect()
    }

    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Those of which these are the [`bits`](Vlans::bits).
    pub(crate) fn from_bits(bits: u64) -> Vlans {
        Vlans(bits)
    }
}

impl TryFrom<&[u16]> for Vlans {
    type Error = TooManyVlans;

    /// From the outermost to the innermost.
    fn try_from(ids: &[u16]) -> Result<Vlans, TooManyVlans> {
        let mut vlans = Vlans::default();
        ids.iter().try_for_each(|&id| vlans.push(id))?;
        Ok(vlans)
    }
}

impl fmt::Debug for Vlans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_back_in_order() {
        for ids in [&[][..], &[0], &[1], &[0, 0], &[7, 0, 4095]] {
            let vlans = Vlans::try_from(ids).expect("as many as there may be");
            assert_eq!((vlans.len(), &vlans.ids()[..]), (ids.len(), ids));
            assert_eq!(vlans.is_empty(), ids.is_empty());
        }
        assert_eq!(Vlans::try_from(&[1; Vlans::MAX + 1][..]), Err(TooManyVlans));
    }
}
