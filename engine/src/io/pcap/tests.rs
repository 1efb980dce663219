use std::io::{self, Cursor};

use super::*;

/// Time, captured bytes, bytes on the wire, link type.
type Seen = (u64, Vec<u8>, u32, LinkType);

/// All frames, and the fault that ended them.
fn read(bytes: &[u8]) -> (Vec<Seen>, Option<CaptureError>) {
    let mut seen = Vec::new();
    let mut capture = match Capture::open(bytes) {
        Ok(capture) => capture,
        Err(error) => return (seen, Some(error)),
    };
    loop {
        match capture.next_record() {
            Ok(Some(record)) => {
                seen.push((record.time_ns, record.frame.to_vec(), record.wire_bytes, record.link_type));
            }
            Ok(None) => return (seen, None),
            Err(error) => {
                assert!(capture.next_record().expect("it is over").is_none());
                return (seen, Some(error));
            }
        }
    }
}

fn fault(bytes: &[u8]) -> String {
    read(bytes).1.expect("a fault").to_string()
}

/// Numbers in either byte order.
struct Build {
    big: bool,
    bytes: Vec<u8>,
}

impl Build {
    fn new(big: bool) -> Build {
        Build { big, bytes: Vec::new() }
    }

    fn u16(mut self, numbers: &[u16]) -> Build {
        for number in numbers {
            self.bytes.extend(if self.big { number.to_be_bytes() } else { number.to_le_bytes() });
        }
        self
    }

