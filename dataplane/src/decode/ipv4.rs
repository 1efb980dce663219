//! IPv4 (RFC 791).

use std::net::Ipv4Addr;

use super::datagram::{Datagram, Fragment, without_padding};
use super::glimpse::Sight;
use super::span::Span;
use super::{DecodeError, checksum};

const HEADER_BYTES_MIN: usize = 20;

const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

#[inline(always)]
pub(super) fn parse(span: Span<'_>, offset: usize) -> Result<Datagram<'_, Ipv4Addr>, DecodeError> {
    let bytes = span.frame.get(offset..).ok_or(DecodeError::IpTruncated)?;
    let fixed = bytes.first_chunk::<HEADER_BYTES_MIN>().ok_or(DecodeError::IpTruncated)?;
    // RFC 791 §3.1, field by field.
    let [first, _, l0, l1, id0, id1, f0, f1, hops, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    if first >> 4 != 4 {
        return Err(DecodeError::IpVersion);
    }
    let header_bytes = usize::from(first & 0x0f) * 4;
    let total_bytes = usize::from(u16::from_be_bytes([l0, l1]));
    if header_bytes < HEADER_BYTES_MIN || total_bytes < header_bytes {
        return Err(DecodeError::IpHeaderLength);
    }
    let (packet, missing_bytes) = without_padding(span, offset, total_bytes)?;
    let (header, upper) = packet.split_at_checked(header_bytes).ok_or(DecodeError::IpTruncated)?;

    let flags = u16::from_be_bytes([f0, f1]);
    let fragment = (flags & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0).then(|| Fragment {
        id: u32::from(u16::from_be_bytes([id0, id1])),
        offset: (flags & FRAGMENT_OFFSET) * 8,
        more: flags & MORE_FRAGMENTS != 0,
    });
    let (source, destination) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
    Ok(Datagram {
        source,
        destination,
        protocol,
        hops,
        offset,
        transport_offset: offset + header_bytes,
        ipv4_header: header,
        upper,
        missing_bytes,
        fragment,
        addresses_sum: Some(checksum::addresses(source.into(), destination.into())),
        // Its own is an upper layer that is not looked into.
        is_authenticated: false,
    })
}

/// What a header tells that may be broken, or that of a packet that is.
pub(super) fn glimpse(frame: &[u8], offset: usize) -> Option<Sight<'_>> {
    let bytes = frame.get(offset..)?;
    let fixed = bytes.first_chunk::<HEADER_BYTES_MIN>()?;
    let [first, _, l0, l1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    let header_bytes = usize::from(first & 0x0f) * 4;
    let end = usize::from(u16::from_be_bytes([l0, l1])).min(bytes.len());
    let is_begin = u16::from_be_bytes([f0, f1]) & FRAGMENT_OFFSET == 0 && header_bytes >= HEADER_BYTES_MIN;
    let ends = (Ipv4Addr::new(s0, s1, s2, s3).into(), Ipv4Addr::new(d0, d1, d2, d3).into());
    let upper = bytes.get(header_bytes..end).filter(|_| is_begin).unwrap_or_default();
    (first >> 4 == 4).then_some(Sight { ends, protocol: Some(protocol), upper })
}
