//! PPPoE sessions (RFC 2516), and the protocol field of PPP (RFC 1661).

use super::DecodeError;
use super::link::Carried;
use super::span::Span;

const HEADER_BYTES: usize = 6;

/// IANA, PPP DLL protocol numbers.
mod ppp {
    pub(super) const IPV4: u16 = 0x0021;
    pub(super) const IPV6: u16 = 0x0057;
    /// RFC 3032 §4.
    pub(super) const MPLS: [u16; 2] = [0x0281, 0x0283];
}

/// What a session header says.
pub(super) struct Session<'p> {
    pub(super) id: u16,
    /// Without what the link padded.
    pub(super) span: Span<'p>,
    /// Where in the frame PPP begins.
    pub(super) end: usize,
}

/// Reads the header at `offset`. Version, type and code are not looked at, as some receivers don't.
pub(super) fn parse(span: Span<'_>, offset: usize) -> Result<Session<'_>, DecodeError> {
    let header = span.frame.get(offset..).and_then(|rest| rest.first_chunk::<HEADER_BYTES>());
    // RFC 2516 §4: version and type, code, session, length of what follows.
    let [_, _, s0, s1, l0, l1] = *header.ok_or(DecodeError::LinkTruncated)?;
    let end = offset + HEADER_BYTES;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let span = span.up_to(end + length).ok_or(DecodeError::LinkTruncated)?;
    Ok(Session { id: u16::from_be_bytes([s0, s1]), span, end })
}

/// What PPP carries, and where, if its protocol field stands at `offset`.
pub(super) fn carried(frame: &[u8], offset: usize) -> Result<(Carried, usize), DecodeError> {
    let rest = frame.get(offset..).ok_or(DecodeError::LinkTruncated)?;
    let (protocol, bytes) = match *rest {
        // An odd first byte is the whole field: a 0 before it was left out (RFC 1661 §6.5).
        [low, ..] if low & 1 == 1 => (u16::from(low), 1),
        [high, low, ..] => (u16::from_be_bytes([high, low]), 2),
        _ => return Err(DecodeError::LinkTruncated),
    };
    let carried = match protocol {
        ppp::IPV4 => Carried::Ipv4,
        ppp::IPV6 => Carried::Ipv6,
        protocol if ppp::MPLS.contains(&protocol) => Carried::Mpls,
        _ => Carried::Other,
    };
    Ok((carried, offset + bytes))
}
