//! What the black-box tests stand on: the rules of the house as checks, and the corpora of others as expectations.
#![forbid(unsafe_code)]

pub mod tidy;
