//! The key of a packet's flow: its own ends, and what it travels inside of.

use std::net::{IpAddr, Ipv4Addr};

use flow_table::{FlowKey, KeyedHash, Orientation, Vlans};

use super::{FlowRecord, icmp, ports};
use crate::decode::{Network, Packet, Transport, Tunnel, TunnelKind};

/// Makes keys that tell flows in different tunnels apart, though their ends be the same, and that are the same for both
/// directions of a flow:
///
/// - the outer addresses count whoever is the sender, but neither outer ports (those of VXLAN and GENEVE are chosen by a
///   hash of the inner packet), nor the addresses of the link;
/// - identifiers count where both directions have the same (VNI, session, key), not where each receiver chooses its own
///   (TEID): of two subscribers behind the same two gateways who have the same address, the flows to one and the same
///   port of a server are one flow;
/// - labels of MPLS count not at all: each hop changes them, and the last one takes them away, often in one direction only;
/// - tags count where they stand, outside of a tunnel or inside;
/// - of ICMP, types and codes stand in the place of ports.
///
/// A flow whose outer addresses change (a subscriber who moves on, a first packet to a multicast group) is a new one from
/// there on. GRE keys that differ by direction make two flows, each read by itself.
#[derive(Clone)]
pub(crate) struct FlowKeys {
    hash: KeyedHash,
}

impl FlowKeys {
    /// The seed is secret, or senders find tunnels whose flows are taken for one.
    pub(crate) fn new(seed: [u64; 2]) -> FlowKeys {
        FlowKeys { hash: KeyedHash::new(seed) }
    }

    /// The key of a packet on a link, and which way round it travels.
    #[inline(always)]
    pub(crate) fn of_packet(
        &self,
        packet: &Packet<'_>,
        network: &Network,
        link: u16,
    ) -> (FlowKey, Orientation) {
        let (source_port, destination_port) = match packet.transport {
            Transport::Icmp { kind, code } => icmp::key_ports(network.protocol, kind, code),
            _ => ports(packet),
        };
        let source = (network.source, source_port);
        let destination = (network.destination, destination_port);
        let (key, orientation) = FlowKey::new(network.protocol, source, destination, packet.vlans, link);
        (self.within(key, &packet.tunnels), orientation)
    }

    /// What the pieces of all datagrams between two ends have in common: behind the first there are no ports, of IPv6 each may
    /// name another protocol (RFC 8200 §4.5), and their receiver may know neither their VLAN nor their tunnel.
    #[inline]
    pub(crate) fn of_owned(&self, packet: &Packet<'_>, network: &Network, link: u16) -> FlowKey {
        match packet.transport {
            Transport::Fragment { .. } => {
                FlowKey::new(0, (network.source, 0), (network.destination, 0), Vlans::default(), link).0
            }
            _ => self.of_packet(packet, network, link).0,
        }
    }

    /// The key of a flow that is known, and the orientation of what its client sends.
    pub(crate) fn of_record(&self, flow: &FlowRecord) -> (FlowKey, Orientation) {
        let (mut client, mut server) = (flow.client, flow.server);
        if let Some((kind, code)) = flow.icmp {
            (client.1, server.1) = icmp::key_ports(flow.protocol, kind, code);
        }
        let (key, orientation) = FlowKey::new(flow.protocol, client, server, flow.vlans, flow.link);
        (self.within(key, &flow.tunnels), orientation)
    }

    #[inline(always)]
    fn within(&self, key: FlowKey, tunnels: &[Tunnel]) -> FlowKey {
        let surroundings = if tunnels.is_empty() { None } else { self.surroundings(tunnels) };
        surroundings.map_or(key, |surroundings| key.within(surroundings))
    }

    /// A digest of what counts of the tunnels; `None` where nothing does.
    #[cold]
    fn surroundings(&self, tunnels: &[Tunnel]) -> Option<u64> {
        let mut surroundings = None;
        for tunnel in tunnels.iter().filter(|tunnel| tunnel.kind != TunnelKind::Mpls) {
            let layer = layer(tunnel).within(surroundings.unwrap_or(0));
            surroundings = Some(self.hash.hash(&layer));
        }
        surroundings
    }
}

