//! The XDP programs read a frame as the decoder does: the same flow, and for a settled one the same decision.
//!
//! `XDP_CHECK_FRAMES` says how many frames are made, 30 000 unless told otherwise; `make xdp-check` makes a million.

use std::net::IpAddr;

use af_xdp::{DryRun, Fate, Handling, LinkConfig, Port, ReadFlow, SettledFlows, SettledKey};
use dataplane::decode::{ChecksumMode, LinkType, TcpFlags, Transport, decode, kind_at_port, protocol};
use tests::random::Random;

const FRAMES: u64 = 30_000;
/// Where the network header of an untagged frame begins, and how long tags and headers without options are.
const ETHERNET_BYTES: usize = 14;
const VLAN_TAG_BYTES: usize = 4;
const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;

const ACK: u8 = TcpFlags::ACK;

/// A frame that is right in most respects.
fn generate(random: &mut Random) -> Vec<u8> {
    let mut frame = random.bytes(12);
    for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2, 2, 3]) {
        let identifier = random.pick(&[0, 0x2000, 1, 0x1001, 4095, 0x0fff]);
        frame.extend(random.pick(&[0x8100u16, 0x88a8, 0x9100]).to_be_bytes());
        frame.extend(u16::to_be_bytes(identifier));
    }
    match random.below(18) {
        0 => frame.extend([0x08, 0x06]),
        1 => {
            let kind = random.number() as u16;
            frame.extend(kind.to_be_bytes());
        }
        // MPLS at its bottom; a PPPoE session with PPP.
        2 => {
            frame.extend([0x88, 0x47, 0, 1, 1, 64]);
            ipv4(random, &mut frame);
        }
        3 => {
            frame.extend([0x88, 0x64, 0x11, 0, 0, 7, 0, 40, 0, 0x21]);
            ipv4(random, &mut frame);
        }
        4..=10 => {
            frame.extend([0x08, 0x00]);
            ipv4(random, &mut frame);
        }
        _ => {
            frame.extend([0x86, 0xdd]);
            ipv6(random, &mut frame);
        }
    }
    let padding = random.pick(&[0, 0, 1, 6, 30]);
    frame.extend(random.bytes(padding));
    frame
}

fn ipv4(random: &mut Random, frame: &mut Vec<u8>) {
    let protocol = random.pick(&[6, 6, 6, 6, 6, 17, 17, 17, 1, 4, 41, 47, 132]);
    let upper = upper(random, protocol);
    let options = random.pick(&[0, 0, 0, 0, 0, 0, 4, 40]);
    let words = (random.nearly(IPV4_BYTES + options) / 4) as u8;
    let total_bytes = IPV4_BYTES + options + upper.len();
    frame.extend([if random.one_in(32) { random.byte() } else { 0x40 | words & 0x0f }, random.byte()]);
    frame.extend((random.nearly(total_bytes) as u16).to_be_bytes());
    frame.extend(random.bytes(2));
    frame.extend(
        random.pick(&[0u16, 0, 0, 0, 0x4000, 0x4000, 0x4000, 0x8000, 0x2000, 1, 0x1fff]).to_be_bytes(),
    );
    frame.extend([64, protocol, random.byte(), random.byte()]);
    // So few addresses that both ends, or their first bytes, are often the same.
    for _ in 0..2 {
        frame.extend([10, random.pick(&[0, 0xff]), 0, random.pick(&[0, 1, 0xff])]);
    }
    frame.extend(random.bytes(options as u64));
    frame.extend(upper);
}

