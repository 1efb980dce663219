//! Syslog (RFC 5424, RFC 3164, over TCP RFC 6587): recognised by a priority and what stands behind it.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Syslog, stream: Some(stream), datagram: Some(datagram) };

/// RFC 5424 §6.2.1: 24 facilities of 8 severities. Before a time, products name more.
const PRIORITY_MAX: u16 = 191;
/// RFC 3164 §4.1.2.
const MONTHS: [&[u8]; 12] = [
    b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ", b"Nov ",
    b"Dec ",
];
/// RFC 6587 §3.4.1: digits of a length in front.
const LENGTH_DIGITS_MAX: usize = 5;

/// Both framings (RFC 6587 §3.4): a time or a version must stand behind the priority.
fn stream(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        if wire.rest().first()?.is_ascii_digit() && number(wire, b' ', LENGTH_DIGITS_MAX)?.is_none() {
            return Some(false);
        }
        Some(priority(wire)?.is_some() && is_dated(wire)?)
    })
}

/// Of a datagram, where much that calls itself syslog has no time: text as a whole.
fn datagram(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        let Some(priority) = priority(wire)? else { return Some(false) };
        let text = wire.rest();
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..);
        let text = text.strip_suffix(b"\0").unwrap_or(text);
        Some(
            is_dated(wire) == Some(true)
                || priority <= PRIORITY_MAX && text.len() >= 4 && text.iter().all(is_text),
        )
    })
}

fn priority(wire: &mut Wire<'_>) -> Option<Option<u16>> {
    if wire.u8()? == b'<' { number(wire, b'>', 3) } else { Some(None) }
}

/// Digits up to `end`; the inner `None` where there are other bytes.
fn number(wire: &mut Wire<'_>, end: u8, digits_max: usize) -> Option<Option<u16>> {
    let mut number = 0u16;
    for digits in 0..=digits_max {
        let byte = wire.u8()?;
        match byte {
            _ if byte == end && digits > 0 => return Some(Some(number)),
            b'0'..=b'9' => number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0')),
            _ => return Some(None),
        }
    }
    Some(None)
}

/// A version with a time (RFC 5424 §6.2.2), the name of a month, or a year as RFC 5424 has it in place of that.
fn is_dated(wire: &mut Wire<'_>) -> Option<bool> {
    if wire.rest().starts_with(b"1 ") {
        return Some(wire.take(2).is_some());
    }
    let word = wire.take(4)?;
    let is_year = word.starts_with(b"20") && word.iter().all(u8::is_ascii_digit);
    Some(MONTHS.contains(&word) || is_year && wire.u8()? == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn priority_and_time_tell() {
        let new = b"<34>1 2026-01-02T03:04:05Z weir.example app - - - text\n";
        let old = b"<13>Jan  2 03:04:05 weir app: text\n";
        told_however_cut(AppProtocol::Syslog, &[Turn::client(new)]);
        told_however_cut(AppProtocol::Syslog, &[Turn::client(old)]);
        told_however_cut(AppProtocol::Syslog, &[Turn::client(&[&b"54 "[..], new].concat())]);
        told_however_cut(AppProtocol::Unknown, &[Turn::client(b"<13>Jam  2 03:04:05 weir\n")]);
        told_however_cut(AppProtocol::Syslog, &[Turn::client(b"<221>2026-01-02T03:04:05 weir\n")]);
        told_of_datagrams(AppProtocol::Syslog, &[Turn::client(b"<0>text alone")]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"<192>text alone")]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"<0>\x01\x02\x03\x04")]);
    }
}
