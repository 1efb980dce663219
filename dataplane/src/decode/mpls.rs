//! Stacks of MPLS labels (RFC 3032), and what stands behind them.

use super::DecodeError;
use crate::limits::MPLS_LABELS_MAX;

const ENTRY_BYTES: usize = 4;
/// RFC 4385 §3: its first nibble is 0.
const CONTROL_WORD_BYTES: usize = 4;

/// What a stack says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack {
    /// The label at the bottom, which tells what the packet is to its receiver.
    pub(super) label: u32,
    /// Where in the frame the stack ends.
    pub(super) end: usize,
    pub(super) guess: Guess,
}

/// What stands behind a stack. No field says so: as routers do, it is guessed by the first nibble (RFC 4928 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    Ipv4,
    Ipv6,
    /// A pseudowire: the Ethernet header stands at the first of these places where one can be, behind a control word
    /// (RFC 4448 §4.3) or without it.
    Ethernet {
        places: [usize; 2],
    },
    /// Nothing.
    Empty,
}

/// Reads the stack at `offset`.
pub(super) fn parse(frame: &[u8], offset: usize) -> Result<Stack, DecodeError> {
    let entries = frame.get(offset..).ok_or(DecodeError::LinkTruncated)?.chunks(ENTRY_BYTES);
    for (index, entry) in entries.take(MPLS_LABELS_MAX).enumerate() {
        // Label, 20 bits; traffic class, 3; bottom of the stack, 1; time to live, 8 (RFC 3032 §2.1).
        let &[l0, l1, l2, _] = entry else { return Err(DecodeError::LinkTruncated) };
        if l2 & 1 == 1 {
            let end = offset + ENTRY_BYTES * (index + 1);
            let label = u32::from_be_bytes([0, l0, l1, l2]) >> 4;
            return Ok(Stack { label, end, guess: guess(frame, end) });
        }
    }
    let is_cut = frame.len() < offset + ENTRY_BYTES * MPLS_LABELS_MAX;
    Err(if is_cut { DecodeError::LinkTruncated } else { DecodeError::TooManyTags })
}

fn guess(frame: &[u8], end: usize) -> Guess {
    match frame.get(end).map(|byte| byte >> 4) {
        None => Guess::Empty,
        Some(4) => Guess::Ipv4,
        Some(6) => Guess::Ipv6,
        // The reserved bits of a control word are 0 too, as those of next to no address are.
        Some(0) if frame.get(end..).is_some_and(|behind| behind.starts_with(&[0, 0])) => {
            Guess::Ethernet { places: [end + CONTROL_WORD_BYTES, end] }
        }
        Some(0) => Guess::Ethernet { places: [end, end + CONTROL_WORD_BYTES] },
        Some(_) => Guess::Ethernet { places: [end, end] },
    }
}
