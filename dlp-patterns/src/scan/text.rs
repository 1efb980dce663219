//! The bytes of a field that can still be read.

use arrayvec::ArrayVec;

use crate::Hit;
use crate::compile::ahead::Ahead;

/// A chunk and the tail of what came before it, addressed from the begin of the chunk: what is before it has negative
/// places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t> {
    tail: &'t [u8],
    chunk: &'t [u8],
    /// Offset of the first byte of the chunk within the field.
    offset: u64,
}

impl<'t> Text<'t> {
    pub(super) fn new(tail: &'t [u8], chunk: &'t [u8], offset: u64) -> Text<'t> {
        debug_assert!(tail.len() as u64 <= offset, "the tail came before the chunk");
        Text { tail, chunk, offset }
    }

    #[inline]
    pub(super) fn chunk(&self) -> &'t [u8] {
        self.chunk
    }

    /// The place behind the last byte.
    #[inline]
    pub(super) fn end(&self) -> isize {
        // A slice has at most `isize::MAX` bytes.
        self.chunk.len() as isize
    }

    /// The offset of a place within the field.
    #[inline]
    pub(super) fn offset_of(&self, place: isize) -> u64 {
        self.offset.wrapping_add_signed(place as i64)
    }

    /// The place of an offset within the field.
    #[inline]
    pub(super) fn place_of(&self, offset: u64) -> isize {
        offset.wrapping_sub(self.offset) as isize
    }

    /// The byte at a place, if it is still known.
    #[inline]
    pub(super) fn byte(&self, place: isize) -> Option<u8> {
        match usize::try_from(place) {
            Ok(at) => self.chunk.get(at).copied(),
            Err(_) => self.tail.get(self.tail.len().checked_sub(place.unsigned_abs())?).copied(),
        }
    }

    /// What stands before a place: a byte, or nothing at the begin of the field. `None` if it isn't known any more.
    #[inline]
    pub(super) fn behind(&self, place: isize) -> Option<Option<u8>> {
        if self.offset_of(place) == 0 { Some(None) } else { self.byte(place - 1).map(Some) }
    }

    /// Whether what has to stand behind a place is not there; `false` where not all of it is known yet.
    #[inline]
    pub(super) fn lacks(&self, place: isize, ahead: &Ahead) -> bool {
        let [first, end] = [ahead.first, ahead.last + 1].map(|at| usize::try_from(place + at as isize));
        let (Ok(first), Ok(end)) = (first, end) else { return false };
        let bytes = self.chunk.get(first..end);
        bytes.is_some_and(|bytes| !bytes.iter().any(|byte| ahead.set.contains(*byte)))
    }

    /// So many bytes from a place on, if all are in the chunk.
    #[inline]
    pub(super) fn in_chunk(&self, from: isize, len: usize) -> Option<&'t [u8]> {
        self.chunk.get(usize::try_from(from).ok()?..)?.get(..len)
    }

    /// The bytes from a place to the end of the part of the text that it is in: tail or chunk.
    #[inline]
    pub(super) fn rest_of_part(&self, from: isize) -> &'t [u8] {
        match usize::try_from(from) {
            Ok(at) => self.chunk.get(at..).unwrap_or_default(),
            Err(_) => {
                let at = self.tail.len().checked_sub(from.unsigned_abs());
                at.and_then(|at| self.tail.get(at..)).unwrap_or_default()
            }
        }
    }

    /// The last bytes before `end`, from `start` on if these aren't more than an excerpt has, as far as they are known.
    pub(super) fn excerpt(&self, start: isize, end: isize) -> ArrayVec<u8, { Hit::EXCERPT_BYTES_MAX }> {
        let start = start.max(end - Hit::EXCERPT_BYTES_MAX as isize);
        let mut excerpt = ArrayVec::new();
        for (part, begin) in [(self.tail, -(self.tail.len() as isize)), (self.chunk, 0)] {
            let [from, to] =
                [start, end].map(|place| usize::try_from(place - begin).unwrap_or(0).min(part.len()));
            let part = part.get(from..to).unwrap_or_default();
            excerpt.try_extend_from_slice(part).expect("both together are no more than it holds");
        }
        excerpt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_reach_into_the_tail() {
        let text = Text::new(b"cd", b"efg", 4);
        assert_eq!([-3, -2, 2, 3].map(|place| text.byte(place)), [None, Some(b'c'), Some(b'g'), None]);
        assert_eq!([-4, -2, 0].map(|place| text.behind(place)), [Some(None), None, Some(Some(b'd'))]);
        assert_eq!((text.rest_of_part(-1), text.rest_of_part(1)), (&b"d"[..], &b"fg"[..]));
        assert_eq!(text.excerpt(-1, 2).as_slice(), b"def");
        assert_eq!((text.offset_of(-1), text.place_of(6)), (3, 2));
    }
}
