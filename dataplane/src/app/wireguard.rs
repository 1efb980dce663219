//! WireGuard (<https://www.wireguard.com/papers/wireguard.pdf> §5.4): recognised by its handshake, or by data that goes on.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// Types of messages stand before three bytes that are zero, and all but data have a length of their own.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::WireGuard, stream: None, datagram: Some(datagram) };

const INITIATION: (u32, usize) = (1, 148);
const RESPONSE: (u32, usize) = (2, 92);
const COOKIE_REPLY: (u32, usize) = (3, 64);
const DATA: u32 = 4;
/// An empty message: header and tag.
const DATA_BYTES_MIN: usize = 32;

fn datagram(prefix: Prefix<'_>) -> Answer {
    let is_so = match Wire(prefix.bytes).u32_le() {
        Some(DATA) => goes_on(prefix),
        Some(kind) => [INITIATION, RESPONSE, COOKIE_REPLY].contains(&(kind, prefix.bytes.len())),
        None => false,
    };
    if is_so { Answer::Yes(prefix.bytes.len()) } else { Answer::No }
}

/// Whether it is data for the same receiver as the last one, with a later counter (§5.4.6).
fn goes_on(prefix: Prefix<'_>) -> bool {
    let read = |bytes: &[u8]| {
        let mut wire = Wire(bytes);
        Some((wire.u32_le()?, wire.u32_le()?, wire.u64_le()?))
    };
    let is_padded = prefix.bytes.len() >= DATA_BYTES_MIN && prefix.bytes.len().is_multiple_of(16);
    is_padded
        && matches!((read(prefix.last), read(prefix.bytes)), (Some((DATA, before, first)), Some((_, after, next)))
            if before == after && (1..=1024).contains(&next.wrapping_sub(first)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn lengths_and_counters_tell() {
        let mut initiation = vec![0x55; 148];
        initiation[..4].copy_from_slice(b"\x01\0\0\0");
        told_of_datagrams(AppProtocol::WireGuard, &[Turn::client(&initiation)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&initiation[..147])]);
        let data = |counter| [b"\x04\0\0\0weir", &[counter, 0, 0, 0, 0, 0, 0, 0], &[9; 16][..]].concat();
        told_of_datagrams(AppProtocol::WireGuard, &[Turn::client(&data(3)), Turn::client(&data(4))]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&data(4)), Turn::client(&data(4))]);
    }
}
