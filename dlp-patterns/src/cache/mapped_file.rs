//! A file as bytes in memory: the one place of the cache that needs unsafe code.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

/// The bytes of a file, read when they are looked at.
///
/// Invariant: nobody writes to the file while it is mapped.
#[derive(Debug)]
pub(super) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file that [`Store`](super::store::Store) has opened.
    pub(super) fn new(file: &File) -> io::Result<MappedFile> {
        // SAFETY: the file belongs to this user or root, and nobody else may write to it (`Store::open`). They write it
        // under another name and only then give it this one, never in place, and replace and remove it by its name, which
        // leaves the mapped file as it is (`Store::put`). The map is dropped before a compiled set that was read from it
        // is used: that holds copies.
        let map = unsafe { Mmap::map(file) }?;
        Ok(MappedFile(map))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
