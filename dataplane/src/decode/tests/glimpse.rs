//! What broken frames still tell of themselves.

use super::super::{Glimpse, LinkType, TunnelKind, decode};
use super::frames::{ethernet, extension, fragment_header, ipv4, ipv6, tcp, udp, v4, v6, vxlan};
use super::{ChecksumMode, whole};

fn glimpse(frame: &[u8]) -> Glimpse {
    Glimpse::of(frame, frame.len() as u32, LinkType::Ethernet)
}

fn segment() -> Vec<u8> {
    ipv4(6, 0, &[], &tcp(v4(), 0x18, &[], b"payload"))
}

#[test]
fn of_a_whole_packet_all_is_told() {
    let told = glimpse(&ethernet(&[(0x8100, 7)], 0x0800, &segment()));
    assert_eq!((told.ends, told.protocol, told.ports), (Some(v4()), Some(6), Some((40_000, 80))));
    assert_eq!((&*told.vlans.ids(), told.icmp), (&[7][..], None));
    let told = glimpse(&ethernet(&[], 0x86dd, &ipv6(58, &[128, 0, 0, 0, 0, 0, 0, 0])));
    assert_eq!((told.ends, told.protocol, told.icmp), (Some(v6()), Some(58), Some((128, 0))));
    assert_eq!(glimpse(&ethernet(&[], 0x0806, &[0; 28])), Glimpse::default());
}

#[test]
fn only_the_begin_of_a_datagram_has_ports() {
    let pieces = [(0x2000, Some((5353, 53))), (0x2001, None)];
    for (place, ports) in pieces {
        let told = glimpse(&ethernet(&[], 0x0800, &ipv4(17, place, &[], &udp(v4(), b"a piece!"))));
        assert_eq!((told.ends, told.protocol, told.ports), (Some(v4()), Some(17), ports));
    }
    for (place, ports) in [(1, Some((5353, 53))), (9, None)] {
        let piece = [fragment_header(17, place), udp(v6(), b"a piece!")].concat();
        let told = glimpse(&ethernet(&[], 0x86dd, &ipv6(44, &piece)));
        assert_eq!((told.ends, told.protocol, told.ports), (Some(v6()), Some(17), ports));
    }
}

/// Each frame is refused by the decoder; what stands in front of the fault is told, and nothing behind it.
#[test]
fn of_a_broken_frame_what_stands_before_the_fault_is_told() {
    let frame = |packet: &[u8]| ethernet(&[(0x8100, 7)], 0x0800, packet);
    let ends_protocol_ports = |frame: &[u8]| {
        assert!(whole(frame).is_err(), "{frame:02x?}");
        let told = glimpse(frame);
        assert_eq!(&*told.vlans.ids(), [7]);
        (told.ends, told.protocol, told.ports)
    };
    let mut cut = frame(&segment());
    cut.truncate(18 + 20 + 6);
    assert_eq!(ends_protocol_ports(&cut), (Some(v4()), Some(6), Some((40_000, 80))), "longer than its frame");
    cut.truncate(18 + 20 + 3);
    assert_eq!(ends_protocol_ports(&cut), (Some(v4()), Some(6), None));
    cut.truncate(18 + 19);
    assert_eq!(ends_protocol_ports(&cut), (None, None, None));
    let mut offset = segment();
    offset[20 + 12] = 0x10;
    assert_eq!(ends_protocol_ports(&frame(&offset)), (Some(v4()), Some(6), Some((40_000, 80))));
    let mut header = segment();
    header[0] = 0x44;
    assert_eq!(ends_protocol_ports(&frame(&header)), (Some(v4()), Some(6), None), "where would they stand?");
    let mut short = segment();
    short[2..4].copy_from_slice(&22u16.to_be_bytes());
    assert_eq!(ends_protocol_ports(&frame(&short)), (Some(v4()), Some(6), None), "padding is no port");
    let chain = [extension(0, 1), extension(6, 1), tcp(v6(), 2, &[], b"")].concat();
    let misplaced = ethernet(&[(0x8100, 7)], 0x86dd, &ipv6(60, &chain));
    assert_eq!(ends_protocol_ports(&misplaced), (Some(v6()), None, None));
    let tiny = ethernet(&[(0x8100, 7)], 0x86dd, &ipv6(60, &[extension(17, 1), vec![1, 2, 3, 4]].concat()));
    assert_eq!(ends_protocol_ports(&tiny), (Some(v6()), Some(17), Some((0x0102, 0x0304))));
}

#[test]
fn a_fault_inside_of_a_tunnel_is_told_of_the_packet_inside() {
    let mut inner = ipv6(6, &tcp(v6(), 2, &[], b"payload"));
    inner[40 + 12] = 0x10;
    let nested = ethernet(&[(0x8100, 9)], 0x86dd, &inner);
    let frame = ethernet(&[(0x8100, 7)], 0x0800, &ipv4(17, 0, &[], &vxlan(v4(), 5, &nested)));
    assert!(whole(&frame).is_err());
    let told = glimpse(&frame);
    assert_eq!((told.ends, told.protocol, told.ports), (Some(v6()), Some(6), Some((40_000, 80))));
    assert_eq!((&*told.vlans.ids(), told.tunnels[0].id), (&[7, 9][..], Some(5)));
    let four = ethernet(&[(0x8100, 7)], 0x0800, &ipv4(41, 0, &[], &inner));
    assert!(whole(&four).is_err());
    let told = glimpse(&four);
    assert_eq!((told.ends, told.protocol, told.ports), (Some(v6()), Some(6), Some((40_000, 80))));
    let [tunnel] = told.tunnels.as_slice() else { panic!("{:?}", told.tunnels) };
    assert_eq!((tunnel.kind, tunnel.ends, &*told.vlans.ids()), (TunnelKind::Ipv6, Some(v4()), &[7][..]));
    // Without even addresses inside, it is told of the packet outside.
    let bare = ethernet(&[], 0x0800, &ipv4(41, 0, &[], &inner[..30]));
    let told = glimpse(&bare);
    assert_eq!((told.ends, told.protocol, told.tunnels.len()), (Some(v4()), Some(41), 0));
}

#[test]
fn nothing_deeper_than_there_may_be_tunnels_is_told() {
    let mut packet = segment();
    for _ in 0..20 {
        packet = ipv4(4, 0, &[], &packet);
    }
    let frame = ethernet(&[], 0x0800, &packet);
    assert!(decode(&frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify).is_err());
    let told = glimpse(&frame);
    assert!(told.tunnels.is_full());
    assert_eq!((told.ends, told.protocol), (Some(v4()), Some(4)));
}
