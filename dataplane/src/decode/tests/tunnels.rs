//! Packets in packets.

use std::net::IpAddr;

use super::super::{Checksum, DecodeError, Packet, Transport, TunnelKind};
use super::frames::{
    ethernet, gtp, ipv4, ipv6, leave_partial, ones_sum, seal, tcp, udp, udp_to, v4, v6, vxlan,
};
use super::whole;

fn four() -> Vec<u8> {
    ipv4(6, 0, &[], &tcp(v4(), 0x18, &[], b"inner"))
}

fn six() -> Vec<u8> {
    ipv6(6, &tcp(v6(), 0x18, &[], b"inner"))
}

/// The frame that carries `upper`, by the family of `addresses`.
fn frame(addresses: (IpAddr, IpAddr), protocol: u8, upper: &[u8]) -> Vec<u8> {
    match addresses.0 {
        IpAddr::V4(_) => ethernet(&[], 0x0800, &ipv4(protocol, 0, &[], upper)),
        IpAddr::V6(_) => ethernet(&[], 0x86dd, &ipv6(protocol, upper)),
    }
}

/// Checks that the inner TCP segment comes out, and what it is told to be inside of.
fn assert_inner(frame: &[u8], kind: TunnelKind, id: Option<u32>, ends: (IpAddr, IpAddr)) {
    let decoded = whole(frame).unwrap();
    let [tunnel] = decoded.tunnels.as_slice() else { panic!("{:?}", decoded.tunnels) };
    assert_eq!((tunnel.kind, tunnel.id, tunnel.ends), (kind, id, Some(ends)));
    assert_eq!((decoded.payload, decoded.checksum), (&b"inner"[..], Checksum::Valid));
    let network = decoded.network.unwrap();
    assert_eq!(network.protocol, 6);
    assert_eq!(frame[network.transport_offset..][..2], 40_000u16.to_be_bytes());
    let version = if matches!(network.source, IpAddr::V4(_)) { 4 } else { 6 };
    assert_eq!(frame[network.offset] >> 4, version);
}

/// Checks that a packet is its own, with all that is behind its headers.
fn assert_plain(frame: &[u8], protocol: u8) -> Packet<'_> {
    let decoded = whole(frame).unwrap();
    assert!(decoded.tunnels.is_empty(), "{decoded:?}");
    assert_eq!(decoded.network.unwrap().protocol, protocol);
    decoded
}

/// RFC 2003, RFC 4213, RFC 2473.
#[test]
fn ip_in_ip_in_all_four_ways() {
    for outer in [v4(), v6()] {
        assert_inner(&frame(outer, 4, &four()), TunnelKind::Ipv4, None, outer);
        assert_inner(&frame(outer, 41, &six()), TunnelKind::Ipv6, None, outer);
        assert_eq!(whole(&frame(outer, 4, &six())), Err(DecodeError::IpVersion));
        assert_eq!(whole(&frame(outer, 41, &four())), Err(DecodeError::IpVersion));
        assert_eq!(whole(&frame(outer, 4, &[])), Err(DecodeError::IpTruncated));
    }
}

#[test]
fn an_inner_packet_ends_where_the_outer_one_does() {
    let mut inner = four();
    inner[3] += 4;
    let mut padded = frame(v4(), 4, &inner);
    padded.extend([0; 20]);
    assert_eq!(whole(&padded), Err(DecodeError::IpTruncated));
}

/// RFC 2784 §2, RFC 2890 §2.
#[test]
fn gre_with_each_of_its_fields() {
    let key = [0x11, 0x22, 0x33, 0x44];
    for (flags, fields, id) in [
        (0x00, vec![], None),
        (0x20, key.to_vec(), Some(0x1122_3344)),
        (0x10, vec![0, 0, 0, 9], None),
        (0x30, [key, [0, 0, 0, 9]].concat(), Some(0x1122_3344)),
        (0xb0, [[0; 4], key, [0, 0, 0, 9]].concat(), Some(0x1122_3344)),
    ] {
        let inner_frame = ethernet(&[], 0x86dd, &six());
        for (protocol, inner) in [(0x0800u16, &four()), (0x86dd, &six()), (0x6558, &inner_frame)] {
            let mut bytes = [&[flags, 0][..], &protocol.to_be_bytes(), &fields, inner].concat();
            if flags & 0x80 != 0 {
                let sum = !ones_sum(&bytes);
                bytes[4..6].copy_from_slice(&sum.to_be_bytes());
            }
            for outer in [v4(), v6()] {
                assert_inner(&frame(outer, 47, &bytes), TunnelKind::Gre, id, outer);
            }
        }
    }
}

