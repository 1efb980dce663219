//! Tag and length in front of a value of BER (X.690 §8.1).

use super::wire::Wire;

/// What stands in front of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ber {
    pub(super) tag: u8,
    /// Bytes of the value. Of one whose length is indefinite, or told in more than four bytes, it is more than fits anywhere.
    pub(super) length: usize,
}

/// `INTEGER`.
pub(super) const INTEGER: u8 = 0x02;
/// `OCTET STRING`.
pub(super) const OCTETS: u8 = 0x04;
/// `ENUMERATED`.
pub(super) const ENUMERATED: u8 = 0x0a;
/// `SEQUENCE`.
pub(super) const SEQUENCE: u8 = 0x30;

impl Ber {
    /// Takes it off the front; `None` where bytes are missing. Tags have one byte in all protocols that are told here.
    pub(super) fn read(wire: &mut Wire<'_>) -> Option<Ber> {
        let mut ahead = *wire;
        let (tag, first) = (ahead.u8()?, ahead.u8()?);
        let length = match first {
            0..=0x7f => first.into(),
            0x81..=0x84 => {
                let digits = ahead.take(usize::from(first & 0x7f))?;
                digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))
            }
            _ => usize::MAX,
        };
        *wire = ahead;
        Some(Ber { tag, length })
    }

    /// Takes a value off the front, with its tag; the last one as far as it is there.
    pub(super) fn value<'w>(wire: &mut Wire<'w>) -> Option<(u8, &'w [u8])> {
        let ber = Ber::read(wire)?;
        let value = wire.take(ber.length.min(wire.rest().len()))?;
        Some((ber.tag, value))
    }

    /// The value of the tag that comes next, where it is `tag`; otherwise nothing is taken.
    pub(super) fn of<'w>(tag: u8, wire: &mut Wire<'w>) -> Option<&'w [u8]> {
        let mut ahead = *wire;
        let (_, value) = Ber::value(&mut ahead).filter(|(of, _)| *of == tag)?;
        *wire = ahead;
        Some(value)
    }

    /// A number that is not negative, of a type that has numbers.
    pub(super) fn number(wire: &mut Wire<'_>) -> Option<u64> {
        let (tag, digits) = Ber::value(wire)?;
        let is_number = matches!(tag, INTEGER | ENUMERATED) && (1..=8).contains(&digits.len());
        is_number.then(|| digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }

    /// Whether this has `tag`, and no more bytes than the `room` that what it stands in has left.
    pub(super) fn is_within(self, tag: u8, room: usize) -> bool {
        self.tag == tag && self.length <= room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_both_forms() {
        let read = |bytes: &[u8]| Ber::read(&mut Wire(bytes)).map(|ber| (ber.tag, ber.length));
        assert_eq!(read(b"\x30\x05"), Some((SEQUENCE, 5)));
        assert_eq!(read(b"\x30\x82\x01\x02"), Some((SEQUENCE, 258)));
        assert_eq!(read(b"\x30\x82\x01"), None);
        assert_eq!(read(b"\x30\x80"), Some((SEQUENCE, usize::MAX)));
        assert_eq!(read(b"\x30\x85\0\0\0\0\x01"), Some((SEQUENCE, usize::MAX)));
    }

    #[test]
    fn values_are_taken_off_the_front() {
        let mut wire = Wire(b"\x02\x02\x01\x02\x04\x02ab\x0a\x01\x07\x04\x09cut");
        assert_eq!((Ber::of(OCTETS, &mut wire), Ber::number(&mut wire)), (None, Some(0x102)));
        assert_eq!(Ber::of(OCTETS, &mut wire), Some(&b"ab"[..]));
        assert_eq!((Ber::number(&mut wire), Ber::value(&mut wire)), (Some(7), Some((OCTETS, &b"cut"[..]))));
        assert_eq!(Ber::number(&mut Wire(b"\x02\0")), None);
    }
}
