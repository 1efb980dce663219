//! RTP and RTCP (RFC 3550), in the clear or encrypted (RFC 3711).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// A header of RTP says too little: two packets must follow each other. Reports of RTCP tell their own length.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Rtp, stream: Some(stream), datagram: Some(datagram) };

/// RFC 3550 §5.1, §6.4.
const VERSION: u8 = 2;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
/// Packets that may be missing between two.
const LOST_MAX: u16 = 32;

/// The parts of a header that say whether two packets follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    payload_type: u8,
    sequence: u16,
    source: u32,
}

impl Header {
    /// RFC 3550 §5.1; `None` where there is none.
    fn read(wire: &mut Wire<'_>) -> Option<Header> {
        let (first, second) = (wire.u8()?, wire.u8()?);
        let (sequence, _time, source) = (wire.u16()?, wire.u32()?, wire.u32()?);
        let payload_type = second & 0x7f;
        // RFC 5761 §4: what would be RTCP.
        let is_sound = first >> 6 == VERSION && !(64..=95).contains(&payload_type);
        is_sound.then_some(Header { payload_type, sequence, source })
    }

    fn follows(self, before: Header) -> bool {
        let ahead = self.sequence.wrapping_sub(before.sequence);
        self.source == before.source && (1..=LOST_MAX).contains(&ahead)
    }
}

fn datagram(prefix: Prefix<'_>) -> Answer {
    let rtp = || {
        let mut wire = Wire(prefix.bytes);
        let (header, before) = (Header::read(&mut wire)?, Header::read(&mut Wire(prefix.last))?);
        (header.follows(before) && header.source != 0 && !wire.is_empty())
            .then_some(Answer::Yes(prefix.bytes.len()))
    };
    rtp().unwrap_or_else(|| Answer::of_fields(prefix.bytes, is_report))
}

/// RFC 3550 §6.4.1, §6.4.2: as long as so many blocks are.
fn is_report(wire: &mut Wire<'_>) -> Option<bool> {
    let (first, report) = (wire.u8()?, wire.u8()?);
    let (words, source) = (wire.u16()?, wire.u32()?);
    let (version, blocks) = (first >> 6, u16::from(first & 0x1f));
    let fixed_words = match report {
        SENDER_REPORT => 6,
        RECEIVER_REPORT => 1,
        _ => return Some(false),
    };
    wire.take(usize::from(words - words.min(1)) * 4)?;
    Some(version == VERSION && source != 0 && words == fixed_words + 6 * blocks)
}

/// Two packets, each behind its length (RFC 4571).
fn stream(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        let length = wire.u16()?;
        // Most streams end here: the version is looked at before the rest of the packet is there.
        let first = wire.rest().first()?;
        if first >> 6 != VERSION || length <= 12 {
            return Some(false);
        }
        let Some(before) = Header::read(&mut Wire(wire.rest().get(..12)?)) else { return Some(false) };
        wire.take(length.into())?;
        wire.u16()?;
        let header = Header::read(&mut Wire(wire.take(12)?));
        Some(header.is_some_and(|header| header.follows(before)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    const PACKETS: [&[u8]; 2] =
        [b"\x80\x00\xff\xff\0\0\0\x10\x12\x34\x56\x78sound", b"\x80\x00\0\0\0\0\0\xb0\x12\x34\x56\x78sound"];

    #[test]
    fn two_packets_that_follow_each_other_tell() {
        let [one, two] = PACKETS;
        told_of_datagrams(AppProtocol::Rtp, &[Turn::client(one), Turn::client(two)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(one), Turn::server(two)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(one), Turn::client(one)]);
        let framed = [b"\0\x11", one, b"\0\x11", two].concat();
        told_however_cut(AppProtocol::Rtp, &[Turn::client(&framed)]);
    }

    #[test]
    fn a_report_tells_by_its_length() {
        told_of_datagrams(AppProtocol::Rtp, &[Turn::client(b"\x80\xc9\0\x01\x12\x34\x56\x78")]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"\x81\xc9\0\x01\x12\x34\x56\x78")]);
    }
}