#[test]
fn a_wrong_checksum_of_gre_is_bad() {
    let mut bytes = [&[0x80, 0, 0x08, 0, 0, 0, 0, 0][..], &four()].concat();
    assert_eq!(whole(&frame(v4(), 47, &bytes)).unwrap().checksum, Checksum::Bad);
    let sum = !ones_sum(&bytes);
    bytes[4..6].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(whole(&frame(v4(), 47, &bytes)).unwrap().checksum, Checksum::Valid);
}

/// RFC 2784 §2.3, RFC 2637 §4.1: PPTP, source routes, and protocols that are none of ours.
#[test]
fn gre_that_carries_no_ip_is_a_packet_of_its_own() {
    for header in [
        &[0x30, 0x81, 0x88, 0x0b, 0, 20, 0, 1, 0, 0, 0, 0][..],
        &[0x20, 0x01, 0x88, 0x0b, 0, 20, 0, 1],
        &[0x40, 0, 0x08, 0x00],
        &[0x08, 0, 0x08, 0x00],
        &[0x00, 0, 0x00, 0x00],
        &[0x00, 0, 0x88, 0xcc],
        &[0x30, 0],
    ] {
        let frame = frame(v4(), 47, &[header, &four()].concat());
        let decoded = assert_plain(&frame, 47);
        assert_eq!((decoded.transport, decoded.payload), (Transport::Other, &frame[34..]));
    }
    assert_plain(&frame(v4(), 47, &[0x20, 0, 0x08, 0]), 47);
}

/// draft-foschiano-erspan-03 §4.
#[test]
fn mirrored_frames_are_read() {
    let inner = ethernet(&[], 0x0800, &four());
    let sequence = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1];
    let third = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1];
    let session = Some(0x3ab);
    for (header, id) in [
        (vec![0, 0, 0x88, 0xbe], None),
        ([&sequence[..], &[0x10, 0x64, 0x1b, 0xab, 0, 0, 0, 0]].concat(), session),
        ([&third[..], &[0x20, 0x64, 0x1b, 0xab, 0, 0, 0, 0, 0, 0, 0, 0]].concat(), session),
        ([&third[..], &[0x20, 0x64, 0x1b, 0xab, 0, 0, 0, 0, 0, 0, 0, 1], &[9; 8]].concat(), session),
    ] {
        let bytes = [header, inner.clone()].concat();
        assert_inner(&frame(v4(), 47, &bytes), TunnelKind::Erspan, id, v4());
    }
    let other_version = [&sequence[..], &[0x30, 0x64, 0x1b, 0xab, 0, 0, 0, 0], &inner].concat();
    assert_plain(&frame(v4(), 47, &other_version), 47);
}

/// RFC 7348 §5.
#[test]
fn vxlan_is_proved_by_its_header() {
    let inner = ethernet(&[], 0x0800, &four());
    for outer in [v4(), v6()] {
        let datagram = vxlan(outer, 0x12_3456, &inner);
        assert_inner(&frame(outer, 17, &datagram), TunnelKind::Vxlan, Some(0x12_3456), outer);
    }
    let with = |port: u16, header: [u8; 8], inner: &[u8]| {
        frame(v4(), 17, &udp_to(port, v4(), &[&header, inner].concat()))
    };
    let valid = [8, 0, 0, 0, 0, 0, 7, 0];
    assert_inner(&with(8472, valid, &inner), TunnelKind::Vxlan, Some(7), v4());
    assert_inner(&with(4789, [0x88, 1, 0, 3, 0, 0, 7, 1], &inner), TunnelKind::Vxlan, Some(7), v4());
    assert_plain(&with(4789, [0xf7, 0, 0, 0, 0, 0, 7, 0], &inner), 17);
    assert_plain(&with(4790, valid, &inner), 17);
    // ARP: nothing that is tracked, so the datagram is what is read.
    let arp = ethernet(&[], 0x0806, &[1; 28]);
    let frame = with(4789, valid, &arp);
    assert_eq!(assert_plain(&frame, 17).payload, &frame[42..]);
}

