//! One direction of RESP: values within values, as they come.

use arrayvec::ArrayVec;
use memchr::memchr;

use crate::limits::{RESP_DEPTH_MAX, TEXT_LINE_BYTES_MAX};

/// Where a direction stands: within how many values, and how much of the innermost is to come.
///
/// Invariant: between two reads it is at the begin of a value, in a line, or in a string.
#[derive(Debug, Default)]
pub(super) struct Resp {
    /// A line that has begun: the kind of a value, and its length or its text.
    line: Vec<u8>,
    /// Bytes to come of a string, and of the CRLF behind it.
    string: Option<(u64, u8)>,
    open: ArrayVec<Open, RESP_DEPTH_MAX>,
    /// Bytes of the value under way.
    bytes: u64,
}

#[derive(Debug)]
struct Open {
    left: u64,
    /// Whether it stands in front of a value and is none itself.
    is_attribute: bool,
}

/// A step of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'i> {
    /// An array, a map, a set or a push of so many values.
    Begin { kind: u8, count: u64 },
    /// What was opened last is complete.
    End,
    /// A value in a line.
    Line { kind: u8, text: &'i [u8] },
    /// A string of so many bytes follows; `None` is no string.
    String { kind: u8, length: Option<u64> },
    /// The next bytes of it.
    Piece(&'i [u8]),
    /// The string is complete.
    StringEnd,
    /// The whole value is complete, in so many bytes.
    Whole { bytes: u64 },
}

/// What an end says is no RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// `proto-max-bulk-len` of its server, which is 512 MiB unless told otherwise; more is asked of nobody.
const STRING_BYTES_MAX: u64 = 4 << 30;
const COUNT_MAX: u64 = 1 << 32;

impl Resp {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.line.capacity()
    }

    /// Reads on, at most to the end of one value; whether there it is.
    pub(super) fn read(&mut self, chunk: &mut &[u8], see: &mut impl FnMut(Item<'_>)) -> Result<bool, Broken> {
        while !chunk.is_empty() {
            let before = chunk.len();
            let is_value =
                if self.string.is_some() { self.string(chunk, see)? } else { self.line(chunk, see)? };
            self.bytes += (before - chunk.len()) as u64;
            if is_value && self.close(see) {
                see(Item::Whole { bytes: std::mem::take(&mut self.bytes) });
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// So many bytes are missing.
    pub(super) fn skip(&mut self, bytes: u32) -> Result<(), Broken> {
        match &mut self.string {
            Some((left, _)) if *left >= bytes.into() => {
                *left -= u64::from(bytes);
                self.bytes += u64::from(bytes);
                Ok(())
            }
            _ => Err(Broken),
        }
    }

    /// Whether no value has begun.
    pub(super) fn is_at_begin(&self) -> bool {
        self.line.is_empty() && self.string.is_none() && self.open.is_empty()
    }

    /// Reads a line on; whether a value ends with it.
    fn line(&mut self, chunk: &mut &[u8], see: &mut impl FnMut(Item<'_>)) -> Result<bool, Broken> {
        let end = memchr(b'\n', chunk);
        let (piece, rest) = chunk.split_at(end.map_or(chunk.len(), |at| at + 1));
        *chunk = rest;
        if end.is_some() && self.line.is_empty() {
            return self.head(piece, see);
        }
        if self.line.len() + piece.len() > TEXT_LINE_BYTES_MAX {
            return Err(Broken);
        }
        self.line.extend_from_slice(piece);
        if end.is_none() {
            return Ok(false);
        }
        let line = std::mem::take(&mut self.line);
        self.head(&line, see)
    }

    /// Reads the line that begins a value; whether that is all of it.
    fn head(&mut self, line: &[u8], see: &mut impl FnMut(Item<'_>)) -> Result<bool, Broken> {
        let line = line.strip_suffix(b"\r\n").ok_or(Broken)?;
        let (&kind, text) = line.split_first().ok_or(Broken)?;
        match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {
                see(Item::Line { kind, text });
                Ok(true)
            }
            b'$' | b'=' | b'!' => {
                let length = number(text, STRING_BYTES_MAX)?;
                see(Item::String { kind, length });
                self.string = length.map(|length| (length, 2));
                Ok(length.is_none())
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                // An array that is none has a length of -1.
                let count = number(text, COUNT_MAX)?.unwrap_or(0);
                let count = if matches!(kind, b'%' | b'|') { count * 2 } else { count };
                see(Item::Begin { kind, count });
                self.open.try_push(Open { left: count, is_attribute: kind == b'|' }).map_err(|_| Broken)?;
                if count > 0 {
                    return Ok(false);
                }
                Ok(self.end_open(see))
            }
            _ => Err(Broken),
        }
    }

    /// Reads a string on; whether it ends.
    fn string(&mut self, chunk: &mut &[u8], see: &mut impl FnMut(Item<'_>)) -> Result<bool, Broken> {
        let Some((left, end)) = &mut self.string else { return Ok(false) };
        let count = usize::try_from(*left).unwrap_or(usize::MAX).min(chunk.len());
        let (piece, rest) = chunk.split_at(count);
        *chunk = rest;
        *left -= count as u64;
        if !piece.is_empty() {
            see(Item::Piece(piece));
        }
        while *left == 0 && *end > 0 {
            let Some((&byte, rest)) = chunk.split_first() else { return Ok(false) };
            if byte != if *end == 2 { b'\r' } else { b'\n' } {
                return Err(Broken);
            }
            *chunk = rest;
            *end -= 1;
        }
        if *left > 0 {
            return Ok(false);
        }
        self.string = None;
        see(Item::StringEnd);
        Ok(true)
    }

    /// The innermost open value is complete; whether it was one, and no attribute.
    fn end_open(&mut self, see: &mut impl FnMut(Item<'_>)) -> bool {
        see(Item::End);
        self.open.pop().is_some_and(|open| !open.is_attribute)
    }

    /// A value is complete, and so may be those that it is in; whether all are.
    fn close(&mut self, see: &mut impl FnMut(Item<'_>)) -> bool {
        while let Some(open) = self.open.last_mut() {
            open.left = open.left.saturating_sub(1);
            if open.left > 0 || !self.end_open(see) {
                return false;
            }
        }
        true
    }
}

/// A length; -1 is none.
fn number(text: &[u8], most: u64) -> Result<Option<u64>, Broken> {
    if text == b"-1" {
        return Ok(None);
    }
    let number = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|text| text.parse::<u64>().ok()).ok_or(Broken)?;
    if number > most { Err(Broken) } else { Ok(Some(number)) }
}
