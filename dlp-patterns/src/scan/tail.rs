//! The last bytes of a field.

use crate::compile::window::BEFORE_FIELD;
use crate::limits::TAIL_BYTES;

/// The last bytes of a field, as many as a scan may have to look back at.
///
/// Invariant: they stand at the end of `bytes`, and before them [`BEFORE_FIELD`].
#[derive(Clone, Debug)]
pub(super) struct Tail {
    bytes: [u8; TAIL_BYTES],
    len: u8,
}

const _: () = assert!(TAIL_BYTES <= u8::MAX as usize);

impl Default for Tail {
    fn default() -> Tail {
        Tail { bytes: [BEFORE_FIELD; TAIL_BYTES], len: 0 }
    }
}

impl Tail {
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[TAIL_BYTES - usize::from(self.len)..]
    }

    /// The last `N` bytes of the field, or what stands before it.
    #[inline]
    pub(super) fn last<const N: usize>(&self) -> &[u8; N] {
        self.bytes.last_chunk().expect("less is asked for than there is")
    }

    /// Takes the bytes that follow.
    #[inline]
    pub(super) fn push(&mut self, chunk: &[u8]) {
        if let Some(last) = chunk.last_chunk() {
            *self = Tail { bytes: *last, len: TAIL_BYTES as u8 };
            return;
        }
        self.bytes.copy_within(chunk.len().., 0);
        self.bytes[TAIL_BYTES - chunk.len()..].copy_from_slice(chunk);
        self.len = (usize::from(self.len) + chunk.len()).min(TAIL_BYTES) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end_of_all_chunks() {
        let text: Vec<u8> = (0..=255).collect();
        for size in 1..=text.len() {
            let mut tail = Tail::default();
            assert_eq!((tail.bytes(), tail.last()), (&[][..], &[BEFORE_FIELD; 3]));
            let mut read = 0;
            for chunk in text.chunks(size) {
                tail.push(chunk);
                read += chunk.len();
                assert_eq!(tail.bytes(), &text[read.saturating_sub(TAIL_BYTES)..read], "chunks of {size}");
            }
        }
    }
}
