//! Packs and files to measure the matcher with: drawn from tables, the same on every machine.

mod data;
mod dlp;
mod expand;
mod literals;
mod numeric;
mod pack;
mod request;
mod response;
mod strong;

pub use data::DataKind;
pub use pack::PackKind;
