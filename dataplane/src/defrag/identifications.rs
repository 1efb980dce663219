//! The identifications that datagrams leave with: none is used twice between two hosts while a receiver may still have pieces of
//! the datagram that had it before.
//!
//! What is lost behind us is not known here. A receiver that lost a piece puts the others together with those of a later
//! datagram of the same identification (RFC 4963), to something that nobody inspected, and a sender chooses its
//! identifications. So ours take their place, counted up for each pair of hosts.
//!
//! One that passes whole keeps its sender's, which may be one that we give. If a router behind us, whose MTU is smaller, then
//! cuts it, and a piece is lost, its receiver may join the others with those of another datagram all the same: that cannot be
//! told here. Datagrams with DF, as those of TCP, and those of IPv6 are never cut so; where others are trusted with a lot, the
//! protected side is to have one MTU.
//!
//! Pairs are many, whoever makes them up, and nothing may be forgotten of one because of others. So the counters are a fixed
//! number, and a secret hash says which one a pair uses. That some share one makes each use it up sooner, and no worse.

use std::array;
use std::net::{IpAddr, Ipv4Addr};

use flow_table::{FlowKey, KeyedHash, Vlans};

use super::whole::Whole;
use crate::decode::protocol;
use crate::limits::IDENTIFICATION_COUNTERS;

/// In how many parts it is remembered when the numbers of a cycle were used: what is lost of each cycle is one of them.
const PARTS: usize = 32;
/// Of IPv4 (RFC 791 §3.1).
const IPV4_IDENTIFICATIONS: u32 = 1 << 16;
/// Upper halves of those of IPv6 in tunnels, and the bit that tells them from those of IPv6 elsewhere.
const TUNNELLED_UPPER_HALVES: u32 = 1 << 15;
const TUNNELLED: u16 = 1 << 15;

/// Counters of identifications, a fixed number of them, that pairs of hosts share by a secret hash.
pub struct Identifications {
    hash: KeyedHash,
    counters: Box<[Counter]>,
    reuse_ns: u64,
}

/// What the pairs of one hash use.
struct Counter {
    ipv4: Cycle,
    /// All without [`TUNNELLED`] in their upper half: two thousand million, more than a worker puts together while a receiver
    /// keeps pieces.
    ipv6: u32,
    tunnelled_ipv6: Cycle,
}

/// Which identifications a datagram may have.
enum Space {
    /// None: an authentication header around its pieces covers that which each has, and says nothing of which of them belong
    /// together.
    Covered,
    /// That which it has, alone: the integrity check of an authentication header covers it (RFC 4302 §3.3.3.1.1.1), and tells
    /// its receiver of any other datagram.
    Kept,
    Ipv4,
    Ipv6,
    /// A checksum around it may cover it, so that half of it makes up for the other half.
    TunnelledIpv6,
}

impl Identifications {
    /// None is used again within `reuse_s` seconds. The seed is secret, or somebody finds pairs that share a counter with others.
    pub fn new(seed: [u64; 2], reuse_s: u32) -> Identifications {
        let hash = KeyedHash::new(seed);
        let nowhere = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let start = |index| hash.hash(&FlowKey::new(0, nowhere, nowhere, Vlans::default(), index).0);
        let counters = (0..IDENTIFICATION_COUNTERS).map(start).map(Counter::new).collect();
        Identifications { hash, counters, reuse_ns: u64::from(reuse_s) * 1_000_000_000 }
    }

    /// Whether there is one for this datagram, which leaves at `now_ns`.
    pub fn has_one(&self, whole: &Whole, now_ns: u64) -> bool {
        let counter = &self.counters[self.index(whole)];
        match Space::of(whole) {
            Space::Covered => false,
            Space::Kept | Space::Ipv6 => true,
            Space::Ipv4 => counter.ipv4.is_free(now_ns),
            Space::TunnelledIpv6 => counter.tunnelled_ipv6.is_free(now_ns),
        }
    }

