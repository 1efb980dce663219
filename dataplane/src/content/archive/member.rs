//! [`Member`]: one file within an archive, told as what it is, or as what stands within it.

use super::{
    Unpacked,
    unpacking::{Io, Unpacking},
};
use crate::limits::{CONTENT_ARCHIVE_LEVELS_MAX, FILE_NAME_BYTES_MAX};

/// A member under way.
#[derive(Debug)]
pub(super) struct Member {
    name: Vec<u8>,
    bytes: u64,
    content: Unpacking,
}

impl Member {
    /// One of that name begins in an archive of that level; it is told.
    pub(super) fn named(name: &[u8], level: usize, io: &mut Io<'_>) -> Member {
        let name = name.get(..FILE_NAME_BYTES_MAX).unwrap_or(name);
        if !name.is_empty() {
            (io.out)(Unpacked::Name(name));
        }
        Member { name: name.to_vec(), ..Member::unnamed(level) }
    }

    /// A stream without a name.
    pub(super) fn unnamed(level: usize) -> Member {
        Member { name: Vec::new(), bytes: 0, content: Unpacking::within(level) }
    }

    /// Memory that it holds beside itself and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity() + self.content.held_bytes()
    }

    /// That of the archive that it stands in.
    pub(super) fn archive_level(&self) -> usize {
        self.content.level().saturating_sub(1)
    }

    /// Whether it is an archive itself, as far as is known, or may be one that is too deep.
    pub(super) fn is_archive(&self) -> bool {
        self.content.is_open() || self.content.level() == CONTENT_ARCHIVE_LEVELS_MAX
    }

    pub(super) fn data(&mut self, bytes: &[u8], io: &mut Io<'_>) {
        self.bytes += bytes.len() as u64;
        self.content.push(bytes, io);
    }

    /// It is over.
    pub(super) fn end(mut self, is_whole: bool, io: &mut Io<'_>) {
        // How far into an archive nothing more was wanted depends on how it is cut.
        let is_given_up = !is_whole && self.content.is_open();
        self.content.finish(io);
        let bytes = if is_given_up { 0 } else { self.bytes };
        (io.out)(Unpacked::End { name: &self.name, bytes, is_whole });
    }
}
