//! [`Pdf`]: streams of PDF that are compressed by Flate (ISO 32000-1 §7.3.8, §7.4.4), wherever in the file they stand.

use super::{Unpacked, member::Member, unpacking::Io};
use crate::content::{
    Coding, Undecoded,
    layer::{Layer, State},
};

/// A document under way.
#[derive(Debug)]
pub(super) struct Pdf {
    level: usize,
    /// The last 16 bytes outside of streams.
    last: u128,
    /// Whether the filter is named behind the last stream, be it in an object before: where one ends a string can say, too.
    is_flate: bool,
    stream: Option<(Layer, Member)>,
}

/// Names of the filter, the second of which stands in images within streams.
const FILTERS: [&[u8]; 2] = [b"/FlateDecode", b"/Fl "];

impl Pdf {
    pub(super) fn new(level: usize) -> Pdf {
        Pdf { level, last: 0, is_flate: false, stream: None }
    }

    /// Memory that it holds beside itself and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.stream.as_ref().map_or(0, |(_, member)| member.held_bytes())
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], io: &mut Io<'_>) {
        while !bytes.is_empty() && !io.budget.is_spent {
            let Some((mut layer, mut member)) = self.stream.take() else {
                self.between(&mut bytes, io);
                continue;
            };
            match io.inflate(&mut layer, &mut bytes, &mut member) {
                State::Going => self.stream = Some((layer, member)),
                state => {
                    let is_whole = state == State::Done;
                    if !is_whole {
                        (io.out)(Unpacked::Unread(io.budget.cause_of_break()));
                    }
                    io.decoders.take_back(layer);
                    member.end(is_whole, io);
                }
            }
        }
    }

    pub(super) fn finish(self, io: &mut Io<'_>) {
        if let Some((layer, member)) = self.stream {
            if !io.budget.is_spent {
                (io.out)(Unpacked::Unread(Undecoded::Broken));
            }
            io.decoders.take_back(layer);
            member.end(false, io);
        }
    }

    /// Reads up to the first byte of a stream.
    fn between(&mut self, bytes: &mut &[u8], io: &mut Io<'_>) {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.last = self.last << 8 | u128::from(byte);
            match self.unescape().unwrap_or(byte) {
                b'e' | b' ' => self.is_flate |= FILTERS.iter().any(|filter| self.ends_with(filter)),
                // §7.3.8.1: CR LF or LF behind the word.
                b'\n' if self.is_flate && (self.ends_with(b"stream\r\n") || self.ends_with(b"stream\n")) => {
                    self.is_flate = false;
                    match io.decoders.begin(Coding::Stream) {
                        Some(layer) => self.stream = Some((layer, Member::unnamed(self.level))),
                        None => (io.out)(Unpacked::Unread(Undecoded::Memory)),
                    }
                    return;
                }
                _ => {}
            }
        }
    }

    /// The byte of a name that was written by its number (§7.3.5), which takes its place.
    fn unescape(&mut self) -> Option<u8> {
        let [.., b'#', high, low] = self.last.to_be_bytes() else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let byte = (digit(high)? * 16 + digit(low)?) as u8;
        self.last = self.last >> 24 << 8 | u128::from(byte);
        Some(byte)
    }

    fn ends_with(&self, word: &[u8]) -> bool {
        self.last.to_be_bytes().ends_with(word)
    }
}