fn ipv6(random: &mut Random, frame: &mut Vec<u8>) {
    let protocol = random.pick(&[6, 6, 6, 6, 6, 17, 17, 17, 58, 59, 50, 4, 41, 47]);
    let mut upper = upper(random, protocol);
    let mut next_header = protocol;
    if random.one_in(6) {
        // An extension header of 8 bytes; for fragments without a length, but with an offset.
        let extension = random.pick(&[0, 43, 44, 51, 60, 135]);
        let mut header = vec![next_header, 0];
        header.extend(random.pick(&[[0; 6], [0, 1, 0, 0, 0, 1], [0, 8, 0, 0, 0, 1]]));
        upper.splice(0..0, header);
        next_header = extension;
    }
    frame.extend([if random.one_in(32) { random.byte() } else { 0x60 }, 0, 0, random.byte()]);
    frame.extend((random.nearly(upper.len()) as u16).to_be_bytes());
    frame.extend([next_header, 64]);
    for _ in 0..2 {
        let (high, low) = (random.pick(&[0, 0xff]), random.pick(&[0, 1, 0xff]));
        frame.extend([0x20, 0x01, 0, 0, 0, 0, 0, high, high, 0, 0, 0, 0, 0, 0, low]);
    }
    frame.extend(upper);
}

/// A header of the upper layer and some bytes behind it.
fn upper(random: &mut Random, protocol: u8) -> Vec<u8> {
    if protocol == 17 && random.one_in(4) {
        return tunnel(random);
    }
    let mut bytes: Vec<u8> = (0..2).flat_map(|_| [0, random.pick(&[0, 53, 80, 0xff])]).collect();
    let payload = random.below(64);
    match protocol {
        6 => {
            bytes.extend(random.bytes(8));
            let options = random.pick(&[0, 0, 12, 40]);
            let words = (random.nearly(20 + options) / 4) as u8;
            bytes.extend([words << 4, random.pick(&[ACK, ACK, 0, 0x18, 0xd0, 0x02, 0x12, 0x11, 0x04, 0xff])]);
            bytes.extend(random.bytes(6 + options as u64));
        }
        17 => {
            bytes.extend((random.nearly(8 + payload as usize) as u16).to_be_bytes());
            bytes.extend(random.bytes(2));
        }
        // Another packet, sometimes: without lengths that reach further than it.
        4 => {
            bytes.clear();
            ipv4(random, &mut bytes);
        }
        41 => {
            bytes.clear();
            ipv6(random, &mut bytes);
        }
        47 => {
            bytes.clear();
            bytes.extend([0, 0, 0x08, 0]);
            ipv4(random, &mut bytes);
        }
        _ => bytes.extend(random.bytes(4)),
    }
    bytes.extend(random.bytes(payload));
    bytes
}

