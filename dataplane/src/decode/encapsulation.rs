//! IP packets that carry others: which header proves it, and the packet inside.

use std::net::IpAddr;

use super::datagram::{Around, Datagram};
use super::link::{self, Carried, Link};
use super::message::Message;
use super::nested::Nested;
use super::span::Span;
use super::tunnel::{Tunnel, TunnelKind, kind_at_port};
use super::verify::{self, Cover};
use super::{
    Checksum, ChecksumMode, DecodeError, Packet, Transport, Vlans, geneve, gre, gtp, ipv4, ipv6, protocol,
    vxlan,
};

/// A header of an encapsulation, behind that of IP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: TunnelKind,
    pub(super) id: Option<u32>,
    pub(super) header_bytes: usize,
    pub(super) carries: Carries,
    /// Whether it has the checksum of GRE, which covers all that follows.
    pub(super) has_checksum: bool,
    /// Whether nothing else looks so: a broken packet inside is then an error. Else it was no tunnel.
    pub(super) is_certain: bool,
}

/// What stands behind a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    EtherType(u16),
    Ethernet,
    /// IP of the version that its first nibble says.
    Ip,
}

/// The packet whose IP header stands at `offset`; the innermost one, where it carries others.
#[inline(never)]
pub(super) fn open(
    frame: &[u8],
    wire_bytes: u32,
    offset: usize,
    vlans: Vlans,
    depth: usize,
    checksums: ChecksumMode,
) -> Result<Packet<'_>, DecodeError> {
    let around = Around { span: Span { frame, wire_bytes }, vlans, depth };
    match Carried::by_version(around.span.frame.get(offset).copied()) {
        Carried::Ipv6 => ipv6::parse(around.span, offset)?.open(around, checksums),
        _ => ipv4::parse(around.span, offset)?.open(around, checksums),
    }
}

impl<'p, A: Copy + Into<IpAddr>> Datagram<'p, A> {
    fn open(self, around: Around<'p>, checksums: ChecksumMode) -> Result<Packet<'p>, DecodeError> {
        let message = self.message()?;
        if self.may_encapsulate(&message) {
            let outer = self.judge(&message, checksums);
            if let Some(inner) = self.inner_packet(&message, outer, &around, checksums) {
                return inner;
            }
        }
        self.with(message, around.vlans, checksums)
    }

    /// Whether a closer look is worth it.
    #[inline(always)]
    pub(super) fn may_encapsulate(&self, message: &Message<'_>) -> bool {
        // By the number, which is at hand, before what was made of it.
        match self.protocol {
            protocol::UDP => match message.transport {
                Transport::Udp { destination, .. } => kind_at_port(destination).is_some(),
                _ => false,
            },
            protocol::IPV4 | protocol::IPV6 | protocol::GRE => message.transport == Transport::Other,
            _ => false,
        }
    }

    /// The innermost packet in this one, which was judged to be `outer`; `None` where it carries no IP.
    fn inner_packet(
        &self,
        message: &Message<'p>,
        outer: Checksum,
        around: &Around<'p>,
        checksums: ChecksumMode,
    ) -> Option<Result<Packet<'p>, DecodeError>> {
        let header = self.header(message)?;
        let nested = self.nested(&header, message, around)?;
        let tunnel = self.tunnel(&header, around);
        let inner = match nested {
            Ok(nested) if !nested.is_ip() => return None,
            Ok(nested) => nested.packet_in(tunnel, around.depth, checksums),
            Err(error) => Err(error),
        };
        match inner {
            Ok(mut packet) => {
                packet.is_authenticated |= self.is_authenticated;
                if checksums == ChecksumMode::Verify {
                    let cover = Cover::of(self, message, outer, header.has_checksum);
                    verify::judge_covered(around.span.frame, &mut packet, &cover);
                }
                Some(Ok(packet))
            }
            Err(DecodeError::TooManyTunnels) => Some(inner),
            Err(_) => header.is_certain.then_some(inner),
        }
    }

    /// What a packet carries that is whole but for what it carries, as far as that is a tunnel.
    pub(super) fn inside(&self, around: &Around<'p>) -> Option<(Tunnel, Nested<'p>)> {
        let message = self.message().ok().filter(|message| self.may_encapsulate(message))?;
        let header = self.header(&message)?;
        let nested = self.nested(&header, &message, around)?.ok()?;
        Some((self.tunnel(&header, around), nested))
    }

    /// What stands behind the header of a tunnel; `None` where that is longer than what it stands in.
    #[inline(always)]
    fn nested(
        &self,
        header: &Header,
        message: &Message<'p>,
        around: &Around<'p>,
    ) -> Option<Result<Nested<'p>, DecodeError>> {
        let start = self.transport_offset + message.header_bytes + header.header_bytes;
        let end = self.transport_offset + message.bytes.len() + message.missing_bytes as usize;
        let span = around.span.up_to(end)?;
        Some(header.link(span.frame, start, around).and_then(|link| Nested::below(span, link)))
    }

    fn tunnel(&self, header: &Header, around: &Around<'_>) -> Tunnel {
        Tunnel {
            kind: header.kind,
            id: header.id,
            ends: Some((self.source.into(), self.destination.into())),
            vlans_outside: around.vlans.len() as u8,
        }
    }

    fn header(&self, message: &Message<'_>) -> Option<Header> {
        let bare = |kind, ethertype| Header {
            kind,
            id: None,
            header_bytes: 0,
            carries: Carries::EtherType(ethertype),
            has_checksum: false,
            is_certain: true,
        };
        match (message.transport, self.protocol) {
            (Transport::Udp { destination, .. }, _) => match kind_at_port(destination)? {
                TunnelKind::Vxlan => vxlan::parse(message.payload()),
                TunnelKind::Geneve => geneve::parse(message.payload()),
                _ => gtp::parse(message.payload()),
            },
            (_, protocol::IPV4) => Some(bare(TunnelKind::Ipv4, link::ETHERTYPE_IPV4)),
            (_, protocol::IPV6) => Some(bare(TunnelKind::Ipv6, link::ETHERTYPE_IPV6)),
            _ => gre::parse(message.bytes),
        }
    }
}

impl Header {
    /// The link header inside, or what stands for it.
    fn link(&self, frame: &[u8], offset: usize, around: &Around<'_>) -> Result<Link, DecodeError> {
        let vlans = around.vlans;
        let carried = match self.carries {
            Carries::Ethernet => return link::ethernet(frame, offset, vlans),
            Carries::EtherType(ethertype) => Carried::of(ethertype),
            Carries::Ip => Carried::by_version(frame.get(offset).copied()),
        };
        Ok(Link { vlans, carried, offset })
    }
}
