//! The bytes of a field that can still be read.

use arrayvec::ArrayVec;

use crate::limits::TAIL_BYTES;

/// A chunk and the tail of what came before it, addressed by offsets within the field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'w> {
    tail: &'w [u8],
    chunk: &'w [u8],
    /// Offset of the first byte of the chunk.
    chunk_offset: u64,
}

impl<'w> Window<'w> {
    pub(super) fn new(tail: &'w [u8], chunk: &'w [u8], chunk_offset: u64) -> Window<'w> {
        debug_assert!(tail.len() as u64 <= chunk_offset, "the tail came before the chunk");
        Window { tail, chunk, chunk_offset }
    }

    pub(super) fn chunk(&self) -> &'w [u8] {
        self.chunk
    }

    pub(super) fn chunk_offset(&self) -> u64 {
        self.chunk_offset
    }

    /// The byte at an offset, if it is still known.
    pub(super) fn byte(&self, offset: u64) -> Option<u8> {
        let at = self.index(offset)?;
        self.tail.get(at).or_else(|| self.chunk.get(at.checked_sub(self.tail.len())?)).copied()
    }

    /// The bytes from `start` to `end`, or the last [`TAIL_BYTES`] of them, as far as they are known.
    pub(super) fn bytes(&self, start: u64, end: u64) -> ArrayVec<u8, TAIL_BYTES> {
        let start = start.max(end.saturating_sub(TAIL_BYTES as u64)).max(self.offset());
        let (Some(from), Some(to)) = (self.index(start), self.index(end)) else { return ArrayVec::new() };
        let part = |bytes: &'w [u8], offset: usize| {
            let (from, to) = (from.saturating_sub(offset), to.saturating_sub(offset));
            bytes.get(from.min(bytes.len())..to.min(bytes.len())).unwrap_or_default()
        };
        let mut bytes = ArrayVec::new();
        for part in [part(self.tail, 0), part(self.chunk, self.tail.len())] {
            bytes.try_extend_from_slice(part).expect("no more than the tail was asked for");
        }
        bytes
    }

    /// The offset of the first byte of the tail.
    fn offset(&self) -> u64 {
        self.chunk_offset - self.tail.len() as u64
    }

    /// The index of an offset in tail and chunk put together.
    fn index(&self, offset: u64) -> Option<usize> {
        usize::try_from(offset.checked_sub(self.offset())?).ok()
    }
}

/// Makes the tail that of the bytes behind `chunk`.
pub(super) fn keep_tail(tail: &mut ArrayVec<u8, TAIL_BYTES>, chunk: &[u8]) {
    let kept = chunk.last_chunk::<TAIL_BYTES>().map_or(chunk, |last| last);
    let too_many = (tail.len() + kept.len()).saturating_sub(TAIL_BYTES);
    tail.drain(..too_many);
    tail.try_extend_from_slice(kept).expect("room was made");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_reach_into_the_tail() {
        let window = Window::new(b"cd", b"efg", 4);
        assert_eq!(
            (window.byte(1), window.byte(2), window.byte(6), window.byte(7)),
            (None, Some(b'c'), Some(b'g'), None)
        );
        assert_eq!(window.bytes(3, 6).as_slice(), b"def");
    }

    #[test]
    fn the_tail_is_the_end_of_all_chunks() {
        let text: Vec<u8> = (0..=255).collect();
        for size in 1..130 {
            let mut tail = ArrayVec::new();
            text.chunks(size).for_each(|chunk| keep_tail(&mut tail, chunk));
            assert_eq!(tail.as_slice(), &text[256 - TAIL_BYTES..], "chunks of {size}");
        }
    }
}
