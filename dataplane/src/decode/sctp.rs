//! The common header of SCTP (RFC 9260 §3.1).

use super::message::Message;
use super::{Checksum, DecodeError, Transport};

/// Ports, verification tag, checksum.
const HEADER_BYTES: usize = 12;
const CHECKSUM_OFFSET: usize = 8;
const CHECKSUM_BYTES: usize = 4;

#[inline]
pub(super) fn parse(upper: &[u8], missing_bytes: u32) -> Result<Message<'_>, DecodeError> {
    let [s0, s1, d0, d1, ..] = *upper.first_chunk::<HEADER_BYTES>().ok_or(DecodeError::TransportTruncated)?;
    let transport =
        Transport::Sctp { source: u16::from_be_bytes([s0, s1]), destination: u16::from_be_bytes([d0, d1]) };
    Ok(Message { transport, bytes: upper, header_bytes: HEADER_BYTES, missing_bytes })
}

/// Judges a whole packet, its header included. No checksum at all is what ends may agree on (RFC 9653), and what a
/// sending kernel leaves to a device.
pub(super) fn judge(bytes: &[u8]) -> Checksum {
    let Some((ports_and_tag, rest)) = bytes.split_at_checked(CHECKSUM_OFFSET) else {
        return Checksum::Unverified;
    };
    let Some((&field, chunks)) = rest.split_first_chunk::<CHECKSUM_BYTES>() else {
        return Checksum::Unverified;
    };
    if field == [0; CHECKSUM_BYTES] {
        return Checksum::Unverified;
    }
    // As if the field were 0 (RFC 9260 §6.8), which is then sent with its lowest byte first (Appendix A).
    let sum = crc32c::crc32c_append(crc32c::crc32c(ports_and_tag), &[0; CHECKSUM_BYTES]);
    let sum = crc32c::crc32c_append(sum, chunks);
    if sum.to_le_bytes() == field { Checksum::Valid } else { Checksum::Bad }
}
