//! How far a body may reach, as any receiver of its header lines may see it, the strict and the lenient.

use arrayvec::ArrayVec;

use super::head::{Framing, decimal};
use crate::limits::HTTP_READINGS_MAX;

/// Different framings; what it has no room for, or cannot foresee, is only noted as that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Framings {
    all: ArrayVec<Framing, HTTP_READINGS_MAX>,
    has_more: bool,
}

impl Framings {
    pub(super) fn add(&mut self, framing: Framing) {
        if !self.all.contains(&framing) && self.all.try_push(framing).is_err() {
            self.has_more = true;
        }
    }

    /// There are readings that nobody can list.
    pub(super) fn add_unknown(&mut self) {
        self.has_more = true;
    }

    /// What a Content-Length may be read as, which is one thing where it is what RFC 9112 says: that.
    pub(super) fn add_length(&mut self, element: &[u8]) -> Option<u64> {
        let bytes = decimal(element);
        match bytes {
            Some(bytes) => self.add(Framing::Length(bytes)),
            None => self.add_odd_length(element),
        }
        bytes
    }

    /// Its digits as far as they go, a sign and a base heeded or not, or as of no use.
    #[cold]
    fn add_odd_length(&mut self, element: &[u8]) {
        let is_odd = |byte: &u8| *byte <= b' ' || *byte >= 0x7f;
        let begin = element.iter().position(|byte| !is_odd(byte)).unwrap_or(element.len());
        let text = element.get(begin..).unwrap_or_default();
        let unsigned = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
        let number = |text: &[u8], radix: u32| {
            let digits = text.iter().map_while(|byte| char::from(*byte).to_digit(radix));
            digits
                .map(u64::from)
                .try_fold(0_u64, |value, digit| value.checked_mul(u64::from(radix))?.checked_add(digit))
        };
        self.add(number(unsigned, 10).map_or(Framing::UntilClose, Framing::Length));
        if let Some(hexadecimal) = unsigned.strip_prefix(b"0x").or(unsigned.strip_prefix(b"0X")) {
            self.add(number(hexadecimal, 16).map_or(Framing::UntilClose, Framing::Length));
        }
        // There are languages whose numbers may have it between digits.
        if unsigned.contains(&b'_') {
            let digits: Vec<u8> = unsigned.iter().copied().filter(|byte| *byte != b'_').collect();
            self.add(number(&digits, 10).map_or(Framing::UntilClose, Framing::Length));
        }
        // Below zero it is more than there can be to who reads it as unsigned, and what is wrong may be ignored.
        if text.first() == Some(&b'-') {
            self.add(Framing::UntilClose);
        }
        self.add(Framing::Length(0));
    }

    /// What a Transfer-Encoding may be read as: a coding that is not chunked in its place may be, and may be ignored.
    pub(super) fn add_coding(&mut self, value: &[u8]) {
        const CHUNKED: &[u8] = b"chunked";
        if value.windows(CHUNKED.len()).any(|window| window.eq_ignore_ascii_case(CHUNKED)) {
            self.add(Framing::Chunked);
        }
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<Framing> {
        self.all.first().copied()
    }

    /// All but this one.
    pub(super) fn without(mut self, framing: Framing) -> Framings {
        self.all.retain(|of| *of != framing);
        self
    }

    /// Whether these are all that there are.
    pub(super) fn is_all(&self) -> bool {
        !self.has_more
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Framing> {
        self.all.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Framing::*, *};

    #[test]
    fn a_length_is_all_that_receivers_make_of_it() {
        for (element, framings) in [
            (&b"3"[..], &[Length(3)][..]),
            (b"+3", &[Length(3), Length(0)]),
            (b"\x0b3", &[Length(3), Length(0)]),
            (b"3a", &[Length(3), Length(0)]),
            (b"\xa03", &[Length(3), Length(0)]),
            (b"1_0", &[Length(1), Length(10), Length(0)]),
            (b"0x1f", &[Length(0), Length(31)]),
            (b"-1", &[Length(1), UntilClose, Length(0)]),
            (b"", &[Length(0)]),
            (b"18446744073709551616", &[UntilClose, Length(0)]),
        ] {
            let mut read = Framings::default();
            read.add_length(element);
            assert_eq!(read.iter().collect::<Vec<_>>(), framings, "{}", element.escape_ascii());
            assert!(read.is_all());
        }
    }

    #[test]
    fn what_has_no_room_is_noted() {
        let mut read = Framings::default();
        (0..HTTP_READINGS_MAX as u64).for_each(|bytes| read.add(Length(bytes)));
        read.add(Length(0));
        assert!(read.is_all());
        read.add(Chunked);
        assert!(!read.is_all());
    }
}