/// A tunnel as if it were a flow: its identifier stands where tags do, and the number of tags outside of it where ports do.
fn layer(tunnel: &Tunnel) -> FlowKey {
    const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    let (a, b) = tunnel.ends.unwrap_or((NOWHERE, NOWHERE));
    let outside = u16::from(tunnel.vlans_outside);
    let id = tunnel.id.filter(|_| tunnel.kind != TunnelKind::Gtpu);
    let digits = id.map(|id| [(id >> 24) as u16, (id >> 12) as u16 & 0x0fff, id as u16 & 0x0fff]);
    let digits = digits.as_ref().map_or(&[][..], |digits| &digits[..]);
    let digits = Vlans::try_from(digits).expect("three");
    FlowKey::new(tunnel.kind as u8, (a, outside), (b, outside), digits, 0).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(vlans: &[u16], tunnels: &[Tunnel]) -> FlowRecord {
        FlowRecord {
            id: 1,
            link: 0,
            client: (IpAddr::from([10, 0, 0, 1]), 40_000),
            server: (IpAddr::from([10, 0, 0, 2]), 80),
            protocol: 6,
            vlans: vlans.try_into().expect("as many as are decoded"),
            tunnels: tunnels.into(),
            icmp: None,
            start_ns: 0,
            last_ns: 0,
            frames: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
        }
    }

    fn tunnel(kind: TunnelKind, id: u32, vlans_outside: u8) -> Tunnel {
        let ends = Some((IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])));
        Tunnel { kind, id: Some(id), ends, vlans_outside }
    }

    fn key(vlans: &[u16], tunnels: &[Tunnel]) -> FlowKey {
        FlowKeys::new([1, 2]).of_record(&flow(vlans, tunnels)).0
    }

    #[test]
    fn what_surrounds_a_flow_is_part_of_it() {
        let vxlan = |id| tunnel(TunnelKind::Vxlan, id, 0);
        let elsewhere =
            Tunnel { ends: Some((IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 3]))), ..vxlan(1) };
        let pppoe = Tunnel { ends: None, ..tunnel(TunnelKind::Pppoe, 1, 0) };
        let keys = [
            key(&[], &[]),
            key(&[], &[vxlan(1)]),
            key(&[], &[vxlan(2)]),
            key(&[], &[vxlan(1 << 12)]),
            key(&[], &[elsewhere]),
            key(&[], &[tunnel(TunnelKind::Geneve, 1, 0)]),
            key(&[], &[vxlan(1), vxlan(2)]),
            key(&[], &[vxlan(2), vxlan(1)]),
            key(&[5], &[vxlan(1)]),
            key(&[5], &[tunnel(TunnelKind::Vxlan, 1, 1)]),
            key(&[], &[pppoe]),
            key(&[], &[Tunnel { id: Some(2), ..pppoe }]),
            key(&[], &[Tunnel { id: None, ..tunnel(TunnelKind::Gre, 0, 0) }]),
            key(&[], &[tunnel(TunnelKind::Gre, 0, 0)]),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|b| a != b), "key {i} aliases another");
        }
    }

    #[test]
    fn icmp_is_told_apart_by_what_is_asked() {
        let message = |kind, code| {
            let flow = FlowRecord { protocol: 1, icmp: Some((kind, code)), ..flow(&[], &[]) };
            FlowKeys::new([1, 2]).of_record(&flow)
        };
        let answer = || {
            let (client, server) = (flow(&[], &[]).server, flow(&[], &[]).client);
            let flow = FlowRecord { protocol: 1, icmp: Some((0, 0)), client, server, ..flow(&[], &[]) };
            FlowKeys::new([1, 2]).of_record(&flow)
        };
        let (key, orientation) = message(8, 0);
        assert_eq!(answer(), (key, orientation.opposite()));
        assert!([(8, 1), (13, 0), (3, 0)].iter().all(|&(kind, code)| message(kind, code).0 != key));
    }

    #[test]
    fn both_directions_of_a_tunnel_have_one_key() {
        let nested = [tunnel(TunnelKind::Gre, 7, 0), tunnel(TunnelKind::Vxlan, 8, 0)];
        assert_eq!(key(&[], &nested), key(&[], &nested.map(Tunnel::reversed)));
        let up = tunnel(TunnelKind::Gtpu, 0x1111_1111, 0);
        let down = Tunnel { id: Some(0x2222_2222), ..up.reversed() };
        assert_eq!(key(&[], &[up]), key(&[], &[down]));
        assert_ne!(key(&[], &[up]), key(&[], &[]));
        let labels = Tunnel { ends: None, ..tunnel(TunnelKind::Mpls, 16, 0) };
        assert_eq!(key(&[], &[labels]), key(&[], &[]), "the last hop takes them away");
    }
}
