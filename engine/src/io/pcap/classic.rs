//! The classic format: one header, then records, all of one link type.

use std::io::Read;

use dataplane::decode::LinkType;

use super::window::Window;
use super::{CaptureFault, Endian, Located, link_type};
use crate::limits::CAPTURE_RECORD_BYTES_MAX;

const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;

/// What the file header says, and so how every record is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classic {
    endian: Endian,
    /// What one unit of the sub-second part of a time is worth.
    unit_ns: u64,
    /// 24 for the records of patched kernels of the 1990s, which say more of each frame.
    record_header_bytes: usize,
    link_type: LinkType,
}

impl Classic {
    pub(super) fn read_header<R: Read>(window: &mut Window<R>) -> Result<Classic, CaptureFault> {
        let (endian, unit_ns, record_header_bytes) = match window.peek() {
            [0xd4, 0xc3, 0xb2, 0xa1, ..] => (Endian::Little, 1000, RECORD_HEADER_BYTES),
            [0xa1, 0xb2, 0xc3, 0xd4, ..] => (Endian::Big, 1000, RECORD_HEADER_BYTES),
            [0x4d, 0x3c, 0xb2, 0xa1, ..] => (Endian::Little, 1, RECORD_HEADER_BYTES),
            [0xa1, 0xb2, 0x3c, 0x4d, ..] => (Endian::Big, 1, RECORD_HEADER_BYTES),
            [0x34, 0xcd, 0xb2, 0xa1, ..] => (Endian::Little, 1000, RECORD_HEADER_BYTES + 8),
            [0xa1, 0xb2, 0xcd, 0x34, ..] => (Endian::Big, 1000, RECORD_HEADER_BYTES + 8),
            _ => return Err(CaptureFault::NotACapture),
        };
        window.fill(FILE_HEADER_BYTES)?;
        let network = endian.u32(window.peek(), 20).ok_or(CaptureFault::Truncated)?;
        window.take(FILE_HEADER_BYTES);
        // The upper half tells of frame check sequences.
        let link_type = link_type(network & 0xffff)?;
        Ok(Classic { endian, unit_ns, record_header_bytes, link_type })
    }

    /// Fills the window with the next record.
    #[inline]
    pub(super) fn locate<R: Read>(&self, window: &mut Window<R>) -> Result<Option<Located>, CaptureFault> {
        if !window.fill(self.record_header_bytes)? {
            return if window.peek().is_empty() { Ok(None) } else { Err(CaptureFault::Truncated) };
        }
        let header = window.peek();
        let number = |offset| self.endian.u32(header, offset).ok_or(CaptureFault::Truncated);
        let (seconds, fraction, captured_bytes, wire_bytes) =
            (number(0)?, number(4)?, number(8)?, number(12)?);
        let frame_bytes = captured_bytes as usize;
        if frame_bytes > CAPTURE_RECORD_BYTES_MAX {
            return Err(CaptureFault::TooLong(u64::from(captured_bytes)));
        }
        let record_bytes = self.record_header_bytes + frame_bytes;
        if !window.fill(record_bytes)? {
            return Err(CaptureFault::Truncated);
        }
        Ok(Some(Located {
            record_bytes,
            frame_offset: self.record_header_bytes,
            frame_bytes,
            time_ns: u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.unit_ns,
            link_type: self.link_type,
            wire_bytes: wire_bytes.max(captured_bytes),
        }))
    }
}
