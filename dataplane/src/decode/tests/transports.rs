//! TCP, UDP and ICMP, and their checksums.

use std::net::IpAddr;

use super::super::{Checksum, DecodeError, TcpFlags, TcpHeader, Transport};
use super::frames::{ethernet, ipv4, ipv6, leave_partial, ones_sum, seal, tcp, udp, v4, v6};
use super::whole;

/// The frame that carries `upper`, by the family of `addresses`.
fn frame(addresses: (IpAddr, IpAddr), protocol: u8, upper: &[u8]) -> Vec<u8> {
    match addresses.0 {
        IpAddr::V4(_) => ethernet(&[], 0x0800, &ipv4(protocol, 0, &[], upper)),
        IpAddr::V6(_) => ethernet(&[], 0x86dd, &ipv6(protocol, upper)),
    }
}

fn checksum(addresses: (IpAddr, IpAddr), protocol: u8, upper: &[u8]) -> Checksum {
    whole(&frame(addresses, protocol, upper)).unwrap().checksum
}

#[test]
fn a_tcp_header_is_read_in_full() {
    let options = [2, 4, 5, 0xb4, 1, 3, 3, 7];
    let frame = frame(v6(), 6, &tcp(v6(), TcpFlags::SYN, &options, b"early"));
    let decoded = whole(&frame).unwrap();
    let expected = TcpHeader {
        source: 40_000,
        destination: 80,
        sequence: 0x0102_0304,
        acknowledgment: 0x0a0b_0c0d,
        flags: TcpFlags(TcpFlags::SYN),
        window: 0x2000,
        timestamps: None,
        window_scale: Some(7),
    };
    assert_eq!(decoded.transport, Transport::Tcp(expected));
    assert_eq!(decoded.payload, b"early");
}

#[test]
fn window_scale_is_found_where_a_host_finds_it() {
    let scale = |flags: u8, options: &[u8]| {
        let frame = frame(v4(), 6, &tcp(v4(), flags, options, b"x"));
        match whole(&frame).unwrap().transport {
            Transport::Tcp(header) => header.window_scale,
            other => panic!("{other:?}"),
        }
    };
    let syn = TcpFlags::SYN;
    assert_eq!(scale(syn, &[]), None);
    assert_eq!(scale(syn, &[1, 1, 1, 3, 3, 0, 0, 0]), Some(0));
    assert_eq!(scale(syn | TcpFlags::ACK, &[3, 3, 200, 0]), Some(14), "RFC 7323 §2.3");
    assert_eq!(scale(TcpFlags::ACK, &[3, 3, 7, 0]), None, "RFC 7323 §2.2");
    assert_eq!(scale(syn, &[0, 3, 3, 7]), None, "behind the end of the list");
    assert_eq!(scale(syn, &[3, 4, 7, 0]), None, "not of its length");
    assert_eq!(scale(syn, &[8, 0, 3, 3, 7, 0, 0, 0]), None, "length 0");
    assert_eq!(scale(syn, &[8, 1, 3, 3, 7, 0, 0, 0]), None, "length 1");
    assert_eq!(scale(syn, &[3, 3, 5, 9]), Some(5), "a kind without length at the end");
    assert_eq!(scale(syn, &[3, 3, 5, 1, 8, 10, 0, 0]), Some(5), "an option that overruns");
    assert_eq!(scale(syn, &[3, 3, 5, 3, 3, 6, 0, 0]), Some(6), "the last of two");
}

#[test]
fn tcp_lengths_that_do_not_fit_are_refused() {
    let segment = tcp(v4(), TcpFlags::ACK, &[], b"four");
    let with_offset = |words: u8| {
        let mut segment = segment.clone();
        segment[12] = words << 4;
        whole(&frame(v4(), 6, &segment)).map(|packet| packet.payload.len())
    };
    assert_eq!(with_offset(4), Err(DecodeError::TransportLength));
    assert_eq!(with_offset(7), Err(DecodeError::TransportLength));
    assert_eq!(with_offset(6), Ok(0));
    assert_eq!(whole(&frame(v4(), 6, &segment[..19])), Err(DecodeError::TransportTruncated));
}

#[test]
fn udp_lengths_are_those_of_the_header() {
    let with_length = |length: u16, present: usize| {
        let mut datagram = udp(v4(), b"0123456789");
        datagram[4..6].copy_from_slice(&length.to_be_bytes());
        whole(&frame(v4(), 17, &datagram[..present])).map(|packet| packet.payload.len())
    };
    assert_eq!(with_length(18, 18), Ok(10));
    assert_eq!(with_length(12, 18), Ok(4), "the rest is no part of the datagram");
    assert_eq!(with_length(8, 18), Ok(0));
    assert_eq!(with_length(7, 18), Err(DecodeError::TransportLength));
    assert_eq!(with_length(0, 18), Err(DecodeError::TransportLength));
    assert_eq!(with_length(19, 18), Err(DecodeError::TransportLength));
    assert_eq!(with_length(8, 7), Err(DecodeError::TransportTruncated));
}

#[test]
fn a_udp_checksum_covers_the_datagram_alone() {
    let mut carried = udp(v4(), b"odd");
    carried.extend([0xff; 5]);
    assert_eq!(checksum(v4(), 17, &carried), Checksum::Valid);
}

#[test]
fn udp_without_checksum_is_for_ipv4() {
    for (addresses, expected) in [(v4(), Checksum::Valid), (v6(), Checksum::Bad)] {
        let mut datagram = udp(addresses, b"x");
        datagram[6..8].fill(0);
        assert_eq!(checksum(addresses, 17, &datagram), expected);
    }
}

