//! Values of a message of Kafka, in the spelling of its version: <https://kafka.apache.org/protocol.html#protocol_types>.

use crate::app::wire::Wire;

/// Reads values off the front; `None` where they are not there, or broken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'w> {
    pub(super) wire: Wire<'w>,
    /// Whether lengths are compact and tagged fields may follow (KIP-482).
    pub(super) is_flexible: bool,
}

impl<'w> Reader<'w> {
    /// `STRING`, `NULLABLE_STRING` and their compact forms; what is null is empty.
    pub(super) fn string(&mut self) -> Option<&'w [u8]> {
        let length = match self.is_flexible {
            true => self.compact_length()?,
            false => match self.wire.u16()? {
                u16::MAX => 0,
                length => length.into(),
            },
        };
        self.wire.take(length)
    }

    /// `BYTES`, or the begin of them, and whether that is all.
    pub(super) fn bytes(&mut self) -> Option<(&'w [u8], bool)> {
        let length = self.count()?;
        let here = length.min(self.wire.rest().len());
        Some((self.wire.take(here)?, here == length))
    }

    /// How many elements an `ARRAY` has, or bytes follow; of what is null none.
    pub(super) fn count(&mut self) -> Option<usize> {
        match self.is_flexible {
            true => self.compact_length(),
            false => match self.wire.u32()? {
                u32::MAX => Some(0),
                count => usize::try_from(count).ok(),
            },
        }
    }

    /// An `ARRAY` whose elements `element` reads: each has at least a byte.
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        for _ in 0..self.count()? {
            let before = self.wire.rest().len();
            element(self)?;
            if self.wire.rest().len() == before {
                return None;
            }
        }
        Some(())
    }

    /// So many bytes that don't matter.
    pub(super) fn skip(&mut self, bytes: usize) -> Option<()> {
        self.wire.take(bytes).map(|_| ())
    }

    /// Tagged fields, where the version has them; none is read.
    pub(super) fn tags(&mut self) -> Option<()> {
        if !self.is_flexible {
            return Some(());
        }
        for _ in 0..unsigned(&mut self.wire)? {
            let _tag = unsigned(&mut self.wire)?;
            let length = unsigned(&mut self.wire)?;
            self.skip(usize::try_from(length).ok()?)?;
        }
        Some(())
    }

    /// One more than the length, or 0 for null.
    fn compact_length(&mut self) -> Option<usize> {
        usize::try_from(unsigned(&mut self.wire)?.saturating_sub(1)).ok()
    }
}

/// `UNSIGNED_VARINT`, up to ten bytes as those of `VARLONG` have.
pub(super) fn unsigned(wire: &mut Wire<'_>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = wire.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// `VARINT` and `VARLONG`: zigzag, so that small negative numbers are short.
pub(super) fn signed(wire: &mut Wire<'_>) -> Option<i64> {
    let value = unsigned(wire)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let mut plain =
            Reader { wire: Wire(b"\0\x02ab\xff\xff\0\0\0\x01\xff\xff\xff\xff"), is_flexible: false };
        assert_eq!((plain.string(), plain.string()), (Some(&b"ab"[..]), Some(&b""[..])));
        assert_eq!((plain.count(), plain.count(), plain.count()), (Some(1), Some(0), None));
        let mut compact = Reader { wire: Wire(b"\x03ab\0\x02\x01\x05\x02xyz"), is_flexible: true };
        assert_eq!((compact.string(), compact.string()), (Some(&b"ab"[..]), Some(&b""[..])));
        assert_eq!((compact.count(), compact.tags(), compact.wire.rest()), (Some(1), Some(()), &b"z"[..]));
    }

    #[test]
    fn numbers_of_any_length_are_read() {
        let read = |bytes: &[u8]| signed(&mut Wire(bytes));
        assert_eq!((read(b"\0"), read(b"\x01"), read(b"\x02")), (Some(0), Some(-1), Some(1)));
        assert_eq!((read(b"\xac\x02"), read(b"\xac")), (Some(150), None));
        assert_eq!(read(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Some(i64::MIN));
        assert_eq!(read(&[0x80; 11]), None);
    }
}
