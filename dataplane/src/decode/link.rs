//! Link headers, down to the network header.

use arrayvec::ArrayVec;

use super::{DecodeError, LinkType};
use crate::limits::VLAN_TAGS_MAX;

/// What a link header says: which network header stands at `offset`.
pub(super) struct Link {
    pub(super) vlans: ArrayVec<u16, VLAN_TAGS_MAX>,
    pub(super) carried: Carried,
    /// Bytes of the frame before the network header; at most the length of the frame.
    pub(super) offset: usize,
}

/// The network protocol under a link header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Ipv4,
    Ipv6,
    Other,
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// IEEE 802.1Q, 802.1ad, and what QinQ used before that was agreed.
const TPIDS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// Address families by system: all agree on IPv4, none on IPv6 (Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin).
const FAMILY_IPV4: u32 = 2;
const FAMILIES_IPV6: [u32; 5] = [10, 23, 24, 28, 30];

#[inline]
pub(super) fn parse(frame: &[u8], link: LinkType) -> Result<Link, DecodeError> {
    match link {
        LinkType::Ethernet => tagged(frame, 12, 14),
        LinkType::LinuxSll => tagged(frame, 14, 16),
        LinkType::LinuxSll2 => tagged(frame, 0, 20),
        LinkType::RawIp => raw_ip(frame),
        LinkType::Null => null(frame),
    }
}

/// A header of `header_bytes` with its protocol field at `type_offset`, and any VLAN tags behind it.
#[inline]
fn tagged(frame: &[u8], type_offset: usize, header_bytes: usize) -> Result<Link, DecodeError> {
    let mut ethertype = be16(frame, type_offset)?;
    let mut offset = header_bytes;
    let mut vlans = ArrayVec::new();
    while TPIDS.contains(&ethertype) {
        // The tag's control field, of which 12 bits are the identifier, then the next type (802.1Q §9.6).
        let identifier = be16(frame, offset)? & 0x0fff;
        // Identifier 0 marks a priority, and no VLAN (802.1Q §9.6): hosts take the frame for an untagged one.
        if identifier != 0 {
            vlans.try_push(identifier).map_err(|_| DecodeError::TooManyTags)?;
        }
        ethertype = be16(frame, offset + 2)?;
        offset += 4;
    }
    if frame.len() < offset {
        return Err(DecodeError::LinkTruncated);
    }
    let carried = match ethertype {
        ETHERTYPE_IPV4 => Carried::Ipv4,
        ETHERTYPE_IPV6 => Carried::Ipv6,
        // Below 0x0600 it is a length (802.3 §3.2.6); hosts take no IP from what then follows.
        _ => Carried::Other,
    };
    Ok(Link { vlans, carried, offset })
}

fn raw_ip(frame: &[u8]) -> Result<Link, DecodeError> {
    let carried = match frame.first().ok_or(DecodeError::IpTruncated)? >> 4 {
        4 => Carried::Ipv4,
        6 => Carried::Ipv6,
        _ => return Err(DecodeError::IpVersion),
    };
    Ok(Link { vlans: ArrayVec::new(), carried, offset: 0 })
}

fn null(frame: &[u8]) -> Result<Link, DecodeError> {
    let bytes = *frame.first_chunk::<4>().ok_or(DecodeError::LinkTruncated)?;
    // The byte order is the capturing machine's; families are small numbers.
    let family = u32::from_le_bytes(bytes).min(u32::from_be_bytes(bytes));
    let carried = match family {
        FAMILY_IPV4 => Carried::Ipv4,
        _ if FAMILIES_IPV6.contains(&family) => Carried::Ipv6,
        _ => Carried::Other,
    };
    Ok(Link { vlans: ArrayVec::new(), carried, offset: 4 })
}

#[inline]
fn be16(frame: &[u8], offset: usize) -> Result<u16, DecodeError> {
    let bytes = frame.get(offset..).and_then(|rest| rest.first_chunk()).ok_or(DecodeError::LinkTruncated)?;
    Ok(u16::from_be_bytes(*bytes))
}
