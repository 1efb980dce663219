//! Link headers.

use super::super::{Checksum, ChecksumMode, DecodeError, LinkType, Transport, decode};
use super::frames::{ethernet, ipv4, ipv6, udp, v4, v6};
use super::whole;

#[test]
fn vlan_tags_are_read_outermost_first() {
    let packet = ipv4(17, 0, &[], &udp(v4(), b"x"));
    for (tags, vlans) in [
        (&[][..], &[][..]),
        (&[(0x8100, 7)], &[7]),
        (&[(0x88a8, 0xe064), (0x8100, 0x3fff)], &[100, 0xfff]),
        (&[(0x9100, 0), (0x9100, 1)], &[1]),
        (&[(0x88a8, 3), (0x88a8, 2), (0x8100, 1)], &[3, 2, 1]),
    ] {
        let frame = ethernet(tags, 0x0800, &packet);
        let decoded = whole(&frame).unwrap();
        assert_eq!(&decoded.vlans.ids()[..], vlans);
        assert_eq!(decoded.payload, b"x");
        assert_eq!(decoded.network.unwrap().offset, 14 + 4 * tags.len());
        assert_eq!(decoded.checksum, Checksum::Valid);
    }
}

#[test]
fn a_fourth_tag_is_refused() {
    let frame = ethernet(&[(0x8100, 1); 4], 0x0800, &ipv4(17, 0, &[], &udp(v4(), b"")));
    assert_eq!(whole(&frame), Err(DecodeError::TooManyTags));
}

#[test]
fn what_is_not_ip_is_no_error() {
    for ethertype in [0x88cc, 0x0026, 0x8863] {
        let frame = ethernet(&[(0x8100, 5)], ethertype, &[0xaa; 46]);
        let decoded = whole(&frame).unwrap();
        assert_eq!((decoded.network, decoded.transport), (None, Transport::None));
        assert_eq!(&decoded.vlans.ids()[..], [5]);
        assert_eq!(decoded.payload, [0xaa; 46]);
        assert_eq!(decoded.checksum, Checksum::Unverified);
    }
}

/// RFC 826.
#[test]
fn arp_is_told() {
    let frame = ethernet(&[(0x8100, 5)], 0x0806, &[1; 46]);
    let decoded = whole(&frame).unwrap();
    assert_eq!((decoded.network, decoded.transport), (None, Transport::Arp));
    assert_eq!(decoded.payload, [1; 46]);
}

#[test]
fn a_frame_that_ends_in_its_link_header_is_refused() {
    let frame = ethernet(&[(0x8100, 1), (0x8100, 2)], 0x0806, &[]);
    for end in 0..frame.len() {
        assert_eq!(whole(&frame[..end]), Err(DecodeError::LinkTruncated), "{end} bytes");
    }
    assert!(whole(&frame).is_ok());
    for (link, bytes) in [(LinkType::Null, 4), (LinkType::LinuxSll, 16), (LinkType::LinuxSll2, 20)] {
        let cut = vec![0; bytes - 1];
        let result = decode(&cut, cut.len() as u32, link, ChecksumMode::Verify);
        assert_eq!(result, Err(DecodeError::LinkTruncated), "{link:?}");
        let bare = vec![0; bytes];
        let decoded = decode(&bare, bytes as u32, link, ChecksumMode::Verify).unwrap();
        assert_eq!((decoded.network, decoded.payload), (None, &[][..]), "{link:?}");
    }
}

#[test]
fn every_link_type_leads_to_both_families() {
    let four = ipv4(17, 0, &[], &udp(v4(), b"four"));
    let six = ipv6(17, &udp(v6(), b"six"));
    let sll = |ethertype: u16| [&[0; 14][..], &ethertype.to_be_bytes()].concat();
    let sll2 = |ethertype: u16| [&ethertype.to_be_bytes()[..], &[0; 18]].concat();
    let mut cases = vec![
        (LinkType::RawIp, vec![], &four),
        (LinkType::RawIp, vec![], &six),
        (LinkType::LinuxSll, sll(0x0800), &four),
        (LinkType::LinuxSll, sll(0x86dd), &six),
        (LinkType::LinuxSll2, sll2(0x0800), &four),
        (LinkType::LinuxSll2, sll2(0x86dd), &six),
        (LinkType::Null, 2u32.to_le_bytes().to_vec(), &four),
        (LinkType::Null, 2u32.to_be_bytes().to_vec(), &four),
        (LinkType::CiscoHdlc, vec![0x0f, 0, 0x08, 0x00], &four),
        (LinkType::CiscoHdlc, vec![0x8f, 0, 0x86, 0xdd], &six),
        (LinkType::Ppp, vec![0x0f, 0, 0x08, 0x00], &four),
        (LinkType::Ppp, vec![0xff, 0x03, 0x00, 0x21], &four),
        (LinkType::Ppp, vec![0xff, 0x03, 0x57], &six),
        (LinkType::Ppp, vec![0x00, 0x57], &six),
        (LinkType::Ppp, vec![0x21], &four),
    ];
    for family in [10u32, 23, 24, 28, 30] {
        cases.push((LinkType::Null, family.to_le_bytes().to_vec(), &six));
        cases.push((LinkType::Null, family.to_be_bytes().to_vec(), &six));
    }
    for (link, header, packet) in cases {
        let frame = [&header[..], packet].concat();
        let decoded = decode(&frame, frame.len() as u32, link, ChecksumMode::Verify).unwrap();
        let expected: &[u8] = if packet == &four { b"four" } else { b"six" };
        assert_eq!((decoded.payload, decoded.checksum), (expected, Checksum::Valid), "{link:?} {header:?}");
        assert_eq!(decoded.network.unwrap().offset, header.len());
    }
}

#[test]
fn a_tag_behind_a_cooked_header_is_read() {
    let header = [&[0; 14][..], &[0x81, 0x00, 0x00, 0x09, 0x08, 0x00]].concat();
    let frame = [header, ipv4(17, 0, &[], &udp(v4(), b"x"))].concat();
    let decoded = decode(&frame, frame.len() as u32, LinkType::LinuxSll, ChecksumMode::Verify).unwrap();
    assert_eq!((&decoded.vlans.ids()[..], decoded.payload), (&[9][..], &b"x"[..]));
}

#[test]
fn raw_ip_is_version_4_or_6() {
    let raw = |frame: &[u8]| decode(frame, frame.len() as u32, LinkType::RawIp, ChecksumMode::Verify).err();
    assert_eq!(raw(&[0x50; 40]), Some(DecodeError::IpVersion));
    assert_eq!(raw(&[]), Some(DecodeError::IpTruncated));
}
