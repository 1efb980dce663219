//! ICMP headers (RFC 792, RFC 4443).

use super::message::Message;
use super::{DecodeError, Transport};

/// Type, code, checksum, and four bytes whose meaning depends on the type; no message of either RFC has fewer.
const HEADER_BYTES: usize = 8;

#[inline]
pub(super) fn parse(upper: &[u8], missing_bytes: u32) -> Result<Message<'_>, DecodeError> {
    let [kind, code, ..] = *upper.first_chunk::<HEADER_BYTES>().ok_or(DecodeError::TransportTruncated)?;
    let transport = Transport::Icmp { kind, code };
    Ok(Message { transport, bytes: upper, header_bytes: HEADER_BYTES, missing_bytes })
}
