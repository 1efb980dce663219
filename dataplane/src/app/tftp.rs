//! TFTP (RFC 1350): recognised by requests, and by data that is acknowledged, which travels between other ports.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Tftp, stream: None, datagram: Some(datagram) };

/// RFC 1350 §5, and the answer to options of RFC 2347.
const READ: u16 = 1;
const WRITE: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OPTIONS_ACK: u16 = 6;

const MODES: [&[u8]; 3] = [b"octet", b"netascii", b"mail"];
/// RFC 2348, RFC 2349, RFC 7440.
const OPTIONS: [&[u8]; 4] = [b"blksize", b"timeout", b"tsize", b"windowsize"];

fn datagram(prefix: Prefix<'_>) -> Answer {
    let all = prefix.bytes.len();
    Answer::of_fields(prefix.bytes, |wire| {
        let is_so = match wire.u16()? {
            READ | WRITE => {
                let name = wire.until_nul()?;
                is_text(name) && is_one_of(&MODES, wire.until_nul()?)
            }
            OPTIONS_ACK => is_one_of(&OPTIONS, wire.until_nul()?),
            ERROR => wire.u16()? <= 8 && wire.rest().ends_with(b"\0") && is_text(wire.until_nul()?),
            DATA => {
                let block = wire.u16()?;
                follows(prefix.peer, ACK, block.wrapping_sub(1)) && prefix.peer.len() == 4
            }
            ACK => {
                let block = wire.u16()?;
                all == 4 && follows(prefix.peer, DATA, block)
            }
            _ => false,
        };
        Some(is_so)
    })
}

/// Whether the other end has just sent `operation` for `block`.
fn follows(peer: &[u8], operation: u16, block: u16) -> bool {
    let mut wire = Wire(peer);
    wire.u16() == Some(operation) && wire.u16() == Some(block)
}

fn is_one_of(words: &[&[u8]], word: &[u8]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn requests_and_acknowledged_data_are_told() {
        told_of_datagrams(AppProtocol::Tftp, &[Turn::client(b"\0\x01boot/image\0Octet\0")]);
        told_of_datagrams(AppProtocol::Tftp, &[Turn::server(b"\0\x06blksize\x001024\0")]);
        told_of_datagrams(AppProtocol::Tftp, &[Turn::server(b"\0\x05\0\x01File not found\0")]);
        let data = b"\0\x03\0\x01some of it";
        told_of_datagrams(AppProtocol::Tftp, &[Turn::client(data), Turn::server(b"\0\x04\0\x01")]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(data), Turn::server(b"\0\x04\0\x02")]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"\0\x01boot\0raw\0")]);
    }
}
