//! The flows whose frames the XDP programs drop or pass on by themselves, and how many that were of each.

use std::{array, net::IpAddr, sync::Arc};

use arrayvec::ArrayVec;
use aya::Pod;

use crate::{
    Port,
    heartbeat::monotonic_ns,
    limits::SETTLED_TAKEN_AT_ONCE_MAX,
    settled_table::{SettledTable, Tally},
};

/// Protocol numbers of the flows that the programs can tell apart.
const TCP: u8 = 6;
const UDP: u8 = 17;

const VLAN_ID: u16 = 0x0fff;
const VLAN_PRESENT: u16 = 0x1000;
/// As in `bpf/frame.h`.
const TAG_UDP: u64 = 0x8000_0000;
const TAG_IPV6: u64 = 0x4000_0000;

/// An address as `struct address` of `bpf/frame.h` holds it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    halves: [u64; 2],
    version: u64,
}

// SAFETY: plain numbers without padding.
unsafe impl Pod for Address {}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Address {
        let (bits, version) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 4),
            IpAddr::V6(v6) => (v6.to_bits(), 6),
        };
        Address { halves: [(bits >> 64) as u64, bits as u64], version }
    }
}

/// A flow as `struct flow_key` of `bpf/frame.h` names it: equal for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawKey(pub(crate) [u64; 5]);

impl RawKey {
    pub(crate) const BYTES: usize = size_of::<RawKey>();

    /// As the kernel's memory holds it.
    pub(crate) fn from_bytes(bytes: &[u8; RawKey::BYTES]) -> RawKey {
        let word = |at: usize| u64::from_ne_bytes(array::from_fn(|byte| bytes[8 * at + byte]));
        RawKey(array::from_fn(word))
    }

    /// The words that follow from the family; what is left are zeroes.
    pub(crate) fn words(&self) -> &[u64] {
        if self.0[0] & TAG_IPV6 == 0 { &self.0[..2] } else { &self.0 }
    }
}

/// Which flow a frame belongs to, and which of its ends sent the frame, as the XDP programs see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledKey {
    raw: RawKey,
    from_upper: bool,
}

impl SettledKey {
    /// The key of what `source` sends to `destination`: addresses and ports. VLAN identifiers stand with the outermost
    /// first. `None` for what the programs cannot tell apart: protocols other than TCP and UDP, and more than two VLANs.
    pub fn new(
        protocol: u8,
        source: (IpAddr, u16),
        destination: (IpAddr, u16),
        vlans: &[u16],
    ) -> Option<SettledKey> {
        let ends = [source, destination].map(|(address, port)| (Address::from(address), port));
        let [source, destination] = ends;
        if !matches!(protocol, TCP | UDP) || source.0.version != destination.0.version || vlans.len() > 2 {
            return None;
        }
        let from_upper = source > destination;
        let (lower, upper) = if from_upper { (destination, source) } else { (source, destination) };
        let vlan = |depth: usize| vlans.get(depth).map_or(0, |id| u64::from(id & VLAN_ID | VLAN_PRESENT));
        let tags = vlan(0) << 16 | vlan(1) | if protocol == UDP { TAG_UDP } else { 0 };
        let ports_and_tags = u64::from(lower.1) << 48 | u64::from(upper.1) << 32 | tags;
        let ([a, b], [c, d]) = (lower.0.halves, upper.0.halves);
        let raw = match lower.0.version {
            4 => RawKey([ports_and_tags, b << 32 | d, 0, 0, 0]),
            _ => RawKey([ports_and_tags | TAG_IPV6, a, b, c, d]),
        };
        Some(SettledKey { raw, from_upper })
    }

    /// What a program told of a frame.
    pub(crate) fn told(raw: RawKey, from_upper: bool) -> SettledKey {
        SettledKey { raw, from_upper }
    }
}

/// What the programs do with the frames of a settled flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// They drop them, whether the engine lives or not.
    Drop,
    /// They send them out of the other port while the engine lives, and leave them to it otherwise.
    PassOn {
        /// By which port those of the key's source must come in, and those of its destination by the other one; what
        /// comes in by the wrong one is left to the engine. `None` is by either.
        source_port: Option<Port>,
    },
}

impl Handling {
    /// `PASSES` of `handling` in `struct settled`.
    fn passes(self, from_upper: bool) -> u32 {
        let bit = |port: Port, from_upper: bool| 1 << (2 * port as u32 + u32::from(from_upper));
        match self {
            Handling::Drop => 0,
            Handling::PassOn { source_port: None } => 0b1111,
            Handling::PassOn { source_port: Some(port) } => {
                bit(port, from_upper) | bit(port.other(), !from_upper)
            }
        }
    }
}

/// What the programs dropped or passed on of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledCounts {
    /// Frames, first those that the source of the key sent, then those of its destination.
    pub frames: [u64; 2],
    /// Bytes of these frames, link headers included.
    pub bytes: [u64; 2],
    /// Nanoseconds since the last of them, or up to the interval of heartbeats more; `None` where there was none.
    pub idle_ns: Option<u64>,
}

impl SettledCounts {
    fn new(tally: &Tally, from_upper: bool) -> SettledCounts {
        let sum = |what: usize| -> [u64; 2] {
            array::from_fn(|end| {
                tally.counts.iter().map(|port| port[end ^ usize::from(from_upper)][what]).sum()
            })
        };
        let last_seen_ns = tally.last_seen_ns;
        let idle_ns = (last_seen_ns != 0).then(|| monotonic_ns().saturating_sub(last_seen_ns));
        SettledCounts { frames: sum(0), bytes: sum(1), idle_ns }
    }
}

