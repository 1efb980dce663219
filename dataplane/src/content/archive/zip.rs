//! [`Zip`]: members of ZIP (APPNOTE.TXT 6.3.10), and so of documents that are made of it, by their local headers: the directory
//! behind them comes too late, and need not say the same.

use arrayvec::ArrayVec;
use memchr::{memchr, memmem};

use super::{Unpacked, member::Member, unpacking::Io};
use crate::content::{
    Coding, Undecoded,
    layer::{Layer, State},
};
use crate::limits::FILE_NAME_BYTES_MAX;

/// An archive under way.
#[derive(Debug)]
pub(super) struct Zip {
    level: usize,
    part: Part,
}

#[derive(Debug)]
enum Part {
    /// Between members: so many bytes of the signature of a local header were read.
    Between(u8),
    /// §4.3.7, behind the signature.
    Header(ArrayVec<u8, HEADER_BYTES>),
    Name {
        header: Header,
        left_bytes: u16,
        name: Vec<u8>,
    },
    Extra {
        header: Header,
        left_bytes: u16,
        name: Vec<u8>,
        within: Within,
    },
    Stored {
        left_bytes: u64,
        member: Member,
        within: Within,
    },
    Compressed {
        layer: Layer,
        member: Member,
    },
    /// What is not read.
    Skipped {
        left_bytes: u64,
    },
}

/// Whether a local header stands in what is no archive: readers who go by the directory find a member there.
#[derive(Clone, Copy, Debug, Default)]
struct Within {
    /// The last four bytes.
    last: u32,
    is_told: bool,
}

/// What a local header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    flags: u16,
    method: u16,
    compressed_bytes: u32,
    name_bytes: u16,
    extra_bytes: u16,
}

const SIGNATURE: &[u8; 4] = b"PK\x03\x04";
const HEADER_BYTES: usize = 26;
/// §4.4.4: bit 0, and bit 3.
const ENCRYPTED: u16 = 1;
const SIZE_FOLLOWS: u16 = 8;
/// §4.4.5.
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// §4.4.8: the length is elsewhere.
const IS_ZIP64: u32 = u32::MAX;

impl Zip {
    pub(super) fn new(level: usize) -> Zip {
        Zip { level, part: Part::Between(0) }
    }

    /// Memory that it holds beside itself and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.part {
            Part::Name { name, .. } | Part::Extra { name, .. } => name.capacity(),
            Part::Stored { member, .. } | Part::Compressed { member, .. } => member.held_bytes(),
            Part::Between(_) | Part::Header(_) | Part::Skipped { .. } => 0,
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], io: &mut Io<'_>) {
        while !bytes.is_empty() && !io.budget.is_spent {
            let part = std::mem::replace(&mut self.part, Part::Between(0));
            self.part = self.step(part, &mut bytes, io);
        }
    }

    pub(super) fn finish(self, io: &mut Io<'_>) {
        match self.part {
            // Of one whose length is not known all that there is belongs to it.
            Part::Stored { left_bytes, member, .. } => member.end(left_bytes == u64::MAX, io),
            Part::Compressed { layer, member } => {
                if !io.budget.is_spent {
                    (io.out)(Unpacked::Unread(Undecoded::Broken));
                }
                io.decoders.take_back(layer);
                member.end(false, io);
            }
            Part::Between(_)
            | Part::Header(_)
            | Part::Name { .. }
            | Part::Extra { .. }
            | Part::Skipped { .. } => {}
        }
    }

    fn step(&self, part: Part, bytes: &mut &[u8], io: &mut Io<'_>) -> Part {
        match part {
            Part::Between(matched) => between(matched, bytes),
            Part::Header(mut header) => {
                let taken = take(bytes, header.remaining_capacity() as u64);
                let fits = header.try_extend_from_slice(taken).is_ok();
                debug_assert!(fits, "no more than is missing was taken");
                match header.as_slice().first_chunk() {
                    Some(whole) => {
                        let header = Header::of(whole);
                        self.behind_name(
                            Part::Name { header, left_bytes: header.name_bytes, name: Vec::new() },
                            io,
                        )
                    }
                    None => Part::Header(header),
                }
            }
            Part::Name { header, left_bytes, mut name } => {
                let taken = take(bytes, left_bytes.into());
                let room = FILE_NAME_BYTES_MAX - name.len();
                name.extend_from_slice(taken.get(..room).unwrap_or(taken));
                self.behind_name(Part::Name { header, left_bytes: left_bytes - taken.len() as u16, name }, io)
            }
            Part::Extra { header, left_bytes, name, mut within } => {
                let taken = take(bytes, left_bytes.into());
                within.look(taken, io);
                let left_bytes = left_bytes - taken.len() as u16;
                self.behind_name(Part::Extra { header, left_bytes, name, within }, io)
            }
            Part::Stored { left_bytes, mut member, mut within } => {
                let taken = take(bytes, left_bytes);
                member.data(taken, io);
                // Those of an archive within are read there.
                if !member.is_archive() {
                    within.look(taken, io);
                }
                let is_endless = left_bytes == u64::MAX;
                let left_bytes = if is_endless { left_bytes } else { left_bytes - taken.len() as u64 };
                if left_bytes == 0 {
                    member.end(true, io);
                    return Part::Between(0);
                }
                Part::Stored { left_bytes, member, within }
            }
            Part::Compressed { mut layer, mut member } => match io.inflate(&mut layer, bytes, &mut member) {
                State::Going => Part::Compressed { layer, member },
                state => {
                    let is_whole = state == State::Done;
                    if !is_whole {
                        (io.out)(Unpacked::Unread(io.budget.cause_of_break()));
                    }
                    io.decoders.take_back(layer);
                    member.end(is_whole, io);
                    Part::Between(0)
                }
            },
            Part::Skipped { left_bytes } => {
                let left_bytes = left_bytes - take(bytes, left_bytes).len() as u64;
                if left_bytes == 0 { Part::Between(0) } else { Part::Skipped { left_bytes } }
            }
        }
    }

    /// What follows where a name, or what stands behind it, is complete.
    fn behind_name(&self, part: Part, io: &mut Io<'_>) -> Part {
        match part {
            Part::Name { header, left_bytes: 0, name } => {
                let within = Within::default();
                self.behind_name(Part::Extra { header, left_bytes: header.extra_bytes, name, within }, io)
            }
            Part::Extra { header, left_bytes: 0, name, .. } => self.member(header, &name, io),
            part => part,
        }
    }

    fn member(&self, header: Header, name: &[u8], io: &mut Io<'_>) -> Part {
        let member = Member::named(name, self.level, io);
        let is_length_known = header.flags & SIZE_FOLLOWS == 0 && header.compressed_bytes != IS_ZIP64;
        let length = u64::from(header.compressed_bytes);
        let within = Within::default();
        let unread = match header.method {
            _ if header.flags & ENCRYPTED != 0 => Unpacked::Unknown,
            STORED if !is_length_known => return Part::Stored { left_bytes: u64::MAX, member, within },
            STORED if length > 0 => return Part::Stored { left_bytes: length, member, within },
            STORED => {
                member.end(true, io);
                return Part::Between(0);
            }
            DEFLATED => match io.decoders.begin(Coding::Member) {
                Some(layer) => return Part::Compressed { layer, member },
                None => Unpacked::Unread(Undecoded::Memory),
            },
            _ => Unpacked::Unknown,
        };
        (io.out)(unread);
        member.end(false, io);
        match is_length_known && length > 0 {
            true => Part::Skipped { left_bytes: length },
            false => Part::Between(0),
        }
    }
}

