//! The pcapng format: sections of blocks, each section with a byte order and interfaces of its own.

use std::io::Read;

use dataplane::decode::LinkType;

use super::window::Window;
use super::{CaptureFault, Endian, Located, link_type};
use crate::limits::{CAPTURE_INTERFACES_MAX, CAPTURE_RECORD_BYTES_MAX};

/// Type of the section header block, the same in either byte order.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// Block type and length.
const BLOCK_HEADER_BYTES: usize = 8;
/// Block type, length, and length again at the end.
const BLOCK_BYTES_MIN: usize = 12;

/// The section that is being read. The interfaces are those described in it so far.
#[derive(Debug)]
pub(super) struct Pcapng {
    endian: Endian,
    interfaces: Vec<Interface>,
    /// Time of the last packet: a simple packet block has none of its own.
    last_ns: u64,
}

#[derive(Debug)]
struct Interface {
    /// The fault waits until a packet refers to the interface.
    link_type: Result<LinkType, u32>,
    /// 0 stands for no limit.
    snap_bytes: u32,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    units_per_second: u64,
    offset_seconds: i64,
}

impl Default for Pcapng {
    fn default() -> Pcapng {
        Pcapng { endian: Endian::Little, interfaces: Vec::new(), last_ns: 0 }
    }
}

impl Pcapng {
    /// Fills the window with the next block that holds a packet, and skips the others.
    pub(super) fn locate<R: Read>(
        &mut self,
        window: &mut Window<R>,
    ) -> Result<Option<Located>, CaptureFault> {
        loop {
            if !window.fill(BLOCK_HEADER_BYTES)? {
                return if window.peek().is_empty() { Ok(None) } else { Err(CaptureFault::Truncated) };
            }
            let (kind, block_bytes) = self.block_header(window)?;
            if !window.fill(block_bytes)? {
                return Err(CaptureFault::Truncated);
            }
            let block = window.peek().get(..block_bytes).ok_or(CaptureFault::Truncated)?;
            self.verify_end(block)?;
            let body = block.get(..block_bytes - 4).ok_or(CaptureFault::Truncated)?;
            let packet = match kind {
                SECTION_HEADER => {
                    self.interfaces.clear();
                    None
                }
                INTERFACE_DESCRIPTION => {
                    self.describe(body)?;
                    None
                }
                ENHANCED_PACKET => Some(self.enhanced_packet(body)?),
                SIMPLE_PACKET => Some(self.simple_packet(body)?),
                PACKET => Some(self.packet(body)?),
                _ => None,
            };
            match packet {
                Some(packet) => {
                    self.last_ns = packet.time_ns;
                    return Ok(Some(packet));
                }
                None => window.take(block_bytes),
            };
        }
    }

    /// Type and length of the block ahead; a section header sets the byte order first.
    fn block_header<R: Read>(&mut self, window: &mut Window<R>) -> Result<(u32, usize), CaptureFault> {
        let kind = self.u32(window.peek(), 0)?;
        if kind == SECTION_HEADER {
            window.fill(BLOCK_BYTES_MIN)?;
            self.endian = match window.peek().get(8..12) {
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => Endian::Little,
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => Endian::Big,
                Some(_) => return Err(CaptureFault::ByteOrder),
                None => return Err(CaptureFault::Truncated),
            };
        }
        let length = self.u32(window.peek(), 4)?;
        let block_bytes = length as usize;
        if block_bytes < BLOCK_BYTES_MIN || !block_bytes.is_multiple_of(4) {
            return Err(CaptureFault::BlockLength(length));
        }
        if block_bytes > CAPTURE_RECORD_BYTES_MAX {
            return Err(CaptureFault::TooLong(u64::from(length)));
        }
        Ok((kind, block_bytes))
    }

    fn verify_end(&self, block: &[u8]) -> Result<(), CaptureFault> {
        let length = self.u32(block, block.len() - 4)?;
        if length as usize == block.len() { Ok(()) } else { Err(CaptureFault::BlockLength(length)) }
    }

