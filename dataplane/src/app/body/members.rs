//! What stands within a file of HTTP that is an archive.

use dlp_patterns::Field;

use crate::app::{AppAnomaly, AppSink, Depth, HttpFile, emitter::Emitter};
use crate::content::{Archive, Decoders, Unpacked};
use crate::limits::HTTP_FILES_TOLD_MAX;

/// A file under way, as far as it may be an archive, and its members so far.
#[derive(Debug, Default)]
pub(super) struct HttpMembers {
    archive: Option<Archive>,
    files: Vec<HttpFile>,
}

impl HttpMembers {
    /// A file begins. Who hears of no file need not know what stands within.
    pub(super) fn begin<S: AppSink>(&mut self, out: &Emitter<'_, S>) {
        let is_heard = out.is_heard(Field::FileData) || out.is_heard(Field::FileName);
        self.archive = is_heard.then(Archive::new);
    }

    /// Whether nothing is looked for, or was found.
    #[inline]
    pub(super) fn is_none(&self) -> bool {
        self.archive.is_none() && self.files.is_empty()
    }

    /// Memory that it holds beside itself and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let files = self.files.iter().map(|file| size_of::<HttpFile>() + file.held_bytes());
        self.archive.as_ref().map_or(0, Archive::held_bytes) + files.sum::<usize>()
    }

    /// The next bytes of it.
    #[inline]
    pub(super) fn data<S: AppSink>(
        &mut self,
        bytes: &[u8],
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        let HttpMembers { archive, files } = self;
        if let Some(open) = archive {
            open.push(bytes, decoders, &mut |unpacked| tell(unpacked, files, out));
            if open.is_none() {
                *archive = None;
            }
        }
    }

    /// What follows is not seen.
    pub(super) fn gap<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        if self.archive.as_ref().is_some_and(Archive::is_open) {
            out.anomaly(AppAnomaly::ContentGap);
        }
        self.close(out);
    }

    /// It is over.
    pub(super) fn end<S: AppSink>(&mut self, decoders: &mut Decoders, out: &mut Emitter<'_, S>) {
        let HttpMembers { archive, files } = self;
        if let Some(mut open) = archive.take() {
            open.finish(decoders, &mut |unpacked| tell(unpacked, files, out));
        }
    }

    /// Nothing more is seen of it.
    pub(super) fn close<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        let HttpMembers { archive, files } = self;
        if let Some(mut open) = archive.take() {
            open.abandon(&mut |unpacked| tell(unpacked, files, out));
        }
    }

    /// The members that are over.
    pub(super) fn take_files(&mut self) -> Vec<HttpFile> {
        std::mem::take(&mut self.files)
    }
}

fn tell<S: AppSink>(unpacked: Unpacked<'_>, files: &mut Vec<HttpFile>, out: &mut Emitter<'_, S>) {
    match unpacked {
        Unpacked::Name(name) => out.whole(Field::FileName, name),
        Unpacked::Data(bytes) => out.data_at(Depth::Member, Field::FileData, bytes),
        Unpacked::End { name, bytes, is_whole } => {
            out.end_at(Depth::Member);
            if name.is_empty() {
                return;
            }
            if files.len() >= HTTP_FILES_TOLD_MAX {
                return out.anomaly(AppAnomaly::MessageCut);
            }
            let mut file = HttpFile::named(name);
            file.begin();
            file.bytes = bytes;
            if is_whole {
                file.complete();
            }
            files.push(file);
        }
        Unpacked::Unread(undecoded) => out.anomaly(undecoded.into()),
        Unpacked::Unknown => out.anomaly(AppAnomaly::ContentCoding),
        Unpacked::TooDeep => out.anomaly(AppAnomaly::ContentLayers),
    }
}
