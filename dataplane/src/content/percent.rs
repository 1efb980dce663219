//! [`Percent`]: values with percent-escapes, taken off as often as they were put on, wherever they are cut: `%27`, `%2527`, `%u0027`
//! and `%c0%a7` are all an apostrophe.

use arrayvec::ArrayVec;
use memchr::memchr3;

use super::unit::{Piece, Unit};

/// Which escapes are told of elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// None.
    Nothing,
    /// Those of the first layer, of two digits.
    Once,
}

/// A list of values under way: pairs of a form (WHATWG URL §5.1), or those of a query.
#[derive(Debug)]
pub struct Percent {
    /// Layers from which on an escape is told.
    told_from: u8,
    escape: Escape,
    /// Begin of a character in more bytes than it takes (RFC 3629 §10).
    overlong: ArrayVec<u8, 2>,
    unit: Unit,
}

/// An escape under way, of so many layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Sign(u8),
    Digit(u8, u8),
    /// `%u` and so many digits, which come to that.
    Unicode(u8, u8, u16),
}

/// Layers of what nobody should write in such a way: it is always told.
const ODD: u8 = 2;
const LAYERS_MAX: u8 = 8;

impl Percent {
    /// The first value follows.
    pub fn new(known: Known) -> Percent {
        let told_from = match known {
            Known::Nothing => 1,
            Known::Once => ODD,
        };
        Percent { told_from, escape: Escape::None, overlong: ArrayVec::new(), unit: Unit::default() }
    }

    /// Reads on.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.escape != Escape::None {
                if self.go_on(byte, out) {
                    bytes = rest;
                }
                continue;
            }
            let run = memchr3(b'%', b'+', b'&', bytes).unwrap_or(bytes.len());
            if run > 0 {
                let (run, rest) = bytes.split_at(run);
                self.settle(out);
                self.unit.plain(run, out);
                bytes = rest;
                continue;
            }
            match byte {
                b'%' => self.escape = Escape::Sign(1),
                b'+' => self.emit(b' ', 1, out),
                _ => {
                    self.settle(out);
                    self.unit.end(out);
                }
            }
            bytes = rest;
        }
        self.unit.flush(out);
    }

    /// Nothing follows: an escape that is cut off is none. What is pushed then begins anew.
    pub fn finish(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.abandon(out);
        self.settle(out);
        self.unit.end(out);
    }

    /// Takes the next byte into the escape under way; false where it does not belong there, and none is under way any more.
    fn go_on(&mut self, byte: u8, out: &mut impl FnMut(Piece<'_>)) -> bool {
        let digit = char::from(byte).to_digit(16).map(|digit| digit as u8);
        match (self.escape, digit) {
            (Escape::Sign(layers), Some(_)) => self.escape = Escape::Digit(layers, byte),
            (Escape::Sign(layers), None) if byte | 0x20 == b'u' => {
                self.escape = Escape::Unicode(layers, 0, 0);
            }
            (Escape::Digit(layers, high), Some(low)) => {
                let high = char::from(high).to_digit(16).unwrap_or_default() as u8;
                self.escape = Escape::None;
                self.stands_for(high << 4 | low, layers, out);
            }
            (Escape::Unicode(layers, 3, value), Some(digit)) => {
                self.escape = Escape::None;
                self.unicode(value << 4 | u16::from(digit), layers, out);
            }
            (Escape::Unicode(layers, digits, value), Some(digit)) => {
                self.escape = Escape::Unicode(layers, digits + 1, value << 4 | u16::from(digit));
            }
            (_, None) | (Escape::None, _) => {
                self.abandon(out);
                return false;
            }
        }
        true
    }

    /// An escape of so many layers is complete. A percent sign may begin the next layer.
    fn stands_for(&mut self, byte: u8, layers: u8, out: &mut impl FnMut(Piece<'_>)) {
        if byte == b'%' && layers < LAYERS_MAX {
            self.escape = Escape::Sign(layers + 1);
        } else {
            self.emit(byte, layers, out);
        }
    }

    /// `%u`, of IIS: letters of full width come to those of ASCII there.
    fn unicode(&mut self, value: u16, layers: u8, out: &mut impl FnMut(Piece<'_>)) {
        let value = if matches!(value, 0xff01..=0xff5e) { value - 0xfee0 } else { value };
        if let Ok(byte) = u8::try_from(value)
            && byte.is_ascii()
        {
            return self.stands_for(byte, layers.max(ODD), out);
        }
        let letter = char::from_u32(value.into()).unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut utf8 = [0; 4];
        for byte in letter.encode_utf8(&mut utf8).bytes() {
            self.emit(byte, layers.max(ODD), out);
        }
    }

    /// What was begun is no escape, but the bytes that it is made of.
    fn abandon(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        let (layers, behind) = match std::mem::replace(&mut self.escape, Escape::None) {
            Escape::None => return,
            Escape::Sign(layers) => (layers, ArrayVec::<u8, 5>::new()),
            Escape::Digit(layers, digit) => (layers, [digit].into_iter().collect()),
            Escape::Unicode(layers, digits, value) => {
                let digit = |at: u8| char::from_digit((value >> (4 * at) & 0xf).into(), 16).unwrap_or('0');
                let digits = (0..digits).rev().map(|at| digit(at) as u8);
                (layers, std::iter::once(b'u').chain(digits).collect())
            }
        };
        self.emit(b'%', layers - 1, out);
        behind.into_iter().for_each(|byte| self.emit(byte, 0, out));
    }

    /// A byte that so many layers were taken off.
    fn emit(&mut self, byte: u8, layers: u8, out: &mut impl FnMut(Piece<'_>)) {
        if layers > 0 {
            match (self.overlong.as_slice(), byte) {
                ([], 0xc0 | 0xc1 | 0xe0) | ([0xe0], 0x80 | 0x81) => return self.overlong.push(byte),
                (&[0xc0 | 0xc1], 0x80..=0xbf) | (&[0xe0, _], 0x80..=0xbf) => {
                    let lead = self.overlong.last().copied().unwrap_or_default();
                    self.overlong.clear();
                    return self.unit.escaped(&[(lead & 1) << 6 | byte & 0x3f], out);
                }
                _ => {}
            }
        }
        self.settle(out);
        self.unit_takes(byte, layers, out);
    }

    /// What was begun is no overlong character.
    fn settle(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        for byte in std::mem::take(&mut self.overlong) {
            self.unit_takes(byte, 1, out);
        }
    }

    fn unit_takes(&mut self, byte: u8, layers: u8, out: &mut impl FnMut(Piece<'_>)) {
        if layers >= self.told_from {
            self.unit.escaped(&[byte], out);
        } else {
            self.unit.plain(&[byte], out);
        }
    }
}
