//! Documents of BSON, <https://bsonspec.org/spec.html>, read as far as they are here: that of a long message is cut. Libraries
//! take whole documents only.

use crate::{
    app::wire::Wire,
    limits::{BSON_DEPTH_MAX, MESSAGE_BYTES_HELD_MAX},
};

/// The elements of a document that are here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'d>(Wire<'d>);

/// A named value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    pub(super) name: &'d [u8],
    pub(super) value: Value<'d>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'d> {
    Double(f64),
    /// Also symbols and code.
    Text(&'d [u8]),
    Document(Document<'d>),
    Array(Document<'d>),
    Binary(&'d [u8]),
    Identifier(&'d [u8]),
    Flag(bool),
    Null,
    Regex(&'d [u8], &'d [u8]),
    Number(i64),
    /// What has no spelling here: decimals, keys that order before and after all.
    Other,
}

impl<'d> Document<'d> {
    /// Takes a document off the front: all of it, or what is here.
    pub(super) fn take(wire: &mut Wire<'d>) -> Option<Document<'d>> {
        const LENGTH_BYTES: usize = 4;
        let length = usize::try_from(wire.u32_le()?).ok()?.checked_sub(LENGTH_BYTES)?;
        let here = length.min(wire.rest().len());
        wire.take(here).map(|elements| Document(Wire(elements)))
    }

    /// Its elements in order, as far as they are whole.
    pub(super) fn elements(self) -> impl Iterator<Item = Element<'d>> {
        let mut wire = self.0;
        std::iter::from_fn(move || {
            let kind = wire.u8().filter(|kind| *kind != 0)?;
            let name = wire.until_nul()?;
            Some(Element { name, value: Value::take(kind, &mut wire)? })
        })
    }

    pub(super) fn find(self, name: &[u8]) -> Option<Value<'d>> {
        self.elements().find(|element| element.name == name).map(|element| element.value)
    }
}

impl<'d> Value<'d> {
    fn take(kind: u8, wire: &mut Wire<'d>) -> Option<Value<'d>> {
        Some(match kind {
            0x01 => Value::Double(f64::from_bits(wire.u64_le()?)),
            0x02 | 0x0d | 0x0e => Value::Text(string(wire)?),
            0x03 => Value::Document(Document::take(wire)?),
            0x04 => Value::Array(Document::take(wire)?),
            0x05 => {
                let length = wire.u32_le()? as usize;
                let _subtype = wire.u8()?;
                Value::Binary(wire.take(length.min(wire.rest().len()))?)
            }
            0x06 | 0x0a => Value::Null,
            0x07 => Value::Identifier(wire.take(12)?),
            0x08 => Value::Flag(wire.u8()? != 0),
            0x09 | 0x11 | 0x12 => Value::Number(wire.u64_le()?.cast_signed()),
            0x0b => Value::Regex(wire.until_nul()?, wire.until_nul()?),
            0x0c => {
                let (_namespace, id) = (string(wire)?, wire.take(12)?);
                Value::Identifier(id)
            }
            // Code, and a document of what it sees.
            0x0f => {
                let _length = wire.u32_le()?;
                let code = string(wire)?;
                Document::take(wire)?;
                Value::Text(code)
            }
            0x10 => Value::Number(wire.u32_le()?.cast_signed().into()),
            0x13 => {
                wire.take(16)?;
                Value::Other
            }
            0x7f | 0xff => Value::Other,
            _ => return None,
        })
    }

    pub(super) fn text(self) -> Option<&'d [u8]> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn document(self) -> Option<Document<'d>> {
        if let Value::Document(document) | Value::Array(document) = self { Some(document) } else { None }
    }

    pub(super) fn number(self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(number),
            Value::Double(number) => Some(number as i64),
            _ => None,
        }
    }

    /// Whether it stands for true, as the server takes it for `ok`.
    pub(super) fn is_true(self) -> bool {
        matches!(self, Value::Flag(true)) || self.number().is_some_and(|number| number != 0)
    }
}

/// A length that counts the NUL at the end. Of one that is cut, what is here.
fn string<'d>(wire: &mut Wire<'d>) -> Option<&'d [u8]> {
    let length = usize::try_from(wire.u32_le()?).ok()?.checked_sub(1)?;
    let text = wire.take(length.min(wire.rest().len()))?;
    let _nul = wire.u8();
    Some(text)
}

/// Documents as the shell of MongoDB would show them, in one line of at most [`MESSAGE_BYTES_HELD_MAX`].
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// What is shown so far.
    pub(super) text: Vec<u8>,
}

impl Shown {
    /// Adds a document; values under a name for which `is_secret` holds are masked.
    pub(super) fn document(&mut self, document: Document<'_>, is_secret: &impl Fn(&[u8]) -> bool) {
        self.nested(document, b"{}", 0, is_secret);
    }

    fn nested(
        &mut self,
        document: Document<'_>,
        signs: &[u8; 2],
        depth: usize,
        is_secret: &impl Fn(&[u8]) -> bool,
    ) {
        let [open, close] = signs.map(|sign| [sign]);
        self.add(&open);
        for (at, Element { name, value }) in document.elements().enumerate() {
            if self.is_full() || depth == BSON_DEPTH_MAX {
                self.add("…".as_bytes());
                break;
            }
            if at > 0 {
                self.add(b", ");
            }
            if open == *b"{" {
                self.add(name);
                self.add(b": ");
            }
            if is_secret(name) {
                self.add(b"***");
            } else {
                self.value(value, depth, is_secret);
            }
        }
        self.add(&close);
    }

    fn value(&mut self, value: Value<'_>, depth: usize, is_secret: &impl Fn(&[u8]) -> bool) {
        match value {
            Value::Double(number) => self.add(number.to_string().as_bytes()),
            Value::Number(number) => self.add(number.to_string().as_bytes()),
            Value::Flag(flag) => self.add(if flag { b"true" } else { b"false" }),
            Value::Null => self.add(b"null"),
            Value::Other => self.add(b"?"),
            Value::Text(text) | Value::Binary(text) => {
                self.add(b"\"");
                self.add(text);
                self.add(b"\"");
            }
            Value::Identifier(id) => self.add(crate::app::fingerprint::hex(id).as_bytes()),
            Value::Regex(pattern, options) => {
                self.add(b"/");
                self.add(pattern);
                self.add(b"/");
                self.add(options);
            }
            Value::Document(document) => self.nested(document, b"{}", depth + 1, is_secret),
            Value::Array(document) => self.nested(document, b"[]", depth + 1, is_secret),
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= MESSAGE_BYTES_HELD_MAX
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        let room = MESSAGE_BYTES_HELD_MAX - self.text.len();
        self.text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}
