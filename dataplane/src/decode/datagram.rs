//! What IPv4 and IPv6 have in common once their headers are read.

use std::net::IpAddr;

use super::message::Message;
use super::{DecodeError, Network, Transport, icmp, tcp, udp};

pub(super) const PROTOCOL_ICMP: u8 = 1;
pub(super) const PROTOCOL_TCP: u8 = 6;
pub(super) const PROTOCOL_UDP: u8 = 17;
pub(super) const PROTOCOL_ICMPV6: u8 = 58;

/// An IP packet without its padding: `upper` and the missing bytes are what its headers announce behind them.
pub(super) struct Datagram<'p> {
    pub(super) network: Network,
    /// The IPv4 header with its options, to verify; empty for IPv6, which has no header checksum.
    pub(super) ipv4_header: &'p [u8],
    /// What stands behind all headers of the network layer.
    pub(super) upper: &'p [u8],
    /// Bytes of the upper layer that a capture cut off.
    pub(super) missing_bytes: u32,
    /// [`Transport::Fragment`], if it is one.
    pub(super) fragment: Option<Transport>,
    /// The destination for the pseudo-header: behind a routing header the last one (RFC 8200 §8.1). `None` where
    /// the routing header is of an unknown type.
    pub(super) final_destination: Option<IpAddr>,
}

impl<'p> Datagram<'p> {
    /// Reads the upper-layer header.
    #[inline]
    pub(super) fn message(&self) -> Result<Message<'p>, DecodeError> {
        let (upper, missing_bytes) = (self.upper, self.missing_bytes);
        let bare = |transport| Message { transport, bytes: upper, header_bytes: 0, missing_bytes };
        if let Some(fragment) = self.fragment {
            return Ok(bare(fragment));
        }
        match (self.network.protocol, self.network.source) {
            (PROTOCOL_TCP, _) => tcp::parse(upper, missing_bytes),
            (PROTOCOL_UDP, _) => udp::parse(upper, missing_bytes),
            (PROTOCOL_ICMP, IpAddr::V4(_)) | (PROTOCOL_ICMPV6, IpAddr::V6(_)) => {
                icmp::parse(upper, missing_bytes)
            }
            _ => Ok(bare(Transport::Other)),
        }
    }
}

/// The bytes of a packet of `announced_bytes` at `offset`, and how many of them a capture cut off. What is behind is
/// padding of the link.
#[inline]
pub(super) fn without_padding(
    frame: &[u8],
    offset: usize,
    announced_bytes: usize,
    wire_bytes: u32,
) -> Result<(&[u8], u32), DecodeError> {
    let present = frame.get(offset..).ok_or(DecodeError::IpTruncated)?;
    if let Some(whole) = present.get(..announced_bytes) {
        return Ok((whole, 0));
    }
    if offset + announced_bytes > wire_bytes as usize {
        return Err(DecodeError::IpTruncated);
    }
    // At most 65 575 bytes are announced.
    Ok((present, (announced_bytes - present.len()) as u32))
}
