//! What holds for every frame, however broken.

use proptest::prelude::*;

use super::super::{Checksum, ChecksumMode, Glimpse, LinkType, Transport, decode};
use super::frames::{ethernet, extension, fragment_header, gtp, ipv4, ipv6, pppoe, tcp, udp, v4, v6, vxlan};

const LINKS: [LinkType; 7] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Null,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::Ppp,
    LinkType::CiscoHdlc,
];

/// Valid frames of every kind.
fn frames() -> Vec<Vec<u8>> {
    let chain = [extension(44, 1), fragment_header(60, 0), extension(6, 2)].concat();
    let inner = ipv4(6, 0, &[], &tcp(v4(), 2, &[], b"payload"));
    let nested = ethernet(&[], 0x86dd, &ipv6(4, &inner));
    vec![
        ethernet(&[], 0x0800, &ipv4(17, 0, &[], &vxlan(v4(), 7, &nested))),
        ethernet(&[], 0x86dd, &ipv6(17, &vxlan(v6(), 7, &ethernet(&[(0x8100, 1)], 0x0800, &inner)))),
        ethernet(&[], 0x0800, &ipv4(47, 0, &[], &[&[0x30, 0, 0x65, 0x58][..], &[1; 8], &nested].concat())),
        ethernet(&[], 0x0800, &ipv4(17, 0, &[], &gtp(&[0x34, 255, 0, 0, 0, 0, 0, 1], &inner))),
        ethernet(&[], 0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64, 0, 0, 0, 0][..], &nested].concat()),
        ethernet(&[], 0x8864, &pppoe(9, &[&[0x00, 0x21][..], &inner].concat())),
        ethernet(&[], 0x0800, &ipv4(6, 0, &[1; 8], &tcp(v4(), 2, &[2, 4, 5, 180, 1, 3, 3, 7], b"payload"))),
        ethernet(&[(0x88a8, 1), (0x8100, 2)], 0x0800, &ipv4(17, 0, &[], &udp(v4(), b"payload"))),
        ethernet(&[], 0x0800, &ipv4(1, 0, &[], &[8, 0, 0, 0, 0, 0, 0, 0, 1])),
        ethernet(&[], 0x0800, &ipv4(17, 0x2001, &[], &[5; 16])),
        ethernet(&[], 0x86dd, &ipv6(0, &[chain, tcp(v6(), 0x10, &[], b"payload")].concat())),
        ethernet(&[(0x8100, 3)], 0x86dd, &ipv6(43, &[extension(17, 3), udp(v6(), b"payload")].concat())),
        ethernet(&[], 0x86dd, &ipv6(44, &[fragment_header(17, 8), vec![1; 8]].concat())),
        ethernet(&[], 0x0806, &[0; 46]),
    ]
}

/// Decodes and checks that whatever comes out lies inside of the frame.
fn check(frame: &[u8], wire_bytes: u32, link: LinkType) {
    let glimpse = Glimpse::of(frame, wire_bytes, link);
    assert!(glimpse.ends.is_some() || glimpse.protocol.is_none() && glimpse.ports.is_none());
    let verified = decode(frame, wire_bytes, link, ChecksumMode::Verify);
    let ignored = decode(frame, wire_bytes, link, ChecksumMode::Ignore);
    let (mut verified, ignored) = match (verified, ignored) {
        (Ok(verified), Ok(ignored)) => (verified, ignored),
        (verified, ignored) => return assert_eq!(verified, ignored),
    };
    if let Checksum::Partial { offset, .. } = verified.checksum {
        assert!((offset as usize).max(verified.covered_by.unwrap_or(0)) + 2 <= frame.len());
    }
    (verified.checksum, verified.covered_by) = (Checksum::Unverified, None);
    assert_eq!(verified, ignored, "checksums decide nothing but themselves");

    let payload = verified.payload.as_ptr_range();
    let bytes = frame.as_ptr_range();
    assert!(verified.payload.is_empty() || bytes.start <= payload.start && payload.end <= bytes.end);
    assert_eq!(verified.network.is_none(), matches!(verified.transport, Transport::None | Transport::Arp));
    if wire_bytes as usize <= frame.len() {
        assert_eq!(verified.missing_bytes, 0);
    } else {
        assert!(frame.len() + verified.missing_bytes as usize <= wire_bytes as usize);
    }
    let Some(network) = verified.network else { return };
    assert!(network.offset < network.transport_offset && network.transport_offset <= frame.len());
    let behind = &frame[network.transport_offset..];
    assert!(verified.payload.len() <= behind.len());
}

#[test]
fn truncations_and_mutations_of_valid_frames_never_panic() {
    for frame in frames() {
        assert!(decode(&frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify).is_ok());
        for end in 0..=frame.len() {
            for wire_bytes in [end, end + 1, frame.len(), frame.len() + 100] {
                check(&frame[..end], wire_bytes as u32, LinkType::Ethernet);
            }
        }
        for at in 0..frame.len() {
            let mut mutated = frame.clone();
            for value in 0..=u8::MAX {
                mutated[at] = value;
                check(&mutated, mutated.len() as u32, LinkType::Ethernet);
                check(&mutated[..mutated.len() - 1], mutated.len() as u32, LinkType::Ethernet);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), more in 0..100u32, first in any::<u8>(),
    ) {
        for link in LINKS {
            check(&bytes, bytes.len() as u32 + more, link);
        }
        // What random bytes rarely are: IP.
        let packet = [&[0x45, 0, 0][..], &bytes].concat();
        check(&packet, packet.len() as u32 + more, LinkType::RawIp);
        let packet = [&[0x60, 0, 0, 0, 0, first % 64, first], &bytes[..]].concat();
        check(&packet, packet.len() as u32 + more, LinkType::RawIp);
    }

    #[test]
    fn spliced_frames_never_panic(
        nth in 0..14usize, at in any::<prop::sample::Index>(), patch in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let mut frame = frames().swap_remove(nth);
        let at = at.index(frame.len());
        for (to, from) in frame.iter_mut().skip(at).zip(&patch) {
            *to = *from;
        }
        check(&frame, frame.len() as u32, LinkType::Ethernet);
    }
}
