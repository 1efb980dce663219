//! One datagram of which pieces wait. No two of them hold the same byte, and none a byte behind the last one's.

use std::mem;
use std::ops::Range;

use super::Key;
use super::piece::{DATAGRAM_BYTES_MAX, Layout, Piece};
use super::whole::Whole;
use crate::limits::FRAGMENTS_PER_DATAGRAM_MAX;
use crate::verdict::DropReason;

#[derive(Debug)]
pub(super) struct Datagram {
    /// Tells it from others that had its key.
    number: u64,
    /// Frames of all pieces, in bytes.
    bytes: usize,
    pieces: Vec<Piece>,
    /// Payload bytes of all pieces.
    payload_bytes: u32,
    /// Known since the last piece came.
    total_bytes: Option<u32>,
    /// Why nothing of it goes on.
    spoiled: Option<DropReason>,
}

impl Datagram {
    pub(super) fn new(number: u64) -> Datagram {
        Datagram { number, bytes: 0, pieces: Vec::new(), payload_bytes: 0, total_bytes: None, spoiled: None }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Frames of what waits, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_whole(&self) -> bool {
        self.total_bytes == Some(self.payload_bytes)
    }

    /// Nothing of it goes on any more; returns what waited.
    pub(super) fn spoil(&mut self, reason: DropReason) -> Vec<Piece> {
        self.spoiled = Some(reason);
        self.bytes = 0;
        mem::take(&mut self.pieces)
    }

    /// Whether the piece in `frame` may join the others.
    pub(super) fn check(&self, frame: &[u8], layout: &Layout) -> Result<(), DropReason> {
        if let Some(reason) = self.spoiled {
            return Err(reason);
        }
        for other in &self.pieces {
            fits_beside(other, frame, layout)?;
        }
        let all = || self.pieces.iter().map(|piece| &piece.layout).chain([layout]);
        let end = all().map(|each| each.span.end).max().unwrap_or(0);
        // What counts is the header that the whole will have.
        let header_bytes = all().find(|each| each.span.start == 0).map_or(0, |first| first.header_bytes);
        if header_bytes + end > DATAGRAM_BYTES_MAX {
            return Err(DropReason::FragmentTooLong);
        }
        if self.pieces.first().is_some_and(|other| !has_options_of(other, frame, layout)) {
            return Err(DropReason::Fragment);
        }
        let seen_until = self.pieces.iter().map(|other| other.layout.span.end).max().unwrap_or(0);
        let is_beyond = self.total_bytes.is_some_and(|total| layout.span.end > total);
        let ends_too_soon = layout.is_last && layout.span.end < seen_until;
        let ends_twice = layout.is_last && self.total_bytes.is_some();
        if is_beyond || ends_too_soon || ends_twice {
            return Err(DropReason::Fragment);
        }
        if self.pieces.len() == FRAGMENTS_PER_DATAGRAM_MAX {
            return Err(DropReason::FragmentMemory);
        }
        Ok(())
    }

    /// Takes a piece that may join.
    pub(super) fn add(&mut self, piece: Piece) {
        let Layout { span, is_last, .. } = &piece.layout;
        if *is_last {
            self.total_bytes = Some(span.end);
        }
        self.payload_bytes += span.len() as u32;
        self.bytes += piece.frame.len();
        self.pieces.push(piece);
    }

    /// # Panics
    /// Unless it is whole.
    pub(super) fn into_whole(self, key: Key) -> Whole {
        assert!(self.is_whole(), "no byte is absent");
        Whole::new(key, self.pieces, self.payload_bytes as usize)
    }
}

/// Whether a piece has the IP options of another, or the headers in front of its fragment header. RFC 791 §3.2 and RFC 8200
/// §4.5 let them differ, which no sender makes use of but one who wants a piece discarded on its way for them.
fn has_options_of(other: &Piece, frame: &[u8], layout: &Layout) -> bool {
    other.layout.network_offset == layout.network_offset
        && other.layout.options(&other.frame) == layout.options(frame)
}

/// What a piece is beside another one of its datagram.
fn fits_beside(other: &Piece, frame: &[u8], layout: &Layout) -> Result<(), DropReason> {
    let (old, new) = (&other.layout.span, &layout.span);
    if new.start >= old.end || old.start >= new.end {
        return Ok(());
    }
    let ends_alike = other.layout.is_last == layout.is_last;
    if old == new && ends_alike && other.payload() == layout.payload(frame) {
        return Err(DropReason::FragmentDuplicate);
    }
    // One inside another made the length of what it brings negative, in kernels that subtracted first.
    let is_inside = |a: &Range<u32>, b: &Range<u32>| a.start > b.start && a.end <= b.end;
    if is_inside(new, old) || is_inside(old, new) {
        return Err(DropReason::FragmentTeardrop);
    }
    Err(DropReason::FragmentOverlap)
}
