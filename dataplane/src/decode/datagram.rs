//! What IPv4 and IPv6 have in common once their headers are read.

use std::net::IpAddr;

use arrayvec::ArrayVec;

use super::message::Message;
use super::span::Span;
use super::{
    Checksum, ChecksumMode, DecodeError, Network, Packet, Transport, Vlans, encapsulation, icmp, protocol,
    sctp, tcp, udp, verify,
};

/// What stands before an IP header.
#[derive(Clone, Copy)]
pub(super) struct Around<'p> {
    /// Where the packet must end.
    pub(super) span: Span<'p>,
    /// All tags, the outermost first.
    pub(super) vlans: Vlans,
    /// How many encapsulations.
    pub(super) depth: usize,
}

/// An IP packet without its padding: `upper` and the missing bytes are what its headers announce behind them. `A` is
/// the address of its family.
pub(super) struct Datagram<'p, A> {
    pub(super) source: A,
    pub(super) destination: A,
    /// The upper-layer protocol.
    pub(super) protocol: u8,
    pub(super) hops: u8,
    /// Where in the frame the IP header stands.
    pub(super) offset: usize,
    /// Where in the frame the upper-layer header stands.
    pub(super) transport_offset: usize,
    /// The IPv4 header with its options, to verify; empty for IPv6, which has no header checksum.
    pub(super) ipv4_header: &'p [u8],
    /// What stands behind all headers of the network layer.
    pub(super) upper: &'p [u8],
    /// Bytes of the upper layer that a capture cut off.
    pub(super) missing_bytes: u32,
    /// Which piece it is, if it is one.
    pub(super) fragment: Option<Fragment>,
    /// The sum of the addresses for the pseudo-header, in which stand the last destination of a routing header (RFC
    /// 8200 §8.1) and a mobile node's home address. `None` where the routing header is of an unknown type.
    pub(super) addresses_sum: Option<u64>,
    /// Whether the headers were walked past an authentication header.
    pub(super) is_authenticated: bool,
}

impl<'p, A: Copy + Into<IpAddr>> Datagram<'p, A> {
    /// Reads the upper-layer header and judges the checksums. The innermost packet, where this one carries others.
    ///
    /// What nearly all packets are has a way of its own to its end: what is read stays in registers until it is written
    /// where it belongs, while ways that meet have to meet in memory.
    #[inline(always)]
    pub(super) fn into_packet(
        self,
        around: Around<'p>,
        checksums: ChecksumMode,
    ) -> Result<Packet<'p>, DecodeError> {
        match (self.protocol, &self.fragment) {
            (protocol::TCP, None) => {
                let message = tcp::parse(self.upper, self.missing_bytes)?;
                self.with(message, around.vlans, checksums)
            }
            (protocol::UDP, None) => {
                let message = udp::parse(self.upper, self.missing_bytes)?;
                if self.may_encapsulate(&message) {
                    return self.reopen(around, checksums);
                }
                self.with(message, around.vlans, checksums)
            }
            _ => self.reopen(around, checksums),
        }
    }

    /// Reads the packet once more, by its place alone: for it, nothing has to be kept.
    #[inline(always)]
    fn reopen(&self, around: Around<'p>, checksums: ChecksumMode) -> Result<Packet<'p>, DecodeError> {
        let Around { span: Span { frame, wire_bytes }, vlans, depth } = around;
        encapsulation::open(frame, wire_bytes, self.offset, vlans, depth, checksums)
    }

    /// The packet itself, whatever it carries.
    #[inline(always)]
    pub(super) fn with(
        self,
        message: Message<'p>,
        vlans: Vlans,
        checksums: ChecksumMode,
    ) -> Result<Packet<'p>, DecodeError> {
        let checksum = self.judge(&message, checksums);
        Ok(Packet {
            vlans,
            tunnels: ArrayVec::new(),
            network: Some(Network {
                source: self.source.into(),
                destination: self.destination.into(),
                protocol: self.protocol,
                hops: self.hops,
                offset: self.offset,
                transport_offset: self.transport_offset,
            }),
            transport: message.transport,
            payload: message.payload(),
            missing_bytes: message.missing_bytes,
            checksum,
            covered_by: None,
            is_authenticated: self.is_authenticated,
        })
    }

    #[inline(always)]
    pub(super) fn judge(&self, message: &Message<'_>, checksums: ChecksumMode) -> Checksum {
        match checksums {
            ChecksumMode::Verify => verify::judge(self, message),
            ChecksumMode::Ignore => Checksum::Unverified,
        }
    }

    pub(super) fn message(&self) -> Result<Message<'p>, DecodeError> {
        let (upper, missing_bytes) = (self.upper, self.missing_bytes);
        let bare = |transport| Message { transport, bytes: upper, header_bytes: 0, missing_bytes };
        if let Some(Fragment { id, offset, more }) = self.fragment {
            return Ok(bare(Transport::Fragment { id, offset, more }));
        }
        match (self.protocol, self.is_ipv4()) {
            (protocol::TCP, _) => tcp::parse(upper, missing_bytes),
            (protocol::UDP, _) => udp::parse(upper, missing_bytes),
            (protocol::SCTP, _) => sctp::parse(upper, missing_bytes),
            (protocol::ICMP, true) | (protocol::ICMPV6, false) => icmp::parse(upper, missing_bytes),
            _ => Ok(bare(Transport::Other)),
        }
    }

    pub(super) fn is_ipv4(&self) -> bool {
        !self.ipv4_header.is_empty()
    }
}

/// The place of a piece in its datagram, as in [`Transport::Fragment`].
#[derive(Clone, Copy)]
pub(super) struct Fragment {
    pub(super) id: u32,
    pub(super) offset: u16,
    pub(super) more: bool,
}

/// The bytes of a packet of `announced_bytes` at `offset`, and how many of them a capture cut off. What is behind is
/// padding of the link.
#[inline]
pub(super) fn without_padding(
    span: Span<'_>,
    offset: usize,
    announced_bytes: usize,
) -> Result<(&[u8], u32), DecodeError> {
    let present = span.frame.get(offset..).ok_or(DecodeError::IpTruncated)?;
    if let Some(whole) = present.get(..announced_bytes) {
        return Ok((whole, 0));
    }
    if offset + announced_bytes > span.wire_bytes as usize {
        return Err(DecodeError::IpTruncated);
    }
    // At most 65 575 bytes are announced.
    Ok((present, (announced_bytes - present.len()) as u32))
}
