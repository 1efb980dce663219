//! One datagram of which pieces wait, and what they are together.

use std::mem;
use std::ops::Range;

use crate::decode::checksum::seal_ipv4;
use crate::decode::{Network, Packet, Surroundings};
use crate::limits::FRAGMENTS_PER_DATAGRAM_MAX;
use crate::rx_meta::RxMeta;
use crate::verdict::DropReason;

/// The longest datagram: what its 16-bit length can say (RFC 791 §3.1; RFC 8200 §3, behind the fixed header).
const DATAGRAM_BYTES_MAX: u32 = 65_535;
const IPV4_HEADER_BYTES_MIN: usize = 20;
const IPV6_HEADER_BYTES: usize = 40;
const FRAGMENT_HEADER_BYTES: usize = 8;
/// Where in the IP header the next header, the TTL and the hop limit stand (RFC 791 §3.1, RFC 8200 §3).
const IPV6_NEXT_HEADER_OFFSET: usize = 6;
const IPV4_HOPS_OFFSET: usize = 8;
const IPV6_HOPS_OFFSET: usize = 7;

/// A frame with a piece of a datagram.
#[derive(Debug)]
pub struct Piece {
    /// The frame as it came.
    pub frame: Box<[u8]>,
    /// What its port knew of it.
    pub meta: RxMeta,
    /// Where in the frame the IP header stands.
    network_offset: usize,
    /// Where in the frame the piece's own bytes begin.
    payload_offset: usize,
    is_ipv4: bool,
    /// Of the headers that the length of a datagram counts.
    header_bytes: u32,
    /// Which bytes of the datagram's payload it holds.
    span: Range<u32>,
    is_last: bool,
}

/// A whole datagram.
#[derive(Debug)]
pub struct Whole {
    /// Its pieces, in the order in which they came.
    pub pieces: Vec<Piece>,
    /// A frame that would have held it in one piece: the headers of the first piece, and all bytes behind them. Link
    /// headers that tell a length are as they were.
    pub frame: Vec<u8>,
    /// What all of them travel in.
    pub surroundings: Surroundings,
    /// Where in that frame the IP header stands.
    pub network_offset: usize,
    /// Where in that frame the bytes end that the first piece held.
    pub first_end: usize,
    /// Where in that frame the payload begins, which was cut.
    payload_offset: usize,
}

/// Where a piece stands in its datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// In bytes.
    pub(super) offset: u32,
    /// Whether more pieces follow.
    pub(super) more: bool,
}

/// Invariant: no two pieces hold the same byte, and none a byte behind the last one's.
#[derive(Debug)]
pub(super) struct Datagram {
    /// Tells it from others that had its key.
    number: u64,
    /// Frames of all pieces, in bytes.
    bytes: usize,
    pieces: Vec<Piece>,
    /// Payload bytes of all pieces.
    payload_bytes: u32,
    /// Known since the last piece came.
    total_bytes: Option<u32>,
    /// Why nothing of it goes on.
    spoiled: Option<DropReason>,
}

impl Piece {
    pub(super) fn new(
        frame: &[u8],
        packet: &Packet<'_>,
        network: &Network,
        place: Place,
        meta: RxMeta,
    ) -> Result<Piece, DropReason> {
        let is_last = !place.more;
        let bytes = packet.payload.len() as u32;
        // RFC 8200 §4.5: all but the last are multiples of 8 bytes. An empty one brings nothing.
        let is_odd = !is_last && !bytes.is_multiple_of(8) || bytes == 0 || packet.missing_bytes > 0;
        if is_odd {
            return Err(DropReason::Fragment);
        }
        let is_ipv4 = network.source.is_ipv4();
        let uncounted = if is_ipv4 { 0 } else { IPV6_HEADER_BYTES };
        let header_bytes = (network.transport_offset - network.offset - uncounted) as u32;
        let span = place.offset..place.offset + bytes;
        // The ping of death: a sum that no length can say.
        if header_bytes + span.end > DATAGRAM_BYTES_MAX {
            return Err(DropReason::FragmentTooLong);
        }
        Ok(Piece {
            frame: frame.into(),
            meta,
            network_offset: network.offset,
            payload_offset: network.transport_offset,
            is_ipv4,
            header_bytes,
            span,
            is_last,
        })
    }

