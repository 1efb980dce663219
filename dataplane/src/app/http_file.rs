//! [`HttpFile`]: the content of one message of HTTP as a file, its content codings taken off where they could be.

use super::mime::Parameters;
use crate::limits::FILE_NAME_BYTES_MAX;

/// The content of a message, or a file within it, as events tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpFile {
    /// What Content-Disposition calls it (RFC 6266 §4.3), cut at
    /// [`FILE_NAME_BYTES_MAX`](crate::limits::FILE_NAME_BYTES_MAX); empty where it has no name.
    pub name: Vec<u8>,
    /// Its length so far, in bytes.
    pub bytes: u64,
    /// How far it came.
    pub stage: HttpFileStage,
    /// Whether bytes of it went by unseen.
    pub has_gap: bool,
}

/// How far the content of a message came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpFileStage {
    /// There is none.
    #[default]
    Absent,
    /// Its begin was seen.
    Begun,
    /// All of it went by, but for gaps.
    Complete,
}

impl HttpFile {
    /// Memory that its name takes, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity()
    }

    /// One of that name, of which nothing came so far.
    pub(super) fn named(name: &[u8]) -> HttpFile {
        let name = name.get(..FILE_NAME_BYTES_MAX).unwrap_or(name).to_vec();
        HttpFile { name, ..HttpFile::default() }
    }

    /// Forgets all but its memory.
    pub(super) fn clear(&mut self) {
        self.name.clear();
        (self.bytes, self.stage, self.has_gap) = (0, HttpFileStage::Absent, false);
    }

    /// The value of Content-Disposition; the first one counts.
    pub(super) fn name_by(&mut self, disposition: &[u8]) {
        if self.name.is_empty() {
            let name = Parameters::new(disposition).get(b"filename");
            self.name.extend_from_slice(name.get(..FILE_NAME_BYTES_MAX).unwrap_or(&name));
        }
    }

    /// Its first byte is to come.
    pub(super) fn begin(&mut self) {
        self.stage = HttpFileStage::Begun;
    }

    /// Its last byte went by.
    pub(super) fn complete(&mut self) {
        if self.stage == HttpFileStage::Begun {
            self.stage = HttpFileStage::Complete;
        }
    }
}
