//! OpenVPN (<https://openvpn.net/community-docs/openvpn-protocol.html>): recognised by the reset that begins a session.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
    wire::Wire,
};

/// Over TCP each packet has its length in front.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::OpenVpn,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            let (length, opcode) = (wire.u16()?, *wire.rest().first()?);
            // A reset is short: nothing that is longer is waited for.
            if !(RESET_BYTES_MIN..=RESET_BYTES_MAX).contains(&length.into()) || !RESETS.contains(&opcode) {
                return Some(false);
            }
            let packet = wire.take(length.into())?;
            Some(is_reset(packet, prefix.peer.get(2..).unwrap_or_default()))
        })
    }),
    datagram: Some(|prefix| {
        let is_so = is_reset(prefix.bytes, prefix.peer);
        if is_so { Answer::Yes(prefix.bytes.len()) } else { Answer::No }
    }),
};

/// Opcode in five bits, then the number of a key: P_CONTROL_HARD_RESET_CLIENT_V2, _V3 and _SERVER_V2.
const CLIENT_V2: u8 = 7 << 3;
const CLIENT_V3: u8 = 10 << 3;
const SERVER_V2: u8 = 8 << 3;
const RESETS: [u8; 3] = [CLIENT_V2, CLIENT_V3, SERVER_V2];
/// Opcode, session, no acknowledgements, number of the packet.
const RESET_BYTES_MIN: usize = 14;
/// With a key of the client wrapped in it (tls-crypt-v2).
const RESET_BYTES_MAX: usize = 1200;
/// Bytes of a digest in front (tls-auth): none, MD5, SHA-1, SHA-256, SHA-384, SHA-512.
const DIGEST_BYTES: [usize; 6] = [0, 16, 20, 32, 48, 64];
/// Digest, and the counter and time that it covers, of tls-crypt.
const CRYPT_BYTES: usize = 8 + 32;

fn is_reset(packet: &[u8], peer: &[u8]) -> bool {
    let mut wire = Wire(packet);
    let (Some(opcode), Some(session)) = (wire.u8(), wire.take(8)) else { return false };
    if !RESETS.contains(&opcode) || session.iter().all(|byte| *byte == 0) {
        return false;
    }
    let behind = wire.rest();
    if is_first_of_replay_window(behind) && behind.len() >= CRYPT_BYTES + 5 {
        return true;
    }
    let own = peer.get(1..9);
    DIGEST_BYTES.into_iter().any(|digest| {
        let Some(rest) = behind.get(digest..) else { return false };
        let rest = match digest {
            0 => rest,
            _ if is_first_of_replay_window(rest) => rest.get(8..).unwrap_or_default(),
            _ => return false,
        };
        match opcode {
            SERVER_V2 => acknowledges(rest, own),
            _ => rest == [0; 5],
        }
    })
}

/// A counter of one, and a time since 2001: what stands against replay.
fn is_first_of_replay_window(bytes: &[u8]) -> bool {
    let mut wire = Wire(bytes);
    matches!((wire.u32(), wire.u32()), (Some(1 | 0x0f00_0001), Some(1_000_000_000..)))
}

/// One packet, of the session `own` where that is known; and the number of this packet, the first.
fn acknowledges(rest: &[u8], own: Option<&[u8]>) -> bool {
    let mut wire = Wire(rest);
    let head = (wire.u8(), wire.u32(), wire.take(8), wire.u32());
    matches!(head, (Some(1), Some(0), Some(session), Some(0)) if own.is_none_or(|own| own == session))
        && wire.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn resets_are_told_with_a_digest_and_without() {
        let plain = b"\x38sessions\0\0\0\0\0";
        told_of_datagrams(AppProtocol::OpenVpn, &[Turn::client(plain)]);
        told_however_cut(AppProtocol::OpenVpn, &[Turn::client(&[&b"\0\x0e"[..], plain].concat())]);
        let time = 1_700_000_000u32.to_be_bytes();
        let signed = [b"\x38sessions", &[7; 20][..], b"\0\0\0\x01", &time, b"\0\0\0\0\0"].concat();
        told_of_datagrams(AppProtocol::OpenVpn, &[Turn::client(&signed)]);
        let answer = b"\x40otherses\x01\0\0\0\0sessions\0\0\0\0";
        told_of_datagrams(AppProtocol::OpenVpn, &[Turn::server(answer)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"\x38sessions\0\0\0\0\x01")]);
    }
}
