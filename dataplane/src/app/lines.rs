//! One direction of a protocol that is made of lines.

use memchr::memchr;

use super::Record;
use crate::limits::{COMMAND_BYTES_TOLD_MAX, MESSAGE_BYTES_KEPT_MAX, TEXT_LINE_BYTES_MAX};

/// Cuts one direction into lines: each is shown without its CRLF or LF, however it came in; of one that is longer than
/// [`TEXT_LINE_BYTES_MAX`], its begin.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// Whether the line under way was shown already, and what follows of it is passed by.
    is_overlong: bool,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// Its bytes without its end.
    pub(super) bytes: &'l [u8],
    /// Whether only its begin is here.
    pub(super) is_cut: bool,
}

impl Lines {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Shows `see` every line that `chunk` completes. What `see` breaks off with is handed on, with `chunk` behind the line.
    pub(super) fn read<E>(
        &mut self,
        chunk: &mut &[u8],
        mut see: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !chunk.is_empty() {
            let end = memchr(b'\n', chunk);
            let (piece, rest) = chunk.split_at(end.map_or(chunk.len(), |at| at + 1));
            *chunk = rest;
            if self.is_overlong {
                self.is_overlong = end.is_none();
            } else if self.held.is_empty() && end.is_some() && piece.len() <= TEXT_LINE_BYTES_MAX {
                see(Line { bytes: without_end(piece), is_cut: false })?;
            } else {
                self.hold(piece, end.is_some(), &mut see)?;
            }
        }
        Ok(())
    }

    /// Takes a piece of a line that didn't begin, or doesn't end, in this chunk.
    fn hold<E>(
        &mut self,
        piece: &[u8],
        is_end: bool,
        see: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let room = TEXT_LINE_BYTES_MAX - self.held.len();
        self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        let is_cut = piece.len() > room;
        if !is_end && !is_cut {
            return Ok(());
        }
        self.is_overlong = is_cut && !is_end;
        let mut held = std::mem::take(&mut self.held);
        let seen = see(Line { bytes: if is_cut { &held } else { without_end(&held) }, is_cut });
        if held.capacity() <= MESSAGE_BYTES_KEPT_MAX {
            held.clear();
            self.held = held;
        }
        seen
    }

    /// What has come of a line that is not complete.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Forgets the line under way: lines begin anew.
    pub(super) fn clear(&mut self) {
        self.held = Vec::new();
        self.is_overlong = false;
    }
}

/// As much of a command, or of a line of its answer, as an event repeats.
#[derive(Debug)]
pub(super) struct ToldLine {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl ToldLine {
    pub(super) fn of(line: &[u8]) -> ToldLine {
        let bytes = line.get(..COMMAND_BYTES_TOLD_MAX).unwrap_or(line).to_vec();
        ToldLine { is_cut: bytes.len() < line.len(), bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, for a record that tells it or parts of it: it knows where that is not all.
    pub(super) fn for_record(&self, record: &mut Record) -> &[u8] {
        if self.is_cut {
            record.cut();
        }
        &self.bytes
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    fn told(chunks: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let (mut lines, mut told) = (Lines::default(), Vec::new());
        for mut chunk in chunks.iter().copied() {
            let read = lines.read(&mut chunk, |line| {
                told.push((line.bytes.to_vec(), line.is_cut));
                Ok::<(), ()>(())
            });
            assert_eq!((read, chunk.len()), (Ok(()), 0));
        }
        told
    }

    #[test]
    fn ends_are_no_part_of_a_line() {
        let expected = [&b"a"[..], b"", b"b\r", b"c"].map(|line| (line.to_vec(), false));
        assert_eq!(told(&[b"a\r\n\nb\r\r\nc\nrest"]), expected);
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_are_cut(
            lengths in vec(prop_oneof![0..20usize, TEXT_LINE_BYTES_MAX - 3..TEXT_LINE_BYTES_MAX + 3], 0..5),
            cuts in vec(any::<Index>(), 0..10),
        ) {
            let mut bytes = Vec::new();
            for length in &lengths {
                bytes.extend(std::iter::repeat_n(b'x', *length));
                bytes.extend(b"\r\n");
            }
            let whole = told(&[&bytes]);
            prop_assert_eq!(whole.len(), lengths.len());
            for ((line, is_cut), length) in whole.iter().zip(&lengths) {
                prop_assert_eq!(*is_cut, length + 2 > TEXT_LINE_BYTES_MAX);
                prop_assert_eq!(line.len(), if *is_cut { TEXT_LINE_BYTES_MAX } else { *length });
            }
            let mut points: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            points.sort_unstable();
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut begin = 0;
            for point in points.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[begin..point]);
                begin = point;
            }
            prop_assert_eq!(&told(&pieces), &whole);
        }
    }
}
