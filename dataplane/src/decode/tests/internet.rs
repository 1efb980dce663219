//! IPv4 and IPv6.

use super::super::{Checksum, ChecksumMode, DecodeError, LinkType, Transport, decode};
use super::frames::{V6, ethernet, extension, fragment_header, ipv4, ipv6, seal, tcp, udp, v4, v6};
use super::whole;

#[test]
fn an_ipv4_packet_with_options_and_padding() {
    let packet = ipv4(6, 0x4000, &[1, 1, 1, 0], &tcp(v4(), 0x18, &[], b"GET /"));
    let mut frame = ethernet(&[], 0x0800, &packet);
    frame.extend([0xee; 9]);
    let decoded = whole(&frame).unwrap();
    let network = decoded.network.unwrap();
    assert_eq!((network.source, network.destination), v4());
    assert_eq!((network.protocol, network.hops), (6, 64));
    assert_eq!((network.offset, network.transport_offset), (14, 38));
    assert_eq!((decoded.payload, decoded.missing_bytes), (&b"GET /"[..], 0));
    assert_eq!(decoded.checksum, Checksum::Valid);
}

#[test]
fn ipv4_headers_that_contradict_themselves_are_refused() {
    let good = ethernet(&[], 0x0800, &ipv4(17, 0, &[], &udp(v4(), b"payload")));
    let broken = |at: usize, value: u8| {
        let mut frame = good.clone();
        frame[14 + at] = value;
        whole(&frame).map(|_| ())
    };
    assert_eq!(broken(0, 0x65), Err(DecodeError::IpVersion));
    assert_eq!(broken(0, 0x44), Err(DecodeError::IpHeaderLength));
    assert_eq!(broken(0, 0x4f), Err(DecodeError::IpHeaderLength));
    assert_eq!(broken(3, 19), Err(DecodeError::IpHeaderLength));
    assert_eq!(broken(3, 36), Err(DecodeError::IpTruncated), "one byte more than there is");
    assert_eq!(broken(8, 63), Ok(()), "a wrong header checksum is no contradiction");
}

#[test]
fn a_wrong_ipv4_header_checksum_is_bad_whatever_follows() {
    let first_piece = ipv4(17, 0x2000, &[], &[0; 16]);
    for packet in [ipv4(17, 0, &[], &udp(v4(), b"x")), ipv4(89, 0, &[], &[0; 12]), first_piece] {
        let mut frame = ethernet(&[], 0x0800, &packet);
        assert_ne!(whole(&frame).unwrap().checksum, Checksum::Bad);
        frame[14 + 8] ^= 1;
        assert_eq!(whole(&frame).unwrap().checksum, Checksum::Bad);
    }
}

#[test]
fn ipv4_fragments_are_told_with_their_place() {
    for (field, offset, more) in [(0x2000, 0, true), (0x2001, 8, true), (0x1fff, 65_528, false)] {
        let frame = ethernet(&[], 0x0800, &ipv4(6, field, &[], &[7; 24]));
        let decoded = whole(&frame).unwrap();
        assert_eq!(decoded.transport, Transport::Fragment { id: 0x1234, offset, more });
        assert_eq!(decoded.network.unwrap().protocol, 6);
        assert_eq!((decoded.payload, decoded.checksum), (&[7; 24][..], Checksum::Unverified));
    }
}

#[test]
fn protocols_without_a_decoder_are_other() {
    for protocol in [2, 50, 58, 89] {
        let frame = ethernet(&[], 0x0800, &ipv4(protocol, 0, &[], b"whatever"));
        let decoded = whole(&frame).unwrap();
        assert_eq!((decoded.transport, decoded.payload), (Transport::Other, &b"whatever"[..]));
        assert_eq!(decoded.checksum, Checksum::Unverified);
    }
    for protocol in [1, 50, 59] {
        let frame = ethernet(&[], 0x86dd, &ipv6(protocol, b"whatever"));
        assert_eq!(whole(&frame).unwrap().transport, Transport::Other);
    }
}

/// Every extension header once, the fragment atomic.
#[test]
fn ipv6_extension_headers_are_walked() {
    let mut authentication = vec![0; 24];
    authentication[..2].copy_from_slice(&[60, 4]);
    let rest = [
        extension(43, 1),
        extension(44, 3),
        fragment_header(51, 0),
        authentication,
        extension(135, 1),
        extension(139, 2),
        extension(140, 1),
        extension(6, 5),
        tcp(v6(), 0x10, &[], b"data"),
    ];
    let frame = ethernet(&[], 0x86dd, &ipv6(0, &rest.concat()));
    let decoded = whole(&frame).unwrap();
    let network = decoded.network.unwrap();
    assert_eq!((network.source, network.destination), v6());
    assert_eq!((network.protocol, network.hops), (6, 63));
    assert_eq!(network.transport_offset, frame.len() - 24);
    assert_eq!((decoded.payload, decoded.checksum), (&b"data"[..], Checksum::Valid));
}

#[test]
fn ipv6_chains_that_are_no_chains_are_refused() {
    let decoded = |next_header: u8, rest: &[u8]| {
        whole(&ethernet(&[], 0x86dd, &ipv6(next_header, rest))).map(|packet| packet.transport)
    };
    let upper = udp(v6(), b"");
    let options = |count: usize| {
        let mut headers = vec![extension(60, 1); count];
        headers.last_mut().unwrap()[0] = 17;
        [headers.concat(), upper.clone()].concat()
    };
    assert!(decoded(60, &options(8)).is_ok());
    assert_eq!(decoded(60, &options(9)), Err(DecodeError::Ipv6Extensions));
    let hop_by_hop_behind = [extension(0, 1), extension(17, 1), upper.clone()].concat();
    assert_eq!(decoded(60, &hop_by_hop_behind), Err(DecodeError::Ipv6Extensions));
    assert_eq!(decoded(60, &extension(17, 2)[..15]), Err(DecodeError::IpTruncated));
    assert_eq!(decoded(60, &[17]), Err(DecodeError::IpTruncated));
    assert_eq!(decoded(60, &[]), Err(DecodeError::IpTruncated));
}

