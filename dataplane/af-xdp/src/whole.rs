//! A frame of several descriptors, in one piece.

use xsk_rs::{FrameDesc, Umem};

use crate::frames::contents_mut;

/// The descriptors of one frame, and its bytes copied together. The memory of both is kept for the next frame.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    descs: Vec<FrameDesc>,
    bytes: Vec<u8>,
}

impl Whole {
    /// Copies the bytes of a frame together.
    ///
    /// # Safety
    ///
    /// The descriptors are of frames in the UMEM, and nobody else touches these.
    pub(crate) unsafe fn gather<'d>(
        &mut self,
        umem: &Umem,
        head: &'d FrameDesc,
        rest: impl Iterator<Item = &'d FrameDesc>,
    ) {
        self.descs.clear();
        self.bytes.clear();
        for desc in std::iter::once(head).chain(rest) {
            self.descs.push(*desc);
            // SAFETY: the caller's word.
            self.bytes.extend_from_slice(unsafe { umem.data(desc) }.contents());
        }
    }

    /// Copies the bytes back to where they lay, with what was changed of them.
    ///
    /// # Safety
    ///
    /// As of [`gather`](Self::gather), still.
    pub(crate) unsafe fn scatter(&mut self, umem: &Umem) {
        let mut bytes = self.bytes.as_slice();
        for desc in &mut self.descs {
            let part;
            (part, bytes) = bytes.split_at(desc.lengths().data());
            // SAFETY: the caller's word.
            unsafe { contents_mut(umem, desc) }.copy_from_slice(part);
        }
    }

    pub(crate) fn descs(&self) -> &[FrameDesc] {
        &self.descs
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}
