//! The bytes of a file that were read and not yet taken.

use std::io::{self, ErrorKind, Read};

use crate::limits::CAPTURE_WINDOW_BYTES;

/// A window that slides over a file. The bytes `start..end` of the buffer are those ahead.
#[derive(Debug)]
pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the file of the first byte of the buffer.
    base_bytes: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R) -> Window<R> {
        Window { reader, buffer: vec![0; CAPTURE_WINDOW_BYTES], start: 0, end: 0, base_bytes: 0 }
    }

    /// Offset in the file of the first byte ahead.
    pub(super) fn offset_bytes(&self) -> u64 {
        self.base_bytes + self.start as u64
    }

    /// The bytes ahead.
    pub(super) fn peek(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads on until `wanted` bytes are ahead; says whether they are, or the file ends before.
    #[inline]
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        if self.end - self.start >= wanted {
            return Ok(true);
        }
        self.read_on(wanted)
    }

    fn read_on(&mut self, wanted: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.base_bytes += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.end < wanted {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Takes the next `length` bytes, which the caller has filled.
    pub(super) fn take(&mut self, length: usize) -> &mut [u8] {
        assert!(length <= self.end - self.start, "only bytes that were filled are taken");
        let start = self.start;
        self.start += length;
        &mut self.buffer[start..start + length]
    }
}
