//! [`Inflate`]: gzip of any number of members, zlib, or deflate as it is, once or again and again. Checksums are not compared: who reads the bytes has them
//! before.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::{
    gzip_header::{GzipHeader, NoHeader},
    layer::State,
};

/// Bytes behind the data of a member: its checksum and length (RFC 1952 §2.3.1).
const GZIP_TRAILER_BYTES: u8 = 8;

/// A stream under way.
pub(super) struct Inflate {
    part: Part,
    frame: Frame,
    /// Whether what follows behind its end is somebody else's.
    is_within: bool,
    inflate: Decompress,
}

/// What is around the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Gzip,
    /// Of zlib, or none.
    Deflate,
    /// None, and more data may follow.
    Raw,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Header(GzipHeader),
    /// Whether there is a header of zlib is told by its two bytes, the first of which may be here.
    Kind(Option<u8>),
    /// So many bytes that were held are to be read before the input.
    Held([u8; 2], usize),
    Data,
    Trailer(u8),
    Done,
}

impl Inflate {
    /// What one remembers: its window (RFC 1951 §2) and its tables.
    pub(super) const BYTES: usize = 48 * 1024;

    pub(super) fn new() -> Inflate {
        Inflate { part: Part::Done, frame: Frame::Deflate, is_within: false, inflate: Decompress::new(false) }
    }

    /// A stream of gzip begins.
    pub(super) fn begin_gzip(&mut self) {
        (self.frame, self.is_within) = (Frame::Gzip, false);
        self.inflate.reset(false);
        self.part = Part::Header(GzipHeader::default());
    }

    /// A stream of zlib, or of deflate, begins.
    pub(super) fn begin_deflate(&mut self) {
        (self.frame, self.is_within) = (Frame::Deflate, false);
        self.part = Part::Kind(None);
    }

    /// The same, behind whose end something else follows.
    pub(super) fn begin_stream(&mut self) {
        self.begin_deflate();
        self.is_within = true;
    }

    /// A stream of deflate begins, behind whose end something else follows.
    pub(super) fn begin_member(&mut self) {
        (self.frame, self.is_within) = (Frame::Deflate, true);
        self.inflate.reset(false);
        self.part = Part::Data;
    }

    /// A stream of deflate begins, of which more may follow behind its end.
    pub(super) fn begin_raw(&mut self) {
        (self.frame, self.is_within) = (Frame::Raw, false);
        self.inflate.reset(false);
        self.part = Part::Data;
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        match self.part {
            Part::Header(header) => header.is_untouched(),
            Part::Done | Part::Kind(None) => true,
            Part::Data => self.frame == Frame::Raw,
            Part::Kind(Some(_)) | Part::Held(..) | Part::Trailer(_) => false,
        }
    }

    /// Reads on, as far as there is room; how much was written.
    pub(super) fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> (usize, State) {
        let mut written = 0;
        loop {
            match self.part {
                Part::Data => {
                    let room = output.get_mut(written..).unwrap_or_default();
                    let (more, state) = self.data(input, room);
                    written += more;
                    match state {
                        State::Done => self.part = self.behind_data(),
                        State::Going | State::Broken | State::NoMemory => return (written, state),
                    }
                }
                Part::Held(bytes, len) => {
                    let held = bytes.get(..len).unwrap_or_default();
                    let room = output.get_mut(written..).unwrap_or_default();
                    let (more, state) = self.data(&mut &held[..], room);
                    written += more;
                    self.part = match state {
                        State::Done => self.behind_data(),
                        State::Going => Part::Data,
                        State::Broken | State::NoMemory => return (written, state),
                    };
                }
                Part::Done if self.is_within => return (written, State::Done),
                Part::Done if !input.is_empty() => return (written, State::Broken),
                _ if input.is_empty() => return (written, State::Going),
                _ => {
                    if let Err(NoHeader) = self.frame(input) {
                        return (written, State::Broken);
                    }
                }
            }
        }
    }

    fn behind_data(&mut self) -> Part {
        match self.frame {
            Frame::Gzip => Part::Trailer(GZIP_TRAILER_BYTES),
            Frame::Deflate => Part::Done,
            // RFC 7692 §7.2.3.5: a final block ends no message.
            Frame::Raw => {
                self.inflate.reset(false);
                Part::Data
            }
        }
    }

    fn data(&mut self, input: &mut &[u8], output: &mut [u8]) -> (usize, State) {
        let (read_before, written_before) = (self.inflate.total_in(), self.inflate.total_out());
        // It writes what it can at each call, whatever the flush.
        let result = self.inflate.decompress(input, output, FlushDecompress::None);
        let read = (self.inflate.total_in() - read_before) as usize;
        let written = (self.inflate.total_out() - written_before) as usize;
        *input = input.get(read..).unwrap_or_default();
        let state = match result {
            Ok(Status::StreamEnd) => State::Done,
            Ok(Status::Ok | Status::BufError) => State::Going,
            Err(_) => State::Broken,
        };
        (written, state)
    }

    /// Reads what is around the data; `input` is not empty.
    fn frame(&mut self, input: &mut &[u8]) -> Result<(), NoHeader> {
        self.part = match self.part {
            Part::Header(mut header) => match header.read(input)? {
                true => Part::Data,
                false => Part::Header(header),
            },
            Part::Kind(first) => {
                let Some((&byte, rest)) = input.split_first() else { return Ok(()) };
                *input = rest;
                match first {
                    None => Part::Kind(Some(byte)),
                    Some(first) => {
                        self.inflate.reset(is_zlib(first, byte));
                        Part::Held([first, byte], 2)
                    }
                }
            }
            Part::Trailer(left) => {
                let len = input.len().min(left.into());
                *input = input.get(len..).unwrap_or_default();
                match left - len as u8 {
                    0 => {
                        self.inflate.reset(false);
                        Part::Header(GzipHeader::default())
                    }
                    left => Part::Trailer(left),
                }
            }
            Part::Held(..) | Part::Data | Part::Done => self.part,
        };
        Ok(())
    }
}

/// Whether these bytes begin a stream of zlib (RFC 1950 §2.2): its method, and a checksum over both.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

impl fmt::Debug for Inflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflate").field("part", &self.part).finish_non_exhaustive()
    }
}
