//! The check digits of bank account numbers.

use super::Validator;

/// Accepts an IBAN whose remainder modulo 97 is one (ISO 13616-1, ISO/IEC 7064 MOD 97-10), with or without spaces.
#[derive(Clone, Copy, Debug)]
pub struct Iban;

impl Validator for Iban {
    fn accepts(&self, matched: &[u8]) -> bool {
        let characters = || matched.iter().filter(|&&byte| byte != b' ');
        let length = characters().count();
        // The shortest in use is Norway's with 15 characters, and the standard ends at 34.
        if !(15..=34).contains(&length) {
            return false;
        }
        // Country and check digits move to the end; a letter counts as two digits, A = 10 … Z = 35.
        let mut remainder = 0;
        for byte in characters().skip(4).chain(characters().take(4)) {
            remainder = match byte {
                b'0'..=b'9' => remainder * 10 + u32::from(byte - b'0'),
                b'A'..=b'Z' => remainder * 100 + u32::from(byte - b'A') + 10,
                b'a'..=b'z' => remainder * 100 + u32::from(byte - b'a') + 10,
                _ => return false,
            } % 97;
        }
        remainder == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        for good in ["GB82WEST12345698765432", "DE89 3704 0044 0532 0130 00", "NO9386011117947"] {
            assert!(Iban.accepts(good.as_bytes()), "{good}");
        }
        for bad in ["GB82WEST12345698765431", "DE88370400440532013000", "GB82", "GB82WEST1234569876543!"] {
            assert!(!Iban.accepts(bad.as_bytes()), "{bad}");
        }
    }
}
