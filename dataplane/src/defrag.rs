//! Pieces of fragmented datagrams → whole datagrams (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! Receivers disagree on what they make of pieces that overlap, and on which they never get (RFC 1858, RFC 5722). So no
//! piece goes on before the datagram is whole and judged: all leave then, or none. What two receivers could put together
//! in two ways is put together by nobody.

mod datagram;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use arrayvec::ArrayVec;

use self::datagram::Datagram;
pub use self::datagram::{Piece, Whole};
use crate::decode::{Network, Packet, Transport};
use crate::limits::{FRAGMENTED_DATAGRAMS_MAX, VLAN_TAGS_MAX};
use crate::rx_meta::{RxMeta, Side};
use crate::verdict::DropReason;

/// What becomes of a piece.
#[derive(Debug)]
pub enum Pushed {
    /// It waits for others.
    Waits,
    /// It makes its datagram whole.
    Whole(Whole),
    /// It may not go on, and neither may those of its datagram that waited.
    Refused(DropReason),
}

/// Pieces that fell, and why. The last of them may be the one just pushed.
#[derive(Debug)]
pub struct Fallen {
    /// Why none of them goes on.
    pub reason: DropReason,
    /// In the order in which they came.
    pub pieces: Vec<Piece>,
}

/// What all pieces of a datagram have in common. Those from two sides of a link, or of two VLANs, never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// 0 in IPv6, where pieces behind the first may name another one (RFC 8200 §4.5).
    protocol: u8,
    link: u16,
    side: Option<Side>,
    vlans: ArrayVec<u16, VLAN_TAGS_MAX>,
}

/// The datagrams of which pieces wait.
///
/// Invariant: `bytes` is what all waiting pieces take, and at most `bytes_max`; `order` names every datagram once, the
/// oldest first.
pub struct Defragmenter {
    datagrams: BTreeMap<Key, Datagram>,
    order: VecDeque<(u64, Key)>,
    bytes: usize,
    bytes_max: usize,
    timeout_ns: u64,
    fallen: Vec<Fallen>,
}

impl Defragmenter {
    /// Room for `bytes_max` bytes of frames, none of which waits longer than `timeout_s` seconds.
    pub fn new(bytes_max: usize, timeout_s: u32) -> Defragmenter {
        Defragmenter {
            datagrams: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            bytes_max,
            timeout_ns: u64::from(timeout_s) * 1_000_000_000,
            fallen: Vec::new(),
        }
    }

    /// Takes a copy of a piece, which `packet` was decoded from. Where there is no room, the oldest datagrams fall.
    ///
    /// # Panics
    /// If `packet` is no piece.
    pub fn push(&mut self, frame: &[u8], packet: &Packet<'_>, meta: RxMeta) -> Pushed {
        let (Some(network), Transport::Fragment { id, offset, more }) = (packet.network, packet.transport)
        else {
            panic!("the caller has seen that it is a piece")
        };
        let key = key(packet, &network, id, meta);
        if frame.len() > self.bytes_max {
            return Pushed::Refused(DropReason::FragmentMemory);
        }
        let piece = match Piece::new(frame, packet, &network, [u32::from(offset), u32::from(more)], meta) {
            Ok(piece) => piece,
            Err(reason) => return self.spoil(&key, meta.now_ns, reason),
        };
        self.make_room(frame.len(), &key);
        let datagram = self.datagram(&key, meta.now_ns);
        match datagram.add(piece) {
            Ok(()) => self.bytes += frame.len(),
            // The same once more: a receiver has no use for it, and it says nothing against the others.
            Err(DropReason::FragmentDuplicate) => return Pushed::Refused(DropReason::FragmentDuplicate),
            Err(reason) => return self.spoil(&key, meta.now_ns, reason),
        }
        if !self.datagrams[&key].is_whole() {
            return Pushed::Waits;
        }
        let datagram = self.datagrams.remove(&key).expect("it was added to");
        self.order.retain(|(_, other)| *other != key);
        self.bytes -= datagram.bytes();
        Pushed::Whole(datagram.into_whole(key.vlans))
    }

    /// Lets datagrams fall that have waited for too long.
    pub fn expire(&mut self, now_ns: u64) {
        while let Some((deadline_ns, _)) = self.order.front()
            && *deadline_ns <= now_ns
        {
            self.fell_oldest(DropReason::FragmentTimeout);
        }
    }

    /// Lets all fall that wait.
    pub fn clear(&mut self) {
        self.expire(u64::MAX);
    }

    /// What fell since the last call.
    pub fn take_fallen(&mut self) -> Option<Fallen> {
        self.fallen.pop()
    }

    /// Nothing of this datagram goes on any more, neither what waits nor what is still to come.
    fn spoil(&mut self, key: &Key, now_ns: u64, reason: DropReason) -> Pushed {
        self.make_room(0, key);
        let datagram = self.datagram(key, now_ns);
        let freed_bytes = datagram.bytes();
        let pieces = datagram.spoil(reason);
        self.bytes -= freed_bytes;
        if !pieces.is_empty() {
            self.fallen.push(Fallen { reason, pieces });
        }
        Pushed::Refused(reason)
    }

    fn datagram(&mut self, key: &Key, now_ns: u64) -> &mut Datagram {
        if !self.datagrams.contains_key(key) {
            self.order.push_back((now_ns.saturating_add(self.timeout_ns), key.clone()));
        }
        self.datagrams.entry(key.clone()).or_default()
    }

    /// Room for so many bytes more, and for one more datagram where `key` is new.
    fn make_room(&mut self, bytes: usize, key: &Key) {
        let is_full = |all: &Defragmenter| {
            let is_new = !all.datagrams.contains_key(key);
            all.bytes + bytes > all.bytes_max || is_new && all.datagrams.len() == FRAGMENTED_DATAGRAMS_MAX
        };
        while is_full(self) && !self.order.is_empty() {
            self.fell_oldest(DropReason::FragmentMemory);
        }
    }

    fn fell_oldest(&mut self, reason: DropReason) {
        let Some((_, key)) = self.order.pop_front() else { return };
        let Some(mut datagram) = self.datagrams.remove(&key) else { return };
        self.bytes -= datagram.bytes();
        let pieces = datagram.spoil(reason);
        if !pieces.is_empty() {
            self.fallen.push(Fallen { reason, pieces });
        }
    }
}

fn key(packet: &Packet<'_>, network: &Network, id: u32, meta: RxMeta) -> Key {
    Key {
        source: network.source,
        destination: network.destination,
        id,
        protocol: if network.source.is_ipv4() { network.protocol } else { 0 },
        link: meta.link,
        side: meta.side,
        vlans: packet.vlans.clone(),
    }
}