    fn payload(&self) -> &[u8] {
        &self.frame[self.payload_range()]
    }

    fn payload_range(&self) -> Range<usize> {
        self.payload_offset..self.payload_offset + self.span.len()
    }

    /// Whether it has the IP options of another, or the headers in front of its fragment header. RFC 791 §3.2 and RFC 8200
    /// §4.5 let them differ, which no sender makes use of but one who wants a piece discarded on its way for them.
    fn has_options_of(&self, other: &Piece) -> bool {
        self.network_offset == other.network_offset && self.options() == other.options()
    }

    /// What the IP header has beyond its fixed part, and of IPv6 what it says that is.
    fn options(&self) -> (&[u8], Option<u8>) {
        let ip = &self.frame[self.network_offset..self.payload_offset];
        if self.is_ipv4 {
            return (&ip[IPV4_HEADER_BYTES_MIN..], None);
        }
        (&ip[IPV6_HEADER_BYTES..ip.len() - FRAGMENT_HEADER_BYTES], Some(ip[IPV6_NEXT_HEADER_OFFSET]))
    }

    fn hops_mut(&mut self) -> &mut u8 {
        let offset = if self.is_ipv4 { IPV4_HOPS_OFFSET } else { IPV6_HOPS_OFFSET };
        &mut self.frame[self.network_offset + offset]
    }

