//! A file that a protocol carries: its name at once, its content as it comes, and what it was when it is over.

mod members;

use dlp_patterns::Field;
use sha2::{Digest, Sha256};

use self::members::Members;
use super::{AppSink, Record, beside::Beside, fingerprint::hex, record::kept_file_name, streamed::Streamed};

/// A file under way.
#[derive(Debug)]
pub(super) struct CarriedFile {
    name: Vec<u8>,
    bytes: u64,
    sha256: Sha256,
    members: Members,
}

/// A file that is over.
#[derive(Debug)]
pub(super) struct EndedFile {
    name: Vec<u8>,
    bytes: u64,
    /// Of one that is whole and no member of an archive.
    sha256: Option<[u8; 32]>,
    end: FileEnd,
}

/// How a file came to its end, in Suricata's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileEnd {
    /// All of it went by.
    Closed,
    /// What follows of it was not seen: the connection or the mail around it broke off.
    Truncated,
    /// What follows of it was not seen: bytes of the connection are missing.
    Gap,
}

impl CarriedFile {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity() + self.members.held_bytes()
    }

    /// A file begins; its name is told.
    pub(super) fn begin<S: AppSink>(name: &[u8], told: &Streamed, out: &mut Beside<'_, S>) -> CarriedFile {
        out.field(told.direction(), Field::FileName, name);
        let members = Members::begin(told.direction(), out);
        CarriedFile { name: kept_file_name(name), bytes: 0, sha256: Sha256::new(), members }
    }

    pub(super) fn data<S: AppSink>(&mut self, bytes: &[u8], told: &mut Streamed, out: &mut Beside<'_, S>) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        told.data(Field::FileData, bytes, out);
        self.members.data(bytes, out);
    }

    /// It is over: what it was, and what stood within.
    pub(super) fn finish<S: AppSink>(
        self,
        end: FileEnd,
        told: &mut Streamed,
        out: &mut Beside<'_, S>,
    ) -> impl Iterator<Item = EndedFile> + use<S> {
        told.end(out);
        let CarriedFile { name, bytes, sha256, members } = self;
        let sha256 = (end == FileEnd::Closed).then(|| sha256.finalize().into());
        members.finish(end, out).into_iter().chain([EndedFile { name, bytes, sha256, end }])
    }
}

impl EndedFile {
    /// A member of an archive.
    pub(super) fn member(name: &[u8], bytes: u64, is_whole: bool) -> EndedFile {
        let end = if is_whole { FileEnd::Closed } else { FileEnd::Truncated };
        EndedFile { name: kept_file_name(name), bytes, sha256: None, end }
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity()
    }

    /// What events tell of it; transaction number `id` carried it.
    pub(super) fn tell(&self, id: u64, record: &mut Record) {
        if !self.name.is_empty() {
            record.file_name("filename", &self.name);
        }
        record.flag("gaps", self.end == FileEnd::Gap);
        match self.end {
            FileEnd::Closed => record.text("state", b"CLOSED"),
            FileEnd::Truncated | FileEnd::Gap => record.text("state", b"TRUNCATED"),
        }
        if let Some(sha256) = &self.sha256 {
            record.text("sha256", hex(sha256).as_bytes());
        }
        record.flag("stored", false);
        record.number("size", self.bytes);
        record.number("tx_id", id);
    }
}
