//! Signature packs, and the streaming scan that they compile to.
#![forbid(unsafe_code)]

pub mod document;
mod field;
mod hit;

pub use field::{Direction, Field};
pub use hit::{Hit, RuleId};
