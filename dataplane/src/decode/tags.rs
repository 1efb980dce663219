//! The VLAN tags of a frame while it is read.

use super::{DecodeError, Vlans};
use crate::limits::VLAN_TAGS_MAX;

/// Identifiers of tags, in one register: a list in memory would be copied from header to header, for nothing in most
/// frames. Fields of 16 bits with the innermost tag lowest, each with a mark beside the identifier.
#[derive(Clone, Copy, Default)]
pub(super) struct Tags(u64);

const FIELD_BITS: usize = 16;
const PRESENT: u64 = 0x1000;
const IDENTIFIER: u16 = 0x0fff;
const _: () = assert!(VLAN_TAGS_MAX * FIELD_BITS <= u64::BITS as usize);

impl Tags {
    /// Those that a packet had.
    pub(super) fn of(vlans: &[u16]) -> Result<Tags, DecodeError> {
        let mut tags = Tags::default();
        vlans.iter().try_for_each(|&id| tags.push(id))?;
        Ok(tags)
    }

    /// Adds one inside of all others.
    #[inline]
    pub(super) fn push(&mut self, id: u16) -> Result<(), DecodeError> {
        if self.len() == VLAN_TAGS_MAX {
            return Err(DecodeError::TooManyTags);
        }
        self.0 = self.0 << FIELD_BITS | PRESENT | u64::from(id & IDENTIFIER);
        Ok(())
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        (u64::BITS - self.0.leading_zeros()).div_ceil(FIELD_BITS as u32) as usize
    }

    /// The outermost first.
    #[inline]
    pub(super) fn list(self) -> Vlans {
        if self.0 == 0 { Vlans::default() } else { self.listed() }
    }

    #[cold]
    fn listed(self) -> Vlans {
        let id = |depth| (self.0 >> (FIELD_BITS * depth)) as u16 & IDENTIFIER;
        let mut ids = [0; VLAN_TAGS_MAX];
        ids.iter_mut().zip((0..self.len()).rev()).for_each(|(place, depth)| *place = id(depth));
        Vlans::try_from(&ids[..self.len()]).expect("no more were added")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_in_order() {
        for vlans in [&[][..], &[0], &[1], &[0, 0], &[7, 0, 4095]] {
            let tags = Tags::of(vlans).expect("as many as there may be");
            assert_eq!((tags.len(), &*tags.list()), (vlans.len(), vlans));
        }
        assert_eq!(Tags::of(&[1; VLAN_TAGS_MAX + 1]).err(), Some(DecodeError::TooManyTags));
    }
}
