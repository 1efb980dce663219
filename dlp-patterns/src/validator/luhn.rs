//! The check digit of payment cards.

use super::Validator;

/// Accepts digits whose Luhn sum is a multiple of ten (ISO/IEC 7812-1, annex B), whatever stands between them; a number
/// of nothing but one digit repeated is refused, since it is a placeholder.
#[derive(Clone, Copy, Debug)]
pub struct Luhn;

impl Validator for Luhn {
    fn accepts(&self, matched: &[u8]) -> bool {
        // From the right, since it is the check digit that counts once.
        let digits =
            || matched.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
        let Some(last) = digits().next() else { return false };
        if digits().all(|digit| digit == last) {
            return false;
        }
        let weigh = |(at, digit): (usize, u32)| match at % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        };
        digits().enumerate().map(weigh).sum::<u32>() % 10 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        for good in ["4111111111111111", "3782 822463 10005", "6011-1111-1111-1117", "79927398713", "18"] {
            assert!(Luhn.accepts(good.as_bytes()), "{good}");
        }
        for bad in ["4111111111111112", "79927398710", "", "-", "0000000000000000"] {
            assert!(!Luhn.accepts(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn every_single_wrong_digit_is_noticed() {
        let good = *b"4532015112830366";
        assert!(Luhn.accepts(&good));
        for at in 0..good.len() {
            for digit in (b'0'..=b'9').filter(|digit| *digit != good[at]) {
                let mut bad = good;
                bad[at] = digit;
                assert!(!Luhn.accepts(&bad), "{}", bad.escape_ascii());
            }
        }
    }
}