#[test]
fn every_flipped_bit_is_bad() {
    for addresses in [v4(), v6()] {
        for (protocol, good) in [(6, tcp(addresses, 0x18, &[1; 4], b"odd")), (17, udp(addresses, b"even"))] {
            assert_eq!(checksum(addresses, protocol, &good), Checksum::Valid);
            let payload = if protocol == 6 { 24 } else { 8 };
            for bit in payload * 8..good.len() * 8 {
                let mut flipped = good.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(checksum(addresses, protocol, &flipped), Checksum::Bad, "bit {bit}");
            }
        }
    }
}

#[test]
fn a_partial_checksum_comes_with_its_completion() {
    for addresses in [v4(), v6()] {
        for (protocol, at, mut upper) in
            [(6, 16, tcp(addresses, 0x18, &[], b"left")), (17, 6, udp(addresses, b"to the device"))]
        {
            let complete = upper.clone();
            leave_partial(&mut upper, at, addresses, protocol);
            let mut frame = frame(addresses, protocol, &upper);
            let Checksum::Partial { offset, value } = whole(&frame).unwrap().checksum else {
                panic!("protocol {protocol} is not partial");
            };
            let offset = offset as usize;
            assert_eq!(offset, frame.len() - upper.len() + at);
            assert_eq!(value.to_be_bytes(), complete[at..at + 2]);
            frame[offset..offset + 2].copy_from_slice(&value.to_be_bytes());
            assert_eq!(whole(&frame).unwrap().checksum, Checksum::Valid);
        }
    }
}

/// A payload word that makes the sum without the field come out as all ones.
#[test]
fn udp_completes_zero_as_ones() {
    let mut datagram = udp(v4(), &[0, 0]);
    let field: [u8; 2] = [datagram[6], datagram[7]];
    datagram[8..10].copy_from_slice(&field);
    leave_partial(&mut datagram, 6, v4(), 17);
    let frame = frame(v4(), 17, &datagram);
    let decoded = whole(&frame).unwrap();
    assert_eq!(decoded.checksum, Checksum::Partial { offset: 14 + 20 + 6, value: 0xffff });
}

/// Data that sum to nothing make the right checksum the complement of the pseudo-header's sum; data that sum to the
/// complement of twice that sum make it equal, and then it is right.
#[test]
fn a_right_checksum_is_never_taken_for_a_partial_one() {
    let mut datagram = udp(v4(), &[0, 0]);
    leave_partial(&mut datagram, 6, v4(), 17);
    let field = u16::from_be_bytes([datagram[6], datagram[7]]);
    let unpatched = udp(v4(), &[0, 0]);
    let right = u16::from_be_bytes([unpatched[6], unpatched[7]]);
    // right = ~s with payload 0; choose the payload p so that ~(s + p) = field.
    let patch = ones_sum(&[right.to_be_bytes(), (!field).to_be_bytes()].concat());
    datagram[8..10].copy_from_slice(&patch.to_be_bytes());
    assert_eq!(checksum(v4(), 17, &datagram), Checksum::Valid);
}

#[test]
fn icmp_of_both_versions() {
    let mut echo = [&[8, 0, 0, 0, 0x12, 0x34, 0, 1][..], b"ping"].concat();
    let sum = !ones_sum(&echo);
    echo[2..4].copy_from_slice(&sum.to_be_bytes());
    let bytes = frame(v4(), 1, &echo);
    let decoded = whole(&bytes).unwrap();
    assert_eq!(decoded.transport, Transport::Icmp { kind: 8, code: 0 });
    assert_eq!((decoded.payload, decoded.checksum), (&b"ping"[..], Checksum::Valid));
    echo[9] ^= 4;
    assert_eq!(checksum(v4(), 1, &echo), Checksum::Bad);

    let mut unreachable = [&[1, 4, 0, 0, 0, 0, 0, 0][..], b"what"].concat();
    seal(&mut unreachable, 2, v6(), 58);
    let bytes = frame(v6(), 58, &unreachable);
    let decoded = whole(&bytes).unwrap();
    assert_eq!(decoded.transport, Transport::Icmp { kind: 1, code: 4 });
    assert_eq!((decoded.payload, decoded.checksum), (&b"what"[..], Checksum::Valid));
    leave_partial(&mut unreachable, 2, v6(), 58);
    assert_eq!(checksum(v6(), 58, &unreachable), Checksum::Bad, "nobody leaves ICMP partial");
    assert_eq!(whole(&frame(v4(), 1, &echo[..7])), Err(DecodeError::TransportTruncated));
}

/// The check value of the CRC of iSCSI (RFC 3720 §B.4), 32 bytes of zeros, by the definition: bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    })
}

#[test]
fn sctp_has_ports_and_a_checksum_of_its_own() {
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa, "RFC 3720 §B.4");
    let mut packet = [&[0x0b, 0x59, 0x00, 0x50, 1, 2, 3, 4, 0, 0, 0, 0][..], b"chunks"].concat();
    assert_eq!(checksum(v4(), 132, &packet), Checksum::Unverified, "RFC 9653");
    let sum = crc32c(&packet);
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    for addresses in [v4(), v6()] {
        let bytes = frame(addresses, 132, &packet);
        let decoded = whole(&bytes).unwrap();
        assert_eq!(decoded.transport, Transport::Sctp { source: 2905, destination: 80 });
        assert_eq!((decoded.payload, decoded.checksum), (&b"chunks"[..], Checksum::Valid));
    }
    for bit in 0..packet.len() * 8 {
        let mut flipped = packet.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(checksum(v4(), 132, &flipped), Checksum::Bad, "bit {bit}");
    }
    assert_eq!(whole(&frame(v4(), 132, &packet[..11])), Err(DecodeError::TransportTruncated));
}
