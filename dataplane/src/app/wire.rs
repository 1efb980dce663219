//! Reading fixed fields off the front of bytes of the network.

/// Bytes that are read from the front. What is not there is `None`, and then nothing was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire<'w>(pub(super) &'w [u8]);

impl<'w> Wire<'w> {
    pub(super) fn rest(self) -> &'w [u8] {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'w [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// In network byte order, as all without a word on theirs.
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<u32> {
        self.array().map(|[high, middle, low]: [u8; 3]| u32::from_be_bytes([0, high, middle, low]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn u16_le(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32_le(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64_le(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// What a length of one byte in front says.
    pub(super) fn prefixed_u8(&mut self) -> Option<&'w [u8]> {
        let mut ahead = *self;
        let length = ahead.u8()?;
        let taken = ahead.take(length.into())?;
        *self = ahead;
        Some(taken)
    }

    /// What a length of two bytes in front says.
    pub(super) fn prefixed_u16(&mut self) -> Option<&'w [u8]> {
        let mut ahead = *self;
        let length = ahead.u16()?;
        let taken = ahead.take(length.into())?;
        *self = ahead;
        Some(taken)
    }

    /// What a length of four bytes in front says.
    pub(super) fn prefixed_u32(&mut self) -> Option<&'w [u8]> {
        let mut ahead = *self;
        let length = usize::try_from(ahead.u32()?).ok()?;
        let taken = ahead.take(length)?;
        *self = ahead;
        Some(taken)
    }

    /// The bytes before the next NUL, which is taken too.
    pub(super) fn until_nul(&mut self) -> Option<&'w [u8]> {
        let at = memchr::memchr(0, self.0)?;
        let taken = self.take(at)?;
        self.u8()?;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_taken() {
        let mut wire = Wire(b"\x01\x02\x03ab\x00\x00\x03abc");
        assert_eq!((wire.u8(), wire.u16()), (Some(1), Some(0x0203)));
        assert_eq!(wire.until_nul(), Some(&b"ab"[..]));
        assert_eq!((wire.prefixed_u32(), wire.u64(), wire.until_nul().is_some()), (None, None, true));
        assert_eq!((wire.prefixed_u8(), wire.rest()), (Some(&b"abc"[..]), &b""[..]));
    }
}