    /// Takes over what decides how it travels from the headers of a first piece, and how far from `hops`. The two bits of
    /// congestion stay, which routers set in one piece and not in another (RFC 3168 §5.3).
    fn travel_like(&mut self, first: &[u8], hops: u8) {
        *self.hops_mut() = hops;
        let (link, first) = first.split_at(self.network_offset);
        self.frame[..self.network_offset].copy_from_slice(link);
        let ip = &mut self.frame[self.network_offset..self.payload_offset];
        let merge = |mine: u8, theirs: u8, kept: u8| mine & kept | theirs & !kept;
        if self.is_ipv4 {
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
}

impl Datagram {
    pub(super) fn new(number: u64) -> Datagram {
        Datagram { number, bytes: 0, pieces: Vec::new(), payload_bytes: 0, total_bytes: None, spoiled: None }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Frames of what waits, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_whole(&self) -> bool {
        self.total_bytes == Some(self.payload_bytes)
    }

    /// Nothing of it goes on any more; returns what waited.
    pub(super) fn spoil(&mut self, reason: DropReason) -> Vec<Piece> {
        self.spoiled = Some(reason);
        self.bytes = 0;
        mem::take(&mut self.pieces)
    }

    /// Whether a piece may join the others.
    pub(super) fn check(&self, piece: &Piece) -> Result<(), DropReason> {
        if let Some(reason) = self.spoiled {
            return Err(reason);
        }
        for other in &self.pieces {
            fits_beside(other, piece)?;
        }
        let all = || self.pieces.iter().chain([piece]);
        let end = all().map(|each| each.span.end).max().unwrap_or(0);
        // What counts is the header that the whole will have.
        let header_bytes = all().find(|each| each.span.start == 0).map_or(0, |first| first.header_bytes);
        if header_bytes + end > DATAGRAM_BYTES_MAX {
            return Err(DropReason::FragmentTooLong);
        }
        if self.pieces.first().is_some_and(|other| !piece.has_options_of(other)) {
            return Err(DropReason::Fragment);
        }
        let seen_until = self.pieces.iter().map(|other| other.span.end).max().unwrap_or(0);
        let is_beyond = self.total_bytes.is_some_and(|total| piece.span.end > total);
        let ends_too_soon = piece.is_last && piece.span.end < seen_until;
        let ends_twice = piece.is_last && self.total_bytes.is_some();
        if is_beyond || ends_too_soon || ends_twice {
            return Err(DropReason::Fragment);
        }
        if self.pieces.len() == FRAGMENTS_PER_DATAGRAM_MAX {
            return Err(DropReason::FragmentMemory);
        }
        Ok(())
    }

    /// Takes a piece that may join.
    pub(super) fn add(&mut self, piece: Piece) {
        if piece.is_last {
            self.total_bytes = Some(piece.span.end);
        }
        self.payload_bytes += piece.span.len() as u32;
        self.bytes += piece.frame.len();
        self.pieces.push(piece);
    }

    /// # Panics
    /// Unless it is whole.
    pub(super) fn into_whole(self, surroundings: Surroundings) -> Whole {
        assert!(self.is_whole(), "no byte is absent");
        let total_bytes = self.payload_bytes as usize;
        let first = self.pieces.iter().find(|piece| piece.span.start == 0).expect("no byte is absent");
        let (network_offset, payload_offset) = (first.network_offset, first.payload_offset);
        let first_end = payload_offset + first.span.len();
        let mut frame = first.frame[..payload_offset].to_vec();
        unmark(&mut frame[network_offset..], first.is_ipv4, total_bytes);
        frame.resize(payload_offset + total_bytes, 0);
        for piece in &self.pieces {
            let span = payload_offset + piece.span.start as usize..payload_offset + piece.span.end as usize;
            frame[span].copy_from_slice(piece.payload());
        }
        Whole { pieces: self.pieces, frame, surroundings, network_offset, first_end, payload_offset }
    }
}

impl Whole {
    /// Cuts the frame again as it was cut: what was changed in it since is changed in its pieces.
    pub fn recut(&mut self) {
        for piece in &mut self.pieces {
            let start = self.payload_offset + piece.span.start as usize;
            let range = piece.payload_range();
            let bytes = range.len();
            piece.frame[range].copy_from_slice(&self.frame[start..start + bytes]);
        }
    }

    /// Has all pieces travel alike, and no farther than the one that would come least far. A piece that its sender made to
    /// fall behind us, by its TTL or its addresses, would leave the others to be put together with those of another datagram
    /// of the same identification: what the receiver then reads was never inspected.
    ///
    /// In a tunnel, whose headers tell lengths, they stay as they are.
    pub fn level(&mut self) {
        if !self.surroundings.tunnels.is_empty() {
            return;
        }
        let Some(first) = self.pieces.iter().find(|piece| piece.span.start == 0) else { return };
        let headers = first.frame[..first.payload_offset].to_vec();
        let Some(hops) = self.pieces.iter_mut().map(|piece| *piece.hops_mut()).min() else { return };
        self.pieces.iter_mut().for_each(|piece| piece.travel_like(&headers, hops));
    }

    /// Bytes on the wire of all its frames.
    pub fn wire_bytes(&self) -> u32 {
        self.pieces.iter().map(|piece| piece.meta.wire_bytes).sum()
    }
}

/// What a piece is beside another one of its datagram.
fn fits_beside(other: &Piece, piece: &Piece) -> Result<(), DropReason> {
    let (old, new) = (&other.span, &piece.span);
    if new.start >= old.end || old.start >= new.end {
        return Ok(());
    }
    if old == new && other.is_last == piece.is_last && other.payload() == piece.payload() {
        return Err(DropReason::FragmentDuplicate);
    }
    // One inside another made the length of what it brings negative, in kernels that subtracted first.
    let is_inside = |a: &Range<u32>, b: &Range<u32>| a.start > b.start && a.end <= b.end;
    if is_inside(new, old) || is_inside(old, new) {
        return Err(DropReason::FragmentTeardrop);
    }
    Err(DropReason::FragmentOverlap)
}

/// Makes the header of a first piece that of a datagram in one piece, with `total_bytes` behind it. An IPv6 fragment
/// header stays, and says that there are no others (RFC 6946).
fn unmark(ip: &mut [u8], is_ipv4: bool, total_bytes: usize) {
    let header_bytes = ip.len();
    let length = |bytes: usize| (bytes as u16).to_be_bytes();
    if is_ipv4 {
        debug_assert!(header_bytes >= IPV4_HEADER_BYTES_MIN);
        ip[2..4].copy_from_slice(&length(header_bytes + total_bytes));
        ip[6..8].fill(0);
        seal_ipv4(ip);
    } else {
        ip[4..6].copy_from_slice(&length(header_bytes - IPV6_HEADER_BYTES + total_bytes));
        ip[header_bytes - FRAGMENT_HEADER_BYTES + 2..][..2].fill(0);
    }
}
