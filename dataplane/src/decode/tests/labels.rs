//! MPLS and PPPoE: what belongs to the link, before IP.

use super::super::{DecodeError, Packet, Transport, TunnelKind};
use super::frames::{ethernet, ipv4, ipv6, pppoe, udp, v4, v6};
use super::whole;

fn four() -> Vec<u8> {
    ipv4(17, 0, &[], &udp(v4(), b"four"))
}

fn six() -> Vec<u8> {
    ipv6(17, &udp(v6(), b"six"))
}

/// Kinds and identifiers.
fn parents(packet: &Packet<'_>) -> Vec<(TunnelKind, Option<u32>)> {
    packet.tunnels.iter().map(|tunnel| (tunnel.kind, tunnel.id)).collect()
}

/// RFC 3032 §2.1: label, class, bottom of stack, time to live.
fn label(label: u32, is_bottom: bool) -> [u8; 4] {
    (label << 12 | u32::from(is_bottom) << 8 | 64).to_be_bytes()
}

#[test]
fn a_stack_of_labels_is_passed() {
    for (labels, packet, payload) in [
        (vec![label(16, true)], four(), &b"four"[..]),
        (vec![label(1000, false), label(0xf_ffff, true)], six(), b"six"),
        ([vec![label(7, false); 15], vec![label(3, true)]].concat(), four(), b"four"),
    ] {
        for ethertype in [0x8847, 0x8848] {
            let bottom = u32::from_be_bytes(*labels.last().unwrap()) >> 12;
            let frame = ethernet(&[(0x8100, 5)], ethertype, &[labels.as_flattened(), &packet].concat());
            let decoded = whole(&frame).unwrap();
            assert_eq!((decoded.payload, &decoded.vlans.ids()[..]), (payload, &[5][..]));
            assert_eq!(parents(&decoded), [(TunnelKind::Mpls, Some(bottom))]);
            assert_eq!((decoded.tunnels[0].ends, decoded.tunnels[0].vlans_outside), (None, 1));
            assert_eq!(decoded.network.unwrap().offset, 18 + 4 * labels.len());
        }
    }
}

#[test]
fn stacks_without_an_end_are_refused() {
    let behind = |labels: &[[u8; 4]]| whole(&ethernet(&[], 0x8847, labels.as_flattened())).err();
    assert_eq!(behind(&[label(7, false); 16]), Some(DecodeError::TooManyTags));
    assert_eq!(behind(&[label(7, false); 15]), Some(DecodeError::LinkTruncated));
    let cut = ethernet(&[], 0x8847, &label(7, true)[..3]);
    assert_eq!(whole(&cut), Err(DecodeError::LinkTruncated));
}

/// RFC 4448 §4.3: with a control word and without.
#[test]
fn ethernet_in_a_pseudowire_is_read() {
    let inner = ethernet(&[(0x8100, 9)], 0x0800, &four());
    let mut universal = inner.clone();
    universal[0] = 0xa2;
    for wire in [[&[0; 4][..], &inner].concat(), inner, universal] {
        let frame = ethernet(&[(0x88a8, 4)], 0x8847, &[&label(20, true)[..], &wire].concat());
        let decoded = whole(&frame).unwrap();
        assert_eq!((decoded.payload, &decoded.vlans.ids()[..]), (&b"four"[..], &[4, 9][..]));
        assert_eq!(parents(&decoded), [(TunnelKind::Mpls, Some(20))]);
    }
}

#[test]
fn what_is_no_ip_behind_labels_is_no_error() {
    for behind in [&[][..], &[0; 30], &[0x10; 30], &[0xa0; 3]] {
        let frame = ethernet(&[], 0x8847, &[&label(20, true)[..], behind].concat());
        let decoded = whole(&frame).unwrap();
        assert_eq!((decoded.network, decoded.transport), (None, Transport::None));
    }
    let tagged = ethernet(&[(0x8100, 1); 4], 0x0800, &four());
    let frame = ethernet(&[], 0x8847, &[&label(20, true)[..], &[0; 4], &tagged].concat());
    assert_eq!(whole(&frame), Err(DecodeError::TooManyTags));
    let broken = ethernet(&[], 0x8847, &[&label(20, true)[..], &four()[..20]].concat());
    assert_eq!(whole(&broken), Err(DecodeError::IpTruncated));
}

#[test]
fn a_session_is_passed() {
    for (ppp, payload) in [
        ([&[0x00, 0x21][..], &four()].concat(), &b"four"[..]),
        ([&[0x00, 0x57][..], &six()].concat(), b"six"),
        // RFC 1661 §6.5.
        ([&[0x21][..], &four()].concat(), b"four"),
    ] {
        let padded = [pppoe(0x1234, &ppp), vec![0; 9]].concat();
        let frame = ethernet(&[], 0x8864, &padded);
        let decoded = whole(&frame).unwrap();
        assert_eq!(decoded.payload, payload);
        assert_eq!(parents(&decoded), [(TunnelKind::Pppoe, Some(0x1234))]);
        let labelled = [&[0x02, 0x81][..], &label(5, true), &ppp[2..]].concat();
        if ppp[0] == 0 {
            let frame = ethernet(&[], 0x8864, &pppoe(7, &labelled));
            let kinds = [(TunnelKind::Pppoe, Some(7)), (TunnelKind::Mpls, Some(5))];
            assert_eq!(parents(&whole(&frame).unwrap()), kinds);
        }
    }
}

#[test]
fn the_length_of_a_session_bounds_what_is_in_it() {
    let good = pppoe(1, &[&[0x00, 0x21][..], &four()].concat());
    let with_length = |change: i32| {
        let mut session = good.clone();
        let length = (i32::from(session[5]) + change) as u16;
        session[4..6].copy_from_slice(&length.to_be_bytes());
        whole(&ethernet(&[], 0x8864, &session)).map(|packet| packet.payload.len())
    };
    assert_eq!(with_length(0), Ok(4));
    assert_eq!(with_length(1), Err(DecodeError::LinkTruncated));
    assert_eq!(with_length(-1), Err(DecodeError::IpTruncated));
    // LCP, and the discovery before a session.
    for (ethertype, ppp) in [(0x8864, &[0xc0, 0x21, 1][..]), (0x8863, &[1, 1])] {
        assert_eq!(whole(&ethernet(&[], ethertype, &pppoe(1, ppp))).unwrap().network, None);
    }
}
