//! Packets of MySQL, and the integers and strings that stand in them.

use crate::app::{
    messages::{Measure, Message},
    wire::Wire,
};

/// A packet, its head read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'p> {
    /// Its place in the exchange: a command is 0.
    pub(super) sequence: u8,
    /// What is here of its body.
    pub(super) body: &'p [u8],
    /// Bytes of all of its body.
    pub(super) body_bytes: u64,
    pub(super) is_cut: bool,
}

const HEAD_BYTES: usize = 4;

impl<'p> Packet<'p> {
    pub(super) fn of(message: Message<'p>) -> Option<Packet<'p>> {
        let sequence = *message.bytes.get(HEAD_BYTES - 1)?;
        let body = message.bytes.get(HEAD_BYTES..)?;
        let body_bytes = message.total_bytes - HEAD_BYTES as u64;
        Some(Packet { sequence, body, body_bytes, is_cut: message.is_cut() })
    }
}

/// Three bytes of length, least significant first, then the sequence number.
pub(super) fn measure(bytes: &[u8]) -> Measure {
    match bytes.first_chunk() {
        None => Measure::More,
        Some([low, middle, high, _sequence]) => {
            Measure::Whole(HEAD_BYTES as u64 + u64::from(u32::from_le_bytes([*low, *middle, *high, 0])))
        }
    }
}

/// A length-encoded integer; `None` also for what marks NULL or an error.
pub(super) fn integer(wire: &mut Wire<'_>) -> Option<u64> {
    match wire.u8()? {
        small @ ..=0xfa => Some(small.into()),
        0xfc => wire.u16_le().map(u64::from),
        0xfd => wire.take(3).map(|bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
        0xfe => wire.u64_le(),
        _ => None,
    }
}

/// A string with a length-encoded integer in front.
pub(super) fn string<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let length = integer(wire)?;
    wire.take(usize::try_from(length).ok()?)
}

/// All that is left.
pub(super) fn rest<'w>(wire: &mut Wire<'w>) -> &'w [u8] {
    let rest = wire.rest();
    wire.take(rest.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_four_lengths() {
        let mut wire = Wire(b"\xfa\xfc\x01\x02\xfd\x01\x02\x03\xfe\x01\0\0\0\0\0\0\0\xfb");
        let all: Vec<_> = std::iter::from_fn(|| integer(&mut wire)).collect();
        assert_eq!(all, [0xfa, 0x0201, 0x03_0201, 1]);
    }
}
