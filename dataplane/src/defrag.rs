//! Pieces of fragmented datagrams → whole datagrams (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! Receivers disagree on what they make of pieces that overlap, and on which they never get (RFC 1858, RFC 5722). So no
//! piece goes on before the datagram is whole and judged: all are to leave then, or none.
//!
//! And what leaves has an identification of ours, so that no receiver puts pieces of two datagrams together.

mod datagram;
mod identifications;
mod piece;
mod whole;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use self::datagram::Datagram;
pub use self::identifications::Identifications;
pub use self::piece::Piece;
use self::piece::{Layout, Place};
pub use self::whole::Whole;
use crate::decode::{Network, Packet, Surroundings, Transport};
use crate::limits::FRAGMENTED_DATAGRAMS_MAX;
use crate::rx_meta::{RxMeta, Side};
use crate::verdict::DropReason;

/// What becomes of a piece.
#[derive(Debug)]
pub enum Pushed {
    /// It waits for others.
    Waits,
    /// It makes its datagram whole.
    Whole(Box<Whole>),
    /// It does not go on, and where that spoils its datagram, neither do those that waited.
    Refused(DropReason),
}

/// Pieces that waited and fell, and why.
#[derive(Debug)]
pub struct Fallen {
    /// Why none of them goes on.
    pub reason: DropReason,
    /// In the order in which they came.
    pub pieces: Vec<Piece>,
}

/// What all pieces of a datagram have in common. Those from two sides of a link, of two VLANs or in two tunnels
/// never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// 0 in IPv6, where pieces behind the first may name another one (RFC 8200 §4.5).
    protocol: u8,
    link: u16,
    side: Option<Side>,
    surroundings: Surroundings,
}

/// A datagram that began to wait.
#[derive(Debug)]
struct Waiting {
    number: u64,
    deadline_ns: u64,
    key: Key,
}

/// The datagrams of which pieces wait.
///
/// Invariant: `bytes` is what all waiting pieces take, and at most `bytes_max`; `order` names every datagram with the number
/// that it has, the oldest first. What it names beside them is gone.
pub struct Defragmenter {
    datagrams: BTreeMap<Key, Datagram>,
    order: VecDeque<Waiting>,
    next_number: u64,
    bytes: usize,
    bytes_max: usize,
    timeout_ns: u64,
    fallen: VecDeque<Fallen>,
}

impl Defragmenter {
    /// Room for `bytes_max` bytes of frames, none of which waits longer than `timeout_s` seconds.
    pub fn new(bytes_max: usize, timeout_s: u32) -> Defragmenter {
        Defragmenter {
            datagrams: BTreeMap::new(),
            order: VecDeque::new(),
            next_number: 0,
            bytes: 0,
            bytes_max,
            timeout_ns: u64::from(timeout_s) * 1_000_000_000,
            fallen: VecDeque::new(),
        }
    }

    /// Takes a copy of a piece, which `packet` was decoded from, at `now_ns`, which never steps back. Where there is no room,
    /// the oldest datagrams fall.
    ///
    /// # Panics
    /// If `packet` is no piece.
    pub fn push(&mut self, frame: &[u8], packet: &Packet<'_>, meta: RxMeta, now_ns: u64) -> Pushed {
        let (Some(network), Transport::Fragment { id, offset, more }) = (packet.network, packet.transport)
        else {
            panic!("the caller has seen that it is a piece")
        };
        self.expire(now_ns);
        let key = key(packet, &network, id, meta);
        if frame.len() > self.bytes_max {
            return Pushed::Refused(DropReason::FragmentMemory);
        }
        let place = Place { offset: u32::from(offset), more };
        let checked = Layout::new(packet, &network, place).and_then(|layout| {
            self.datagrams
                .get(&key)
                .map_or(Ok(()), |datagram| datagram.check(frame, &layout))
                .map(|()| layout)
        });
        let layout = match checked {
            Ok(layout) => layout,
            // The same once more: a receiver has no use for it, and it says nothing against the others.
            Err(DropReason::FragmentDuplicate) => return Pushed::Refused(DropReason::FragmentDuplicate),
            Err(reason) => return self.spoil(&key, now_ns, reason),
        };
        self.make_room(frame.len(), &key);
        self.bytes += frame.len();
        let datagram = self.datagram(&key, now_ns);
        datagram.add(Piece { frame: frame.into(), meta, layout });
        if !datagram.is_whole() {
            return Pushed::Waits;
        }
        let datagram = self.datagrams.remove(&key).expect("it was added to");
        self.bytes -= datagram.bytes();
        Pushed::Whole(Box::new(datagram.into_whole(key)))
    }

    /// Lets datagrams fall that have waited for too long.
    pub fn expire(&mut self, now_ns: u64) {
        while self.order.front().is_some_and(|oldest| oldest.deadline_ns <= now_ns) {
            self.fell_oldest(DropReason::FragmentTimeout);
        }
    }

    /// Lets all fall that wait.
    pub fn clear(&mut self) {
        self.expire(u64::MAX);
    }

    /// What fell since the last call.
    pub fn take_fallen(&mut self) -> Option<Fallen> {
        self.fallen.pop_front()
    }

    /// Nothing of this datagram goes on any more, neither what waits nor what is still to come.
    fn spoil(&mut self, key: &Key, now_ns: u64, reason: DropReason) -> Pushed {
        self.make_room(0, key);
        let datagram = self.datagram(key, now_ns);
        let freed_bytes = datagram.bytes();
        let pieces = datagram.spoil(reason);
        self.bytes -= freed_bytes;
        self.fell(reason, pieces);
        Pushed::Refused(reason)
    }

    fn datagram(&mut self, key: &Key, now_ns: u64) -> &mut Datagram {
        if !self.datagrams.contains_key(key) {
            self.next_number += 1;
            if self.order.len() > 2 * FRAGMENTED_DATAGRAMS_MAX {
                let datagrams = &self.datagrams;
                self.order
                    .retain(|it| datagrams.get(&it.key).is_some_and(|other| other.number() == it.number));
            }
            let deadline_ns = now_ns.saturating_add(self.timeout_ns);
            self.order.push_back(Waiting { number: self.next_number, deadline_ns, key: key.clone() });
            self.datagrams.insert(key.clone(), Datagram::new(self.next_number));
        }
        self.datagrams.get_mut(key).expect("it is there or was made")
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
        let Some(oldest) = self.order.pop_front() else { return };
        let is_there = self.datagrams.get(&oldest.key).is_some_and(|it| it.number() == oldest.number);
        // One that became whole is gone already.
        let Some(mut datagram) = is_there.then(|| self.datagrams.remove(&oldest.key)).flatten() else {
            return;
        };
        self.bytes -= datagram.bytes();
        self.fell(reason, datagram.spoil(reason));
    }

    fn fell(&mut self, reason: DropReason, pieces: Vec<Piece>) {
        if !pieces.is_empty() {
            self.fallen.push_back(Fallen { reason, pieces });
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
        surroundings: Surroundings {
            vlans: packet.vlans,
            tunnels: packet.tunnels.clone(),
            is_authenticated: packet.is_authenticated,
        },
    }
}
