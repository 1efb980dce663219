//! Checks on a match that no regular expression can make.

use serde::{Deserialize, Serialize};

use crate::limits::VALIDATED_BYTES_MAX;

mod iban;
mod luhn;

pub use iban::Iban;
pub use luhn::Luhn;

/// A check that a match has to pass to become a hit. It depends on nothing but the bytes it is given.
pub trait Validator {
    /// Whether these bytes, the whole match, are the real thing.
    fn accepts(&self, matched: &[u8]) -> bool;
}

/// The validators that packs can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checksum {
    /// See [`Luhn`].
    Luhn,
    /// See [`Iban`].
    Iban,
}

impl Checksum {
    /// Every validator with the name that packs use.
    pub const NAMES: [(&'static str, Checksum); 2] = [("luhn", Checksum::Luhn), ("iban", Checksum::Iban)];
}

impl Validator for Checksum {
    fn accepts(&self, matched: &[u8]) -> bool {
        debug_assert!(
            matched.len() <= VALIDATED_BYTES_MAX,
            "longer matches are refused when rules are compiled"
        );
        match self {
            Checksum::Luhn => Luhn.accepts(matched),
            Checksum::Iban => Iban.accepts(matched),
        }
    }
}
