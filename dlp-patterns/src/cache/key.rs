//! What a compiled set depends on.

use std::fmt;

use crate::Pack;
use crate::simd::Tier;

/// The code that compiles, its version and that of all crates that it is built with; see `build.rs`.
const CODE: &str = env!("DLP_PATTERNS_CODE");

/// Tells compiled sets apart: by what they were compiled from, for which vector instructions, and by which code.
///
/// BLAKE3, since a collision would let one set pass for another, which nothing would notice; and it is fast enough to be the
/// checksum of a file too. What sets look like to people (names, actions, masks) isn't part of it: a set that is
/// read from a file is put together with the packs at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) content: [u8; 32],
    pub(super) code: [u8; 32],
    tier: Tier,
}

impl Key {
    pub(super) fn new(packs: &[Pack], tier: Tier) -> Key {
        let mut content = blake3::Hasher::new();
        content.update(tier.as_str().as_bytes()).update(&[0]);
        for signature in packs.iter().flat_map(Pack::signatures) {
            // What is encoded says where it ends, so that no two rows of signatures are encoded the same.
            content.update(&postcard::to_stdvec(&signature.looked_for()).expect("it is plain data"));
        }
        let code = *blake3::hash(CODE.as_bytes()).as_bytes();
        Key { content: *content.finalize().as_bytes(), code, tier }
    }
}

/// As files are named: by content and tier, so that a set which other code compiled is replaced.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", blake3::Hash::from(self.content).to_hex(), self.tier.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(rule: &str, tier: Tier) -> Key {
        let text = format!(
            "[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'alert'\n\
             severity = 1\ncategory = 'c'\nmask = 'none'\nexamples = {{ positive = ['x'], negative = ['y'] }}\n{rule}\n"
        );
        Key::new(&[Pack::parse("p.toml", &text).expect("it is right")], tier)
    }

    #[test]
    fn whatever_bears_on_matching_makes_another_key() {
        let rules = [
            "fields = ['payload']\nregex = 'ab'",
            "fields = ['payload']\nregex = 'ac'",
            "fields = ['payload']\nliterals = ['ab']",
            "fields = ['payload']\nliterals = ['ab', 'c']",
            "fields = ['payload']\nliterals = ['a', 'bc']",
            "fields = ['payload']\nregex = 'ab'\nnocase = true",
            "fields = ['payload']\nregex = 'ab'\nnot_after = 'x'",
            "fields = ['payload']\nregex = 'ab'\nvalidator = 'luhn'",
            "fields = ['payload']\nregex = 'ab'\ndirection = 'to_server'",
            "fields = ['payload', 'http.uri']\nregex = 'ab'",
            "fields = ['payload']\nall = [{ regex = 'ab' }, { regex = 'c' }]",
            "fields = ['payload']\nall = [{ regex = 'ab' }, { regex = 'c' }]\nin_order = true",
            "fields = ['payload']\nall = [{ regex = 'ab' }, { regex = 'c' }]\nwithin = 9",
            "fields = ['payload']\nall = [{ regex = 'ab' }]\nany = [{ regex = 'c' }]",
            "fields = ['payload']\nall = [{ regex = 'ab', count = 2 }]\nany = [{ regex = 'c' }]",
        ];
        let mut keys: Vec<String> = rules.iter().map(|rule| key(rule, Tier::Scalar).to_string()).collect();
        keys.push(key(rules[0], Tier::Avx2).to_string());
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), rules.len() + 1);
        assert_eq!(key(rules[0], Tier::Scalar), key(&format!("\n# a comment\n{}", rules[0]), Tier::Scalar));
    }
}
