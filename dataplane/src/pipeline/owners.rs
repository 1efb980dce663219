//! Which worker owns a flow, where the frames of one flow may arrive at several.

use flow_table::{FlowKey, KeyedHash};

use super::rewrite::Rewrite;
use super::{Pipeline, RxMeta};
use crate::decode::{Packet, decode};
use crate::event::EventSink;
use crate::flow::{FlowKeys, FlowRecord};
use crate::verdict::{DropReason, Verdict};

/// Spreads the flows of a link over its workers. Each flow has one owner, the same for both directions; all workers of the
/// link must be told the same.
#[derive(Clone)]
pub struct Owners {
    hash: KeyedHash,
    keys: FlowKeys,
    workers: usize,
    link: u16,
}

impl Owners {
    /// For `workers` of the link with index `link`. The seed is secret, or a sender chooses whom it floods.
    ///
    /// # Panics
    /// Without a worker.
    pub fn new(seed: [u64; 2], workers: usize, link: u16) -> Owners {
        assert!(workers > 0, "somebody must own a flow");
        Owners { hash: KeyedHash::new(seed), keys: FlowKeys::new(seed), workers, link }
    }

    /// The owner of a packet's flow, where that is another worker than this one.
    #[inline]
    pub(super) fn of_other(&self, packet: &Packet<'_>, mine: usize) -> Option<usize> {
        self.of_packet(packet).filter(|owner| *owner != mine)
    }

    /// The owner of a packet's flow, below the number of workers; `None` where the packet belongs to no flow, so that whoever
    /// received it may judge it.
    #[inline]
    pub fn of_packet(&self, packet: &Packet<'_>) -> Option<usize> {
        let network = packet.network.as_ref()?;
        Some(self.of_key(&self.keys.of_owned(packet, network, self.link)))
    }

    /// The owner of a flow that is known, other than one of pieces of datagrams.
    pub fn of_flow(&self, flow: &FlowRecord) -> usize {
        self.of_key(&self.keys.of_record(flow).0)
    }

    fn of_key(&self, key: &FlowKey) -> usize {
        // The upper half of the product is uniform below `workers`, without a division.
        ((u128::from(self.hash.hash(key)) * self.workers as u128) >> 64) as usize
    }
}

impl Pipeline {
    /// From now on it is that of the worker with this number, and leaves to others the datagrams of their flows that were put
    /// together here.
    pub fn share(&mut self, owners: Owners, index: usize) {
        self.owners = Some((owners, index));
    }

    /// The verdict on a frame whose flow is another worker's, who is too far behind to take it.
    pub fn refuse_unowned<S: EventSink>(&mut self, frame: &mut [u8], meta: RxMeta, sink: &mut S) -> Verdict {
        self.counters.frames_in += 1;
        self.counters.bytes_in += u64::from(meta.wire_bytes);
        let verdict = self.refuse_flowless(DropReason::OwnerBehind, frame, meta, sink);
        self.counters.count(verdict);
        if verdict == Verdict::Forward {
            let decoded = decode(frame, meta.wire_bytes, meta.link_type, self.settings.checksums);
            let rewrite = decoded.as_ref().map(Rewrite::of).unwrap_or_default();
            rewrite.apply(frame, &[], &mut self.counters);
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::{ChecksumMode, LinkType, Vlans};

    /// Frames of an IPv4 flow: its protocol, ends, and 8 bytes behind the IP header.
    fn frame(protocol: u8, ends: [([u8; 4], u16); 2], fragment: u16) -> Vec<u8> {
        let [source, destination] = ends;
        let mut frame = vec![2; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 28, 0, 1]);
        frame.extend(fragment.to_be_bytes());
        frame.extend([64, protocol, 0, 0]);
        frame.extend([source.0, destination.0].as_flattened());
        frame.extend([source.1.to_be_bytes(), destination.1.to_be_bytes(), [0, 8], [0, 0]].as_flattened());
        frame
    }

    fn owner(owners: &Owners, frame: &[u8]) -> Option<usize> {
        let decoded = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Ignore);
        owners.of_packet(decoded.as_ref().ok()?)
    }

    const UDP: u8 = 17;
    const TCP: u8 = 6;
    const MORE_FRAGMENTS: u16 = 0x2000;

    proptest! {
        #[test]
        fn both_directions_have_one_owner(
            seed: [u64; 2], workers in 1..=64usize, a: ([u8; 4], u16), b: ([u8; 4], u16),
        ) {
            let owners = Owners::new(seed, workers, 3);
            let first = owner(&owners, &frame(UDP, [a, b], 0)).expect("a datagram");
            prop_assert!(first < workers);
            prop_assert_eq!(owner(&owners, &frame(UDP, [b, a], 0)), Some(first));
        }

        #[test]
        fn all_pieces_between_two_hosts_have_one_owner(
            seed: [u64; 2], a: ([u8; 4], u16), b: ([u8; 4], u16), offset in 1..0x1fffu16, port: u16,
        ) {
            let owners = Owners::new(seed, 16, 0);
            let first = owner(&owners, &frame(UDP, [a, b], MORE_FRAGMENTS));
            prop_assert!(first.is_some());
            let later = frame(TCP, [(b.0, port), (a.0, port)], offset);
            prop_assert_eq!(owner(&owners, &later), first);
            let mut tagged = later;
            tagged.splice(12..12, [0x81, 0x00, 0, 5]);
            prop_assert_eq!(owner(&owners, &tagged), first, "in whatever VLAN");
        }
    }

    #[test]
    fn a_flow_that_is_known_has_the_owner_of_its_frames() {
        let (owners, ends) = (Owners::new([1, 2], 64, 3), [([192, 0, 2, 1], 40_000), ([192, 0, 2, 2], 53)]);
        let flow = FlowRecord {
            id: 1,
            link: 3,
            client: (ends[0].0.into(), ends[0].1),
            server: (ends[1].0.into(), ends[1].1),
            protocol: UDP,
            vlans: Vlans::default(),
            tunnels: Box::default(),
            icmp: None,
            start_ns: 0,
            last_ns: 0,
            frames: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
        };
        assert_eq!(owner(&owners, &frame(UDP, ends, 0)), Some(owners.of_flow(&flow)));
    }

    #[test]
    fn flows_spread_over_all_workers() {
        let owners = Owners::new([1, 2], 7, 0);
        let mut flows = [0u32; 7];
        for port in 0..7000 {
            let frame = frame(UDP, [([192, 0, 2, 1], port), ([192, 0, 2, 2], 53)], 0);
            flows[owner(&owners, &frame).expect("a datagram")] += 1;
        }
        assert!(flows.iter().all(|flows| (850..1150).contains(flows)), "{flows:?}");
    }

    #[test]
    fn what_belongs_to_no_flow_has_no_owner() {
        let owners = Owners::new([1, 2], 7, 0);
        let arp = [&[0xff; 12][..], &[0x08, 0x06], &[0; 28]].concat();
        let cut = &frame(UDP, [([192, 0, 2, 1], 1), ([192, 0, 2, 2], 2)], 0)[..30];
        assert_eq!([&arp[..], cut, &[]].map(|frame| owner(&owners, frame)), [None; 3]);
    }
}
