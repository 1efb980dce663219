//! Judges the checksums of a packet, and of those that it travels inside of.

use std::net::IpAddr;

use super::checksum::{fold, sum, sum_ipv4_header};
use super::datagram::Datagram;
use super::message::Message;
use super::{Checksum, Packet, Transport, gre, sctp, tcp, udp};

/// What bytes that include their right checksum fold to.
const RIGHT: u16 = 0xffff;

#[inline(always)]
pub(super) fn judge<A: Copy + Into<IpAddr>>(datagram: &Datagram<'_, A>, message: &Message<'_>) -> Checksum {
    let is_ipv4 = datagram.is_ipv4();
    if is_ipv4 && fold(sum_ipv4_header(datagram.ipv4_header)) != RIGHT {
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
        Transport::Sctp { .. } => sctp::judge(message.bytes),
        Transport::Fragment { .. } | Transport::Other | Transport::Arp | Transport::None => {
            Checksum::Unverified
        }
    }
}

#[inline(always)]
fn udp_checksum<A: Copy + Into<IpAddr>>(
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
#[inline(always)]
fn over_pseudo_header<A: Copy + Into<IpAddr>>(
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
    partial_or_bad(pseudo, total, message.bytes, partial_at, datagram.transport_offset)
}

/// Of a message at `start` of the frame whose sum `total` is not right. By values alone, so that a packet needs no place in
/// memory for this.
#[inline(never)]
fn partial_or_bad(
    pseudo: u64,
    total: u64,
    bytes: &[u8],
    partial_at: Option<usize>,
    start: usize,
) -> Checksum {
    let Some(offset) = partial_at else { return Checksum::Bad };
    let Some(field) = field_at(bytes, offset).filter(|&field| field == fold(pseudo)) else {
        return Checksum::Bad;
    };
    // Adding the complement takes the field out of the sum again.
    let complete = !fold(total + u64::from(!field));
    // For UDP 0 means none, and 0xffff is its other form (RFC 768).
    let value = if offset == udp::CHECKSUM_OFFSET && complete == 0 { 0xffff } else { complete };
    Checksum::Partial { offset: (start + offset) as u32, value }
}

/// The checksum of a packet around another, which covers the inner one.
pub(super) struct Cover {
    /// Without what it covers.
    outer: Checksum,
    /// Where the covered bytes begin, and where the field is, in the frame.
    start: usize,
    field: usize,
    /// What the covered bytes fold to; `None` where no checksum covers the inner packet.
    residue: Option<u16>,
}

impl Cover {
    /// Of a packet that was judged to be `outer`; `has_gre_checksum` says that the header behind it has one.
    pub(super) fn of<A: Copy + Into<IpAddr>>(
        datagram: &Datagram<'_, A>,
        message: &Message<'_>,
        outer: Checksum,
        has_gre_checksum: bool,
    ) -> Cover {
        let (start, bytes) = (datagram.transport_offset, message.bytes);
        let is_header_bad = datagram.is_ipv4() && fold(sum_ipv4_header(datagram.ipv4_header)) != RIGHT;
        let none = |outer| Cover { outer, start, field: start, residue: None };
        if is_header_bad {
            return none(Checksum::Bad);
        }
        if message.missing_bytes > 0 {
            return none(Checksum::Unverified);
        }
        match message.transport {
            // Tunnels may do without over IPv6 too (RFC 6935 §5).
            Transport::Udp { .. } if field_at(bytes, udp::CHECKSUM_OFFSET) == Some(0) => {
                none(Checksum::Valid)
            }
            Transport::Udp { .. } => {
                let pseudo = |addresses| addresses + u64::from(datagram.protocol) + bytes.len() as u64;
                let residue = datagram.addresses_sum.map(|addresses| fold(pseudo(addresses) + sum(bytes)));
                Cover { outer, start, field: start + udp::CHECKSUM_OFFSET, residue }
            }
            _ if has_gre_checksum => {
                let residue = Some(fold(sum(bytes)));
                Cover { outer: Checksum::Bad, start, field: start + gre::CHECKSUM_OFFSET, residue }
            }
            _ => none(Checksum::Unverified),
        }
    }

    /// What a word at `offset` of the frame adds to the residue.
    fn word(&self, offset: usize, word: u16) -> u64 {
        // In a sum of big-endian words, one at an odd place counts with its bytes swapped (RFC 1071 §2 B).
        let is_odd = (offset - self.start) % 2 == 1;
        u64::from(if is_odd { word.swap_bytes() } else { word })
    }
}

/// Judges a packet anew together with a checksum that covers it.
pub(super) fn judge_covered(frame: &[u8], packet: &mut Packet<'_>, cover: &Cover) {
    let Some(residue) = cover.residue else {
        if cover.outer == Checksum::Bad {
            packet.checksum = Checksum::Bad;
        }
        return;
    };
    match packet.checksum {
        Checksum::Valid | Checksum::Unverified if residue != RIGHT => packet.checksum = cover.outer,
        Checksum::Partial { .. } if residue == RIGHT => {
            // What a nearer checksum makes up for never reaches this one.
            packet.covered_by = packet.covered_by.or(Some(cover.field));
        }
        // The sender counts on the completion of the inner one (local checksum offload).
        Checksum::Partial { offset, value } => {
            let offset = offset as usize;
            let change =
                field_at(frame, offset).map(|old| cover.word(offset, !old) + cover.word(offset, value));
            let is_right = change.is_some_and(|change| fold(u64::from(residue) + change) == RIGHT);
            if !is_right || packet.covered_by.is_some() {
                packet.checksum = Checksum::Bad;
            }
        }
        Checksum::Valid | Checksum::Unverified | Checksum::Bad => {}
    }
}

fn right_or_bad(total: u64) -> Checksum {
    if fold(total) == RIGHT { Checksum::Valid } else { Checksum::Bad }
}

#[inline]
fn field_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|&field| u16::from_be_bytes(field))
}
