//! Link headers, down to the network header.

use super::{DecodeError, LinkType, Vlans, pppoe};

/// What a link header says: which network header stands at `offset`.
pub(super) struct Link {
    pub(super) vlans: Vlans,
    pub(super) carried: Carried,
    /// Bytes of the frame before the network header; at most the length of the frame.
    pub(super) offset: usize,
}

/// What stands under a link header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Ipv4,
    Ipv6,
    /// RFC 826.
    Arp,
    /// A stack of labels.
    Mpls,
    /// A PPPoE session.
    Pppoe,
    Other,
}

impl Carried {
    #[inline]
    pub(super) fn of(ethertype: u16) -> Carried {
        match ethertype {
            ETHERTYPE_IPV4 => Carried::Ipv4,
            ETHERTYPE_IPV6 => Carried::Ipv6,
            0x0806 => Carried::Arp,
            // RFC 5332 §3.
            0x8847 | 0x8848 => Carried::Mpls,
            0x8864 => Carried::Pppoe,
            // Below 0x0600 it is a length (802.3 §3.2.6); hosts take no IP from what then follows.
            _ => Carried::Other,
        }
    }

    /// IP, where that is all that there may be and its first byte tells the version.
    pub(super) fn by_version(first: Option<u8>) -> Carried {
        match first.map(|byte| byte >> 4) {
            Some(4) => Carried::Ipv4,
            Some(6) => Carried::Ipv6,
            _ => Carried::Other,
        }
    }
}

pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// An Ethernet frame in a tunnel (RFC 1701, RFC 8926 §3.4).
pub(super) const ETHERTYPE_TRANSPARENT_ETHERNET: u16 = 0x6558;

/// Addresses and type (802.3 §3.1.1), in bytes.
const ETHERNET_BYTES: usize = 14;

/// IEEE 802.1Q, 802.1ad, and what QinQ used before that was agreed.
const TPIDS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// Address families by system: all agree on IPv4, none on IPv6 (Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin).
const FAMILY_IPV4: u32 = 2;
const FAMILIES_IPV6: [u32; 5] = [10, 23, 24, 28, 30];

#[inline]
pub(super) fn parse(frame: &[u8], link: LinkType) -> Result<Link, DecodeError> {
    match link {
        LinkType::Ethernet => ethernet(frame, 0, Vlans::default()),
        LinkType::LinuxSll => tagged(frame, 14, 16, Vlans::default()),
        LinkType::LinuxSll2 => tagged(frame, 0, 20, Vlans::default()),
        LinkType::RawIp => raw_ip(frame),
        LinkType::Null => null(frame),
        LinkType::Ppp => ppp(frame),
        LinkType::CiscoHdlc => tagged(frame, 2, 4, Vlans::default()),
    }
}

/// What an Ethernet header without tags says, and where that stands; `None` for any other.
#[inline(always)]
pub(super) fn untagged(frame: &[u8], link: LinkType) -> Option<(Carried, usize)> {
    let [.., high, low] = *frame.first_chunk::<ETHERNET_BYTES>()?;
    let carried = Carried::of(u16::from_be_bytes([high, low]));
    (link == LinkType::Ethernet).then_some((carried, ETHERNET_BYTES))
}

/// A frame whose header stands at `offset`; `vlans` are the tags outside of it.
#[inline]
pub(super) fn ethernet(frame: &[u8], offset: usize, vlans: Vlans) -> Result<Link, DecodeError> {
    tagged(frame, offset + 12, offset + ETHERNET_BYTES, vlans)
}

/// A header that ends at `offset` with its protocol field at `type_offset`, and any VLAN tags behind it.
#[inline]
fn tagged(
    frame: &[u8],
    type_offset: usize,
    mut offset: usize,
    mut vlans: Vlans,
) -> Result<Link, DecodeError> {
    let mut ethertype = be16(frame, type_offset)?;
    while TPIDS.contains(&ethertype) {
        // The tag's control field, of which 12 bits are the identifier, then the next type (802.1Q §9.6).
        let identifier = be16(frame, offset)? & 0x0fff;
        // Identifier 0 marks a priority, and no VLAN (802.1Q §9.6): hosts take the frame for an untagged one.
        if identifier != 0 {
            vlans.push(identifier)?;
        }
        ethertype = be16(frame, offset + 2)?;
        offset += 4;
    }
    if frame.len() < offset {
        return Err(DecodeError::LinkTruncated);
    }
    Ok(Link { vlans, carried: Carried::of(ethertype), offset })
}

fn raw_ip(frame: &[u8]) -> Result<Link, DecodeError> {
    let first = *frame.first().ok_or(DecodeError::IpTruncated)?;
    let carried = Carried::by_version(Some(first));
    if carried == Carried::Other {
        return Err(DecodeError::IpVersion);
    }
    Ok(Link { vlans: Vlans::default(), carried, offset: 0 })
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
    Ok(Link { vlans: Vlans::default(), carried, offset: 4 })
}

/// PPP as a capture has it: with or without the address and control fields (RFC 1662 §3.1), or with those of Cisco's
/// HDLC (RFC 1547 §4.3.1), behind which an Ethernet type stands.
fn ppp(frame: &[u8]) -> Result<Link, DecodeError> {
    let offset = match *frame {
        [0xff, 0x03, ..] => 2,
        [0x0f | 0x8f, 0x00, ..] => return tagged(frame, 2, 4, Vlans::default()),
        _ => 0,
    };
    let (carried, offset) = pppoe::carried(frame, offset)?;
    Ok(Link { vlans: Vlans::default(), carried, offset })
}

#[inline]
fn be16(frame: &[u8], offset: usize) -> Result<u16, DecodeError> {
    let bytes = frame.get(offset..).and_then(|rest| rest.first_chunk()).ok_or(DecodeError::LinkTruncated)?;
    Ok(u16::from_be_bytes(*bytes))
}
