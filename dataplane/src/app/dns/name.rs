//! [`Name`]: a domain name as a message holds it (RFC 1035 §4.1.4), its labels joined by dots.

use arrayvec::ArrayVec;

use crate::limits::DNS_NAME_BYTES_MAX;

/// Labels joined by dots, without the last dot: the root is empty. Bytes are as on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name(ArrayVec<u8, DNS_NAME_BYTES_MAX>);

/// Why a name cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameError {
    /// The message ends in it.
    Cut,
    /// A pointer that does not lead to what stands before its name: who follows it may go round for ever.
    Loop,
    /// More than [`DNS_NAME_BYTES_MAX`] bytes, or a label of a kind that none is of (RFC 6891 §5).
    TooLong,
}

impl Name {
    /// The name that stands at `at`, which is then behind it.
    pub(super) fn read(message: &[u8], at: &mut usize) -> Result<Name, NameError> {
        let mut name = Name::default();
        // Each pointer leads to before the labels that it ends, so that there is an end.
        let (mut place, mut begin, mut behind) = (*at, *at, None);
        loop {
            let length = *message.get(place).ok_or(NameError::Cut)?;
            match length >> 6 {
                0b00 if length == 0 => {
                    *at = behind.unwrap_or(place + 1);
                    return Ok(name);
                }
                0b00 => {
                    let end = place + 1 + usize::from(length);
                    name.push(message.get(place + 1..end).ok_or(NameError::Cut)?)?;
                    place = end;
                }
                0b11 => {
                    let low = *message.get(place + 1).ok_or(NameError::Cut)?;
                    let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                    behind.get_or_insert(place + 2);
                    if target >= begin {
                        return Err(NameError::Loop);
                    }
                    (place, begin) = (target, target);
                }
                _ => return Err(NameError::TooLong),
            }
        }
    }

    fn push(&mut self, label: &[u8]) -> Result<(), NameError> {
        if !self.0.is_empty() {
            self.0.try_push(b'.').map_err(|_| NameError::TooLong)?;
        }
        self.0.try_extend_from_slice(label).map_err(|_| NameError::TooLong)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is of one label.
    pub(super) fn is_single(&self) -> bool {
        !self.0.is_empty() && !self.0.contains(&b'.')
    }

    pub(super) fn ends_with(&self, end: &[u8]) -> bool {
        let from = self.0.len().checked_sub(end.len());
        from.and_then(|from| self.0.get(from..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    }

    /// Whether it is a name of NetBIOS, encoded as RFC 1001 §14.1 says.
    pub(super) fn is_netbios(&self) -> bool {
        let first = self.0.split(|byte| *byte == b'.').next().unwrap_or_default();
        first.len() == 32 && first.iter().all(|byte| matches!(byte, b'A'..=b'P'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8], at: usize) -> Result<(Vec<u8>, usize), NameError> {
        let mut at = at;
        Name::read(message, &mut at).map(|name| (name.bytes().to_vec(), at))
    }

    #[test]
    fn pointers_lead_back() {
        let message = b"\x03com\x00\x07example\xc0\x00\x03www\xc0\x05\x00";
        assert_eq!(read(message, 0), Ok((b"com".to_vec(), 5)));
        assert_eq!(read(message, 5), Ok((b"example.com".to_vec(), 15)));
        assert_eq!(read(message, 15), Ok((b"www.example.com".to_vec(), 21)));
        assert_eq!(read(message, 21), Ok((Vec::new(), 22)));
    }

    #[test]
    fn what_goes_round_is_told() {
        assert_eq!(read(b"\xc0\x00", 0), Err(NameError::Loop));
        assert_eq!(read(b"\x01a\xc0\x00", 0), Err(NameError::Loop));
        assert_eq!(read(b"\x01a\xc0\x04\xc0\x00", 4), Err(NameError::Loop));
        assert_eq!(read(b"\xc0\x02\x00", 0), Err(NameError::Loop), "forward");
    }

    #[test]
    fn names_are_bounded() {
        let label = [&[63][..], &[b'x'; 63]].concat();
        let name = [&label.repeat(4)[..], b"\0"].concat();
        assert_eq!(read(&name, 0), Err(NameError::TooLong));
        assert_eq!(read(&name[64..], 0).map(|(name, _)| name.len()), Ok(3 * 63 + 2));
        assert_eq!(read(b"\x40a", 0), Err(NameError::TooLong));
        assert_eq!(read(b"\x05ab", 0), Err(NameError::Cut));
        assert_eq!(read(b"\x01a", 0), Err(NameError::Cut));
    }
}
