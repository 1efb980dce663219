//! What goes over the wires: numbered frames that pass, and a leak that does not.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use dataplane::decode::{ChecksumMode, LinkType, TcpFlags, Transport, decode};
use dataplane::flow::Direction;
use engine::sample::{Connection, Ends, frame};

use crate::probe::PATIENCE;
use crate::wire::Wire;

/// Each way: fewer than the engine may have in sending, so that none has to be dropped.
const FRAMES_IN_FLIGHT_MAX: u32 = 32;
/// Of Ethernet, for experiments (IEEE 802).
const ETHERTYPE_EXPERIMENTAL: u16 = 0x88b5;

/// Without the check sequence.
const FRAME_BYTES_MIN: usize = 60;

/// The port on the side of the server, and the other.
const INSIDE: usize = 0;
const OUTSIDE: usize = 1;

/// A frame that passes; every byte follows from its number and the port by which it comes.
pub(crate) fn numbered(from: usize, number: u32) -> Vec<u8> {
    let length = 46 + (number as usize * 37) % 1427;
    let mut state = u64::from(number) << 8 | from as u64 | 1 << 63;
    let noise = std::iter::repeat_with(|| {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    let body: Vec<u8> = number.to_be_bytes().into_iter().chain(noise).take(length).collect();
    let port = 20_000 + number % 97;
    let ends = |hosts: [&str; 2]| {
        let [left, right] =
            hosts.map(|host| format!("{host}:{port}").parse().expect("an address of this file"));
        if from == INSIDE { [left, right] } else { [right, left] }
    };
    match number % 4 {
        0 => {
            [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &ETHERTYPE_EXPERIMENTAL.to_be_bytes()[..], &body].concat()
        }
        1 => frame::udp(ends(["10.1.0.1", "10.2.0.2"]), &[], &body),
        2 => frame::udp(ends(["10.1.0.1", "10.2.0.2"]), &[7], &body),
        // Its header is 20 bytes longer.
        _ => frame::udp(ends(["[fd01::1]", "[fd02::2]"]), &[], &body[..length - 20]),
    }
}

/// Sends numbered frames both ways at once. Says how many arrived, by the port by which they came: each as it was, and
/// none out of order.
pub(crate) fn exchange(wires: &mut [Wire; 2], numbers: Range<u32>) -> io::Result<[usize; 2]> {
    let mut sent = [numbers.start; 2];
    let mut arrived = [numbers.start; 2];
    while arrived != [numbers.end; 2] {
        for from in [INSIDE, OUTSIDE] {
            while sent[from] < numbers.end && sent[from] - arrived[from] < FRAMES_IN_FLIGHT_MAX {
                wires[from].send(&numbered(from, sent[from]))?;
                sent[from] += 1;
            }
            if arrived[from] == numbers.end {
                continue;
            }
            let expected = numbered(from, arrived[from]);
            if wires[1 - from].receive(PATIENCE) != Some(expected) {
                return Ok(arrived.map(|next| (next - numbers.start) as usize));
            }
            arrived[from] += 1;
        }
    }
    Ok([numbers.len(); 2])
}

/// A private key that a server sends, cut in its middle: the segments, by the port by which they come.
#[derive(Debug)]
pub(crate) struct Leak {
    /// All before the one that completes the match.
    pub(crate) harmless: Vec<(usize, Vec<u8>)>,
    /// That one.
    pub(crate) completing: Vec<u8>,
    /// What the server goes on with.
    pub(crate) after: Vec<u8>,
}

impl Leak {
    pub(crate) fn new() -> Leak {
        let [client, server]: [SocketAddr; 2] =
            ["192.0.2.10:40001", "198.51.100.80:80"].map(|text| text.parse().expect("an address"));
        let mut connection = Connection::new(Ends::new(client, server, &[]), [1_000, 0xffff_ff00]);
        let [syn, answer, acknowledgment] =
            connection.handshake().try_into().expect("a handshake has three segments");
        let mut harmless = vec![(OUTSIDE, syn), (INSIDE, answer), (OUTSIDE, acknowledgment)];
        harmless.iter_mut().for_each(|(_, frame)| pad(frame));
        let mut data =
            |direction, payload: &[u8]| connection.segment(direction, TcpFlags::PSH | TcpFlags::ACK, payload);
        let request = b"GET /backup HTTP/1.1\r\nHost: intern.example\r\n\r\n";
        harmless.push((OUTSIDE, data(Direction::ToServer, request)));
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 84\r\n\r\n";
        harmless.push((INSIDE, data(Direction::ToClient, head)));
        harmless.push((INSIDE, data(Direction::ToClient, b"-----BEGIN PRIVATE KEY-----\nMIIE")));
        let completing = data(Direction::ToClient, b"vQIBADANBgkqhkiG9w0BAQEFAASC");
        let after = data(Direction::ToClient, b"BKcwggSjAgEAAoIBAQDf3PYK");
        Leak { harmless, completing, after }
    }
}

/// To the length that a card would pad it to (IEEE 802.3 section 4.2.3.3).
fn pad(frame: &mut Vec<u8>) {
    frame.resize(frame.len().max(FRAME_BYTES_MIN), 0);
}

/// Whether a frame is a segment that resets a connection (RFC 9293 section 3.5.2).
pub(crate) fn is_reset(frame: &[u8]) -> bool {
    let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify);
    packet.is_ok_and(|packet| match packet.transport {
        Transport::Tcp(header) => header.flags.0 & TcpFlags::RST != 0,
        _ => false,
    })
}
