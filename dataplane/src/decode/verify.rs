//! Judges the checksums of a packet.

use std::net::IpAddr;

use super::checksum::{fold, sum};
use super::datagram::Datagram;
use super::message::Message;
use super::{Checksum, Transport, tcp, udp};

/// What bytes that include their right checksum fold to.
const RIGHT: u16 = 0xffff;

#[inline]
pub(super) fn judge<A: Into<IpAddr>>(datagram: &Datagram<'_, A>, message: &Message<'_>) -> Checksum {
    let is_ipv4 = datagram.is_ipv4();
    if is_ipv4 && fold(sum(datagram.ipv4_header)) != RIGHT {
        return Checksum::Bad;
    }
    if message.missing_bytes > 0 {
        return Checksum::Unverified;
    }
    match message.transport {
        Transport::Tcp(_) => over_pseudo_header(datagram, message, Some(tcp::CHECKSUM_OFFSET)),
        Transport::Udp { .. } => udp_checksum(datagram, message, is_ipv4),
        Transport::Icmp { .. } if is_ipv4 => right_or_bad(sum(message.bytes)),
        Transport::Icmp { .. } => over_pseudo_header(datagram, message, None),
        Transport::Fragment { .. } | Transport::Other | Transport::None => Checksum::Unverified,
    }
}

#[inline]
fn udp_checksum<A: Into<IpAddr>>(
    datagram: &Datagram<'_, A>,
    message: &Message<'_>,
    is_ipv4: bool,
) -> Checksum {
    let offset = udp::CHECKSUM_OFFSET;
    if field_at(message.bytes, offset) != Some(0) {
        return over_pseudo_header(datagram, message, Some(offset));
    }
    // None was sent, which only IPv4 allows (RFC 768; RFC 8200 §8.1).
    if is_ipv4 { Checksum::Valid } else { Checksum::Bad }
}

/// `partial_at` is where in the message the field is that a kernel may have left partial.
#[inline]
fn over_pseudo_header<A: Into<IpAddr>>(
    datagram: &Datagram<'_, A>,
    message: &Message<'_>,
    partial_at: Option<usize>,
) -> Checksum {
    let Some(addresses) = datagram.addresses_sum else { return Checksum::Unverified };
    let pseudo = addresses + u64::from(datagram.protocol) + message.bytes.len() as u64;
    let total = pseudo + sum(message.bytes);
    if fold(total) == RIGHT {
        return Checksum::Valid;
    }
    let Some(offset) = partial_at else { return Checksum::Bad };
    let Some(field) = field_at(message.bytes, offset).filter(|&field| field == fold(pseudo)) else {
        return Checksum::Bad;
    };
    // Adding the complement takes the field out of the sum again.
    let complete = !fold(total + u64::from(!field));
    let is_udp = matches!(message.transport, Transport::Udp { .. });
    // For UDP 0 means none, and 0xffff is its other form (RFC 768).
    let value = if is_udp && complete == 0 { 0xffff } else { complete };
    Checksum::Partial { offset: datagram.transport_offset + offset, value }
}

fn right_or_bad(total: u64) -> Checksum {
    if fold(total) == RIGHT { Checksum::Valid } else { Checksum::Bad }
}

#[inline]
fn field_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|&field| u16::from_be_bytes(field))
}
