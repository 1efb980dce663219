//! UDP headers (RFC 768).

use super::message::Message;
use super::{DecodeError, Transport};

const HEADER_BYTES: usize = 8;

/// Offset of the checksum in the header, in bytes.
pub(super) const CHECKSUM_OFFSET: usize = 6;

#[inline(always)]
pub(super) fn parse(upper: &[u8], missing_bytes: u32) -> Result<Message<'_>, DecodeError> {
    let [s0, s1, d0, d1, l0, l1, _, _] =
        *upper.first_chunk::<HEADER_BYTES>().ok_or(DecodeError::TransportTruncated)?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length < HEADER_BYTES || length > upper.len() + missing_bytes as usize {
        return Err(DecodeError::TransportLength);
    }
    // What IP carries behind the datagram is no part of it.
    let bytes = upper.get(..length).unwrap_or(upper);
    let transport =
        Transport::Udp { source: u16::from_be_bytes([s0, s1]), destination: u16::from_be_bytes([d0, d1]) };
    let missing_bytes = (length - bytes.len()) as u32;
    Ok(Message { transport, bytes, header_bytes: HEADER_BYTES, missing_bytes })
}
