//! What a client begins a connection of HTTP/2 with (RFC 9113 §3.4), by which it is recognised.

use super::frames;
use crate::app::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

/// The client's preface, whoever speaks first.
pub(in crate::app) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Http2, stream: Some(is_begun_by), datagram: None };

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether a client begins with the preface, which says nothing beside.
pub(in crate::app) fn preface(direction: Direction, bytes: &[u8]) -> Answer {
    match direction {
        Direction::ToServer => Answer::begins(bytes, PREFACE),
        Direction::ToClient => Answer::No,
    }
}

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToServer => preface(prefix.direction, prefix.bytes),
        // A frame of settings, of which nobody sends more than there are: only the client can tell for sure.
        Direction::ToClient => {
            let length = prefix.bytes.get(2).is_some_and(|length| !length.is_multiple_of(6));
            let rest = prefix.bytes.get(3..).unwrap_or_default();
            match Answer::begins(prefix.bytes, &[0, 0]) {
                Answer::Yes(_) if length => Answer::No,
                Answer::Yes(_) if prefix.bytes.len() < 4 => Answer::More,
                Answer::Yes(_) => match Answer::begins(rest, &[frames::SETTINGS, 0, 0, 0, 0, 0]) {
                    Answer::Yes(_) | Answer::More => Answer::More,
                    Answer::No => Answer::No,
                },
                answer => answer,
            }
        }
    }
}
