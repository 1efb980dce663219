//! Frames → a classic pcap file with times in ns.

use std::io::{self, Write};

use dataplane::decode::LinkType;

/// A capture that is being written; every frame of it has one link type.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    writer: W,
    link_type: LinkType,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn new(mut writer: W, link_type: LinkType) -> io::Result<CaptureWriter<W>> {
        let number: u32 = match link_type {
            LinkType::Null => 0,
            LinkType::Ethernet => 1,
            LinkType::Ppp => 9,
            LinkType::RawIp => 101,
            LinkType::CiscoHdlc => 104,
            LinkType::LinuxSll => 113,
            LinkType::LinuxSll2 => 276,
        };
        let (major, minor): (u16, u16) = (2, 4);
        writer.write_all(&0xa1b2_3c4d_u32.to_le_bytes())?;
        writer.write_all(&major.to_le_bytes())?;
        writer.write_all(&minor.to_le_bytes())?;
        writer.write_all(&[0; 8])?;
        writer.write_all(&262_144_u32.to_le_bytes())?;
        writer.write_all(&number.to_le_bytes())?;
        Ok(CaptureWriter { writer, link_type })
    }

    /// The link type of every frame.
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Appends a frame that had `wire_bytes` when it was captured at `time_ns` since the epoch.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, frame: &[u8], time_ns: u64, wire_bytes: u32) -> io::Result<()> {
        let seconds = u32::try_from(time_ns / 1_000_000_000).unwrap_or(u32::MAX);
        let fraction_ns = (time_ns % 1_000_000_000) as u32;
        let captured_bytes = u32::try_from(frame.len()).map_err(io::Error::other)?;
        for number in [seconds, fraction_ns, captured_bytes, wire_bytes] {
            self.writer.write_all(&number.to_le_bytes())?;
        }
        self.writer.write_all(frame)
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }
}
