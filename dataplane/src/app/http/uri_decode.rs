//! The request target, percent-decoded exactly once, wherever it is cut. What is escaped in other or in more ways is told
//! beside it.

use arrayvec::ArrayVec;
use dlp_patterns::Field;

use super::marks::first;
use crate::{
    app::{
        AppSink,
        emitter::{Emitter, ValueDepth},
    },
    content::{Known, Percent},
};

/// Runs without escapes that are at least this long are emitted where they lie, in bytes; shorter ones are
/// gathered, so that `%41b%43d` does not come out byte by byte.
const RUN_IN_PLACE_BYTES_MIN: usize = 16;

/// The decoder between two pieces of a target.
#[derive(Debug)]
pub(in crate::app) struct UriDecoder {
    /// Begin of an escape that the last piece cut: `%`, or `%` and a digit.
    cut: ArrayVec<u8, 2>,
    /// Whether the first `?` went by: from there on `+` is a space (WHATWG URL §5.1).
    query: bool,
    /// What one decoding leaves escaped.
    values: Percent,
    /// Whether these were shown bytes that they may still hold.
    are_values_open: bool,
}

impl Default for UriDecoder {
    fn default() -> UriDecoder {
        UriDecoder {
            cut: ArrayVec::new(),
            query: false,
            values: Percent::new(Known::Once),
            are_values_open: false,
        }
    }
}

/// Decoded bytes on their way out.
type Gathered = ArrayVec<u8, 64>;

impl UriDecoder {
    /// Decodes the next piece.
    pub(in crate::app) fn decode<S: AppSink>(&mut self, mut raw: &[u8], out: &mut Emitter<'_, S>) {
        let (mut gathered, whole) = (Gathered::new(), raw);
        while !raw.is_empty() {
            if self.cut.is_empty() {
                let (run, rest) = raw.split_at(self.plain_bytes(raw));
                emit(run, &mut gathered, out);
                raw = self.special(rest, &mut gathered, out);
            } else {
                raw = self.resume(raw, &mut gathered, out);
            }
        }
        out.data(Field::HttpUri, &gathered);
        if out.is_heard(Field::HttpUri) {
            self.are_values_open = true;
            self.values.push(whole, &mut |piece| out.value(ValueDepth::Wire, Field::HttpUri, piece));
        } else {
            self.finish_values(out);
        }
    }

    fn finish_values<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        if std::mem::take(&mut self.are_values_open) {
            self.values.finish(&mut |piece| out.value(ValueDepth::Wire, Field::HttpUri, piece));
        }
    }

    /// No more pieces: a cut escape was none.
    pub(in crate::app) fn finish<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        out.data(Field::HttpUri, &self.cut);
        self.finish_values(out);
        self.cut.clear();
        self.query = false;
        out.end();
    }

    /// How many bytes from the begin of `raw` stand for themselves.
    fn plain_bytes(&mut self, raw: &[u8]) -> usize {
        let mut path_bytes = 0;
        if !self.query {
            let Some(end) = first(raw, |word| word.equal(b'%').or(word.equal(b'?'))) else {
                return raw.len();
            };
            if raw.get(end) == Some(&b'%') {
                return end;
            }
            self.query = true;
            path_bytes = end + 1;
        }
        let query = raw.get(path_bytes..).unwrap_or_default();
        path_bytes + first(query, |word| word.equal(b'%').or(word.equal(b'+'))).unwrap_or(query.len())
    }

    /// Decodes the `+` or the escape that `raw` begins with.
    fn special<'r, S: AppSink>(
        &mut self,
        raw: &'r [u8],
        gathered: &mut Gathered,
        out: &mut Emitter<'_, S>,
    ) -> &'r [u8] {
        match raw {
            [] => raw,
            [b'%', high, low, rest @ ..] => match escaped(*high, *low) {
                Some(byte) => {
                    emit(&[byte], gathered, out);
                    rest
                }
                None => {
                    emit(b"%", gathered, out);
                    raw.get(1..).unwrap_or_default()
                }
            },
            [b'%', ..] => {
                self.cut.push(b'%');
                raw.get(1..).unwrap_or_default()
            }
            [_, rest @ ..] => {
                emit(b" ", gathered, out);
                rest
            }
        }
    }

    /// Goes on with a cut escape: takes a byte of `raw` into it, or finds that it was none.
    fn resume<'r, S: AppSink>(
        &mut self,
        raw: &'r [u8],
        gathered: &mut Gathered,
        out: &mut Emitter<'_, S>,
    ) -> &'r [u8] {
        let Some((&byte, rest)) = raw.split_first() else { return raw };
        if !byte.is_ascii_hexdigit() {
            emit(&self.cut, gathered, out);
            self.cut.clear();
            return raw;
        }
        match *self.cut.as_slice() {
            [_, high] => {
                self.cut.clear();
                emit(escaped(high, byte).as_slice(), gathered, out);
            }
            _ => self.cut.push(byte),
        }
        rest
    }
}

/// The byte that `%` and two digits stand for (RFC 3986 §2.1).
fn escaped(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
}

/// Emits `bytes` behind the gathered ones.
fn emit<S: AppSink>(bytes: &[u8], gathered: &mut Gathered, out: &mut Emitter<'_, S>) {
    let in_place = bytes.len() >= RUN_IN_PLACE_BYTES_MIN;
    if !in_place && gathered.try_extend_from_slice(bytes).is_ok() {
        return;
    }
    out.data(Field::HttpUri, gathered);
    gathered.clear();
    if in_place || gathered.try_extend_from_slice(bytes).is_err() {
        out.data(Field::HttpUri, bytes);
    }
}
