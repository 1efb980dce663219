//! What a scan reports.

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

/// Index of a rule within one [`RuleSet`](crate::RuleSet); meaningless in another set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleId(pub u32);

/// A confirmed and validated match. Offsets count bytes from the begin of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule that matched.
    pub rule: RuleId,
    /// Offset of the first matched byte.
    pub start: u64,
    /// Offset behind the last matched byte.
    pub end: u64,
    /// The matched bytes, unmasked; of a longer match the last [`Hit::EXCERPT_BYTES_MAX`].
    pub excerpt: ArrayVec<u8, { Hit::EXCERPT_BYTES_MAX }>,
}

impl Hit {
    /// How much of a match is kept as evidence, in bytes.
    pub const EXCERPT_BYTES_MAX: usize = 64;
}
