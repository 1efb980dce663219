//! [`Opening`]: what the first bytes of a connection that was picked up say about who sent them.
//!
//! Where no SYN was seen, who spoke first is called the client, and that may have been either end. A request or a response
//! tells who is the client: its receiver does not take the one for the other, unless it is in the middle of a message, of whose
//! begin nothing was seen here.

use arrayvec::ArrayVec;

use crate::{flow::Direction, reassembly::StreamChunk};

/// What a response begins with (RFC 9112 §4).
const RESPONSE: &[u8] = b"HTTP/1.";

/// What a request begins with: methods of RFC 9110 §9.3 and RFC 5789, and a space.
const REQUESTS: [&[u8]; 9] =
    [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PATCH "];

/// What is held at most while it is open: one byte less than the longest of them has.
const HELD_BYTES_MAX: usize = 7;

/// The first bytes, until they say who sent them or that they do not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    held: ArrayVec<u8, HELD_BYTES_MAX>,
    /// Which way they went by the names that the ends have so far.
    direction: Option<Direction>,
}

/// What the first bytes said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing yet: the piece is held.
    Undecided,
    /// Client and server have each other's names.
    Turned,
    /// They have their own, as far as can be told.
    AsIs,
}

impl Opening {
    /// Looks at the next piece of a direction, which is to be read once all that is [held](Self::held) was.
    pub fn look(&mut self, direction: Direction, chunk: StreamChunk<'_>) -> Opened {
        let bytes = match chunk {
            StreamChunk::Data(bytes) if self.direction.is_none_or(|first| first == direction) => bytes,
            StreamChunk::Gap(0) => return Opened::Undecided,
            StreamChunk::Data(_) | StreamChunk::Gap(_) | StreamChunk::Fin => return Opened::AsIs,
        };
        self.direction = Some(direction);
        let sender = match self.begins_with(RESPONSE, bytes) {
            Begins::So => Direction::ToClient,
            Begins::Perhaps => return self.hold(bytes),
            Begins::Otherwise => {
                let mut requests = REQUESTS.iter().map(|request| self.begins_with(request, bytes));
                match requests.find(|begins| *begins != Begins::Otherwise) {
                    Some(Begins::So) => Direction::ToServer,
                    Some(_) => return self.hold(bytes),
                    None => return Opened::AsIs,
                }
            }
        };
        if sender == direction { Opened::AsIs } else { Opened::Turned }
    }

    /// What was held, and which way it went.
    pub fn held(&self) -> Option<(Direction, &[u8])> {
        self.direction.filter(|_| !self.held.is_empty()).map(|direction| (direction, self.held.as_slice()))
    }

    fn begins_with(&self, sign: &[u8], bytes: &[u8]) -> Begins {
        let text = self.held.iter().chain(bytes);
        match text.zip(sign).all(|(byte, expected)| byte == expected) {
            false => Begins::Otherwise,
            true if self.held.len() + bytes.len() < sign.len() => Begins::Perhaps,
            true => Begins::So,
        }
    }

    fn hold(&mut self, bytes: &[u8]) -> Opened {
        // Shorter than what it may become.
        let fits = self.held.try_extend_from_slice(bytes).is_ok();
        if fits { Opened::Undecided } else { Opened::AsIs }
    }
}

/// Whether bytes begin in a certain way, as far as they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    So,
    Perhaps,
    Otherwise,
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};
    use StreamChunk::{Data, Fin, Gap};

    #[test]
    fn a_request_and_a_response_tell_who_is_who_however_they_are_cut() {
        let told: [(&[u8], Direction, Opened); 8] = [
            (b"GET / HTTP/1.1\r\n", ToServer, Opened::AsIs),
            (b"GET / HTTP/1.1\r\n", ToClient, Opened::Turned),
            (b"OPTIONS * HTTP/1.1\r\n", ToClient, Opened::Turned),
            (b"HEAD / HTTP/1.1\r\n", ToClient, Opened::Turned),
            (b"HTTP/1.1 200 OK\r\n", ToClient, Opened::AsIs),
            (b"HTTP/1.0 200 OK\r\n", ToServer, Opened::Turned),
            (b"HTTP is not HTTP/1.1\r\n", ToServer, Opened::AsIs),
            (b"OPTIONSX", ToClient, Opened::AsIs),
        ];
        for (bytes, direction, opened) in told {
            assert_eq!(Opening::default().look(direction, Data(bytes)), opened, "{}", bytes.escape_ascii());
            let mut opening = Opening::default();
            let mut looks = bytes.chunks(1).map(|byte| (byte, opening.look(direction, Data(byte))));
            let (_, by_bytes) = looks.find(|(_, opened)| *opened != Opened::Undecided).expect("it is told");
            assert_eq!(by_bytes, opened, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_does_not_follow_leaves_the_names() {
        for (direction, behind) in [(ToClient, Data(b"ET ")), (ToServer, Fin), (ToServer, Gap(1))] {
            let mut opening = Opening::default();
            assert_eq!(opening.look(ToServer, Data(b"G")), Opened::Undecided);
            assert_eq!(opening.look(ToServer, Gap(0)), Opened::Undecided);
            assert_eq!(opening.look(direction, behind), Opened::AsIs);
            assert_eq!(opening.held(), Some((ToServer, b"G".as_slice())));
        }
    }
}
