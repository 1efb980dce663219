//! Large tables of numbers, in a file as they are in memory: `#[serde(with = "table")]`.
//!
//! Whoever reads a file copies them out of it. That costs a millisecond for some MiB, and the packet path never asks
//! whose memory a table is in.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A table that its bytes say everything about.
pub(crate) trait Table: Sized {
    fn bytes(&self) -> &[u8];

    /// `None` if no table has so many bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl<T: FromBytes + IntoBytes + Immutable> Table for Vec<T> {
    fn bytes(&self) -> &[u8] {
        self.as_slice().as_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Vec<T>> {
        let mut table = T::new_vec_zeroed(bytes.len() / size_of::<T>()).ok()?;
        fill(table.as_mut_slice().as_mut_bytes(), bytes)?;
        Some(table)
    }
}

impl<T: FromBytes + IntoBytes + Immutable> Table for Box<T> {
    fn bytes(&self) -> &[u8] {
        self.as_ref().as_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Box<T>> {
        let mut table = T::new_box_zeroed().ok()?;
        fill(table.as_mut_bytes(), bytes)?;
        Some(table)
    }
}

fn fill(table: &mut [u8], bytes: &[u8]) -> Option<()> {
    (table.len() == bytes.len()).then(|| table.copy_from_slice(bytes))
}

pub(crate) fn serialize<S: Serializer>(table: &impl Table, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(table.bytes())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Table>(deserializer: D) -> Result<T, D::Error> {
    let bytes = <&[u8]>::deserialize(deserializer)?;
    T::from_bytes(bytes).ok_or_else(|| Error::custom("a table has another size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_back_as_they_were_or_not_at_all() {
        let list: Vec<u16> = vec![1, 0xfffe, 3];
        assert_eq!(Vec::from_bytes(list.bytes()), Some(list.clone()));
        assert_eq!(Vec::<u16>::from_bytes(&list.bytes()[..5]), None);
        assert_eq!(Vec::<u16>::from_bytes(&[]), Some(Vec::new()));
        let array = Box::new([[7_u64; 3]; 2]);
        assert_eq!(Box::from_bytes(array.bytes()), Some(array.clone()));
        assert_eq!(Box::<[[u64; 3]; 2]>::from_bytes(&array.bytes()[..40]), None);
    }
}
