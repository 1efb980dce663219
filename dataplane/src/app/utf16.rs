//! Texts of protocols of Windows.

/// UTF-16, least significant byte first, as text.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_character_is_replaced() {
        assert_eq!(utf16(b"a\0\xe4\0\x3d\xd8\x00\xde!"), "a\u{e4}\u{1f600}");
        assert_eq!(utf16(b"\x00\xd8a\0"), "\u{fffd}a");
    }
}
