//! What an inline engine would have sent on: a capture of the frames that pass, and of the resets.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use dataplane::pipeline::{Resets, RxMeta};

use crate::io::pcap::CaptureWriter;

/// A capture that takes its link type from its first frame. After an error it takes nothing more.
#[derive(Debug)]
pub struct Passed {
    /// Taken once the link type is known.
    file: Option<File>,
    writer: Option<CaptureWriter<BufWriter<File>>>,
    error: Option<io::Error>,
}

impl Passed {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn create(path: &Path) -> io::Result<Passed> {
        Ok(Passed { file: Some(File::create(path)?), writer: None, error: None })
    }

    /// Takes a frame that passes.
    pub(super) fn frame(&mut self, frame: &[u8], meta: &RxMeta) {
        if self.error.is_none() {
            self.error = self.write(frame, meta.wire_bytes, meta).err();
        }
    }

    /// Takes the resets that would have been injected.
    pub(super) fn resets(&mut self, resets: &Resets, meta: &RxMeta) {
        for frame in [resets.to_sender(), resets.to_receiver()].into_iter().flatten() {
            if self.error.is_none() {
                self.error = self.write(frame, frame.len() as u32, meta).err();
            }
        }
    }

    fn write(&mut self, frame: &[u8], wire_bytes: u32, meta: &RxMeta) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            self.writer = Some(CaptureWriter::new(BufWriter::new(file), meta.link_type)?);
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        if writer.link_type() != meta.link_type {
            return Err(io::Error::other("frames of several link types do not fit in one pcap file"));
        }
        writer.write(frame, meta.now_ns, wire_bytes)
    }

    /// Writes what is left; a capture without any frame becomes one of Ethernet.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if let Some(file) = self.file.take() {
            self.writer =
                Some(CaptureWriter::new(BufWriter::new(file), dataplane::decode::LinkType::Ethernet)?);
        }
        self.writer.map_or(Ok(()), |writer| writer.finish().map(drop))
    }
}
