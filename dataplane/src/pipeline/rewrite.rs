//! What Weir changes in a frame that it forwards, and nothing else.

use super::Counters;
use crate::decode::checksum::{fold, sum};
use crate::decode::{Checksum, Packet, TcpFlags, Transport};

/// Bytes into the TCP header of the word that ends in the control bits, of the checksum and of the urgent
/// pointer (RFC 9293 §3.1).
const CONTROL_OFFSET: usize = 12;
const CHECKSUM_OFFSET: usize = 16;
const URGENT_OFFSET: usize = 18;

/// The changes that a packet needs before its receiver may read it as it was inspected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rewrite {
    /// A checksum that the sending kernel left partial.
    completion: Option<Completion>,
    /// Offset of a TCP header that marks data as urgent. A receiver takes such a byte out of the stream or
    /// leaves it in, as its application chose (RFC 6093 §3.3): without the mark there is one reading.
    urgent: Option<usize>,
    /// Offset of the TCP header.
    tcp: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Completion {
    offset: usize,
    value: u16,
    /// Offset of the checksum of a tunnel that must be corrected for it.
    covered_by: Option<usize>,
}

impl Rewrite {
    /// None of a packet that its receiver would not take then.
    #[inline]
    pub(super) fn of(packet: &Packet<'_>) -> Rewrite {
        if packet.is_authenticated {
            return Rewrite::default();
        }
        let completion = match packet.checksum {
            Checksum::Partial { offset, value } => {
                Some(Completion { offset: offset as usize, value, covered_by: packet.covered_by })
            }
            Checksum::Valid | Checksum::Bad | Checksum::Unverified => None,
        };
        let Transport::Tcp(header) = packet.transport else {
            return Rewrite { completion, ..Rewrite::default() };
        };
        let tcp = packet.network.map(|network| network.transport_offset);
        Rewrite { completion, urgent: tcp.filter(|_| header.flags.has(TcpFlags::URG)), tcp }
    }

    /// Changes the frame that the packet was decoded from. `restored` is what its payload is to say; empty where it says so.
    #[inline]
    pub(super) fn apply(self, frame: &mut [u8], restored: &[u8], counters: &mut Counters) {
        if self.completion.is_some() || self.urgent.is_some() || !restored.is_empty() {
            self.change(frame, restored, counters);
        }
    }

    fn change(self, frame: &mut [u8], restored: &[u8], counters: &mut Counters) {
        if let Some(completion) = self.completion {
            completion.apply(frame);
            counters.checksums_completed += 1;
        }
        if let Some(header) = self.urgent {
            clear_urgent(&mut frame[header..]);
            counters.urgent_cleared += 1;
        }
        if let Some(header) = self.tcp.filter(|_| !restored.is_empty()) {
            restore(&mut frame[header..], restored);
            counters.overlaps_rewritten += 1;
        }
    }
}

impl Completion {
    fn apply(self, frame: &mut [u8]) {
        match self.covered_by {
            Some(cover) => replace(frame, self.offset, self.value, cover),
            None => store(frame, self.offset, self.value),
        }
    }
}

/// The sum over the segment, its checksum included, stays what it was: no checksum of a tunnel around it changes.
fn clear_urgent(tcp: &mut [u8]) {
    let control = word(tcp, CONTROL_OFFSET);
    replace(tcp, CONTROL_OFFSET, control & !u16::from(TcpFlags::URG), CHECKSUM_OFFSET);
    replace(tcp, URGENT_OFFSET, 0, CHECKSUM_OFFSET);
}

/// Stores a payload of the same length, and mends the checksum for it (RFC 1624, equation 3, over all its words).
fn restore(tcp: &mut [u8], restored: &[u8]) {
    // Headers are of whole words, and an odd last byte counts as if a zero followed: words match.
    let header_bytes = usize::from(tcp[CONTROL_OFFSET] >> 4) * 4;
    let payload = &mut tcp[header_bytes..header_bytes + restored.len()];
    let old = fold(sum(payload));
    payload.copy_from_slice(restored);
    let checksum = u64::from(!word(tcp, CHECKSUM_OFFSET)) + u64::from(!old) + sum(restored);
    tcp[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].copy_from_slice(&(!fold(checksum)).to_be_bytes());
}

/// Stores a word and mends the checksum at `checksum` for it (RFC 1624, equation 3).
fn replace(bytes: &mut [u8], offset: usize, new: u16, checksum: usize) {
    // Of two words that are an odd way apart, one counts with its bytes swapped (RFC 1071 §2 B).
    let is_odd = offset.abs_diff(checksum) % 2 == 1;
    let counted = |word: u16| u32::from(if is_odd { word.swap_bytes() } else { word });
    let old = word(bytes, offset);
    let mut sum = u32::from(!word(bytes, checksum)) + counted(!old) + counted(new);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store(bytes, offset, new);
    store(bytes, checksum, !(sum as u16));
}

fn store(bytes: &mut [u8], offset: usize, word: u16) {
    bytes[offset..offset + 2].copy_from_slice(&word.to_be_bytes());
}

fn word(bytes: &[u8], offset: usize) -> u16 {
    u16::from_be_bytes([bytes[offset], bytes[offset + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_mark_the_checksum_holds() {
        let mut tcp =
            [0x12, 0x34, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x38, 0xff, 0xff, 0, 0, 0, 7, b'a', b'b'];
        let right = !fold(sum(&tcp));
        tcp[16..18].copy_from_slice(&right.to_be_bytes());
        clear_urgent(&mut tcp);
        assert_eq!((tcp[13], &tcp[18..20]), (0x18, &[0, 0][..]));
        assert_eq!(fold(sum(&tcp)), 0xffff, "the sum over a segment with its right checksum");
    }

    #[test]
    fn with_other_bytes_the_checksum_holds() {
        for payload in ["x", "xy", "hello, world!", "hello, world"] {
            let mut tcp = vec![0x12, 0x34, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 1, 2, 0, 0, 0, 0];
            tcp.extend(vec![0xfe; payload.len()]);
            let right = !fold(sum(&tcp));
            tcp[16..18].copy_from_slice(&right.to_be_bytes());
            restore(&mut tcp, payload.as_bytes());
            assert_eq!((&tcp[20..], fold(sum(&tcp))), (payload.as_bytes(), 0xffff));
        }
    }
}
