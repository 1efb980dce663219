//! The two segments that end a connection at once (RFC 9293 §3.5.2, §3.10.7).

use std::net::IpAddr;

use crate::decode::{Network, Packet, TcpFlags, checksum};
use crate::flow::protocol;
use crate::limits::VLAN_TAGS_MAX;

/// Longest link header that a reset repeats: Ethernet and VLAN tags, in bytes. Behind more tags, which then are only
/// priorities, nothing is reset.
const LINK_BYTES_MAX: usize = 14 + 4 * VLAN_TAGS_MAX;
const IPV6_BYTES: usize = 40;
const IPV4_BYTES: usize = 20;
const TCP_BYTES: usize = 20;
const RESET_BYTES_MAX: usize = LINK_BYTES_MAX + IPV6_BYTES + TCP_BYTES;
/// What Linux gives its own packets.
const HOPS: u8 = 64;

/// Where the two ends of a connection stand when it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Ports of sender and receiver of the offending segment.
    pub(super) ports: (u16, u16),
    /// What the receiver expects from the sender.
    pub(super) from_sender: u32,
    /// What the sender expects from the receiver.
    pub(super) from_receiver: u32,
    /// Behind the offending segment: what a reset towards the sender acknowledges.
    pub(super) sender_end: u32,
}

/// The frames to inject after a [`Verdict::Reset`](crate::verdict::Verdict::Reset); valid until the next
/// frame is judged.
#[derive(Clone, Debug, Default)]
pub struct Resets {
    to_sender: Frame,
    to_receiver: Frame,
}

impl Resets {
    /// For the port that the offending frame came in by; `None` where nothing is to be reset.
    pub fn to_sender(&self) -> Option<&[u8]> {
        self.to_sender.bytes()
    }

    /// For the port that it would have left by.
    pub fn to_receiver(&self) -> Option<&[u8]> {
        self.to_receiver.bytes()
    }

    /// Whether the ends of a packet's connection can be reached. Those in a tunnel are not: what a frame of the other
    /// direction has for labels, TEID or sequence numbers is not known, and a wrong one reaches nobody or someone else. Nor are
    /// those who authenticate what they send.
    pub(super) fn reach(packet: &Packet<'_>) -> bool {
        packet.tunnels.is_empty() && !packet.is_authenticated
    }

    pub(super) fn clear(&mut self) {
        self.to_sender.len = 0;
        self.to_receiver.len = 0;
    }

    /// Builds both frames in the likeness of the offending `frame`. `ethernet` says that its first twelve
    /// bytes are addresses.
    pub(super) fn build(
        &mut self,
        frame: &[u8],
        ethernet: bool,
        network: &Network,
        standing: Option<&Standing>,
    ) {
        self.clear();
        let link = frame.get(..network.offset).filter(|link| link.len() <= LINK_BYTES_MAX);
        let (Some(link), Some(standing)) = (link, standing) else { return };
        let (source, destination) = (network.source, network.destination);
        let (source_port, destination_port) = standing.ports;

        self.to_receiver.extend(link);
        self.to_receiver.extend_ip(source, destination);
        let reset = tcp(source_port, destination_port, standing.from_sender, standing.from_receiver);
        self.to_receiver.extend_tcp(reset, source, destination);

        self.to_sender.extend(link);
        if ethernet {
            self.to_sender.swap_addresses();
        }
        self.to_sender.extend_ip(destination, source);
        let reset = tcp(destination_port, source_port, standing.from_receiver, standing.sender_end);
        self.to_sender.extend_tcp(reset, destination, source);
    }
}

#[derive(Clone, Debug)]
struct Frame {
    bytes: [u8; RESET_BYTES_MAX],
    len: usize,
}

impl Default for Frame {
    fn default() -> Self {
        Frame { bytes: [0; RESET_BYTES_MAX], len: 0 }
    }
}

impl Frame {
    fn bytes(&self) -> Option<&[u8]> {
        (self.len > 0).then(|| &self.bytes[..self.len])
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn swap_addresses(&mut self) {
        let (destination, rest) = self.bytes.split_at_mut(6);
        destination.swap_with_slice(&mut rest[..6]);
    }

    fn extend_ip(&mut self, source: IpAddr, destination: IpAddr) {
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut header = [0; IPV4_BYTES];
                header[0] = 0x45;
                header[2..4].copy_from_slice(&((IPV4_BYTES + TCP_BYTES) as u16).to_be_bytes());
                header[6] = 0x40; // don't fragment
                header[8] = HOPS;
                header[9] = protocol::TCP;
                header[12..16].copy_from_slice(&source.octets());
                header[16..20].copy_from_slice(&destination.octets());
                checksum::seal_ipv4(&mut header);
                self.extend(&header);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut header = [0; IPV6_BYTES];
                header[0] = 0x60;
                header[4..6].copy_from_slice(&(TCP_BYTES as u16).to_be_bytes());
                header[6] = protocol::TCP;
                header[7] = HOPS;
                header[8..24].copy_from_slice(&source.octets());
                header[24..40].copy_from_slice(&destination.octets());
                self.extend(&header);
            }
            _ => unreachable!("both addresses of a packet are of one family"),
        }
    }

    fn extend_tcp(&mut self, mut header: [u8; TCP_BYTES], source: IpAddr, destination: IpAddr) {
        let pseudo = checksum::pseudo_header(source, destination, protocol::TCP, TCP_BYTES as u32);
        let sum = !checksum::fold(pseudo + checksum::sum(&header));
        header[16..18].copy_from_slice(&sum.to_be_bytes());
        self.extend(&header);
    }
}

/// A RST|ACK segment without its checksum.
fn tcp(source: u16, destination: u16, sequence: u32, acknowledgment: u32) -> [u8; TCP_BYTES] {
    let mut header = [0; TCP_BYTES];
    header[0..2].copy_from_slice(&source.to_be_bytes());
    header[2..4].copy_from_slice(&destination.to_be_bytes());
    header[4..8].copy_from_slice(&sequence.to_be_bytes());
    header[8..12].copy_from_slice(&acknowledgment.to_be_bytes());
    header[12] = ((TCP_BYTES / 4) << 4) as u8;
    header[13] = TcpFlags::RST | TcpFlags::ACK;
    header
}