/// The flows of a link whose frames both of its programs drop or pass on, whichever port they come in by.
///
/// TCP segments with SYN, FIN or RST reach the engine all the same. What is dropped stays dropped when the engine is
/// lost; what is passed on does not pass then. Cloning is cheap; workers share the flows of their link.
#[derive(Clone, Debug)]
pub struct SettledFlows {
    table: Arc<SettledTable>,
    /// Whether several CPUs may run the program of one port at once: then each count is an atomic operation.
    is_concurrent: bool,
    /// Whether both programs can send frames out of the other port.
    can_pass_on: bool,
}

impl SettledFlows {
    pub(crate) fn new(table: Arc<SettledTable>, is_concurrent: bool, can_pass_on: bool) -> SettledFlows {
        SettledFlows { table, is_concurrent, can_pass_on }
    }

    /// From now on, the frames of this flow are handled and counted by the programs. False where it is among them
    /// already, where there is no room, or where they cannot do that: then nothing has changed.
    pub fn insert(&mut self, key: &SettledKey, handling: Handling) -> bool {
        (handling == Handling::Drop || self.can_pass_on)
            && self.table.insert(&key.raw, handling.passes(key.from_upper), self.is_concurrent)
    }

    /// From now on, the frames of this flow reach the engine again. What was done with it since it was inserted, to the
    /// last frame; `None` where it is not among them. Waits some microseconds for frames that the programs have in hand.
    pub fn take(&mut self, key: &SettledKey) -> Option<SettledCounts> {
        let mut taken = [None];
        self.take_all(&mut taken, |_| Some(*key), |taken, counts| *taken = Some(counts));
        let [counts] = taken;
        counts
    }

    /// As [`take`](Self::take), for many flows with little more of a wait than for one: `told` is shown each that is among
    /// them. Of a flow that is named twice, the first is.
    pub fn take_all<F>(
        &mut self,
        flows: &mut [F],
        key: impl Fn(&F) -> Option<SettledKey>,
        mut told: impl FnMut(&mut F, SettledCounts),
    ) {
        for flows in flows.chunks_mut(SETTLED_TAKEN_AT_ONCE_MAX) {
            let mut stopped = ArrayVec::<_, SETTLED_TAKEN_AT_ONCE_MAX>::new();
            for flow in flows {
                if let Some(key) = key(flow)
                    && let Some(slot) = self.table.stop(&key.raw)
                {
                    stopped.push((slot, key.from_upper, flow));
                }
            }
            if stopped.is_empty() {
                continue;
            }
            self.table.wait_for_visitors(&stopped.iter().map(|(slot, ..)| slot));
            for (slot, from_upper, flow) in stopped.drain(..) {
                told(flow, SettledCounts::new(&self.table.free(slot), from_upper));
            }
        }
    }

    /// What was done with a flow since it was inserted, which goes on; `None` where it is not among them.
    pub fn counts(&self, key: &SettledKey) -> Option<SettledCounts> {
        self.table.tally(&key.raw).map(|tally| SettledCounts::new(&tally, key.from_upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(source: ([u8; 4], u16), destination: ([u8; 4], u16)) -> SettledKey {
        let end = |(address, port): ([u8; 4], u16)| (IpAddr::from(address), port);
        SettledKey::new(TCP, end(source), end(destination), &[]).expect("TCP")
    }

    #[test]
    fn both_directions_have_one_key_and_know_their_end() {
        let there = key(([10, 0, 0, 2], 80), ([10, 0, 0, 1], 999));
        let back = key(([10, 0, 0, 1], 999), ([10, 0, 0, 2], 80));
        assert_eq!(there.raw, back.raw);
        assert!(there.from_upper && !back.from_upper);
        let by_port = key(([10, 0, 0, 1], 2), ([10, 0, 0, 1], 1));
        assert!(by_port.from_upper, "between equal addresses the port decides");
    }

    #[test]
    fn what_the_programs_cannot_tell_apart_has_no_key() {
        let [v4, v6] = ["192.0.2.1", "2001:db8::1"].map(|text| (text.parse().expect("an address"), 1));
        assert!(SettledKey::new(UDP, v6, v6, &[1, 2]).is_some());
        assert!(SettledKey::new(1, v4, v4, &[]).is_none(), "ICMP");
        assert!(SettledKey::new(TCP, v4, v6, &[]).is_none());
        assert!(SettledKey::new(TCP, v4, v4, &[1, 2, 3]).is_none());
        let mapped = ("::ffff:192.0.2.1".parse().expect("an address"), 1);
        assert_ne!(SettledKey::new(TCP, v4, v4, &[]), SettledKey::new(TCP, mapped, mapped, &[]));
        assert_ne!(SettledKey::new(TCP, v4, v4, &[]), SettledKey::new(UDP, v4, v4, &[]));
        let vlan_zero = SettledKey::new(TCP, v4, v4, &[0]);
        assert_ne!(vlan_zero, SettledKey::new(TCP, v4, v4, &[]));
    }

    #[test]
    fn each_end_passes_by_its_own_port_or_by_both() {
        use Port::{Inside, Outside};
        let passes = |source_port, from_upper| Handling::PassOn { source_port }.passes(from_upper);
        assert_eq!(
            [passes(Some(Inside), false), passes(Some(Outside), true)],
            [0b1001; 2],
            "the lower one is inside"
        );
        assert_eq!([passes(Some(Inside), true), passes(Some(Outside), false)], [0b0110; 2]);
        assert_eq!((passes(None, true), Handling::Drop.passes(true)), (0b1111, 0));
    }
}
