//! A frame with a piece of a datagram, and where the piece's parts stand in it.

use std::ops::Range;

use crate::decode::checksum::{fold, seal_ipv4};
use crate::decode::{Network, Packet, protocol};
use crate::rx_meta::RxMeta;
use crate::verdict::DropReason;

/// The longest datagram: what its 16-bit length can say (RFC 791 §3.1; RFC 8200 §3, behind the fixed header).
pub(super) const DATAGRAM_BYTES_MAX: u32 = 65_535;
pub(super) const IPV4_HEADER_BYTES_MIN: usize = 20;
pub(super) const IPV6_HEADER_BYTES: usize = 40;
pub(super) const FRAGMENT_HEADER_BYTES: usize = 8;
/// Where in the IP header the next header, the TTL and the hop limit stand, and the identification (RFC 791 §3.1, RFC 8200 §3).
const IPV6_NEXT_HEADER_OFFSET: usize = 6;
const IPV4_HOPS_OFFSET: usize = 8;
const IPV6_HOPS_OFFSET: usize = 7;
const IPV4_IDENTIFICATION: Range<usize> = 4..6;
/// Bytes of the identification in which a fragment header ends (RFC 8200 §4.5).
const IPV6_IDENTIFICATION_BYTES: usize = 4;

/// A frame with a piece of a datagram.
#[derive(Debug)]
pub struct Piece {
    /// The frame as it came.
    pub frame: Box<[u8]>,
    /// What its port knew of it.
    pub meta: RxMeta,
    pub(super) layout: Layout,
}

/// Where a piece stands in its datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// In bytes.
    pub(super) offset: u32,
    /// Whether more pieces follow.
    pub(super) more: bool,
}

/// What is where in a frame with a piece. Each method is to be given that frame.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Where in the frame the IP header stands.
    pub(super) network_offset: usize,
    /// Where in the frame the piece's own bytes begin.
    pub(super) payload_offset: usize,
    pub(super) is_ipv4: bool,
    /// Of the headers that the length of the whole datagram counts.
    pub(super) header_bytes: u32,
    /// Which bytes of the datagram's payload it holds.
    pub(super) span: Range<u32>,
    pub(super) is_last: bool,
}

impl Layout {
    /// That of a piece which some datagram can have.
    pub(super) fn new(packet: &Packet<'_>, network: &Network, place: Place) -> Result<Layout, DropReason> {
        let is_last = !place.more;
        let bytes = packet.payload.len() as u32;
        // RFC 8200 §4.5: all but the last are multiples of 8 bytes. An empty one brings nothing.
        let is_odd = !is_last && !bytes.is_multiple_of(8) || bytes == 0 || packet.missing_bytes > 0;
        let is_ipv4 = network.source.is_ipv4();
        // RFC 8200 §4.1: these options stand first, where the fragment header is gone from the whole.
        let is_misplaced = !is_ipv4 && place.offset == 0 && network.protocol == protocol::HOP_BY_HOP;
        if is_odd || is_misplaced {
            return Err(DropReason::Fragment);
        }
        // RFC 8200 §4.5: the length of the whole counts neither the fixed header nor the fragment header.
        let uncounted = if is_ipv4 { 0 } else { IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES };
        let header_bytes = (network.transport_offset - network.offset - uncounted) as u32;
        let span = place.offset..place.offset + bytes;
        // The ping of death: a sum that no length can say.
        if header_bytes + span.end > DATAGRAM_BYTES_MAX {
            return Err(DropReason::FragmentTooLong);
        }
        let (network_offset, payload_offset) = (network.offset, network.transport_offset);
        Ok(Layout { network_offset, payload_offset, is_ipv4, header_bytes, span, is_last })
    }

    pub(super) fn payload<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        &frame[self.payload_range()]
    }

    pub(super) fn payload_range(&self) -> Range<usize> {
        self.payload_offset..self.payload_offset + self.span.len()
    }

    /// What the IP header has beyond its fixed part, and of IPv6 what it says that is.
    pub(super) fn options<'f>(&self, frame: &'f [u8]) -> (&'f [u8], Option<u8>) {
        let ip = &frame[self.network_offset..self.payload_offset];
        if self.is_ipv4 {
            return (&ip[IPV4_HEADER_BYTES_MIN..], None);
        }
        (&ip[IPV6_HEADER_BYTES..ip.len() - FRAGMENT_HEADER_BYTES], Some(ip[IPV6_NEXT_HEADER_OFFSET]))
    }
}

impl Piece {
    /// Whether its datagram begins with it.
    pub fn is_begin(&self) -> bool {
        self.layout.span.start == 0
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.layout.payload(&self.frame)
    }

    pub(super) fn hops_mut(&mut self) -> &mut u8 {
        let offset = if self.layout.is_ipv4 { IPV4_HOPS_OFFSET } else { IPV6_HOPS_OFFSET };
        &mut self.frame[self.layout.network_offset + offset]
    }

    /// Takes over what decides how it travels from the headers of a first piece, and how far from `hops`. The two bits of
    /// congestion stay, which routers set in one piece and not in another (RFC 3168 §5.3).
    pub(super) fn travel_like(&mut self, first: &[u8], hops: u8) {
        *self.hops_mut() = hops;
        let Layout { network_offset, is_ipv4, .. } = self.layout;
        let (link, first) = first.split_at(network_offset);
        self.frame[..network_offset].copy_from_slice(link);
        let ip = self.ip_mut();
        let merge = |mine: u8, theirs: u8, kept: u8| mine & kept | theirs & !kept;
        if is_ipv4 {
            ip[1] = merge(ip[1], first[1], 0b11);
            // All but the flags is where the piece stands.
            ip[6] = merge(ip[6], first[6], 0b0011_1111);
            seal_ipv4(ip);
        } else {
            // The traffic class and the flow label.
            ip[0] = first[0];
            ip[1] = merge(ip[1], first[1], 0b11 << 4);
            ip[2..4].copy_from_slice(&first[2..4]);
        }
    }

    /// Stores the identification of an IPv4 datagram. The sum over a header with its right checksum stays what it was: no
    /// checksum of a tunnel around it changes.
    pub(super) fn identify_ipv4(&mut self, identification: u16) {
        let ip = self.ip_mut();
        ip[IPV4_IDENTIFICATION].copy_from_slice(&identification.to_be_bytes());
        seal_ipv4(ip);
    }

    /// Stores the identification of an IPv6 datagram.
    pub(super) fn identify_ipv6(&mut self, identification: u32) {
        let ip = self.ip_mut();
        let start = ip.len() - IPV6_IDENTIFICATION_BYTES;
        ip[start..].copy_from_slice(&identification.to_be_bytes());
    }

    /// Stores an identification with this upper half, and one as the lower half that leaves the sum of both as it was: no
    /// checksum of a tunnel around it changes.
    pub(super) fn identify_tunnelled_ipv6(&mut self, upper: u16) {
        let ip = self.ip_mut();
        let Some((_, &was)) = ip.split_last_chunk::<IPV6_IDENTIFICATION_BYTES>() else { return };
        let [a, b, c, d] = was.map(u64::from);
        let lower = fold((a << 8 | b) + (c << 8 | d) + u64::from(!upper));
        self.identify_ipv6(u32::from(upper) << 16 | u32::from(lower));
    }

    /// The headers in front of its bytes.
    fn ip_mut(&mut self) -> &mut [u8] {
        &mut self.frame[self.layout.network_offset..self.layout.payload_offset]
    }
}
