//! Bytes of the network as a JSON string.

use std::fmt;

use serde::{Serialize, Serializer};

/// Bytes that ought to be text. Those that are no UTF-8 are written `\xNN`, so that none is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t>(pub(super) &'t [u8]);

impl Text<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(self),
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02X}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_string_becomes_valid_json() {
        let bytes = b"a\"\\\n\x00\xff\xc3\xa9\xe2\x82";
        let json = serde_json::to_string(&Text(bytes)).expect("plain");
        assert_eq!(json, "\"a\\\"\\\\\\n\\u0000\\\\xFFé\\\\xE2\\\\x82\"");
        let back: String = serde_json::from_str(&json).expect("valid");
        assert_eq!(back, "a\"\\\n\0\\xFFé\\xE2\\x82");
    }
}
