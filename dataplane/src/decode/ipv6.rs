//! IPv6 and its extension headers (RFC 8200).

use std::net::Ipv6Addr;

use super::datagram::{Datagram, Fragment, without_padding};
use super::glimpse::Sight;
use super::span::Span;
use super::{DecodeError, checksum};
use crate::limits::IPV6_EXTENSIONS_MAX;

const HEADER_BYTES: usize = 40;
const NEXT_HEADER_OFFSET: usize = 6;

/// The registry of extension headers (RFC 7045 §4), without ESP, behind which nothing can be read.
mod extension {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
    pub(super) const HOST_IDENTITY: u8 = 139;
    pub(super) const SHIM6: u8 = 140;
}

#[inline(always)]
pub(super) fn parse(span: Span<'_>, offset: usize) -> Result<Datagram<'_, Ipv6Addr>, DecodeError> {
    let bytes = span.frame.get(offset..).ok_or(DecodeError::IpTruncated)?;
    let (fixed, addresses) = bytes.split_first_chunk::<8>().ok_or(DecodeError::IpTruncated)?;
    let (source, addresses) = addresses.split_first_chunk::<16>().ok_or(DecodeError::IpTruncated)?;
    let destination = addresses.first_chunk::<16>().ok_or(DecodeError::IpTruncated)?;
    let [first, _, _, _, l0, l1, next_header, hops] = *fixed;
    if first >> 4 != 6 {
        return Err(DecodeError::IpVersion);
    }
    let payload_bytes = usize::from(u16::from_be_bytes([l0, l1]));
    let (packet, missing_bytes) = without_padding(span, offset, HEADER_BYTES + payload_bytes)?;
    let (source, destination) = (Ipv6Addr::from(*source), Ipv6Addr::from(*destination));
    let mut chain = Chain {
        next_header,
        rest: packet.get(HEADER_BYTES..).ok_or(DecodeError::IpTruncated)?,
        fragment: None,
        home_address: source,
        final_destination: Some(destination),
        is_authenticated: false,
    };
    chain.walk()?;
    let first = chain.home_address.into();
    let addresses_sum = chain.final_destination.map(|last| checksum::addresses(first, last.into()));
    Ok(Datagram {
        source,
        destination,
        protocol: chain.next_header,
        hops,
        offset,
        transport_offset: offset + packet.len() - chain.rest.len(),
        ipv4_header: &[],
        upper: chain.rest,
        missing_bytes,
        fragment: chain.fragment,
        addresses_sum,
        is_authenticated: chain.is_authenticated,
    })
}

/// What a header tells that may be broken, or that of a packet that is.
pub(super) fn glimpse(frame: &[u8], offset: usize) -> Option<Sight<'_>> {
    let bytes = frame.get(offset..)?;
    let (fixed, addresses) = bytes.split_first_chunk::<8>()?;
    let (source, addresses) = addresses.split_first_chunk::<16>()?;
    let (destination, rest) = addresses.split_first_chunk::<16>()?;
    let [first, _, _, _, l0, l1, next_header, _] = *fixed;
    let end = usize::from(u16::from_be_bytes([l0, l1])).min(rest.len());
    let (source, destination) = (Ipv6Addr::from(*source), Ipv6Addr::from(*destination));
    let rest = rest.get(..end).unwrap_or_default();
    let (home_address, final_destination, is_authenticated) = (source, Some(destination), false);
    let mut chain =
        Chain { next_header, rest, fragment: None, home_address, final_destination, is_authenticated };
    let is_whole = chain.walk().is_ok() && !chain.is_at_extension();
    let is_begin = is_whole && chain.fragment.is_none_or(|fragment| fragment.offset == 0);
    (first >> 4 == 6).then_some(Sight {
        ends: (source.into(), destination.into()),
        protocol: is_whole.then_some(chain.next_header),
        upper: if is_begin { chain.rest } else { &[] },
    })
}

/// The walk along the extension headers: `rest` begins with a header of the kind `next_header`.
struct Chain<'p> {
    next_header: u8,
    rest: &'p [u8],
    fragment: Option<Fragment>,
    /// The source for the pseudo-header.
    home_address: Ipv6Addr,
    /// The destination for the pseudo-header, where it can be told.
    final_destination: Option<Ipv6Addr>,
    is_authenticated: bool,
}

