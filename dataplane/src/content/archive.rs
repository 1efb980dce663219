//! [`Archive`]: what stands within a file: members of ZIP and tar, streams of PDF, and what gzip compressed, as it comes.
//!
//! Nothing is gathered, what comes out does not depend on how the file is cut, and it grows by no more than a body may, however archives
//! stand within archives.

mod member;
mod pdf;
mod tar;
#[cfg(test)]
mod tests;
mod unpacking;
mod zip;

use self::unpacking::{Io, Unpacking};
use super::{Decoders, Undecoded, layer::State};
use crate::limits::{
    CONTENT_ARCHIVE_LEVELS_MAX, CONTENT_BLOCK_BYTES, CONTENT_BYTES_MAX, CONTENT_RATIO_FREE_BYTES,
    CONTENT_RATIO_MAX,
};

/// A file that may be an archive.
#[derive(Debug)]
pub struct Archive {
    unpacking: Unpacking,
    budget: Budget,
    read_bytes: u64,
}

/// What stands within a file, in the order in which it comes. A member is told to its end before another one begins, unless it is
/// an archive: of that its name comes first, and its end last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpacked<'u> {
    /// A member begins; never empty, and cut at [`FILE_NAME_BYTES_MAX`](crate::limits::FILE_NAME_BYTES_MAX).
    Name(&'u [u8]),
    /// The next bytes of the member, or of a stream without a name; never empty.
    Data(&'u [u8]),
    /// It is over.
    End {
        /// Empty where it has none.
        name: &'u [u8],
        /// Its length.
        bytes: u64,
        /// Whether all of it was read.
        is_whole: bool,
    },
    /// It, or the rest of it, cannot be read; others may follow.
    Unread(Undecoded),
    /// It is encrypted, or compressed in a way that is not known here.
    Unknown,
    /// It is an archive, and stands in more of them than are opened.
    TooDeep,
}

/// What the archive may still come to.
#[derive(Debug, Default)]
struct Budget {
    /// While a block of the file is read, which makes it the same however that is cut.
    allowed_bytes: u64,
    /// What decoders wrote, by the level of the archive that they are of.
    written_bytes: [u64; CONTENT_ARCHIVE_LEVELS_MAX],
    is_spent: bool,
}

impl Archive {
    /// A file begins.
    pub fn new() -> Archive {
        Archive { unpacking: Unpacking::outermost(), budget: Budget::default(), read_bytes: 0 }
    }

    /// Whether nothing is looked for any more.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.unpacking.is_plain()
    }

    /// Memory that it holds, beside itself and its decoders, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.unpacking.held_bytes()
    }

    /// The next bytes of the file.
    pub fn push(&mut self, mut bytes: &[u8], decoders: &mut Decoders, out: &mut dyn FnMut(Unpacked<'_>)) {
        while !bytes.is_empty() && !self.is_none() {
            let block_left = CONTENT_BLOCK_BYTES - self.read_bytes % CONTENT_BLOCK_BYTES;
            let len = usize::try_from(block_left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (piece, rest) = bytes.split_at(len);
            self.budget.allow(self.read_bytes + block_left);
            self.unpacking.push(piece, &mut Io { decoders, budget: &mut self.budget, out });
            self.read_bytes += len as u64;
            bytes = rest;
            if self.budget.is_spent {
                self.finish(decoders, out);
            }
        }
    }

    /// What follows is not seen, or not its own: members under way are over.
    pub fn abandon(&mut self, out: &mut dyn FnMut(Unpacked<'_>)) {
        // Nothing is decoded any more.
        self.finish(&mut Decoders::with_bytes_max(0), out);
    }

    /// Whether it is known to be one.
    pub fn is_open(&self) -> bool {
        self.unpacking.is_open()
    }

    /// Nothing follows, or not what does.
    pub fn finish(&mut self, decoders: &mut Decoders, out: &mut dyn FnMut(Unpacked<'_>)) {
        self.unpacking.finish(&mut Io { decoders, budget: &mut self.budget, out });
        self.unpacking = Unpacking::plain();
    }
}

impl Default for Archive {
    fn default() -> Archive {
        Archive::new()
    }
}

impl Budget {
    /// So many bytes of the file are read, or will be before the next call.
    fn allow(&mut self, read_bytes: u64) {
        let by_ratio = read_bytes.saturating_mul(CONTENT_RATIO_MAX).saturating_add(CONTENT_RATIO_FREE_BYTES);
        self.allowed_bytes = by_ratio.min(CONTENT_BYTES_MAX);
    }

    /// How many of that many bytes may be told, in an archive of that level.
    fn take(&mut self, level: usize, bytes: usize) -> usize {
        let Some(written_bytes) = self.written_bytes.get_mut(level) else { return 0 };
        let left = self.allowed_bytes.saturating_sub(*written_bytes);
        let taken = usize::try_from(left).map_or(bytes, |left| left.min(bytes));
        *written_bytes += taken as u64;
        taken
    }

    /// Why no more may be told.
    fn cause(&self) -> Undecoded {
        if self.allowed_bytes >= CONTENT_BYTES_MAX { Undecoded::Size } else { Undecoded::Ratio }
    }
}
