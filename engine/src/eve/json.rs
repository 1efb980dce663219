//! JSON as `serde_json` writes it, faster for what event lines are made of.

use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use serde_json::{Error, to_writer};

/// Appends a value to a line. Names, which are ours and need no escape, and strings that need none, as nearly all
/// do, are copied whole; everything rare is left to `serde_json`.
pub(super) struct Json<'o>(pub(super) &'o mut Vec<u8>);

/// An object or a list to which members are added.
pub(super) struct Members<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
    close: u8,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>, [open, close]: [u8; 2]) -> Members<'o> {
        out.push(open);
        Members { out, is_first: true, close }
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(b',');
        }
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        debug_assert!(is_plain(name), "{name:?} is not a name of ours");
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Json(self.out))
    }

    fn close(self) {
        self.out.push(self.close);
    }
}

/// Whether a string has nothing to escape (RFC 8259 §7). Without an early exit, many bytes are looked at at once.
fn is_plain(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

fn unsupported(what: &str) -> Error {
    Error::custom(format_args!("event lines have no {what}"))
}

impl<'o> Serializer for Json<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Members<'o>;
    type SerializeMap = Members<'o>;
    type SerializeStruct = Members<'o>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        if !is_plain(text) {
            return to_writer(self.0, text);
        }
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        Ok(())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'o>, Error> {
        Ok(Members::open(self.0, *b"{}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'o>, Error> {
        Ok(Members::open(self.0, *b"{}"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'o>, Error> {
        Ok(Members::open(self.0, *b"[]"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        to_writer(self.0, &value)
    }

    fn serialize_i8(self, number: i8) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_i16(self, number: i16) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_i32(self, number: i32) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_i64(self, number: i64) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_u8(self, number: u8) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_u16(self, number: u16) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_u32(self, number: u32) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_u64(self, number: u64) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        to_writer(self.0, &number)
    }

    fn serialize_char(self, char: char) -> Result<(), Error> {
        to_writer(self.0, &char)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        to_writer(self.0, bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        to_writer(self.0, &())
    }

    fn serialize_unit(self) -> Result<(), Error> {
        to_writer(self.0, &())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        to_writer(self.0, &())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        to_writer(self.0, variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(unsupported("variants with values"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Err(unsupported("tuples"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        Err(unsupported("tuples"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(unsupported("variants with values"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(unsupported("variants with values"))
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        key.serialize(Json(self.out))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_writes_what_serde_json_writes() {
        #[derive(Serialize)]
        struct Line<'a> {
            text: &'a str,
            none: Option<u8>,
            list: Vec<&'a str>,
            map: BTreeMap<&'a str, i64>,
            truth: bool,
        }
        for text in ["", "plain é \u{2028}", "a\"b", "a\\b", "a\nb", "\0", "\u{7f}", "\u{1f}x"] {
            let map = BTreeMap::from([("a", -1), (text, i64::MAX)]);
            let line = Line { text, none: None, list: vec![text, "x"], map, truth: true };
            let mut out = Vec::new();
            line.serialize(Json(&mut out)).expect("plain fields");
            assert_eq!(String::from_utf8(out).expect("UTF-8"), serde_json::to_string(&line).expect("plain"));
        }
    }

    #[test]
    fn what_no_line_has_is_refused() {
        assert!((1, 2).serialize(Json(&mut Vec::new())).is_err());
    }
}