impl Chain<'_> {
    #[inline]
    fn walk(&mut self) -> Result<(), DecodeError> {
        let mut walked = 0;
        while self.is_at_extension() {
            // Any order and number must be accepted, but hop-by-hop options stand first (RFC 8200 §4.1).
            let is_misplaced = walked > 0 && self.next_header == extension::HOP_BY_HOP;
            if is_misplaced || walked == IPV6_EXTENSIONS_MAX {
                return Err(DecodeError::Ipv6Extensions);
            }
            walked += 1;
            self.step()?;
            if self.fragment.is_some() {
                break;
            }
        }
        Ok(())
    }

    #[inline]
    fn is_at_extension(&self) -> bool {
        use extension::*;
        matches!(
            self.next_header,
            HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6
        )
    }

    fn step(&mut self) -> Result<(), DecodeError> {
        let [next_header, length, ..] = *self.rest.first_chunk::<8>().ok_or(DecodeError::IpTruncated)?;
        let header_bytes = header_bytes(self.next_header, length);
        let (header, rest) = self.rest.split_at_checked(header_bytes).ok_or(DecodeError::IpTruncated)?;
        match self.next_header {
            extension::FRAGMENT => self.fragment = fragment(header),
            extension::AUTHENTICATION => self.is_authenticated = true,
            extension::DESTINATION => self.home_address = home_address(header).unwrap_or(self.home_address),
            extension::ROUTING => self.final_destination = final_destination(header, self.final_destination),
            _ => (),
        }
        (self.next_header, self.rest) = (next_header, rest);
        Ok(())
    }
}

/// Bytes of an extension header of the kind `number` that tells this length of itself.
fn header_bytes(number: u8, length: u8) -> usize {
    match number {
        extension::FRAGMENT => 8,
        // In 4-byte units, of which 2 do not count (RFC 4302 §2.2).
        extension::AUTHENTICATION => (usize::from(length) + 2) * 4,
        // In 8-byte units, of which the first does not count (RFC 6564 §4).
        _ => (usize::from(length) + 1) * 8,
    }
}

/// Where in an IPv6 packet the number of the header stands that begins at `offset` behind extension headers; `None` if none of
/// them ends there.
pub(crate) fn offset_of_next_header(packet: &[u8], offset: usize) -> Option<usize> {
    let (mut number, mut end) = (NEXT_HEADER_OFFSET, HEADER_BYTES);
    while end < offset {
        let (&kind, &length) = (packet.get(number)?, packet.get(end + 1)?);
        (number, end) = (end, end + header_bytes(kind, length));
    }
    (end == offset).then_some(number)
}

/// RFC 8200 §4.5. An atomic fragment is a whole packet (RFC 6946 §4).
fn fragment(header: &[u8]) -> Option<Fragment> {
    let [_, _, o0, o1, id @ ..] = *header.first_chunk::<8>()?;
    let field = u16::from_be_bytes([o0, o1]);
    let (offset, more) = (field & 0xfff8, field & 1 != 0);
    (offset != 0 || more).then(|| Fragment { id: u32::from_be_bytes(id), offset, more })
}

/// The address that a mobile node is known by, which takes the place of the source (RFC 6275 §6.3 and §11.3.1).
fn home_address(header: &[u8]) -> Option<Ipv6Addr> {
    const PAD1: u8 = 0;
    const HOME_ADDRESS: u8 = 201;

    let mut options = header.get(2..)?;
    loop {
        let (&[kind, length], data) = match options.split_first()? {
            (&PAD1, rest) => {
                options = rest;
                continue;
            }
            _ => options.split_first_chunk::<2>()?,
        };
        let (data, rest) = data.split_at_checked(usize::from(length))?;
        if kind == HOME_ADDRESS {
            return data.first_chunk::<16>().filter(|_| length == 16).map(|&bytes| Ipv6Addr::from(bytes));
        }
        options = rest;
    }
}

/// Where a packet goes in the end; `None` if that cannot be told.
fn final_destination(header: &[u8], current: Option<Ipv6Addr>) -> Option<Ipv6Addr> {
    let [_, _, kind, segments_left, ..] = *header.first_chunk::<8>()?;
    if segments_left == 0 {
        return current;
    }
    let (addresses, _) = header.get(8..)?.as_chunks::<16>();
    let address = match kind {
        // RFC 5095, which deprecates it, and RFC 6275 §6.4: in the order of travel.
        0 | 2 => addresses.last(),
        // RFC 8754 §2: backwards.
        4 => addresses.first(),
        _ => None,
    };
    address.map(|&bytes| Ipv6Addr::from(bytes))
}