/// What only may be a tunnel is no error; what is one is.
#[test]
fn a_broken_packet_in_a_tunnel_is_an_error() {
    let mut inner = ethernet(&[], 0x0800, &four());
    inner[14] = 0x65;
    assert_eq!(whole(&frame(v4(), 17, &vxlan(v4(), 7, &inner))), Err(DecodeError::IpVersion));
    assert_eq!(whole(&frame(v4(), 17, &vxlan(v4(), 7, &inner[..9]))), Err(DecodeError::LinkTruncated));
    let unlike = [&[0x0c, 0, 0, 0, 0, 0, 7, 0][..], &inner].concat();
    assert_plain(&frame(v4(), 17, &udp_to(4789, v4(), &unlike)), 17);
    let geneve = [&[0, 0, 0x08, 0, 0, 0, 7, 0][..], &four()[..30]].concat();
    assert_eq!(whole(&frame(v4(), 17, &udp_to(6081, v4(), &geneve))), Err(DecodeError::IpTruncated));
    let gtpu = gtp(&[0x30, 255, 0, 0, 0, 0, 0, 1], &four()[..30]);
    assert_eq!(whole(&frame(v4(), 17, &gtpu)), Err(DecodeError::IpTruncated));
    assert_eq!(whole(&frame(v4(), 47, &[0, 0, 8, 0, 0x45])), Err(DecodeError::IpTruncated));
}

/// RFC 8926 §3.4.
#[test]
fn geneve_with_options_and_what_it_carries() {
    let inner = ethernet(&[], 0x0800, &four());
    let with = |header: &[u8], inner: &[u8]| frame(v6(), 17, &udp_to(6081, v6(), &[header, inner].concat()));
    let (kind, id) = (TunnelKind::Geneve, Some(0x01_0203));
    assert_inner(&with(&[0, 0, 0x65, 0x58, 1, 2, 3, 0], &inner), kind, id, v6());
    assert_inner(&with(&[0, 0xc0, 0x86, 0xdd, 1, 2, 3, 0], &six()), kind, id, v6());
    let options = [&[2, 0, 0x65, 0x58, 1, 2, 3, 0][..], &[7; 8]].concat();
    assert_inner(&with(&options, &inner), kind, id, v6());
    assert_plain(&with(&[0x40, 0, 0x65, 0x58, 1, 2, 3, 0], &inner), 17);
    assert_plain(&with(&[0, 0, 0x88, 0xcc, 1, 2, 3, 0], &inner), 17);
    assert_plain(&with(&[63, 0, 0x65, 0x58, 1, 2, 3, 0], &inner), 17);
}

/// 3GPP TS 29.281 §5.1, §5.2.
#[test]
fn gtp_with_its_optional_fields_and_extensions() {
    let with = |header: &[u8]| frame(v4(), 17, &gtp(header, &four()));
    let (kind, id) = (TunnelKind::Gtpu, Some(0xa1b2_c3d4));
    let fixed = |flags: u8| [flags, 255, 0, 0, 0xa1, 0xb2, 0xc3, 0xd4];
    assert_inner(&with(&fixed(0x30)), kind, id, v4());
    assert_inner(&with(&[&fixed(0x32)[..], &[0, 9, 0, 0x85]].concat()), kind, id, v4());
    let container = [1, 0x10, 9, 0];
    assert_inner(&with(&[&fixed(0x34)[..], &[0, 0, 0, 0x85], &container].concat()), kind, id, v4());
    let two = [[1, 0x10, 9, 0xc0], [1, 0, 1, 0]].concat();
    assert_inner(&with(&[&fixed(0x36)[..], &[0, 9, 0, 0x85], &two].concat()), kind, id, v4());
    let six = frame(v4(), 17, &gtp(&fixed(0x30), &six()));
    assert_inner(&six, kind, id, v4());
    // An echo, version 2, an extension without a length, and a payload that is no IP.
    assert_plain(&with(&[0x32, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]), 17);
    assert_plain(&with(&fixed(0x48)), 17);
    assert_plain(&with(&[&fixed(0x34)[..], &[0, 0, 0, 0x85, 0, 0, 0, 0]].concat()), 17);
    assert_plain(&frame(v4(), 17, &gtp(&fixed(0x30), &[0x82; 30])), 17);
}

#[test]
fn nesting_has_a_cap() {
    let nested = |depth: usize| frame(v4(), 4, &(1..depth).fold(four(), |inner, _| ipv4(4, 0, &[], &inner)));
    let frame = nested(4);
    let decoded = whole(&frame).unwrap();
    assert_eq!((decoded.tunnels.len(), decoded.payload), (4, &b"inner"[..]));
    assert_eq!(whole(&nested(5)), Err(DecodeError::TooManyTunnels));
    assert_eq!(whole(&nested(2000)), Err(DecodeError::TooManyTunnels));
}

