//! A start line that may come in pieces: its bytes so far lie together, and it is never longer than its cap.

use crate::limits::HTTP_LINE_BYTES_MAX;

/// The bytes of a start line that came in earlier chunks; empty while the line lies within one chunk.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    held: Vec<u8>,
    /// How many of the held bytes came before the chunk that is being read.
    before: usize,
}

impl LineBuffer {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// What is there of the line, up to the cap: the chunk itself, or a copy behind the held bytes.
    pub(super) fn view<'a>(&'a mut self, chunk: &'a [u8]) -> &'a [u8] {
        self.before = self.held.len();
        let room = HTTP_LINE_BYTES_MAX - self.before;
        let piece = chunk.get(..room).unwrap_or(chunk);
        if self.held.is_empty() {
            return piece;
        }
        self.held.extend_from_slice(piece);
        &self.held
    }

    /// The view was no whole line: keeps the chunk. False where the cap leaves no room for more; then
    /// nothing is kept.
    pub(super) fn keep(&mut self, chunk: &mut &[u8]) -> bool {
        if self.before + chunk.len() >= HTTP_LINE_BYTES_MAX {
            self.refuse();
            return false;
        }
        if self.before == 0 {
            self.held.extend_from_slice(chunk);
        }
        *chunk = &[];
        true
    }

    /// The line is `len` bytes of the view: the chunk goes on behind it.
    pub(super) fn consume(&mut self, len: usize, chunk: &mut &[u8]) {
        *chunk = chunk.get(len - self.before..).expect("the line ends within the chunk that completes it");
        self.held.clear();
        self.before = 0;
    }

    /// The view is no line: the chunk is the caller's alone again.
    pub(super) fn refuse(&mut self) {
        self.held.truncate(self.before);
    }

    /// The bytes of earlier chunks.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Gives back memory beyond so many bytes, while nothing is held.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        debug_assert!(self.held.is_empty());
        self.held.shrink_to(bytes_max);
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        self.held.clear();
    }
}
