//! [`Tar`]: members of tar (POSIX.1-2017, pax, ustar Interchange Format; with GNU's long names).

use arrayvec::ArrayVec;

use super::{Unpacked, member::Member, unpacking::Io, zip::take};
use crate::content::Undecoded;
use crate::limits::FILE_NAME_BYTES_MAX;

/// An archive under way.
#[derive(Debug)]
pub(super) struct Tar {
    level: usize,
    part: Part,
    /// What the next member is called, where that is told before its header.
    long_name: Vec<u8>,
}

#[derive(Debug)]
enum Part {
    Header(ArrayVec<u8, BLOCK_BYTES>),
    Data {
        left_bytes: u64,
        padding_bytes: u64,
        member: Member,
    },
    /// Names of the next member, by that kind.
    Names {
        left_bytes: u64,
        padding_bytes: u64,
        kind: u8,
        text: Vec<u8>,
    },
    Padding(u64),
}

/// What follows is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoHeader;

const BLOCK_BYTES: usize = 512;
/// Bytes of what tells the name of the next member that are read: a name of the longest, and what stands around it.
const NAMES_BYTES_MAX: usize = 1024;
const GNU_LONG_NAME: u8 = b'L';
const PAX: u8 = b'x';

impl Tar {
    pub(super) fn new(level: usize) -> Tar {
        Tar { level, part: Part::Header(ArrayVec::new()), long_name: Vec::new() }
    }

    /// Memory that it holds beside itself and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let part = match &self.part {
            Part::Data { member, .. } => member.held_bytes(),
            Part::Names { text, .. } => text.capacity(),
            Part::Header(_) | Part::Padding(_) => 0,
        };
        self.long_name.capacity() + part
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], io: &mut Io<'_>) -> Result<(), NoHeader> {
        while !bytes.is_empty() && !io.budget.is_spent {
            let part = std::mem::replace(&mut self.part, Part::Padding(0));
            self.part = self.step(part, &mut bytes, io)?;
        }
        Ok(())
    }

    pub(super) fn finish(self, io: &mut Io<'_>) {
        if let Part::Data { member, .. } = self.part {
            if !io.budget.is_spent {
                (io.out)(Unpacked::Unread(Undecoded::Broken));
            }
            member.end(false, io);
        }
    }

    fn step(&mut self, part: Part, bytes: &mut &[u8], io: &mut Io<'_>) -> Result<Part, NoHeader> {
        Ok(match part {
            Part::Header(mut block) => {
                let fits =
                    block.try_extend_from_slice(take(bytes, block.remaining_capacity() as u64)).is_ok();
                debug_assert!(fits, "no more than is missing was taken");
                match block.as_slice().first_chunk() {
                    Some(header) => self.header(header, io)?,
                    None => Part::Header(block),
                }
            }
            Part::Data { left_bytes, padding_bytes, mut member } => {
                let taken = take(bytes, left_bytes);
                member.data(taken, io);
                match left_bytes - taken.len() as u64 {
                    0 => {
                        member.end(true, io);
                        Part::Padding(padding_bytes)
                    }
                    left_bytes => Part::Data { left_bytes, padding_bytes, member },
                }
            }
            Part::Names { left_bytes, padding_bytes, kind, mut text } => {
                let taken = take(bytes, left_bytes);
                let room = NAMES_BYTES_MAX - text.len();
                text.extend_from_slice(taken.get(..room).unwrap_or(taken));
                match left_bytes - taken.len() as u64 {
                    0 => {
                        self.long_name = long_name(kind, &text);
                        Part::Padding(padding_bytes)
                    }
                    left_bytes => Part::Names { left_bytes, padding_bytes, kind, text },
                }
            }
            Part::Padding(left_bytes) => match left_bytes - take(bytes, left_bytes).len() as u64 {
                0 => Part::Header(ArrayVec::new()),
                left_bytes => Part::Padding(left_bytes),
            },
        })
    }

    fn header(&mut self, header: &[u8; BLOCK_BYTES], io: &mut Io<'_>) -> Result<Part, NoHeader> {
        // Two blocks of zeros end it, and some readers go on behind them.
        if header.iter().all(|byte| *byte == 0) {
            return Ok(Part::Header(ArrayVec::new()));
        }
        let field = |begin: usize, bytes: usize| header.get(begin..begin + bytes).unwrap_or_default();
        let (Some(size), true) = (number(field(124, 12)), is_sound(header)) else {
            (io.out)(Unpacked::Unread(Undecoded::Broken));
            return Err(NoHeader);
        };
        let padding_bytes = size.wrapping_neg() % BLOCK_BYTES as u64;
        let kind = header[156];
        // No reader finds bytes behind what is no file: a length there hides the next header.
        let (size, padding_bytes) = if matches!(kind, b'2'..=b'6') && size > 0 {
            (io.out)(Unpacked::Unread(Undecoded::Broken));
            (0, 0)
        } else {
            (size, padding_bytes)
        };
        if matches!(kind, GNU_LONG_NAME | PAX) && size > 0 {
            return Ok(Part::Names { left_bytes: size, padding_bytes, kind, text: Vec::new() });
        }
        let mut name = std::mem::take(&mut self.long_name);
        if name.is_empty() {
            let prefix = until_zero(field(345, 155));
            name.extend_from_slice(prefix);
            if !prefix.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(until_zero(field(0, 100)));
        }
        let member = Member::named(&name, self.level, io);
        if size > 0 {
            return Ok(Part::Data { left_bytes: size, padding_bytes, member });
        }
        member.end(true, io);
        Ok(Part::Header(ArrayVec::new()))
    }
}

/// The sum of all bytes, where those of the sum itself count as spaces.
fn is_sound(header: &[u8; BLOCK_BYTES]) -> bool {
    let sum_at = 148..156;
    let byte =
        |(at, byte): (usize, &u8)| if sum_at.contains(&at) { u64::from(b' ') } else { u64::from(*byte) };
    let sum = header.iter().enumerate().map(byte).sum::<u64>();
    header.get(sum_at.clone()).and_then(number) == Some(sum)
}

/// Octal digits between blanks, or GNU's numbers of base 256.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((&first @ 0x80.., rest)) = field.split_first() {
        let begin = u64::from(first & 0x7f);
        return rest.iter().try_fold(begin, |value, byte| Some(value.checked_mul(256)? | u64::from(*byte)));
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = field.iter().skip_while(|byte| is_blank(byte)).take_while(|byte| !is_blank(byte));
    digits.into_iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(8)?.checked_add(char::from(*byte).to_digit(8)?.into())
    })
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What the next member is called: all of the text, or the record `path` in it.
fn long_name(kind: u8, text: &[u8]) -> Vec<u8> {
    let name = match kind {
        PAX => {
            let lines = text.split(|byte| *byte == b'\n');
            let path = |line: &&[u8]| memchr::memmem::find(line, b" path=").is_some();
            let line = lines.into_iter().find(path).unwrap_or_default();
            line.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default()
        }
        _ => until_zero(text),
    };
    name.get(..FILE_NAME_BYTES_MAX).unwrap_or(name).to_vec()
}
