//! [`GzipHeader`]: the header of a member of gzip (RFC 1952 §2.3), wherever it is cut.

/// Flags of the header (§2.3.1).
const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xe0;

/// A header under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GzipHeader {
    part: Part,
    flags: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// So many bytes of the fixed part went by.
    Fixed(u8),
    ExtraLow,
    ExtraHigh(u8),
    Extra(u16),
    Name,
    Comment,
    Crc(u8),
    Done,
}

impl Default for Part {
    fn default() -> Part {
        Part::Fixed(0)
    }
}

/// It is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoHeader;

impl GzipHeader {
    /// Whether no byte was read.
    pub(super) fn is_untouched(&self) -> bool {
        self.part == Part::Fixed(0)
    }

    /// Reads on; whether the header is complete.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<bool, NoHeader> {
        while self.part != Part::Done {
            let Some((&byte, rest)) = input.split_first() else { return Ok(false) };
            *input = rest;
            self.part = self.next(byte)?;
        }
        Ok(true)
    }

    fn next(&mut self, byte: u8) -> Result<Part, NoHeader> {
        Ok(match self.part {
            Part::Fixed(at) => {
                match (at, byte) {
                    (0, 0x1f) | (1, 0x8b) | (2, 8) | (4..=9, _) => {}
                    (3, flags) if flags & RESERVED == 0 => self.flags = flags,
                    _ => return Err(NoHeader),
                }
                if at == 9 { self.behind_fixed() } else { Part::Fixed(at + 1) }
            }
            Part::ExtraLow => Part::ExtraHigh(byte),
            Part::ExtraHigh(low) => match u16::from_le_bytes([low, byte]) {
                0 => self.behind_extra(),
                bytes => Part::Extra(bytes),
            },
            Part::Extra(1) => self.behind_extra(),
            Part::Extra(left) => Part::Extra(left - 1),
            Part::Name if byte == 0 => self.behind_name(),
            Part::Comment if byte == 0 => self.behind_comment(),
            Part::Crc(0) => Part::Crc(1),
            Part::Crc(_) => Part::Done,
            same => same,
        })
    }

    fn behind_fixed(self) -> Part {
        if self.flags & EXTRA != 0 { Part::ExtraLow } else { self.behind_extra() }
    }

    fn behind_extra(self) -> Part {
        if self.flags & NAME != 0 { Part::Name } else { self.behind_name() }
    }

    fn behind_name(self) -> Part {
        if self.flags & COMMENT != 0 { Part::Comment } else { self.behind_comment() }
    }

    fn behind_comment(self) -> Part {
        if self.flags & HEADER_CRC != 0 { Part::Crc(0) } else { Part::Done }
    }
}
