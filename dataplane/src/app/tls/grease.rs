//! Numbers that clients say at random so that servers keep ignoring what they don't know (RFC 8701).

/// Whether a cipher suite, extension, group, signature algorithm or version is none.
pub(super) fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[cfg(test)]
mod tests {
    use super::is_grease;

    #[test]
    fn they_are_sixteen() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|number| is_grease(*number)).collect();
        assert_eq!((all.len(), all[0], all[15]), (16, 0x0a0a, 0xfafa));
    }
}
