//! Frame → [`Packet`]: headers as plain data, checksums judged. The decoder counts nothing.
//!
//! Of what an end host would accept, nothing may decode otherwise here than there: what two hosts may read
//! differently is a [`DecodeError`] or a [`Checksum::Bad`].

use std::net::IpAddr;

use arrayvec::ArrayVec;
use flow_table::TooManyVlans;
pub use flow_table::Vlans;

use crate::limits::TUNNEL_NESTING_MAX;
#[cfg(doc)]
use crate::limits::{MPLS_LABELS_MAX, VLAN_TAGS_MAX};

pub mod checksum;
mod datagram;
mod encapsulation;
mod geneve;
mod glimpse;
mod gre;
mod gtp;
mod icmp;
mod ipv4;
mod ipv6;
mod link;
mod message;
mod mpls;
mod nested;
mod pppoe;
pub mod protocol;
mod sctp;
mod span;
mod syn_options;
mod tcp;
mod tcp_options;
#[cfg(test)]
mod tests;
mod tunnel;
mod udp;
mod verify;
mod vxlan;

pub use self::glimpse::Glimpse;
pub(crate) use self::ipv6::offset_of_next_header;
pub use self::nested::Surroundings;
pub use self::syn_options::SynOptions;
pub use self::tunnel::{Tunnel, TunnelKind, kind_at_port};

use self::datagram::Around;
use self::link::{Carried, Link};
use self::nested::Nested;
use self::span::Span;

/// Decodes one frame, of which `wire_bytes` were on the wire.
///
/// Of what is encapsulated, the innermost packet is decoded, and [`Packet::tunnels`] says what surrounds it. What only
/// looks like a tunnel (a port proves none), and a tunnel that carries no IP, is an ordinary packet with a payload.
///
/// Where `wire_bytes` is more than `frame` holds, a capture cut the frame: the packet's payload then may be
/// incomplete ([`Packet::missing_bytes`]), its headers may not.
///
/// # Errors
///
/// A [`DecodeError`] for whatever contradicts itself or the length of the frame. IPv6 jumbograms (RFC 2675) are
/// among them: a payload length of 0 is taken as written, and no frame that a port receives is long enough to
/// need another meaning.
#[inline]
pub fn decode(
    frame: &[u8],
    wire_bytes: u32,
    link: LinkType,
    checksums: ChecksumMode,
) -> Result<Packet<'_>, DecodeError> {
    let span = Span { frame, wire_bytes };
    let around = Around { span, vlans: Vlans::default(), depth: 0 };
    // What nearly all frames are has a way of its own, as in `Datagram::into_packet`.
    match link::untagged(frame, link) {
        Some((Carried::Ipv4, offset)) => ipv4::parse(span, offset)?.into_packet(around, checksums),
        Some((Carried::Ipv6, offset)) => ipv6::parse(span, offset)?.into_packet(around, checksums),
        _ => decode_behind(link::parse(frame, link)?, span, checksums),
    }
}

/// Decodes what is behind any link header.
#[inline(never)]
fn decode_behind(link: Link, span: Span<'_>, checksums: ChecksumMode) -> Result<Packet<'_>, DecodeError> {
    let around = Around { span, vlans: link.vlans, depth: 0 };
    match link.carried {
        Carried::Ipv4 => ipv4::parse(span, link.offset)?.into_packet(around, checksums),
        Carried::Ipv6 => ipv6::parse(span, link.offset)?.into_packet(around, checksums),
        _ => Nested::below(span, link)?.packet_or_bare(checksums),
    }
}

/// How the first byte of a frame is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// IEEE 802.3 (LINKTYPE_ETHERNET, 1).
    Ethernet,
    /// IPv4 or IPv6 without any link header (LINKTYPE_RAW, 101, and the DLT values 12 and 14).
    RawIp,
    /// BSD loopback, a 4-byte address family in host order (LINKTYPE_NULL, 0; LINKTYPE_LOOP, 108).
    Null,
    /// Linux "cooked" capture, version 1 (LINKTYPE_LINUX_SLL, 113).
    LinuxSll,
    /// Linux "cooked" capture, version 2 (LINKTYPE_LINUX_SLL2, 276).
    LinuxSll2,
    /// PPP with or without HDLC-like framing (LINKTYPE_PPP, 9; LINKTYPE_PPP_HDLC, 50).
    Ppp,
    /// Cisco's HDLC (LINKTYPE_C_HDLC, 104).
    CiscoHdlc,
}

/// A frame's headers as plain data, and its payload where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'p> {
    /// VLAN identifiers (12 bits), the outermost first, those inside of tunnels included.
    pub vlans: Vlans,
    /// What the packet travels inside of, the outermost first. All else here is of the innermost packet.
    pub tunnels: ArrayVec<Tunnel, TUNNEL_NESTING_MAX>,
    /// The network header; `None` where the frame is neither IPv4 nor IPv6 (ARP, LLDP, STP …).
    pub network: Option<Network>,
    /// What follows the network header.
    pub transport: Transport,
    /// The bytes behind the transport header, without padding of the link.
    pub payload: &'p [u8],
    /// Payload bytes that the headers announce but a capture cut off; 0 for frames off a wire.
    pub missing_bytes: u32,
    /// What the checksums said.
    pub checksum: Checksum,
    /// Where the checksum is partial: offset in the frame of the checksum of a tunnel around it that is right as the
    /// frame is, so that whoever completes the one must correct the other. `None` where there is none, or where it counts
    /// on the completion already.
    pub covered_by: Option<usize>,
    /// Whether an authentication header stands in front, of the packet or of one that it travels inside of: no byte of the packet
    /// can be changed that its receiver would not notice (RFC 4302 §3.3.3).
    pub is_authenticated: bool,
}