#[test]
fn ipv6_fragments_are_told_with_their_place() {
    for (field, offset, more) in [(0x0001, 0, true), (0xfff8, 65_528, false), (0x0009, 8, true)] {
        let rest = [extension(44, 1), fragment_header(60, field), vec![9; 16]].concat();
        let frame = ethernet(&[], 0x86dd, &ipv6(0, &rest));
        let decoded = whole(&frame).unwrap();
        assert_eq!(decoded.transport, Transport::Fragment { id: 0xcafe_f00d, offset, more });
        let network = decoded.network.unwrap();
        assert_eq!((network.protocol, network.transport_offset), (60, 14 + 40 + 16));
        assert_eq!((decoded.payload, decoded.checksum), (&[9; 16][..], Checksum::Unverified));
    }
}

/// RFC 8200 §8.1: the checksum covers where the packet goes in the end.
#[test]
fn a_routing_header_decides_the_pseudo_header() {
    let waypoint = V6.1.octets();
    let last = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99];
    let mut upper = udp(v6(), b"routed");
    seal(&mut upper, 6, (V6.0.into(), last.into()), 17);
    for (kind, segments_left, segments, expected) in [
        (0, 2, [waypoint, last], Checksum::Valid),
        (4, 1, [last, waypoint], Checksum::Valid),
        (4, 0, [last, waypoint], Checksum::Bad),
        (2, 1, [last, waypoint], Checksum::Bad),
        (253, 1, [last, last], Checksum::Unverified),
    ] {
        let header = [&[17, 4, kind, segments_left, 0, 0, 0, 0][..], &segments.concat()].concat();
        let frame = ethernet(&[], 0x86dd, &ipv6(43, &[header, upper.clone()].concat()));
        let decoded = whole(&frame).unwrap();
        assert_eq!(decoded.checksum, expected, "type {kind}");
        assert_eq!(decoded.network.unwrap().destination, V6.1);
    }
}

/// RFC 6275 §11.3.1: the checksum covers whom the packet is from in the end.
#[test]
fn a_home_address_option_decides_the_pseudo_header() {
    let home = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77];
    let mut upper = udp(v6(), b"mobile");
    seal(&mut upper, 6, (home.into(), V6.1.into()), 17);
    for (kind, expected) in [(201, Checksum::Valid), (5, Checksum::Bad)] {
        let options = [&[17, 2, 0, 1, 1, 0, kind, 16][..], &home].concat();
        let frame = ethernet(&[], 0x86dd, &ipv6(60, &[options, upper.clone()].concat()));
        let decoded = whole(&frame).unwrap();
        assert_eq!(decoded.checksum, expected, "option {kind}");
        assert_eq!(decoded.network.unwrap().source, V6.0);
    }
}

#[test]
fn a_jumbogram_is_refused() {
    let mut packet = ipv6(6, &tcp(v6(), 0x10, &[], b"data"));
    packet[4..6].fill(0);
    assert_eq!(whole(&ethernet(&[], 0x86dd, &packet)), Err(DecodeError::TransportTruncated));
    packet[6] = 0;
    assert_eq!(whole(&ethernet(&[], 0x86dd, &packet)), Err(DecodeError::IpTruncated));
}

/// Cut by a capture at every length: the payload may be short, headers may not; off a wire nothing may.
#[test]
fn a_cut_capture_lacks_payload_and_nothing_else() {
    let four = ethernet(&[], 0x0800, &ipv4(6, 0, &[1; 4], &tcp(v4(), 0x18, &[1; 8], b"0123456789")));
    let six = ethernet(&[], 0x86dd, &ipv6(60, &[extension(17, 2), udp(v6(), b"0123456789")].concat()));
    for frame in [four, six] {
        let wire_bytes = frame.len() as u32;
        let headers = frame.len() - 10;
        for end in 14..frame.len() {
            let cut = &frame[..end];
            assert!(whole(cut).is_err(), "{end} bytes off a wire");
            let decoded = decode(cut, wire_bytes, LinkType::Ethernet, ChecksumMode::Verify);
            if end < headers {
                let error = decoded.unwrap_err();
                assert!(matches!(error, DecodeError::IpTruncated | DecodeError::TransportTruncated));
                continue;
            }
            let decoded = decoded.unwrap();
            assert_eq!(decoded.payload, &frame[headers..end]);
            assert_eq!(decoded.missing_bytes as usize, frame.len() - end);
            assert_eq!(decoded.checksum, Checksum::Unverified);
            let short = decode(cut, wire_bytes - 1, LinkType::Ethernet, ChecksumMode::Verify);
            assert_eq!(short, Err(DecodeError::IpTruncated), "it was too short on the wire as well");
        }
    }
}

#[test]
fn told_so_nothing_is_verified() {
    let mut frame = ethernet(&[], 0x0800, &ipv4(17, 0, &[], &udp(v4(), b"x")));
    frame[14 + 10] ^= 0xff;
    let decoded = decode(&frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Ignore).unwrap();
    assert_eq!(decoded.checksum, Checksum::Unverified);
}