    fn u32(mut self, numbers: &[u32]) -> Build {
        for number in numbers {
            self.bytes.extend(if self.big { number.to_be_bytes() } else { number.to_le_bytes() });
        }
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Build {
        self.bytes.extend(bytes);
        self
    }

    /// Appends a pcapng block around a body, which is padded.
    fn block(self, kind: u32, body: Build) -> Build {
        let mut body = body.bytes;
        body.resize(body.len().next_multiple_of(4), 0);
        let length = body.len() as u32 + 12;
        self.u32(&[kind, length]).raw(&body).u32(&[length])
    }
}

fn classic(magic: u32, big: bool, network: u32) -> Build {
    Build::new(big).u32(&[magic]).u16(&[2, 4]).u32(&[0, 0, 65_535, network])
}

fn section(big: bool) -> Build {
    section_after(Build::new(big))
}

fn section_after(build: Build) -> Build {
    let body = Build::new(build.big).u32(&[0x1a2b_3c4d]).u16(&[1, 0]).u32(&[u32::MAX, u32::MAX]);
    build.block(pcapng::SECTION_HEADER, body)
}

fn interface(build: Build, network: u16, snap_bytes: u32, options: &[u8]) -> Build {
    let body = Build::new(build.big).u16(&[network, 0]).u32(&[snap_bytes]).raw(options);
    build.block(1, body)
}

fn enhanced(build: Build, interface: u32, units: u64, frame: &[u8], wire_bytes: u32) -> Build {
    let time = [(units >> 32) as u32, units as u32];
    let body =
        Build::new(build.big).u32(&[interface, time[0], time[1], frame.len() as u32, wire_bytes]).raw(frame);
    build.block(6, body)
}

#[test]
fn classic_in_both_resolutions_and_byte_orders() {
    for big in [false, true] {
        for (magic, fraction, record_rest) in
            [(0xa1b2_c3d4, 5, 0), (0xa1b2_3c4d, 5000, 0), (0xa1b2_cd34, 5, 8)]
        {
            let file = classic(magic, big, 1)
                .u32(&[7, fraction, 3, 60])
                .raw(&[0; 8][..record_rest])
                .raw(b"abc")
                .u32(&[8, 0, 0, 0])
                .raw(&[0; 8][..record_rest]);
            let (seen, fault) = read(&file.bytes);
            assert!(fault.is_none(), "{fault:?}");
            let first = (7_000_005_000, b"abc".to_vec(), 60, LinkType::Ethernet);
            assert_eq!(seen, [first, (8_000_000_000, vec![], 0, LinkType::Ethernet)]);
        }
    }
}

#[test]
fn link_types() {
    for (network, expected) in [
        (0, LinkType::Null),
        (108, LinkType::Null),
        (1, LinkType::Ethernet),
        (0x5000_0001, LinkType::Ethernet),
        (12, LinkType::RawIp),
        (101, LinkType::RawIp),
        (229, LinkType::RawIp),
        (113, LinkType::LinuxSll),
        (276, LinkType::LinuxSll2),
    ] {
        let file = classic(0xa1b2_c3d4, false, network).u32(&[0, 0, 1, 1]).raw(b"x");
        assert_eq!(read(&file.bytes).0[0].3, expected, "{network}");
    }
    let radio = classic(0xa1b2_c3d4, false, 127);
    assert_eq!(fault(&radio.bytes), "unsupported link type 127 (IEEE802_11_RADIOTAP)");
}

#[test]
fn pcapng_interfaces_have_clocks_and_link_types_of_their_own() {
    for big in [false, true] {
        let file = interface(section(big), 1, 0, &[]);
        let nanos = Build::new(big).u16(&[9, 1]).raw(&[9, 0, 0, 0]).u16(&[0, 0]);
        let file = interface(file, 101, 0, &nanos.bytes);
        // 2^-10 of a second, counted from one second after the epoch.
        let offset = if big { 1_u64.to_be_bytes() } else { 1_u64.to_le_bytes() };
        let binary = Build::new(big).u16(&[9, 1]).raw(&[0x8a, 0, 0, 0]).u16(&[14, 8]).raw(&offset);
        let file = interface(file, 113, 0, &binary.bytes);
        // A block of a kind that nobody knows, and a comment option behind the frame's padding.
        let file = file.block(0x0bad_cafe, Build::new(big).raw(b"whatever"));
        let file = enhanced(file, 0, 3_000_001, b"abcde", 60);
        let file = enhanced(file, 1, (1 << 33) + 1, b"", 0);
        let file = enhanced(file, 2, 512, b"f", 1);
        let (seen, fault) = read(&file.bytes);
        assert!(fault.is_none(), "{fault:?}");
        assert_eq!(
            seen,
            [
                (3_000_001_000, b"abcde".to_vec(), 60, LinkType::Ethernet),
                ((1 << 33) + 1, vec![], 0, LinkType::RawIp),
                (1_500_000_000, b"f".to_vec(), 1, LinkType::LinuxSll),
            ]
        );
    }
}

#[test]
fn a_new_section_forgets_interfaces_and_may_turn_the_byte_order() {
    let file = enhanced(interface(section(false), 1, 0, &[]), 0, 1, b"a", 1);
    let turned = Build { big: true, bytes: file.bytes };
    let file = section_after(turned);
    let with_interface = interface(Build { big: true, bytes: file.bytes.clone() }, 101, 0, &[]);
    let (seen, end) = read(&enhanced(with_interface, 0, 2, b"b", 1).bytes);
    assert!(end.is_none(), "{end:?}");
    assert_eq!(seen.iter().map(|seen| seen.3).collect::<Vec<_>>(), [LinkType::Ethernet, LinkType::RawIp]);
    let without = enhanced(file, 0, 2, b"b", 1);
    assert!(fault(&without.bytes).ends_with("frame 2: interface 0 was never described"));
}

#[test]
fn simple_and_obsolete_packet_blocks() {
    let file = interface(section(false), 1, 4, &[]);
    let file = enhanced(file, 0, 9, b"a", 1);
    let file = file.block(3, Build::new(false).u32(&[100]).raw(b"bcde"));
    let body = Build::new(false).u16(&[0, 3]).u32(&[0, 10, 2, 2]).raw(b"fg");
    let file = file.block(2, body);
    let (seen, fault) = read(&file.bytes);
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(seen[1], (9000, b"bcde".to_vec(), 100, LinkType::Ethernet));
    assert_eq!(seen[2], (10_000, b"fg".to_vec(), 2, LinkType::Ethernet));
}

/// Whatever the place where a file is cut: the frames before come, then a fault, unless the cut is between two.
#[test]
fn a_cut_file_is_read_up_to_the_cut() {
    let classic = classic(0xa1b2_c3d4, false, 1).u32(&[1, 0, 2, 2]).raw(b"ab").u32(&[2, 0, 2, 2]).raw(b"cd");
    let ng = enhanced(enhanced(interface(section(true), 1, 0, &[]), 0, 1, b"ab", 2), 0, 2, b"cd", 2);
    for file in [classic.bytes, ng.bytes] {
        let (whole, _) = read(&file);
        let mut clean_cuts = 0;
        for cut in 0..file.len() {
            let (seen, fault) = read(&file[..cut]);
            assert_eq!(seen, whole[..seen.len()]);
            assert!(seen.len() < whole.len());
            clean_cuts += usize::from(fault.is_none());
        }
        // Behind each header and each record but the last.
        assert!((2..=3).contains(&clean_cuts), "{clean_cuts}");
    }
}

#[test]
fn faults_say_where_and_what() {
    let cut = classic(0xa1b2_c3d4, false, 1).u32(&[1, 0, 2, 2]).raw(b"ab").u32(&[2, 0, 9, 9]).raw(b"cd");
    assert_eq!(fault(&cut.bytes), "at byte 42, frame 2: the file ends in the middle of it");
    let long = classic(0xa1b2_c3d4, false, 1).u32(&[1, 0, 0x7fff_ffff, 2]);
    assert_eq!(
        fault(&long.bytes),
        "at byte 24, frame 1: a record of 2147483647 bytes, so the file is corrupt"
    );
    assert_eq!(fault(b""), "the file is empty");
    assert_eq!(fault(b"PK\x03\x04 etc."), "neither a pcap nor a pcapng capture");
    assert_eq!(fault(b"ab"), "neither a pcap nor a pcapng capture");
    assert_eq!(fault(b"\x1f\x8b\x08\x00etc."), "a compressed file; decompress it first");
    let described = || interface(section(false), 1, 0, &[]);
    let mut torn = enhanced(described(), 0, 1, b"ab", 2).bytes;
    let last = torn.len() - 4;
    torn[last] ^= 1;
    assert_eq!(fault(&torn), "at byte 48, frame 1: a block length of 37, so the file is corrupt");
    let tiny = described().u32(&[6, 8, 8]);
    assert_eq!(fault(&tiny.bytes), "at byte 48, frame 1: a block length of 8, so the file is corrupt");
    let body = Build::new(false).u32(&[0, 0, 0, 99, 99]).raw(b"ab");
    let lying = described().block(6, body);
    assert_eq!(
        fault(&lying.bytes),
        "at byte 48, frame 1: a packet of 99 bytes that its block does not hold, so the file is corrupt"
    );
    let radio = enhanced(interface(described(), 127, 0, &[]), 1, 0, b"", 0);
    assert!(fault(&radio.bytes).ends_with("frame 1: unsupported link type 127 (IEEE802_11_RADIOTAP)"));
    let resolution = interface(section(false), 1, 0, &[9, 0, 1, 0, 20, 0, 0, 0]);
    assert!(fault(&resolution.bytes).ends_with("a time resolution of code 20"));
}

/// No bytes make the reader panic: every byte of two captures is flipped in several ways.
#[test]
fn corrupt_files_are_faults_at_worst() {
    let classic = classic(0xa1b2_c3d4, false, 1).u32(&[1, 0, 2, 2]).raw(b"ab");
    let ng = enhanced(interface(section(false), 1, 0, &[9, 0, 1, 0, 6, 0, 0, 0]), 0, 1, b"ab", 2);
    let ng = ng.block(3, Build::new(false).u32(&[2]).raw(b"cd"));
    for file in [classic.bytes, ng.bytes] {
        for at in 0..file.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut corrupt = file.clone();
                corrupt[at] ^= flip;
                let (seen, _) = read(&corrupt);
                assert!(seen.len() <= 3);
            }
        }
    }
}