/// The IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Sender.
    pub source: IpAddr,
    /// Receiver.
    pub destination: IpAddr,
    /// The upper-layer protocol number behind all extension headers.
    pub protocol: u8,
    /// TTL or hop limit.
    pub hops: u8,
    /// Offset of the IP header in the frame, in bytes.
    pub offset: usize,
    /// Offset of the upper-layer header in the frame, in bytes.
    pub transport_offset: usize,
}

/// The upper-layer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 9293.
    Tcp(TcpHeader),
    /// RFC 768.
    Udp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// RFC 792 and RFC 4443.
    Icmp {
        /// Message type.
        kind: u8,
        /// Message code.
        code: u8,
    },
    /// A piece of a fragmented datagram, the first one too: its payload begins behind the IP headers.
    Fragment {
        /// The identification that the pieces share.
        id: u32,
        /// Offset of this piece in the datagram, in bytes.
        offset: u16,
        /// Whether more pieces follow.
        more: bool,
    },
    /// RFC 9260; what is behind the common header are its chunks.
    Sctp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// Another upper-layer protocol; its number is in [`Network::protocol`].
    Other,
    /// No IP packet, but a question for an address or its answer (RFC 826).
    Arp,
    /// Neither.
    None,
}

/// The TCP header (RFC 9293 §3.1), and the options that its receiver's view of a stream depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpHeader {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// Acknowledgment number; meaningless without the ACK flag.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window, unscaled.
    pub window: u16,
    /// Shift count of the window scale option (RFC 7323), at most 14; only a SYN carries one.
    pub window_scale: Option<u8>,
    /// TSval and TSecr of the timestamps option (RFC 7323 §3.2), where the segment carries it.
    pub timestamps: Option<(u32, u32)>,
}

/// The TCP control bits as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment field is significant.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer is significant.
    pub const URG: u8 = 0x20;

    /// Whether all of `bits` are set.
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// What the checksums of a packet said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// All that could be verified are right.
    Valid,
    /// The sending kernel left the transport checksum to a device that never saw the frame (veth): the
    /// field holds the folded pseudo-header sum. `value`, big-endian, at `offset` of the frame completes it.
    Partial {
        /// Offset of the checksum field in the frame, in bytes.
        offset: u32,
        /// What belongs there.
        value: u16,
    },
    /// The IPv4 header or the transport checksum is wrong, of the packet or of one that it travels inside of.
    Bad,
    /// Not verified: told so, fragment, cut capture, or a protocol without one.
    Unverified,
}

/// Whether the decoder verifies checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumMode {
    /// Verify all.
    Verify,
    /// Take every packet as [`Checksum::Unverified`]: captures where a NIC fills them in.
    Ignore,
}

/// Why a frame is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// The frame ends inside its link header.
    LinkTruncated = 0,
    /// More VLAN tags than [`VLAN_TAGS_MAX`], or more MPLS labels than [`MPLS_LABELS_MAX`].
    TooManyTags = 1,
    /// The packet ends inside its IP header, or before the length that the header announces.
    IpTruncated = 2,
    /// The version field contradicts the link header, or is neither 4 nor 6.
    IpVersion = 3,
    /// A header length below the minimum or beyond the packet.
    IpHeaderLength = 4,
    /// A chain of IPv6 extension headers that is too long, or out of the order that RFC 8200 allows.
    Ipv6Extensions = 5,
    /// The packet ends inside its TCP, UDP, SCTP or ICMP header.
    TransportTruncated = 6,
    /// A TCP data offset or a UDP length that does not fit.
    TransportLength = 7,
    /// More encapsulations, one in another, than [`TUNNEL_NESTING_MAX`].
    TooManyTunnels = 8,
}

impl From<TooManyVlans> for DecodeError {
    fn from(_: TooManyVlans) -> DecodeError {
        DecodeError::TooManyTags
    }
}

impl DecodeError {
    /// How many errors there are.
    pub const COUNT: usize = 9;

    /// Every error, in index order.
    pub const ALL: [DecodeError; DecodeError::COUNT] = [
        DecodeError::LinkTruncated,
        DecodeError::TooManyTags,
        DecodeError::IpTruncated,
        DecodeError::IpVersion,
        DecodeError::IpHeaderLength,
        DecodeError::Ipv6Extensions,
        DecodeError::TransportTruncated,
        DecodeError::TransportLength,
        DecodeError::TooManyTunnels,
    ];

    /// The name that counters use.
    pub fn as_str(self) -> &'static str {
        match self {
            DecodeError::LinkTruncated => "link_truncated",
            DecodeError::TooManyTags => "too_many_tags",
            DecodeError::IpTruncated => "ip_truncated",
            DecodeError::IpVersion => "ip_version",
            DecodeError::IpHeaderLength => "ip_header_length",
            DecodeError::Ipv6Extensions => "ipv6_extensions",
            DecodeError::TransportTruncated => "transport_truncated",
            DecodeError::TransportLength => "transport_length",
            DecodeError::TooManyTunnels => "too_many_tunnels",
        }
    }
}
