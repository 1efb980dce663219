//! The lines of a text, however long they are.

use memchr::{memchr, memchr2};

use crate::limits::TEXT_LINE_BYTES_MAX;

/// Cuts bytes into lines, and lines longer than [`TEXT_LINE_BYTES_MAX`] into pieces of that length: the same ones however the
/// bytes came in.
#[derive(Debug, Default)]
pub(in crate::app) struct LinePieces {
    held: Vec<u8>,
    /// Whether pieces of the line under way were shown.
    is_within: bool,
}

/// A line, or a piece of a long one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) struct Piece<'l> {
    /// Without the end of the line.
    pub(in crate::app) bytes: &'l [u8],
    /// Whether the line begins with it.
    pub(in crate::app) is_begin: bool,
    pub(in crate::app) end: LineEnd,
}

/// How a line ends behind a piece of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) enum LineEnd {
    /// It doesn't, or not yet.
    #[default]
    None,
    Lf,
    CrLf,
}

impl LineEnd {
    pub(in crate::app) fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::None => b"",
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        }
    }
}

impl Piece<'_> {
    /// Whether it is a whole line.
    pub(in crate::app) fn is_whole(self) -> bool {
        self.is_begin && self.end != LineEnd::None
    }

    /// Whether there are readers to whom it ends elsewhere.
    pub(in crate::app) fn is_odd_line(self) -> bool {
        self.end == LineEnd::Lf || memchr2(b'\r', 0, self.bytes).is_some()
    }
}

impl LinePieces {
    /// Memory that it holds, in bytes.
    pub(in crate::app) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Shows `see` every piece that `chunk` completes. What `see` breaks off with is handed on, with `chunk` behind the piece.
    pub(in crate::app) fn read<E>(
        &mut self,
        chunk: &mut &[u8],
        mut see: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !chunk.is_empty() {
            let room = TEXT_LINE_BYTES_MAX - self.held.len();
            let window = chunk.get(..room).unwrap_or(chunk);
            let end = memchr(b'\n', window).map(|at| at + 1);
            let count = end.unwrap_or(window.len());
            let is_complete = end.is_some() || count == room;
            let mut held = std::mem::take(&mut self.held);
            let (mut taken, mut rest) = chunk.split_at(count);
            if !is_complete || !held.is_empty() {
                held.extend_from_slice(taken);
                taken = &[];
            }
            if !is_complete {
                (self.held, *chunk) = (held, rest);
                continue;
            }
            let mut shown = if held.is_empty() { taken } else { held.as_slice() };
            // It may be the first half of the line's end.
            let is_cr_left = end.is_none() && shown.ends_with(b"\r");
            if is_cr_left {
                shown = shown.strip_suffix(b"\r").unwrap_or(shown);
                if held.is_empty() {
                    rest = chunk.get(count - 1..).unwrap_or_default();
                }
            }
            *chunk = rest;
            let is_begin = !std::mem::replace(&mut self.is_within, end.is_none());
            let seen = see(piece(shown, is_begin, end.is_some()));
            let is_cr_kept = is_cr_left && !held.is_empty();
            held.clear();
            if is_cr_kept {
                held.push(b'\r');
            }
            self.held = held;
            seen?;
        }
        Ok(())
    }

    /// Shows what is there of a line that begins as no delimiter does: it need not wait for its end.
    pub(in crate::app) fn show_begun(&mut self, see: impl FnOnce(Piece<'_>)) {
        let len = self.held.len() - usize::from(self.held.ends_with(b"\r"));
        let may_delimit = !self.is_within && self.held.starts_with(b"-");
        if len == 0 || may_delimit {
            return;
        }
        let is_begin = !std::mem::replace(&mut self.is_within, true);
        see(Piece { bytes: self.held.get(..len).unwrap_or_default(), is_begin, end: LineEnd::None });
        self.held.drain(..len);
    }

    /// No more follows: shows what is there of a line.
    pub(in crate::app) fn finish(&mut self, see: impl FnOnce(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            see(Piece { bytes: &held, is_begin: !self.is_within, end: LineEnd::None });
        }
        self.is_within = false;
    }
}

fn piece(bytes: &[u8], is_begin: bool, is_ended: bool) -> Piece<'_> {
    match (bytes.strip_suffix(b"\r\n"), bytes.strip_suffix(b"\n")) {
        (Some(bytes), _) if is_ended => Piece { bytes, is_begin, end: LineEnd::CrLf },
        (None, Some(bytes)) if is_ended => Piece { bytes, is_begin, end: LineEnd::Lf },
        _ => Piece { bytes, is_begin, end: LineEnd::None },
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    type Told = (Vec<u8>, bool, LineEnd);

    fn told(chunks: &[&[u8]]) -> Vec<Told> {
        let (mut pieces, mut told) = (LinePieces::default(), Vec::new());
        let mut see = |piece: Piece<'_>| told.push((piece.bytes.to_vec(), piece.is_begin, piece.end));
        for mut chunk in chunks.iter().copied() {
            let read = pieces.read(&mut chunk, |piece| {
                see(piece);
                Ok::<(), ()>(())
            });
            assert_eq!((read, chunk.len()), (Ok(()), 0));
        }
        pieces.finish(see);
        told
    }

    proptest! {
        #[test]
        fn pieces_are_the_same_however_they_are_cut_and_nothing_is_lost(
            lengths in vec(prop_oneof![0..20usize, TEXT_LINE_BYTES_MAX - 3..TEXT_LINE_BYTES_MAX + 3], 0..5),
            ends in vec(prop_oneof![Just("\r\n"), Just("\n"), Just("\r\r\n"), Just("\r")], 5),
            cuts in vec(any::<Index>(), 0..10),
        ) {
            let mut bytes = Vec::new();
            for (length, end) in lengths.iter().zip(ends) {
                bytes.extend(std::iter::repeat_n(b'x', *length));
                bytes.extend(end.as_bytes());
            }
            let whole = told(&[&bytes]);
            let again: Vec<u8> =
                whole.iter().flat_map(|(piece, _, end)| [piece, end.bytes()].concat()).collect();
            prop_assert_eq!(&again, &bytes);
            let begins = whole.iter().filter(|(_, is_begin, _)| *is_begin).count();
            let lines = bytes.split_inclusive(|byte| *byte == b'\n').count();
            prop_assert_eq!(begins, lines);
            let mut points: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            points.sort_unstable();
            let mut chunks: Vec<&[u8]> = Vec::new();
            let mut begin = 0;
            for point in points.into_iter().chain([bytes.len()]) {
                chunks.push(&bytes[begin..point]);
                begin = point;
            }
            prop_assert_eq!(&told(&chunks), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&told(&single), &whole);
        }
    }
}
