//! The framing of a chunked body (RFC 9112 §7.1): strict, because a lenient reading is how requests are
//! smuggled.

use crate::{app::AppAnomaly, limits::HTTP_CHUNK_LINE_BYTES_MAX};

/// A chunked body under way, up to its last chunk.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    part: Part,
    /// Size of the chunk, and then what is left of it, in bytes.
    left: u64,
    /// Length of the chunk-size line so far, in bytes.
    line_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    FirstDigit,
    Size,
    /// Whitespace behind the size, which RFC 9112 §7.1.1 allows before an extension, and old servers
    /// before the line end.
    Padding,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkedRead {
    /// The input is used up.
    More,
    /// The line of the last chunk went by: trailers follow.
    Last,
}

impl Chunked {
    /// Reads on; data goes to `out`. After an error the input stands at the byte that is
    /// wrong.
    pub(super) fn read(
        &mut self,
        input: &mut &[u8],
        mut out: impl FnMut(&[u8]),
    ) -> Result<ChunkedRead, AppAnomaly> {
        while let Some((&byte, rest)) = input.split_first() {
            if self.part == Part::Data {
                let len = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
                let (data, rest) = input.split_at(len);
                out(data);
                *input = rest;
                self.pass(data.len() as u64);
                continue;
            }
            let is_last = self.part == Part::SizeLf && self.left == 0;
            self.framing(byte)?;
            *input = rest;
            if is_last {
                *self = Chunked::default();
                return Ok(ChunkedRead::Last);
            }
        }
        Ok(ChunkedRead::More)
    }

    /// So many bytes are missing. False unless they are data of the chunk that is being read.
    pub(super) fn skip(&mut self, bytes: u64) -> bool {
        let inside = self.part == Part::Data && bytes <= self.left;
        if inside {
            self.pass(bytes);
        }
        inside
    }

    fn pass(&mut self, data_bytes: u64) {
        self.left -= data_bytes;
        if self.left == 0 {
            self.part = Part::DataCr;
        }
    }

    /// Reads one byte that is no data.
    fn framing(&mut self, byte: u8) -> Result<(), AppAnomaly> {
        self.part = match (self.part, byte) {
            (Part::FirstDigit | Part::Size, _) if byte.is_ascii_hexdigit() => {
                self.left = with_digit(self.left, byte).ok_or(AppAnomaly::ChunkSize)?;
                Part::Size
            }
            (Part::Size | Part::Padding, b' ' | b'\t') => Part::Padding,
            (Part::Size | Part::Padding, b';') => Part::Extension,
            (Part::Size | Part::Padding | Part::Extension, b'\r') => Part::SizeLf,
            (Part::Extension, b'\n' | 0) => return Err(AppAnomaly::ChunkSize),
            (Part::Extension, _) => Part::Extension,
            (Part::SizeLf, b'\n') => Part::Data,
            (Part::DataCr, b'\r') => Part::DataLf,
            (Part::DataLf, b'\n') => Part::FirstDigit,
            _ => return Err(AppAnomaly::ChunkSize),
        };
        match self.part {
            Part::Data | Part::DataLf | Part::FirstDigit => self.line_bytes = 0,
            _ => self.line_bytes += 1,
        }
        if self.line_bytes > HTTP_CHUNK_LINE_BYTES_MAX { Err(AppAnomaly::TooLong) } else { Ok(()) }
    }
}

/// `size` with another hexadecimal digit; `None` where it outgrows 64 bits.
fn with_digit(size: u64, digit: u8) -> Option<u64> {
    let digit = char::from(digit).to_digit(16)?;
    Some(size.checked_mul(16)? | u64::from(digit))
}
