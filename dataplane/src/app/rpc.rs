//! ONC RPC (RFC 5531), which NFS and its companions speak.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
    wire::Wire,
};

/// A call or a reply; over TCP behind the mark of a record (RFC 5531 §11).
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Rpc,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            let bytes = wire.u32()? & 0x7fff_ffff;
            Some((CALL_BYTES_MIN..=RECORD_BYTES_MAX).contains(&bytes) && is_message(wire)?)
        })
    }),
    // What is said in words of four bytes has so many of them.
    datagram: Some(|prefix| {
        let is_of_words = prefix.bytes.len().is_multiple_of(4);
        if is_of_words { Answer::of_fields(prefix.bytes, is_message) } else { Answer::No }
    }),
};

/// The shortest reply.
const CALL_BYTES_MIN: u32 = 20;
/// NFS writes a megabyte at once, and some more.
const RECORD_BYTES_MAX: u32 = 1 << 25;
/// RFC 5531 §13: assigned, of a site, transient.
const PROGRAMS: [std::ops::RangeInclusive<u32>; 2] = [100_000..=400_300, 0x2000_0000..=0x5fff_ffff];
/// RFC 5531 §8.2.
const CREDENTIAL_BYTES_MAX: u32 = 400;

fn is_message(wire: &mut Wire<'_>) -> Option<bool> {
    let _transaction = wire.u32()?;
    match wire.u32()? {
        0 => {
            let (rpc, program, version, procedure) = (wire.u32()?, wire.u32()?, wire.u32()?, wire.u32()?);
            let (flavor, bytes) = (wire.u32()?, wire.u32()?);
            let is_program = PROGRAMS.iter().any(|programs| programs.contains(&program));
            Some(rpc == 2 && is_program && version <= 255 && procedure <= 255 && is_auth(flavor, bytes))
        }
        1 => {
            // Denied: for the version, or for who asks.
            if wire.u32()? == 1 {
                return Some(wire.u32()? <= 1 && wire.u32()? <= 16);
            }
            let (flavor, bytes) = (wire.u32()?, wire.u32()?);
            if !is_auth(flavor, bytes) {
                return Some(false);
            }
            wire.take(bytes as usize)?;
            Some(wire.u32()? <= 5)
        }
        _ => Some(false),
    }
}

/// RFC 5531 §8.2, §13: none, of a system, short, DES, and GSS.
fn is_auth(flavor: u32, bytes: u32) -> bool {
    let is_flavor = matches!(flavor, 0..=3 | 6 | 390_000..=390_255);
    is_flavor && bytes <= CREDENTIAL_BYTES_MAX && bytes.is_multiple_of(4) && (flavor != 0 || bytes == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn calls_and_replies_are_told() {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
        let call = words(&[7, 0, 2, 100_003, 3, 0, 0, 0, 0, 0]);
        told_of_datagrams(AppProtocol::Rpc, &[Turn::client(&call)]);
        let framed = [&words(&[0x8000_0028])[..], &call].concat();
        told_however_cut(AppProtocol::Rpc, &[Turn::client(&framed)]);
        told_of_datagrams(AppProtocol::Rpc, &[Turn::server(&words(&[7, 1, 0, 0, 0, 0]))]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&words(&[7, 0, 2, 3, 3, 0, 0, 0, 0, 0]))]);
    }
}
