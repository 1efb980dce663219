//! [`Vlans`]: the VLAN identifiers of a packet.

use std::ops::Deref;

use super::DecodeError;
use crate::limits::VLAN_TAGS_MAX;

/// Identifiers of 12 bits, the outermost first. One word, since what is longer is slow to copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vlans {
    ids: [u16; VLAN_TAGS_MAX],
    count: u16,
}

const _: () = assert!(size_of::<Vlans>() == 8);

impl Deref for Vlans {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        self.ids.get(..usize::from(self.count)).unwrap_or_default()
    }
}

impl TryFrom<&[u16]> for Vlans {
    type Error = DecodeError;

    fn try_from(ids: &[u16]) -> Result<Vlans, DecodeError> {
        let mut vlans = Vlans { count: ids.len() as u16, ..Vlans::default() };
        vlans.ids.get_mut(..ids.len()).ok_or(DecodeError::TooManyTags)?.copy_from_slice(ids);
        Ok(vlans)
    }
}
