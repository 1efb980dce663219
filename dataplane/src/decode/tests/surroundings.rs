//! Packets that are decoded from their IP header on.

use super::super::{ChecksumMode, DecodeError, Surroundings, Transport};
use super::frames::{ethernet, ipv4, udp, v4, vxlan};
use super::whole;

/// The whole of a datagram is what it would be, had its pieces come as one frame.
#[test]
fn a_packet_keeps_what_surrounded_its_pieces() {
    let datagram = ipv4(17, 0, &[], &udp(v4(), b"whole"));
    let piece = ipv4(17, 0x2000, &[], &[0; 8]);
    let around = |packet: &[u8]| {
        let inner = ethernet(&[(0x8100, 2)], 0x0800, packet);
        ethernet(&[(0x8100, 1)], 0x0800, &ipv4(17, 0, &[], &vxlan(v4(), 7, &inner)))
    };
    let (in_pieces, at_once) = (around(&piece), around(&datagram));
    let piece = whole(&in_pieces).unwrap();
    assert!(matches!(piece.transport, Transport::Fragment { .. }));
    let surroundings = Surroundings { vlans: piece.vlans, tunnels: piece.tunnels, ..Surroundings::default() };
    let decoded = surroundings.decode(&datagram, 0, ChecksumMode::Verify).unwrap();
    let mut expected = whole(&at_once).unwrap();
    let network = expected.network.as_mut().unwrap();
    (network.offset, network.transport_offset) = (0, 20);
    assert_eq!(decoded, expected);
}

/// What was in pieces may be a tunnel itself.
#[test]
fn the_cap_counts_what_surrounds_a_packet() {
    let inner = ethernet(&[], 0x0800, &ipv4(17, 0, &[], &udp(v4(), b"inner")));
    let datagram = ipv4(17, 0, &[], &vxlan(v4(), 9, &inner));
    let decoded = Surroundings::default().decode(&datagram, 0, ChecksumMode::Verify).unwrap();
    let tunnel = decoded.tunnels[0];
    assert_eq!((decoded.payload, tunnel.id), (&b"inner"[..], Some(9)));
    let full = Surroundings { tunnels: [tunnel; 4].into(), ..Surroundings::default() };
    assert_eq!(full.decode(&datagram, 0, ChecksumMode::Verify), Err(DecodeError::TooManyTunnels));
}
