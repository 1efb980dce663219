//! Echo (RFC 862): an end that says what it is told, and nothing else.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Echo, stream: Some(stream), datagram: Some(datagram) };

/// Bytes that must have come back: fewer do where both ends begin with the same magic, or answer a sign of life by the same.
const ECHOED_BYTES_MIN: usize = 16;
/// The same of text, which is seldom repeated by chance.
const ECHOED_TEXT_BYTES_MIN: usize = 6;

fn is_enough(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    let bytes_min = if bytes.iter().all(is_text) { ECHOED_TEXT_BYTES_MIN } else { ECHOED_BYTES_MIN };
    bytes.len() >= bytes_min
}

/// Whether all that was sent has come back, before anything else.
fn stream(prefix: Prefix<'_>) -> Answer {
    let Prefix { direction, bytes, peer, .. } = prefix;
    let same_bytes = bytes.iter().zip(peer).take_while(|(back, sent)| back == sent).count();
    match direction {
        Direction::ToClient if same_bytes == peer.len() && is_enough(peer) => Answer::Yes(same_bytes),
        Direction::ToClient if same_bytes == bytes.len() => Answer::More,
        Direction::ToClient | Direction::ToServer => Answer::No,
    }
}

/// One datagram comes back as it was, and it's not all of one byte.
fn datagram(prefix: Prefix<'_>) -> Answer {
    let Prefix { direction, bytes, peer, .. } = prefix;
    let is_plain = bytes.iter().all(|byte| bytes.first() == Some(byte));
    let is_back = direction == Direction::ToClient
        && bytes.get(..peer.len()) == Some(peer)
        && (bytes.len() == peer.len() || peer.len() >= crate::limits::SIGNATURE_DATAGRAM_BYTES_KEPT_MAX);
    if is_back && is_enough(bytes) && !is_plain { Answer::Yes(bytes.len()) } else { Answer::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn what_comes_back_as_it_was_is_an_echo() {
        let sent = b"\x01 is said and comes back";
        told_however_cut(AppProtocol::Echo, &[Turn::client(sent), Turn::server(sent)]);
        let other = b"\x01 is said and comes as this";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(sent), Turn::server(other)]);
        told_of_datagrams(AppProtocol::Echo, &[Turn::client(sent), Turn::server(sent)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(sent), Turn::client(sent)]);
        let long = [&b"begin"[..], &[b'x'; 100]].concat();
        told_of_datagrams(AppProtocol::Echo, &[Turn::client(&long), Turn::server(&long)]);
    }
}
