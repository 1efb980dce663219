//! [`Unit`]: a value under way. It is told from shortly before its first escape on: one that has none is what it is on the wire,
//! and is read there.

use arrayvec::ArrayVec;

use super::base64::Base64;
use crate::limits::CONTENT_CONTEXT_BYTES;

/// What values tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'p> {
    /// The next bytes of a value; never empty.
    Text(&'p [u8]),
    /// The value is complete.
    End,
    /// The next bytes of a text that stands in Base64 within a value; never empty.
    Base64(&'p [u8]),
    /// That text is complete.
    Base64End,
}

/// A value under way.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// Its last bytes while it has no escape, and then those on their way out.
    held: ArrayVec<u8, CONTENT_CONTEXT_BYTES>,
    is_told: bool,
    base64: Base64,
}

impl Unit {
    /// The next bytes stand for themselves.
    pub(super) fn plain(&mut self, bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        self.base64.read(bytes, out);
        if self.is_told {
            return self.tell(bytes, out);
        }
        let last = bytes.get(bytes.len().saturating_sub(CONTENT_CONTEXT_BYTES)..).unwrap_or_default();
        let beyond = (self.held.len() + last.len()).saturating_sub(CONTENT_CONTEXT_BYTES);
        self.held.drain(..beyond);
        self.hold(last);
    }

    /// The next bytes are what an escape stands for.
    pub(super) fn escaped(&mut self, bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        self.base64.read(bytes, out);
        self.is_told = true;
        self.tell(bytes, out);
    }

    /// The value is over.
    pub(super) fn end(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.flush(out);
        self.base64.end(out);
        if std::mem::take(&mut self.is_told) {
            out(Piece::End);
        }
        self.held.clear();
    }

    /// Tells all that can be told: what completes a match must not wait.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.base64.flush(out);
        if self.is_told && !self.held.is_empty() {
            out(Piece::Text(&self.held));
            self.held.clear();
        }
    }

    fn tell(&mut self, bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        if bytes.len() > self.held.remaining_capacity() {
            self.flush(out);
        }
        if bytes.len() > self.held.remaining_capacity() {
            return out(Piece::Text(bytes));
        }
        self.hold(bytes);
    }

    fn hold(&mut self, bytes: &[u8]) {
        let fits = self.held.try_extend_from_slice(bytes).is_ok();
        debug_assert!(fits, "there is room for {} more", bytes.len());
    }
}