impl Within {
    /// The next bytes; told once.
    fn look(&mut self, bytes: &[u8], io: &mut Io<'_>) {
        if self.is_told {
            return;
        }
        let begin = bytes.get(..SIGNATURE.len() - 1).unwrap_or(bytes);
        let joined = |last: u32, byte: &u8| last << 8 | u32::from(*byte);
        let is_cut_one = begin.iter().any(|byte| {
            self.last = joined(self.last, byte);
            self.last == u32::from_be_bytes(*SIGNATURE)
        });
        if is_cut_one || memmem::find(bytes, SIGNATURE).is_some() {
            (io.out)(Unpacked::Unread(Undecoded::Broken));
            self.is_told = true;
        }
        let end = bytes.get(bytes.len().saturating_sub(SIGNATURE.len())..).unwrap_or_default();
        if bytes.len() >= SIGNATURE.len() {
            self.last = end.iter().fold(0, joined);
        }
    }
}

impl Header {
    fn of(bytes: &[u8; HEADER_BYTES]) -> Header {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        Header {
            flags: half(2),
            method: half(4),
            compressed_bytes: u32::from(half(14)) | u32::from(half(16)) << 16,
            name_bytes: half(22),
            extra_bytes: half(24),
        }
    }
}

/// Reads up to a local header; what stands before it belongs to no member.
fn between(matched: u8, bytes: &mut &[u8]) -> Part {
    let Some((&byte, rest)) = bytes.split_first() else { return Part::Between(matched) };
    if matched == 0 {
        let begin = memchr(SIGNATURE[0], bytes);
        *bytes = begin.and_then(|at| bytes.get(at + 1..)).unwrap_or_default();
        return Part::Between(u8::from(begin.is_some()));
    }
    if SIGNATURE.get(usize::from(matched)) != Some(&byte) {
        // It may be the first byte of one.
        return Part::Between(0);
    }
    *bytes = rest;
    match matched + 1 {
        4 => Part::Header(ArrayVec::new()),
        matched => Part::Between(matched),
    }
}

/// So many bytes from the front, or all that there are.
pub(super) fn take<'b>(bytes: &mut &'b [u8], wanted: u64) -> &'b [u8] {
    let len = usize::try_from(wanted).map_or(bytes.len(), |wanted| wanted.min(bytes.len()));
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}
