//! IP packets whose place below other headers is known.

use arrayvec::ArrayVec;

use super::datagram::Around;
use super::link::{self, Carried, Link};
use super::mpls::{self, Guess};
use super::span::Span;
use super::tunnel::{Tunnel, TunnelKind};
use super::{Checksum, ChecksumMode, DecodeError, LinkType, Packet, Transport, Vlans, ipv4, ipv6, pppoe};
use crate::limits::TUNNEL_NESTING_MAX;

/// What stands below a link header, once labels and sessions are read.
pub(super) struct Nested<'p> {
    span: Span<'p>,
    /// Neither MPLS nor PPPoE any more.
    link: Link,
    /// The outermost first.
    labels: ArrayVec<Tunnel, TUNNEL_NESTING_MAX>,
}

/// What surrounds a packet that is decoded from its IP header on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Surroundings {
    /// As in [`Packet::vlans`].
    pub vlans: Vlans,
    /// As in [`Packet::tunnels`].
    pub tunnels: ArrayVec<Tunnel, TUNNEL_NESTING_MAX>,
    /// As in [`Packet::is_authenticated`], by what stands in front of the bytes of the packet.
    pub is_authenticated: bool,
}

impl Surroundings {
    /// Decodes a packet from its IP header on, which stands at `offset` of `frame`, as if it stood where its pieces stood.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub fn decode<'p>(
        &self,
        frame: &'p [u8],
        offset: usize,
        checksums: ChecksumMode,
    ) -> Result<Packet<'p>, DecodeError> {
        let span = Span { frame, wire_bytes: frame.len() as u32 };
        let datagram = frame.get(offset..).unwrap_or_default();
        let link = Link { vlans: self.vlans, offset, ..link::parse(datagram, LinkType::RawIp)? };
        let nested = Nested { span, link, labels: ArrayVec::new() };
        let mut packet = nested.packet_behind(&self.tunnels, 0, checksums)?;
        packet.is_authenticated |= self.is_authenticated;
        Ok(packet)
    }
}

impl<'p> Nested<'p> {
    /// Reads on behind a link header: stacks of labels, sessions, and the Ethernet in pseudowires.
    #[cold]
    #[inline(never)]
    pub(super) fn below(span: Span<'p>, link: Link) -> Result<Nested<'p>, DecodeError> {
        let mut nested = Nested { span, link, labels: ArrayVec::new() };
        loop {
            match nested.link.carried {
                Carried::Mpls => nested.pass_labels()?,
                Carried::Pppoe => nested.pass_session()?,
                Carried::Ipv4 | Carried::Ipv6 | Carried::Arp | Carried::Other => return Ok(nested),
            }
        }
    }

    fn pass_labels(&mut self) -> Result<(), DecodeError> {
        let frame = self.span.frame;
        let stack = mpls::parse(frame, self.link.offset)?;
        self.note(TunnelKind::Mpls, stack.label)?;
        let carried = match stack.guess {
            Guess::Ipv4 => Carried::Ipv4,
            Guess::Ipv6 => Carried::Ipv6,
            Guess::Ethernet { places } => {
                for offset in places {
                    match link::ethernet(frame, offset, self.link.vlans) {
                        Ok(link) if link.carried != Carried::Other => {
                            self.link = link;
                            return Ok(());
                        }
                        Err(error @ DecodeError::TooManyTags) => return Err(error),
                        Ok(_) | Err(_) => {}
                    }
                }
                Carried::Other
            }
            Guess::Empty => Carried::Other,
        };
        (self.link.carried, self.link.offset) = (carried, stack.end);
        Ok(())
    }

    fn pass_session(&mut self) -> Result<(), DecodeError> {
        let session = pppoe::parse(self.span, self.link.offset)?;
        self.note(TunnelKind::Pppoe, u32::from(session.id))?;
        self.span = session.span;
        (self.link.carried, self.link.offset) = pppoe::carried(self.span.frame, session.end)?;
        Ok(())
    }

    fn note(&mut self, kind: TunnelKind, id: u32) -> Result<(), DecodeError> {
        let vlans_outside = self.link.vlans.len() as u8;
        let label = Tunnel { kind, id: Some(id), ends: None, vlans_outside };
        self.labels.try_push(label).map_err(|_| DecodeError::TooManyTunnels)
    }

    pub(super) fn span(&self) -> Span<'p> {
        self.span
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// The labels and sessions that were passed.
    pub(super) fn labels(&self) -> &[Tunnel] {
        &self.labels
    }

    pub(super) fn is_ip(&self) -> bool {
        matches!(self.link.carried, Carried::Ipv4 | Carried::Ipv6)
    }

    /// The packet in a frame; one without a network header where the frame carries no IP.
    pub(super) fn packet_or_bare(self, checksums: ChecksumMode) -> Result<Packet<'p>, DecodeError> {
        if self.is_ip() {
            return self.packet_behind(&[], 0, checksums);
        }
        Ok(Packet {
            vlans: self.link.vlans,
            tunnels: self.labels,
            network: None,
            transport: if self.link.carried == Carried::Arp { Transport::Arp } else { Transport::None },
            payload: self.span.frame.get(self.link.offset..).unwrap_or_default(),
            missing_bytes: 0,
            checksum: Checksum::Unverified,
            covered_by: None,
            is_authenticated: false,
        })
    }

    /// The packet in a tunnel that itself is `depth` encapsulations deep.
    pub(super) fn packet_in(
        self,
        tunnel: Tunnel,
        depth: usize,
        checksums: ChecksumMode,
    ) -> Result<Packet<'p>, DecodeError> {
        self.packet_behind(&[tunnel], depth, checksums)
    }

    fn packet_behind(
        self,
        tunnels: &[Tunnel],
        depth: usize,
        checksums: ChecksumMode,
    ) -> Result<Packet<'p>, DecodeError> {
        let Nested { span, link, labels } = self;
        let depth = depth + tunnels.len() + labels.len();
        if depth > TUNNEL_NESTING_MAX {
            return Err(DecodeError::TooManyTunnels);
        }
        let around = Around { span, vlans: link.vlans, depth };
        let mut packet = match link.carried {
            Carried::Ipv6 => ipv6::parse(span, link.offset)?.into_packet(around, checksums)?,
            _ => ipv4::parse(span, link.offset)?.into_packet(around, checksums)?,
        };
        let inside = std::mem::take(&mut packet.tunnels);
        // No more than the depth that was checked, by this call and by those inside.
        packet.tunnels.extend(tunnels.iter().copied().chain(labels).chain(inside));
        Ok(packet)
    }
}
