//! Capture files, record by record: pcap and pcapng, whole or cut off.
//!
//! Frames are handed out in place, mutable, as a port would hand them out; reading allocates nothing per
//! record. What is readable before a fault is handed out first.
//!
//! No crate does this: pcap-parser 0.17 refuses time resolutions that are powers of two, allocates for each
//! packet with options, and has neither mutable frames nor the I/O error behind a short read.

use std::io::Read;

use dataplane::decode::LinkType;

mod classic;
mod error;
mod pcapng;
mod window;
mod writer;

pub use error::{CaptureError, CaptureFault};
pub use writer::CaptureWriter;

use classic::Classic;
use pcapng::Pcapng;
use window::Window;

/// One frame of a capture.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'r> {
    /// The captured bytes; fewer than were on the wire where the capture cut them.
    pub frame: &'r mut [u8],
    /// When it was captured, in ns since the epoch.
    pub time_ns: u64,
    /// How to read its first byte.
    pub link_type: LinkType,
    /// Its length on the wire, in bytes.
    pub wire_bytes: u32,
}

/// A capture that is being read. After an error nothing more comes.
#[derive(Debug)]
pub struct Capture<R> {
    window: Window<R>,
    format: Format,
    /// Frames handed out so far.
    records: u64,
    is_over: bool,
}

#[derive(Debug)]
enum Format {
    Classic(Classic),
    Pcapng(Pcapng),
}

impl<R: Read> Capture<R> {
    /// Reads the file header.
    ///
    /// # Errors
    /// If this is no capture, or one of a link type that cannot be decoded.
    pub fn open(reader: R) -> Result<Capture<R>, CaptureError> {
        let mut window = Window::new(reader);
        match read_format(&mut window) {
            Ok(format) => Ok(Capture { window, format, records: 0, is_over: false }),
            Err(fault) => Err(CaptureError { offset_bytes: 0, record: 0, fault }),
        }
    }

    /// The next frame; `None` at the regular end.
    ///
    /// # Errors
    /// If the rest of the file is unreadable.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        if self.is_over {
            return Ok(None);
        }
        let located = match &mut self.format {
            Format::Classic(classic) => classic.locate(&mut self.window),
            Format::Pcapng(pcapng) => pcapng.locate(&mut self.window),
        };
        match located {
            Ok(Some(located)) => {
                self.records += 1;
                Ok(Some(located.record(&mut self.window)))
            }
            Ok(None) => {
                self.is_over = true;
                Ok(None)
            }
            Err(fault) => {
                self.is_over = true;
                let record = self.records + 1;
                Err(CaptureError { offset_bytes: self.window.offset_bytes(), record, fault })
            }
        }
    }
}

fn read_format<R: Read>(window: &mut Window<R>) -> Result<Format, CaptureFault> {
    window.fill(4)?;
    match window.peek().first_chunk::<4>() {
        None if window.peek().is_empty() => Err(CaptureFault::Empty),
        None => Err(CaptureFault::NotACapture),
        Some(magic) if *magic == pcapng::SECTION_HEADER.to_be_bytes() => {
            Ok(Format::Pcapng(Pcapng::default()))
        }
        Some([0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd]) => Err(CaptureFault::Compressed),
        Some(_) => Classic::read_header(window).map(Format::Classic),
    }
}

/// Where a whole record lies at the head of the window.
#[derive(Clone, Copy, Debug)]
struct Located {
    /// Length of the record with all that surrounds the frame.
    record_bytes: usize,
    frame_offset: usize,
    frame_bytes: usize,
    time_ns: u64,
    link_type: LinkType,
    wire_bytes: u32,
}

impl Located {
    /// Takes the record off the window.
    fn record<R: Read>(self, window: &mut Window<R>) -> Record<'_> {
        let bytes = window.take(self.record_bytes);
        let frame = &mut bytes[self.frame_offset..self.frame_offset + self.frame_bytes];
        Record { frame, time_ns: self.time_ns, link_type: self.link_type, wire_bytes: self.wire_bytes }
    }
}

/// The decoder's name for a LINKTYPE number.
fn link_type(number: u32) -> Result<LinkType, CaptureFault> {
    match number {
        0 | 108 => Ok(LinkType::Null),
        1 => Ok(LinkType::Ethernet),
        // 12 and 14 are what BSDs wrote for DLT_RAW; 228 and 229 are IPv4 and IPv6 alone.
        12 | 14 | 101 | 228 | 229 => Ok(LinkType::RawIp),
        9 | 50 => Ok(LinkType::Ppp),
        104 => Ok(LinkType::CiscoHdlc),
        113 => Ok(LinkType::LinuxSll),
        276 => Ok(LinkType::LinuxSll2),
        _ => Err(CaptureFault::LinkType(number)),
    }
}

/// The order of the bytes of a file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endian {
    Little,
    Big,
}

impl Endian {
    fn u16(self, bytes: &[u8], offset: usize) -> Option<u16> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Endian::Little => u16::from_le_bytes(bytes),
            Endian::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], offset: usize) -> Option<u32> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        })
    }

    fn i64(self, bytes: &[u8], offset: usize) -> Option<i64> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Endian::Little => i64::from_le_bytes(bytes),
            Endian::Big => i64::from_be_bytes(bytes),
        })
    }
}

#[cfg(test)]
mod tests;