/// A reader that gives one byte at a time, and is interrupted before each.
struct Dribble {
    bytes: Cursor<Vec<u8>>,
    interrupted: bool,
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.bytes.read(&mut buffer[..1])
    }
}

#[test]
fn a_slow_reader_and_a_capture_larger_than_the_window() {
    let mut writer = CaptureWriter::new(Vec::new(), LinkType::RawIp).expect("a Vec takes all");
    let frame: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
    writer.write(&frame, 1_000_000_007, 3_000_000).expect("a Vec takes all");
    writer.write(b"small", 2, 5).expect("a Vec takes all");
    let file = writer.finish().expect("a Vec takes all");
    let (seen, fault) = read(&file);
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(seen[0], (1_000_000_007, frame, 3_000_000, LinkType::RawIp));
    assert_eq!(seen[1], (2, b"small".to_vec(), 5, LinkType::RawIp));

    let bytes = enhanced(interface(section(false), 1, 0, &[]), 0, 1, b"ab", 2).bytes;
    let mut capture =
        Capture::open(Dribble { bytes: Cursor::new(bytes), interrupted: false }).expect("opens");
    let record = capture.next_record().expect("readable").expect("a frame");
    assert_eq!(record.frame, b"ab");
    assert!(capture.next_record().expect("readable").is_none());
}