#[test]
fn parents_are_told_outermost_first_with_their_tags() {
    let innermost = ethernet(&[(0x8100, 3)], 0x0800, &four());
    let gre = [&[0x20, 0, 0x65, 0x58, 0, 0, 0, 9][..], &innermost].concat();
    let middle = ethernet(&[(0x8100, 2)], 0x86dd, &ipv6(47, &gre));
    let frame = ethernet(&[(0x8100, 1)], 0x0800, &ipv4(17, 0, &[], &vxlan(v4(), 7, &middle)));
    let decoded = whole(&frame).unwrap();
    let told: Vec<_> = decoded.tunnels.iter().map(|it| (it.kind, it.id, it.ends, it.vlans_outside)).collect();
    let expected = [(TunnelKind::Vxlan, Some(7), Some(v4()), 1), (TunnelKind::Gre, Some(9), Some(v6()), 2)];
    assert_eq!(told, expected);
    assert_eq!(&decoded.vlans.ids()[..], [1, 2, 3]);
}

#[test]
fn fragments_inside_and_outside_stay_fragments() {
    let inside = frame(v6(), 4, &ipv4(6, 0x2000, &[], &[1; 16]));
    let decoded = whole(&inside).unwrap();
    assert_eq!((decoded.tunnels.len(), decoded.payload), (1, &[1; 16][..]));
    assert!(matches!(decoded.transport, Transport::Fragment { offset: 0, more: true, .. }));
    let outside = ethernet(&[], 0x0800, &ipv4(4, 0x2000, &[], &four()));
    let decoded = assert_plain(&outside, 4);
    assert!(matches!(decoded.transport, Transport::Fragment { .. }));
}

/// A wrong checksum of any layer is one of the packet; none at all is right in tunnels (RFC 6935 §5).
#[test]
fn outer_checksums_must_hold() {
    let inner = ethernet(&[], 0x0800, &four());
    for outer in [v4(), v6()] {
        let good = vxlan(outer, 7, &inner);
        let judged = |datagram: &[u8]| whole(&frame(outer, 17, datagram)).unwrap().checksum;
        let mut datagram = good.clone();
        datagram[6] ^= 1;
        assert_eq!(judged(&datagram), Checksum::Bad);
        datagram[6..8].fill(0);
        assert_eq!(judged(&datagram), Checksum::Valid);
        let last = datagram.len() - 1;
        datagram[last] ^= 1;
        assert_eq!(judged(&datagram), Checksum::Bad, "the inner one covers it");
        leave_partial(&mut datagram, 6, outer, 17);
        assert_eq!(judged(&datagram), Checksum::Bad);
        datagram[last] ^= 1;
        let [c0, c1] = [good[6], good[7]];
        let Checksum::Partial { offset, value } = judged(&datagram) else { panic!() };
        let start = frame(outer, 17, &[]).len();
        assert_eq!((offset as usize, value.to_be_bytes()), (start + 6, [c0, c1]));
    }
    let mut broken_header = frame(v4(), 4, &four());
    broken_header[14 + 8] ^= 1;
    assert_eq!(whole(&broken_header).unwrap().checksum, Checksum::Bad);
}

/// Two ways to seal around a checksum that is left to a device: as it is, or as it will be (local checksum offload).
#[test]
fn a_partial_checksum_may_be_covered() {
    let mut segment = tcp(v4(), 0x18, &[], b"inner");
    let complete = [segment[16], segment[17]];
    leave_partial(&mut segment, 16, v4(), 6);
    let inner = ethernet(&[], 0x0800, &ipv4(6, 0, &[], &segment));
    for outer in [v4(), v6()] {
        let as_it_is = vxlan(outer, 7, &inner);
        let start = frame(outer, 17, &[]).len();
        let field = start + 8 + 8 + 14 + 20 + 16;
        let judged = |datagram: &[u8]| {
            let bytes = frame(outer, 17, datagram);
            let decoded = whole(&bytes).unwrap();
            (decoded.checksum, decoded.covered_by)
        };
        let partial = Checksum::Partial { offset: field as u32, value: u16::from_be_bytes(complete) };
        assert_eq!(judged(&as_it_is), (partial, Some(start + 6)));

        let mut as_it_will_be = as_it_is.clone();
        let at = field - start;
        as_it_will_be[at..at + 2].copy_from_slice(&complete);
        seal(&mut as_it_will_be, 6, outer, 17);
        as_it_will_be[at..at + 2].copy_from_slice(&as_it_is[at..at + 2]);
        assert_eq!(judged(&as_it_will_be), (partial, None));

        as_it_will_be[6] ^= 1;
        assert_eq!(judged(&as_it_will_be).0, Checksum::Bad);
    }
}

#[test]
fn datagrams_to_other_ports_are_their_own() {
    let frame = frame(v4(), 17, &udp(v4(), b"\x08\0\0\0\0\0\x07\0"));
    assert_eq!(assert_plain(&frame, 17).payload.len(), 8);
}
