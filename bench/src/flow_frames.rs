//! The least frames of many flows, and a table of these flows.

use std::net::{IpAddr, SocketAddr};

use dataplane::decode::{ChecksumMode, LinkType, TcpFlags, decode};
use dataplane::flow::{Direction, ports};
use engine::sample::{Connection, Ends};
use flow_table::{FlowId, FlowKey, FlowTable, LOOKUP_BATCH, Vlans};

use crate::random::Random;

/// As many words are shown as those of the pipeline's flows.
pub type Table = FlowTable<u64, 7>;

/// Length of a frame, in bytes: the least of Ethernet.
pub const FRAME_BYTES: usize = 64;
/// One frame.
pub type Frame = [u8; FRAME_BYTES];

/// Frames of one pass, in a row: 64 MiB, beyond every cache.
pub const FRAMES: u32 = 1 << 20;

fn client(flow: u32) -> SocketAddr {
    (IpAddr::from((0x0a00_0000 | flow >> 8).to_be_bytes()), 1024 + (flow & 0xff) as u16).into()
}

fn server() -> SocketAddr {
    ([192, 0, 2, 1], 80).into()
}

/// The key of a flow, by its number.
pub fn key(flow: u32) -> FlowKey {
    let (client, server) = (client(flow), server());
    FlowKey::new(6, (client.ip(), client.port()), (server.ip(), server.port()), Vlans::default(), 0).0
}

/// Of that flow: an acknowledgment of the client's, padded to the least length of Ethernet.
pub fn frame(flow: u32) -> Frame {
    let mut connection = Connection::new(Ends::new(client(flow), server(), &[]), [flow, !flow]);
    let segment = connection.segment(Direction::ToServer, TcpFlags::ACK, b"");
    let mut frame = [0; FRAME_BYTES];
    frame[..segment.len()].copy_from_slice(&segment);
    frame
}

/// The key of a frame, decoded with its checksums.
///
/// # Panics
/// If it is no IP packet.
pub fn key_of(frame: &Frame) -> FlowKey {
    let packet = decode(frame, FRAME_BYTES as u32, LinkType::Ethernet, ChecksumMode::Verify);
    let packet = packet.as_ref().expect("the frames are well-formed");
    let network = packet.network.as_ref().expect("they are IP");
    let (source, destination) = ports(packet);
    let ends = ((network.source, source), (network.destination, destination));
    FlowKey::new(network.protocol, ends.0, ends.1, packet.vlans, 0).0
}

/// Numbers of `count` flows out of so many, the same each time.
pub fn random_flows(flows: u32, count: u32) -> impl Iterator<Item = u32> {
    let mut random = Random::new(flows.into());
    (0..count).map(move |_| random.below(flows))
}

/// A table of so many flows, each with its number.
///
/// # Panics
/// If it has no room for them.
pub fn table(flows: u32, capacity: usize) -> Table {
    let mut table = Table::with_capacity(capacity, [1, 2]);
    for flow in 0..flows {
        table.insert(key(flow), flow.into(), [0; 7], u64::MAX).expect("the table has room");
    }
    table
}

/// Decodes frames and looks their flows up in batches; how many were found.
pub fn count_found(table: &Table, frames: &[Frame]) -> usize {
    let mut keys = [key(0); LOOKUP_BATCH];
    let mut ids: [Option<FlowId>; LOOKUP_BATCH] = [None; LOOKUP_BATCH];
    let found = frames.chunks(LOOKUP_BATCH).map(|frames| {
        for (key, frame) in keys.iter_mut().zip(frames) {
            *key = key_of(frame);
        }
        table.get_batch(&keys[..frames.len()], &mut ids[..frames.len()]);
        ids[..frames.len()].iter().flatten().count()
    });
    found.sum()
}
