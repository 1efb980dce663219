//! A message (RFC 1035 §4.1): its header, and its sections read one entry after the other.

use super::super::wire::Wire;
use super::name::{Name, NameError};

/// The first twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) flags: u16,
    /// Entries of each section, in order: questions, answers, authorities, additionals.
    pub(super) counts: [u16; 4],
}

pub(super) const HEADER_BYTES: usize = 12;
/// A root name, type and class.
pub(super) const QUESTION_BYTES_MIN: usize = 5;
/// A root name, type, class, time to live and length of data.
pub(super) const RESOURCE_BYTES_MIN: usize = 11;

/// Bits of the flags.
pub(super) const QR: u16 = 0x8000;
pub(super) const AA: u16 = 0x0400;
pub(super) const TC: u16 = 0x0200;
pub(super) const RD: u16 = 0x0100;
pub(super) const RA: u16 = 0x0080;
pub(super) const Z: u16 = 0x0040;

impl Header {
    pub(super) fn read(message: &[u8]) -> Option<Header> {
        let mut wire = Wire(message);
        let (id, flags) = (wire.u16()?, wire.u16()?);
        let counts = [wire.u16()?, wire.u16()?, wire.u16()?, wire.u16()?];
        Some(Header { id, flags, counts })
    }

    pub(super) fn has(self, bit: u16) -> bool {
        self.flags & bit != 0
    }

    pub(super) fn opcode(self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    pub(super) fn rcode(self) -> u8 {
        (self.flags & 0xf) as u8
    }

    /// Bytes that a message with so many entries has at least.
    pub(super) fn message_bytes_min(self) -> usize {
        let [questions, resources @ ..] = self.counts.map(usize::from);
        HEADER_BYTES + questions * QUESTION_BYTES_MIN + resources.iter().sum::<usize>() * RESOURCE_BYTES_MIN
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) class: u16,
}

/// A resource record (RFC 1035 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) class: u16,
    /// In seconds.
    pub(super) ttl: u32,
    /// Where its data begins and ends in the message.
    pub(super) data: (usize, usize),
}

/// A place in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'m> {
    pub(super) message: &'m [u8],
    pub(super) at: usize,
}

impl<'m> Cursor<'m> {
    /// Behind the header.
    pub(super) fn new(message: &'m [u8]) -> Cursor<'m> {
        Cursor { message, at: HEADER_BYTES }
    }

    pub(super) fn question(&mut self) -> Result<Question, NameError> {
        let name = Name::read(self.message, &mut self.at)?;
        let (kind, class) = self.fixed(4, |wire| Some((wire.u16()?, wire.u16()?)))?;
        Ok(Question { name, kind, class })
    }

    pub(super) fn resource(&mut self) -> Result<Resource, NameError> {
        let name = Name::read(self.message, &mut self.at)?;
        let (kind, class, ttl, length) =
            self.fixed(10, |wire| Some((wire.u16()?, wire.u16()?, wire.u32()?, wire.u16()?)))?;
        let data = (self.at, self.at + usize::from(length));
        self.message.get(data.0..data.1).ok_or(NameError::Cut)?;
        self.at = data.1;
        Ok(Resource { name, kind, class, ttl, data })
    }

    fn fixed<T>(
        &mut self,
        bytes: usize,
        read: impl FnOnce(&mut Wire<'m>) -> Option<T>,
    ) -> Result<T, NameError> {
        let fields = self.message.get(self.at..self.at + bytes).ok_or(NameError::Cut)?;
        self.at += bytes;
        read(&mut Wire(fields)).ok_or(NameError::Cut)
    }
}