/// A datagram in which another packet may be: by the port of a tunnel and most often by its header too.
fn tunnel(random: &mut Random) -> Vec<u8> {
    let (port, header) = random.pick(&[
        (4789u16, &[8, 0, 0, 0, 0, 0, 1, 0][..]),
        (8472, &[8, 0, 0, 0, 0, 0, 1, 0]),
        (6081, &[0, 0, 0x65, 0x58, 0, 0, 1, 0]),
        (2152, &[0x30, 0xff, 0, 0, 0, 0, 0, 1]),
    ]);
    let mut payload = header.to_vec();
    if port != 2152 {
        payload.extend(random.bytes(12));
        payload.extend([0x08, 0x00]);
    }
    if random.one_in(8) {
        payload[0] ^= 0xff;
    }
    ipv4(random, &mut payload);
    let other = random.pick(&[80u16, 4789, 12_345]);
    let ports = if random.one_in(4) { [port, other] } else { [other, port] };
    let mut datagram = ports.map(u16::to_be_bytes).concat();
    datagram.extend((random.nearly(8 + payload.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// Spoils a frame: some of its bytes, or its length. It keeps an Ethernet header, as whatever is received has one.
fn mutate(random: &mut Random, frame: &mut Vec<u8>) {
    for _ in 0..random.pick(&[0, 0, 1, 1, 2, 5]) {
        let at = random.below(frame.len().min(80) as u64) as usize;
        frame[at] = if random.one_in(2) { random.byte() } else { frame[at] ^ (1 << random.below(8)) };
    }
    match random.below(8) {
        0 => {
            let cut = random.below(frame.len() as u64) as usize;
            frame.truncate(cut.max(ETHERNET_BYTES));
        }
        1 => frame.extend(random.bytes(9)),
        _ => {}
    }
}

/// What the programs are to see in a frame, by the decoder: the flow of TCP and UDP where nothing stands in between, and
/// where nothing may be a tunnel.
fn expected(frame: &[u8]) -> Option<ReadFlow> {
    let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Ignore).ok()?;
    let network = packet.network?;
    let header_bytes = if matches!(network.source, IpAddr::V4(_)) { IPV4_BYTES } else { IPV6_BYTES };
    let has_options = network.transport_offset - network.offset != header_bytes;
    // Tags that name no VLAN count here, and not there.
    if has_options || network.offset > ETHERNET_BYTES + 2 * VLAN_TAG_BYTES {
        return None;
    }
    let (source, destination, is_edge) = match packet.transport {
        Transport::Tcp(header) => {
            let edges = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST;
            (header.source, header.destination, header.flags.0 & edges != 0)
        }
        Transport::Udp { source, destination } => (source, destination, false),
        _ => return None,
    };
    let is_at_port = |port| network.protocol == protocol::UDP && kind_at_port(port).is_some();
    if !packet.tunnels.is_empty() || is_at_port(source) || is_at_port(destination) {
        return None;
    }
    let (source, destination) = ((network.source, source), (network.destination, destination));
    let key = SettledKey::new(network.protocol, source, destination, &packet.vlans.ids());
    Some(ReadFlow { key: key.expect("TCP or UDP, at most two VLANs"), is_edge })
}

/// Settles the flow of a frame, has a program decide on the frame, and takes the flow back with its counts.
fn assert_decision(
    dry: &mut DryRun,
    flows: &mut SettledFlows,
    (port, frame): (Port, &[u8]),
    flow: ReadFlow,
    handling: Handling,
) {
    assert!(flows.insert(&flow.key, handling), "{frame:02x?}");
    let fate = dry.run(port, frame).expect("runs");
    let counts = flows.take(&flow.key).expect("it was settled");
    let expected = match handling {
        _ if flow.is_edge => Fate::ToEngine,
        Handling::Drop => Fate::Dropped,
        Handling::PassOn { source_port } if source_port.is_none_or(|source| source == port) => Fate::PassedOn,
        Handling::PassOn { .. } => Fate::ToEngine,
    };
    assert_eq!(fate, expected, "{handling:?} at {port:?}: {frame:02x?}");
    let counted = u64::from(expected != Fate::ToEngine);
    assert_eq!(counts.frames, [counted, 0], "from the source: {frame:02x?}");
    assert_eq!(counts.bytes, [counted * frame.len() as u64, 0], "{frame:02x?}");
}

#[test]
fn the_programs_read_frames_as_the_decoder_does() {
    if let Err(reason) = af_xdp::probe() {
        eprintln!("SKIPPED: the_programs_read_frames_as_the_decoder_does: {reason}");
        return;
    }
    let told = std::env::var("XDP_CHECK_FRAMES").ok();
    let frames = told.map_or(FRAMES, |text| text.parse().expect("a number of frames"));
    let config = LinkConfig::new("check", "inside", "outside");
    let mut dry = DryRun::load(&config).expect("the programs load");
    dry.start_engine().expect("a socket");
    let mut flows = dry.settled().expect("the link keeps settled flows");
    let mut random = Random(1);
    let (mut plain, mut edges) = (0, 0);
    for number in 0..frames {
        let mut frame = generate(&mut random);
        if random.one_in(2) {
            mutate(&mut random, &mut frame);
        }
        let flow = expected(&frame);
        assert_eq!(dry.read(&frame).expect("runs"), flow, "frame {number}: {frame:02x?}");
        let Some(flow) = flow else { continue };
        plain += u64::from(!flow.is_edge);
        edges += u64::from(flow.is_edge);
        let port = random.pick(&Port::BOTH);
        let source_port = random.pick(&[None, Some(Port::Inside), Some(Port::Outside)]);
        let handling = random.pick(&[Handling::Drop, Handling::PassOn { source_port }]);
        assert_decision(&mut dry, &mut flows, (port, &frame), flow, handling);
    }
    eprintln!("{frames} frames: {plain} of settled flows, {edges} edges, the rest left to the engine");
    let least = frames / 20;
    assert!(plain > least && edges > least && frames - plain - edges > least, "{plain} {edges} of {frames}");
}
