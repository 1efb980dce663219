//! Body bytes → the bytes that rules read: content codings taken off one by one, and the escapes of values within.
//!
//! A stream goes in as it comes and comes out as far as it can be decoded: nothing of it is gathered, and what a decoder remembers
//! is charged to its worker. What comes out does not depend on how the input is cut.

mod archive;
mod base64;
mod brotli;
mod charset;
mod coding;
mod decoders;
mod decoding;
mod entities;
mod gzip_header;
mod inflate;
mod json;
mod layer;
mod percent;
#[cfg(test)]
mod tests;
mod unit;
mod utf7;
mod values;
mod zstandard;

pub use self::archive::{Archive, Unpacked};
pub use self::charset::{CHARSET_SIGN_BYTES, Charset, Transcoder};
pub use self::coding::{Coding, Codings};
pub use self::decoders::Decoders;
pub use self::decoding::{Decoding, Growth};
pub use self::percent::{Known, Percent};
pub use self::unit::Piece;
pub use self::values::{Media, Values};

/// Why a body, or the rest of it, is not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecoded {
    /// It is not of its coding, goes on behind its end, or ends before it.
    Broken,
    /// It grows by more than [`CONTENT_RATIO_MAX`](crate::limits::CONTENT_RATIO_MAX).
    Ratio,
    /// It is longer than [`CONTENT_BYTES_MAX`](crate::limits::CONTENT_BYTES_MAX).
    Size,
    /// Its decoder needs more memory than a stream may ask for, or than is left to the worker.
    Memory,
}
