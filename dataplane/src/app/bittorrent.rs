//! BitTorrent: peers (BEP 3), uTP (BEP 29), the hash table (BEP 5), trackers over UDP (BEP 15), discovery (BEP 14).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// What peers encrypt from the first byte on is nothing that bytes could tell.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::BitTorrent,
    stream: Some(|prefix| Answer::begins(prefix.bytes, HANDSHAKE)),
    datagram: Some(datagram),
};

const HANDSHAKE: &[u8] = b"\x13BitTorrent protocol";
/// BEP 15: the request that begins a connection.
const TRACKER: &[u8] = b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0";
/// BEP 14.
const DISCOVERY: &[u8] = b"BT-SEARCH * HTTP/1.1\r\n";
/// What dictionaries of BEP 5 begin with: arguments, an error, an address (BEP 42), a response.
const KEYS: &[&[u8]] = &[b"d1:ad", b"d1:el", b"d2:ip", b"d1:rd"];
/// And whether it is a query, a response or an error.
const KINDS: &[&[u8]] = &[b"1:y1:q", b"1:y1:r", b"1:y1:e"];

fn datagram(prefix: Prefix<'_>) -> Answer {
    let bytes = prefix.bytes;
    let table = || {
        let is_kind = KINDS.iter().any(|kind| memchr::memmem::find(bytes, kind).is_some());
        if is_kind { Answer::Yes(bytes.len()) } else { Answer::No }
    };
    let others = Answer::begins_any(bytes, &[HANDSHAKE, TRACKER, DISCOVERY]);
    let transport = || (is_utp_answer(prefix) || is_utp_next(prefix)).then_some(Answer::Yes(bytes.len()));
    others.or(Answer::begins_any(bytes, KEYS).and(table)).or(transport().unwrap_or(Answer::No))
}

/// The header of uTP (BEP 29).
#[derive(Clone, Copy, Debug)]
struct Utp {
    kind: u8,
    connection: u16,
    sent_us: u32,
    sequence: u16,
    acknowledged: u16,
}

const DATA: u8 = 0;
const STATE: u8 = 2;
const SYN: u8 = 4;

impl Utp {
    fn read(bytes: &[u8]) -> Option<Utp> {
        let mut wire = Wire(bytes);
        let (first, extension, connection) = (wire.u8()?, wire.u8()?, wire.u16()?);
        let (sent_us, _difference, _window) = (wire.u32()?, wire.u32()?, wire.u32()?);
        let (sequence, acknowledged) = (wire.u16()?, wire.u16()?);
        let kind = first >> 4;
        let is_sound = first & 0xf == 1 && kind <= SYN && extension <= 4;
        is_sound.then_some(Utp { kind, connection, sent_us, sequence, acknowledged })
    }
}

/// Whether it follows what this end said last: a little later, in the same connection.
fn is_utp_next(prefix: Prefix<'_>) -> bool {
    const LATER_US_MAX: u32 = 10_000_000;
    const AHEAD_MAX: u16 = 64;
    let (Some(next), Some(last)) = (Utp::read(prefix.bytes), Utp::read(prefix.last)) else { return false };
    let is_later = (1..LATER_US_MAX).contains(&next.sent_us.wrapping_sub(last.sent_us));
    let [sent, heard] = [(next.sequence, last.sequence), (next.acknowledged, last.acknowledged)]
        .map(|(next, last)| next.wrapping_sub(last));
    let moves = sent <= AHEAD_MAX && heard <= AHEAD_MAX && sent + heard > 0;
    next.connection == last.connection && is_later && moves && last.kind != SYN
}

/// Whether it acknowledges what the other end has just begun. A header for itself says too little.
fn is_utp_answer(prefix: Prefix<'_>) -> bool {
    let (Some(answer), Some(asked)) = (Utp::read(prefix.bytes), Utp::read(prefix.peer)) else { return false };
    let is_of_syn = asked.kind == SYN && answer.connection == asked.connection;
    // Each end sends under the number that the other one receives by.
    let is_of_data = matches!(asked.kind, DATA | STATE) && answer.connection.abs_diff(asked.connection) == 1;
    (is_of_syn || is_of_data) && answer.acknowledged == asked.sequence && answer.kind != SYN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn peers_and_trackers_are_told() {
        told_however_cut(AppProtocol::BitTorrent, &[Turn::client(HANDSHAKE)]);
        told_of_datagrams(
            AppProtocol::BitTorrent,
            &[Turn::client(b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0abcd")],
        );
        let ping = b"d1:ad2:id20:abcdefghijabcdefghije1:q4:ping1:t2:aa1:y1:qe";
        told_of_datagrams(AppProtocol::BitTorrent, &[Turn::client(ping)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"d1:ad2:id2:abe1:t2:aae")]);
    }

    #[test]
    fn an_answer_of_utp_must_fit() {
        let syn = b"\x41\0\x12\x34\0\0\0\x01\0\0\0\0\0\x10\0\0\0\x01\0\0";
        let state = b"\x21\0\x12\x34\0\0\0\x02\0\0\0\x01\0\x10\0\0\x77\x77\0\x01";
        told_of_datagrams(AppProtocol::BitTorrent, &[Turn::client(syn), Turn::server(state)]);
        let next = b"\x21\0\x12\x34\0\0\0\x09\0\0\0\x01\0\x10\0\0\x77\x77\0\x02";
        told_of_datagrams(AppProtocol::BitTorrent, &[Turn::server(state), Turn::server(next)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::server(next), Turn::server(state)]);
        let other = b"\x21\0\x12\x34\0\0\0\x02\0\0\0\x01\0\x10\0\0\x77\x77\0\x02";
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(syn), Turn::server(other)]);
    }
}
