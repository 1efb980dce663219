//! HTTP connections that are kept: one request after the other on each, and the connections take turns.

use std::net::{Ipv4Addr, SocketAddr};

use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;
use engine::sample::{Connection, Ends};

use crate::http::{SEGMENT_BYTES_MAX, words};
use crate::random::Random;

/// What a connection carries.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Bytes of a request, with its header.
    pub request_bytes: usize,
    /// Bytes of a response, with its header.
    pub response_bytes: usize,
    /// How many there are, open at once.
    pub connections: u32,
    /// Requests on each.
    pub requests: u32,
}

const ACK: u8 = TcpFlags::ACK;
const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

/// The frames of all connections, from their handshakes on; a response acknowledges its request, and the next request or, within a
/// response, every other segment what came before (RFC 9293 §3.8.6.3).
pub fn frames(shape: Shape, random: &mut Random) -> Vec<Vec<u8>> {
    let mut connections: Vec<Connection> = (0..shape.connections).map(|at| connection(at, random)).collect();
    let mut frames: Vec<Vec<u8>> = connections.iter_mut().flat_map(Connection::handshake).collect();
    for _ in 0..shape.requests {
        for connection in &mut connections {
            let [request, response] =
                [request(shape.request_bytes, random), response(shape.response_bytes, random)];
            frames.push(connection.segment(Direction::ToServer, DATA, &request));
            for (number, piece) in response.chunks(SEGMENT_BYTES_MAX).enumerate() {
                if number > 0 && number % 2 == 0 {
                    frames.push(connection.segment(Direction::ToServer, ACK, b""));
                }
                frames.push(connection.segment(Direction::ToClient, DATA, piece));
            }
        }
    }
    frames
}

fn connection(number: u32, random: &mut Random) -> Connection {
    let client = SocketAddr::from((Ipv4Addr::from(0x0a00_0001 + number), 40_000));
    let server = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 80));
    Connection::new(Ends::new(client, server, &[]), [random.below(u32::MAX), random.below(u32::MAX)])
}

fn request(bytes: usize, random: &mut Random) -> Vec<u8> {
    let begin = format!(
        "GET /items/{}.html?page={} HTTP/1.1\r\nHost: www.example\r\nAccept: text/html,*/*;q=0.8\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
         Accept-Language: en-US,en;q=0.5\r\nReferer: https://www.example/\r\nCookie: session={:08x}; note=",
        random.below(10_000),
        random.below(500),
        random.below(u32::MAX),
    );
    const END: &str = "\r\n\r\n";
    let note = words(bytes - begin.len() - END.len(), random).replace(['\n', ' '], "_");
    [begin, note, END.into()].concat().into_bytes()
}

fn response(bytes: usize, random: &mut Random) -> Vec<u8> {
    let tag = random.below(u32::MAX);
    let header = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Length: {length:05}\r\nETag: \"{tag:08x}\"\r\nCache-Control: max-age=60\r\n\r\n"
        )
    };
    let body = words(bytes - header(0).len(), random);
    [header(body.len()), body].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_bytes_that_were_asked_for() {
        let mut random = Random::new(1);
        assert_eq!(request(400, &mut random).len(), 400);
        for bytes in [800, 16 << 10] {
            let response = String::from_utf8(response(bytes, &mut random)).expect("it is text");
            let (header, body) = response.split_once("\r\n\r\n").expect("a header and a body");
            assert_eq!(response.len(), bytes);
            assert!(header.contains(&format!("Content-Length: {:05}", body.len())));
        }
    }

    #[test]
    fn a_small_exchange_is_two_frames() {
        let shape = Shape { request_bytes: 400, response_bytes: 800, connections: 3, requests: 5 };
        assert_eq!(frames(shape, &mut Random::new(1)).len(), 3 * 3 + 2 * 3 * 5);
    }
}
