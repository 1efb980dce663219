//! How much of a match may be shown.

use std::fmt::Write;

use crate::Hit;

/// How much of a match events and screens may show: evidence must not become the leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// All of it: an attack is no secret.
    None,
    /// The first four bytes.
    Secret,
    /// The first six and the last four digits (PCI DSS v4.0, requirement 3.4.1), and what stands between digits.
    Card,
}

impl Mask {
    /// Every mask with the name that packs use.
    pub const NAMES: [(&'static str, Mask); 3] =
        [("none", Mask::None), ("secret", Mask::Secret), ("card", Mask::Card)];

    /// The excerpt of a hit, masked, and printable: whatever is not printable ASCII is escaped as in `\r` or `\xff`.
    /// A match that is longer than its excerpt begins with `…`.
    pub fn apply(self, hit: &Hit) -> String {
        let is_cut = hit.end - hit.start > hit.excerpt.len() as u64;
        let mut shown = String::from(if is_cut { "…" } else { "" });
        let digits = hit.excerpt.iter().filter(|byte| byte.is_ascii_digit()).count();
        let mut digit = 0;
        for (at, &byte) in hit.excerpt.iter().enumerate() {
            let is_visible = match self {
                Mask::None => true,
                Mask::Secret => at < 4 && !is_cut,
                Mask::Card if byte.is_ascii_digit() => {
                    digit += 1;
                    (digit <= 6 && digits > 10) || digit + 4 > digits
                }
                Mask::Card => true,
            };
            if is_visible {
                write!(shown, "{}", byte.escape_ascii()).expect("a String takes all");
            } else {
                shown.push('*');
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleId;

    fn shown(mask: Mask, excerpt: &[u8], match_bytes: u64) -> String {
        let excerpt = excerpt.iter().copied().collect();
        mask.apply(&Hit { rule: RuleId(0), start: 0, end: match_bytes, excerpt })
    }

    #[test]
    fn only_what_may_be_seen_is_shown() {
        assert_eq!(shown(Mask::Card, b"4111-1111-1111-1111", 19), "4111-11**-****-1111");
        assert_eq!(shown(Mask::Card, b"378282246310005", 15), "378282*****0005");
        assert_eq!(shown(Mask::Card, b"1234567890", 10), "******7890");
        assert_eq!(shown(Mask::Secret, b"ghp_abcd", 8), "ghp_****");
        assert_eq!(shown(Mask::Secret, b"cut excerpt", 90), "…***********");
        assert_eq!(shown(Mask::None, b"\x00a\r\n\"\xff", 6), r#"\x00a\r\n\"\xff"#);
    }
}
