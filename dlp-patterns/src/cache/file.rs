//! A compiled set as the bytes of a file.

use zerocopy::byteorder::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Lookup;
use super::key::Key;

/// What every such file begins with; the last byte counts up when the header changes.
const MAGIC: [u8; 8] = *b"WEIRSET\x01";

/// What stands before a body.
///
/// Invariant: `checksum` is BLAKE3 over the header before it and the body.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    /// Which code compiled it.
    code: [u8; 32],
    /// What it was compiled from, and for which tier.
    content: [u8; 32],
    body_bytes: U64,
    checksum: [u8; 32],
}

impl Header {
    fn checksum(&self, body: &[u8]) -> [u8; 32] {
        let before = self.as_bytes().split_last_chunk::<32>().expect("a checksum has 32 bytes").0;
        *blake3::Hasher::new().update(before).update(body).finalize().as_bytes()
    }
}

/// The bytes of a file for a body.
pub(super) fn encode(key: &Key, body: &[u8]) -> Vec<u8> {
    let body_bytes = U64::new(body.len() as u64);
    let mut header =
        Header { magic: MAGIC, code: key.code, content: key.content, body_bytes, checksum: [0; 32] };
    header.checksum = header.checksum(body);
    [header.as_bytes(), body].concat()
}

/// The body of a file that was written whole for this key.
pub(super) fn decode<'f>(key: &Key, file: &'f [u8]) -> Result<&'f [u8], Lookup> {
    let damaged = |reason: &str| Err(Lookup::Damaged(reason.to_owned()));
    let Ok((header, body)) = Header::ref_from_prefix(file) else { return damaged("it is cut off") };
    let [magic @ .., version] = header.magic;
    if magic != MAGIC[..7] {
        return damaged("it is no compiled set");
    }
    if version != MAGIC[7] || header.code != key.code {
        return Err(Lookup::Stale);
    }
    if header.content != key.content {
        return damaged("it bears the name of another set");
    }
    if header.body_bytes.get() != body.len() as u64 {
        return damaged("it has another length than it says");
    }
    if header.checksum != header.checksum(body) {
        return damaged("its checksum is wrong");
    }
    Ok(body)
}