    fn describe(&mut self, body: &[u8]) -> Result<(), CaptureFault> {
        let number = self.u16(body, 8)?;
        let snap_bytes = self.u32(body, 12)?;
        let mut clock = Clock { units_per_second: 1_000_000, offset_seconds: 0 };
        let mut options = body.get(16..).unwrap_or_default();
        while let (Some(code), Some(length)) = (self.endian.u16(options, 0), self.endian.u16(options, 2)) {
            let value = options.get(4..4 + usize::from(length)).ok_or(CaptureFault::Truncated)?;
            match code {
                OPTION_END => break,
                OPTION_TIME_RESOLUTION => clock.units_per_second = units_per_second(value)?,
                OPTION_TIME_OFFSET => {
                    clock.offset_seconds = self.endian.i64(value, 0).ok_or(CaptureFault::Truncated)?;
                }
                _ => {}
            }
            options = options.get(4 + usize::from(length).next_multiple_of(4)..).unwrap_or_default();
        }
        if self.interfaces.len() == CAPTURE_INTERFACES_MAX {
            return Err(CaptureFault::Interface(CAPTURE_INTERFACES_MAX as u32));
        }
        let number = u32::from(number);
        self.interfaces.push(Interface {
            link_type: link_type(number).map_err(|_| number),
            snap_bytes,
            clock,
        });
        Ok(())
    }

    fn enhanced_packet(&self, body: &[u8]) -> Result<Located, CaptureFault> {
        let interface = self.u32(body, 8)?;
        self.located(body, 28, interface, [self.u32(body, 20)?, self.u32(body, 24)?], Some(12))
    }

    /// The obsolete packet block: a 16-bit interface and a count of drops in place of a 32-bit interface.
    fn packet(&self, body: &[u8]) -> Result<Located, CaptureFault> {
        let interface = u32::from(self.u16(body, 8)?);
        self.located(body, 28, interface, [self.u32(body, 20)?, self.u32(body, 24)?], Some(12))
    }

    fn simple_packet(&self, body: &[u8]) -> Result<Located, CaptureFault> {
        let wire_bytes = self.u32(body, 8)?;
        let snap_bytes = self.interfaces.first().map_or(0, |interface| interface.snap_bytes);
        let captured_bytes = if snap_bytes == 0 { wire_bytes } else { wire_bytes.min(snap_bytes) };
        self.located(body, 12, 0, [captured_bytes, wire_bytes], None)
    }

    /// `lengths` are the captured bytes and those on the wire; `time_at` is the offset of the time in `body`.
    fn located(
        &self,
        body: &[u8],
        frame_offset: usize,
        interface: u32,
        lengths: [u32; 2],
        time_at: Option<usize>,
    ) -> Result<Located, CaptureFault> {
        let [captured_bytes, wire_bytes] = lengths;
        let described = self.interfaces.get(interface as usize).ok_or(CaptureFault::Interface(interface))?;
        let frame_bytes = captured_bytes as usize;
        if body.len() - frame_offset.min(body.len()) < frame_bytes {
            return Err(CaptureFault::PacketLength(captured_bytes));
        }
        let time_ns = match time_at {
            Some(at) => described.clock.time_ns(self.u32(body, at)?, self.u32(body, at + 4)?),
            None => self.last_ns,
        };
        Ok(Located {
            record_bytes: body.len() + 4,
            frame_offset,
            frame_bytes,
            time_ns,
            link_type: described.link_type.map_err(CaptureFault::LinkType)?,
            wire_bytes: wire_bytes.max(captured_bytes),
        })
    }

    fn u16(&self, bytes: &[u8], offset: usize) -> Result<u16, CaptureFault> {
        self.endian.u16(bytes, offset).ok_or(CaptureFault::BlockLength(bytes.len() as u32 + 4))
    }

    fn u32(&self, bytes: &[u8], offset: usize) -> Result<u32, CaptureFault> {
        self.endian.u32(bytes, offset).ok_or(CaptureFault::BlockLength(bytes.len() as u32 + 4))
    }
}

impl Clock {
    fn time_ns(self, high: u32, low: u32) -> u64 {
        let units = u64::from(high) << 32 | u64::from(low);
        let since_offset_ns = match self.units_per_second {
            1_000_000_000 => units,
            1_000_000 => units.saturating_mul(1000),
            per_second => {
                let wide = u128::from(units) * 1_000_000_000 / u128::from(per_second);
                u64::try_from(wide).unwrap_or(u64::MAX)
            }
        };
        let offset_ns = self.offset_seconds.unsigned_abs().saturating_mul(1_000_000_000);
        match self.offset_seconds {
            0.. => since_offset_ns.saturating_add(offset_ns),
            _ => since_offset_ns.saturating_sub(offset_ns),
        }
    }
}

/// The option's top bit chooses between powers of 2 and of 10.
fn units_per_second(value: &[u8]) -> Result<u64, CaptureFault> {
    let code = *value.first().ok_or(CaptureFault::Truncated)?;
    let base: u64 = if code & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(u32::from(code & 0x7f)).ok_or(CaptureFault::TimeResolution(code))
}
