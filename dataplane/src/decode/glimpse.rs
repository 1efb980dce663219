//! What a frame tells of itself, as far as it can be read: for people who want to know whose it was.

use std::net::IpAddr;

use arrayvec::ArrayVec;

use super::datagram::Around;
use super::link::{self, Carried};
use super::nested::Nested;
use super::span::Span;
use super::{ChecksumMode, LinkType, Packet, Transport, Tunnel, Vlans, decode, ipv4, ipv6, protocol};
use crate::limits::TUNNEL_NESTING_MAX;

/// Headers of the innermost packet whose addresses can be read. Of a frame that is broken, hosts may read something else:
/// nothing is decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// As in [`Packet::vlans`].
    pub vlans: Vlans,
    /// As in [`Packet::tunnels`].
    pub tunnels: ArrayVec<Tunnel, TUNNEL_NESTING_MAX>,
    /// Sender and receiver; `None` where no IP header can be read.
    pub ends: Option<(IpAddr, IpAddr)>,
    /// The upper-layer protocol number.
    pub protocol: Option<u8>,
    /// Source and destination port.
    pub ports: Option<(u16, u16)>,
    /// Type and code of an ICMP message.
    pub icmp: Option<(u8, u8)>,
}

/// An IP header, of which nothing is right for certain but the version.
pub(super) struct Sight<'p> {
    pub(super) ends: (IpAddr, IpAddr),
    pub(super) protocol: Option<u8>,
    /// What stands behind all headers of the network layer; empty where that cannot be told, or is not the begin.
    pub(super) upper: &'p [u8],
}

impl Glimpse {
    /// Looks at a frame, of which `wire_bytes` were on the wire.
    #[cold]
    pub fn of(frame: &[u8], wire_bytes: u32, link: LinkType) -> Glimpse {
        match decode(frame, wire_bytes, link, ChecksumMode::Ignore) {
            Ok(packet) => Glimpse::of_packet(&packet),
            Err(_) => Glimpse::of_broken(Span { frame, wire_bytes }, link),
        }
    }

    /// What a packet tells.
    #[cold]
    pub(crate) fn of_packet(packet: &Packet<'_>) -> Glimpse {
        let mut glimpse =
            Glimpse { vlans: packet.vlans, tunnels: packet.tunnels.clone(), ..Glimpse::default() };
        let Some(network) = packet.network else { return glimpse };
        glimpse.ends = Some((network.source, network.destination));
        glimpse.protocol = Some(network.protocol);
        match packet.transport {
            Transport::Tcp(header) => glimpse.ports = Some((header.source, header.destination)),
            Transport::Udp { source, destination } | Transport::Sctp { source, destination } => {
                glimpse.ports = Some((source, destination));
            }
            Transport::Icmp { kind, code } => glimpse.icmp = Some((kind, code)),
            Transport::Fragment { offset: 0, .. } => glimpse.see_upper(packet.payload),
            Transport::Fragment { .. } | Transport::Other | Transport::Arp | Transport::None => {}
        }
        glimpse
    }

    fn of_broken(span: Span<'_>, link: LinkType) -> Glimpse {
        let Ok(link) = link::parse(span.frame, link) else { return Glimpse::default() };
        let bare = Glimpse { vlans: link.vlans, ..Glimpse::default() };
        let nested = Nested::below(span, link);
        nested.ok().and_then(|nested| Glimpse::of_nested(&nested, ArrayVec::new())).unwrap_or(bare)
    }

    /// Looks at an IP packet inside of `tunnels`; `None` where even its addresses cannot be read.
    fn of_nested(nested: &Nested<'_>, mut tunnels: ArrayVec<Tunnel, TUNNEL_NESTING_MAX>) -> Option<Glimpse> {
        tunnels.try_extend_from_slice(nested.labels()).ok()?;
        let (span, link) = (nested.span(), nested.link());
        let around = Around { span, vlans: link.vlans, depth: tunnels.len() };
        let (sight, inside) = match link.carried {
            Carried::Ipv4 => {
                let whole = ipv4::parse(span, link.offset).ok();
                (ipv4::glimpse(span.frame, link.offset)?, whole.and_then(|packet| packet.inside(&around)))
            }
            Carried::Ipv6 => {
                let whole = ipv6::parse(span, link.offset).ok();
                (ipv6::glimpse(span.frame, link.offset)?, whole.and_then(|packet| packet.inside(&around)))
            }
            Carried::Arp | Carried::Mpls | Carried::Pppoe | Carried::Other => return None,
        };
        // No deeper than there may be tunnels: a list that is full takes no more.
        if let Some((tunnel, inner)) = inside {
            let mut tunnels = tunnels.clone();
            let fits = tunnels.try_push(tunnel).is_ok();
            if let Some(glimpse) = Glimpse::of_nested(&inner, tunnels).filter(|_| fits) {
                return Some(glimpse);
            }
        }
        let Sight { ends, protocol, upper } = sight;
        let vlans = link.vlans;
        let mut glimpse = Glimpse { vlans, tunnels, ends: Some(ends), protocol, ..Glimpse::default() };
        glimpse.see_upper(upper);
        Some(glimpse)
    }

    /// Where ports, or type and code, stand is the same in every header that has them.
    fn see_upper(&mut self, upper: &[u8]) {
        match (self.protocol, upper) {
            (Some(protocol::TCP | protocol::UDP | protocol::SCTP), &[s0, s1, d0, d1, ..]) => {
                self.ports = Some((u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])));
            }
            (Some(protocol::ICMP | protocol::ICMPV6), &[kind, code, ..]) => self.icmp = Some((kind, code)),
            _ => {}
        }
    }
}
