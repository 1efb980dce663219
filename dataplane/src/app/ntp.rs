//! NTP (RFC 5905), SNTP, and its control messages (RFC 9327): recognised by the sense that a header makes.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Ntp, stream: None, datagram: Some(datagram) };

/// RFC 5905 §7.3: without extensions and digest.
const HEADER_BYTES: usize = 48;
/// RFC 5905 §7.2.
const STRATUM_MAX: u8 = 16;
const POLL_MAX: u8 = 17;
/// Seconds that delay and dispersion to the root may come to (RFC 5905 §7.2, MAXDISP), in the high half of each.
const ROOT_SECONDS_MAX: u16 = 16;

fn datagram(prefix: Prefix<'_>) -> Answer {
    let all = prefix.bytes.len();
    Answer::of_fields(prefix.bytes, |wire| {
        let first = wire.u8()?;
        let (version, mode) = (first >> 3 & 7, first & 7);
        // Messages for control have no leap indicator.
        if !(1..=4).contains(&version) || mode == 6 && first >> 6 != 0 {
            return Some(false);
        }
        match mode {
            1..=5 => Some(all.is_multiple_of(4) && is_time(wire)?),
            6 => is_control(wire, all),
            7 => is_private(wire, all),
            _ => Some(false),
        }
    })
}

/// The rest of a header with times.
fn is_time(wire: &mut Wire<'_>) -> Option<bool> {
    let (stratum, poll, precision) = (wire.u8()?, wire.u8()?, wire.u8()?);
    let (delay, _) = (wire.u16()?, wire.u16()?);
    let (dispersion, _) = (wire.u16()?, wire.u16()?);
    wire.take(HEADER_BYTES - 12)?;
    // A precision is a negative power of two, or was not filled in.
    let is_precision = precision == 0 || precision >= 0xe0;
    let is_near = delay < ROOT_SECONDS_MAX && dispersion <= ROOT_SECONDS_MAX;
    Some(stratum <= STRATUM_MAX && poll <= POLL_MAX && is_precision && is_near)
}

/// RFC 9327 §2, behind the first byte of `all`: data of so many bytes, filled up to words, and a digest or none.
fn is_control(wire: &mut Wire<'_>, all: usize) -> Option<bool> {
    let operation = wire.u8()? & 0x1f;
    let (_sequence, _status, _association) = (wire.u16()?, wire.u16()?, wire.u16()?);
    let (_offset, count) = (wire.u16()?, wire.u16()?);
    let data_bytes = usize::from(count).next_multiple_of(4);
    let digest_bytes = all.checked_sub(12 + data_bytes);
    Some(matches!(operation, 1..=12 | 31) && matches!(digest_bytes, Some(0 | 20 | 24)))
}

/// What ntpd is asked in a form of its own, which no standard has: as many items as fit, of its implementation.
fn is_private(wire: &mut Wire<'_>, all: usize) -> Option<bool> {
    let (_sequence, implementation, request) = (wire.u8()?, wire.u8()?, wire.u8()?);
    let (items, size) = (usize::from(wire.u16()? & 0xfff), usize::from(wire.u16()? & 0xfff));
    let is_asked = matches!(implementation, 2 | 3) && request <= 46;
    Some(is_asked && 8 + items * size <= all && all.is_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn a_client_and_a_server_are_told() {
        let mut client = [0; HEADER_BYTES];
        client[0] = 0x23;
        told_of_datagrams(AppProtocol::Ntp, &[Turn::client(&client)]);
        let server = [&b"\x24\x02\x06\xe8\0\0\x02\x10\0\0\x03\x20\xc0\0\x02\x01"[..], &[0xe9; 32]].concat();
        told_of_datagrams(AppProtocol::Ntp, &[Turn::server(&server)]);
        told_of_datagrams(AppProtocol::Ntp, &[Turn::client(b"\x16\x02\0\x01\0\0\0\0\0\0\0\0")]);
        client[1] = 99;
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&client)]);
    }
}