    /// Gives all pieces of a datagram that leaves at `now_ns`, which never steps back, the next one, whether it is free or
    /// not. Where it is covered, they keep theirs.
    pub fn give(&mut self, whole: &mut Whole, now_ns: u64) {
        let free_at_ns = now_ns.saturating_add(self.reuse_ns);
        let counter = &mut self.counters[self.index(whole)];
        let space = Space::of(whole);
        let pieces = whole.pieces.iter_mut();
        match space {
            Space::Covered | Space::Kept => {}
            Space::Ipv4 => {
                let next = counter.ipv4.take(free_at_ns) as u16;
                pieces.for_each(|piece| piece.identify_ipv4(next));
            }
            Space::Ipv6 => {
                counter.ipv6 = counter.ipv6.wrapping_add(1) & !(u32::from(TUNNELLED) << 16);
                pieces.for_each(|piece| piece.identify_ipv6(counter.ipv6));
            }
            Space::TunnelledIpv6 => {
                let upper = counter.tunnelled_ipv6.take(free_at_ns) as u16 | TUNNELLED;
                pieces.for_each(|piece| piece.identify_tunnelled_ipv6(upper));
            }
        }
    }

    /// Of the addresses alone: some receivers do not look at the protocol, and none at what VLAN or tunnel a piece came out of.
    fn index(&self, whole: &Whole) -> usize {
        // The ports tell the directions apart.
        let key = FlowKey::new(0, (whole.key.source, 0), (whole.key.destination, 1), Vlans::default(), 0).0;
        ((u128::from(self.hash.hash(&key)) * self.counters.len() as u128) >> 64) as usize
    }
}

impl Space {
    fn of(whole: &Whole) -> Space {
        let key = &whole.key;
        match (key.source.is_ipv4(), key.surroundings.tunnels.is_empty()) {
            _ if key.surroundings.is_authenticated => Space::Covered,
            (true, _) if key.protocol == protocol::AUTHENTICATION => Space::Kept,
            (true, _) => Space::Ipv4,
            (false, true) => Space::Ipv6,
            (false, false) => Space::TunnelledIpv6,
        }
    }
}

impl Counter {
    /// Where it begins follows from `start`.
    fn new(start: u64) -> Counter {
        Counter {
            ipv4: Cycle::new(IPV4_IDENTIFICATIONS, start as u32),
            ipv6: (start >> 32) as u32,
            tunnelled_ipv6: Cycle::new(TUNNELLED_UPPER_HALVES, (start >> 16) as u32),
        }
    }
}

/// The numbers below `size`, one after the other and round again, and when each may be used again.
struct Cycle {
    size: u32,
    next: u32,
    /// When the next one may be used.
    next_free_at_ns: u64,
    /// By part: when all of its numbers may be used again.
    free_at_ns: [u64; PARTS],
}

impl Cycle {
    fn new(size: u32, start: u32) -> Cycle {
        debug_assert!((size as usize).is_multiple_of(PARTS), "all parts are of one size");
        Cycle { size, next: start % size, next_free_at_ns: 0, free_at_ns: array::from_fn(|_| 0) }
    }

    fn is_free(&self, now_ns: u64) -> bool {
        self.next_free_at_ns <= now_ns
    }

    /// The next one, which may be used again at `free_at_ns`.
    fn take(&mut self, free_at_ns: u64) -> u32 {
        let (taken, part_size) = (self.next, self.size / PARTS as u32);
        self.free_at_ns[(taken / part_size) as usize] = free_at_ns;
        self.next = (taken + 1) % self.size;
        // Within a part, what counts is when it was used the last time round.
        if self.next.is_multiple_of(part_size) {
            self.next_free_at_ns = self.free_at_ns[(self.next / part_size) as usize];
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the pace, and nearly all of them can be used.
        #[test]
        fn no_number_is_used_again_before_its_time(
            start: u32,
            parts in 1..4_u32,
            steps in prop::collection::vec((0..40_u64, 1..80_u32), 1..60),
        ) {
            const REUSE_NS: u64 = 100;
            let size = parts * PARTS as u32;
            let mut cycle = Cycle::new(size, start);
            let (mut used, mut now_ns) = (BTreeMap::<u32, u64>::new(), 0);
            for (pause_ns, wanted) in steps {
                now_ns += pause_ns;
                for _ in 0..wanted {
                    if !cycle.is_free(now_ns) {
                        let busy = used.values().filter(|at_ns| **at_ns + REUSE_NS > now_ns).count() as u32;
                        prop_assert!(busy + parts > size, "{} of {} are in use", busy, size);
                        break;
                    }
                    let before_ns = used.insert(cycle.take(now_ns + REUSE_NS), now_ns);
                    prop_assert!(before_ns.is_none_or(|before_ns| before_ns + REUSE_NS <= now_ns));
                }
            }
        }
    }
}
