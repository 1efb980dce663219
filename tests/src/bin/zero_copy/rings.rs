//! What a card has been told of frames: where the next one is to be put, and from where the last one was taken.

use std::io;

use serde_json::{Value, json};

use crate::monitor::Monitor;

/// The header that virtio puts before each frame, in bytes (struct virtio_net_hdr_v1).
const VIRTIO_HEADER_BYTES: u64 = 12;
/// Virtio's numbers of the first pair of queues.
const VIRTIO_RX: u64 = 0;
const VIRTIO_TX: u64 = 1;

/// Registers of the first pair of rings of an 82576 (its datasheet, sections 8.10 and 8.12): the address of the ring in
/// two halves, and the descriptor at which the card is (head) or the driver (tail).
const IGB_RX_BASE: u64 = 0xc000;
const IGB_RX_HEAD: u64 = 0xc010;
const IGB_TX_BASE: u64 = 0xe000;
const IGB_TX_BYTES: u64 = 0xe008;
const IGB_TX_TAIL: u64 = 0xe018;
const IGB_DESCRIPTOR_BYTES: u64 = 16;

/// The rings of both cards, read where the card itself reads them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rings {
    /// The emulator tells.
    Virtio,
    /// In memory, to which registers lead.
    Igb {
        /// Physical address of the registers, by card.
        registers: [u64; 2],
    },
}

impl Rings {
    /// The physical address to which the next frame that comes to a card will be written. Nothing may be on its way.
    pub(crate) fn next_received(self, monitor: &mut Monitor, card: usize) -> io::Result<u64> {
        match self {
            Rings::Virtio => {
                let element = virtio(monitor, "x-query-virtio-queue-element", card, VIRTIO_RX, None)?;
                Ok(address(&element["descs"][0])? + VIRTIO_HEADER_BYTES)
            }
            Rings::Igb { registers } => {
                let at = registers[card];
                let head = monitor.words(at + IGB_RX_HEAD, 1)?[0];
                igb_buffer(monitor, at + IGB_RX_BASE, head)
            }
        }
    }

    /// The physical address from which a card read the last frame that it sent. Nothing may have been sent after it.
    pub(crate) fn last_sent(self, monitor: &mut Monitor, card: usize) -> io::Result<u64> {
        match self {
            Rings::Virtio => {
                let status = virtio(monitor, "x-query-virtio-queue-status", card, VIRTIO_TX, None)?;
                let next = status["last-avail-idx"].as_u64().ok_or_else(|| unclear(&status))?;
                let last = (next as u16).wrapping_sub(1);
                let element = virtio(monitor, "x-query-virtio-queue-element", card, VIRTIO_TX, Some(last))?;
                virtio_payload(&element)
            }
            Rings::Igb { registers } => {
                let at = registers[card];
                let bytes = u64::from(monitor.words(at + IGB_TX_BYTES, 1)?[0]);
                let tail = u64::from(monitor.words(at + IGB_TX_TAIL, 1)?[0]);
                let count = bytes / IGB_DESCRIPTOR_BYTES;
                let last = (tail + count).checked_sub(1).and_then(|last| last.checked_rem(count));
                let last = last.ok_or_else(|| io::Error::other("the card has no ring to send from"))?;
                igb_buffer(monitor, at + IGB_TX_BASE, last as u32)
            }
        }
    }
}

/// Asks for a queue of a card by its number.
fn virtio(
    monitor: &mut Monitor,
    command: &str,
    card: usize,
    queue: u64,
    index: Option<u16>,
) -> io::Result<Value> {
    let mut arguments =
        json!({ "path": format!("/machine/peripheral/card{card}/virtio-backend"), "queue": queue });
    if let Some(index) = index {
        arguments["index"] = index.into();
    }
    monitor.ask(command, &arguments)
}

/// The header may stand right before the frame, or in a buffer of its own. The emulator tells the last buffer first.
fn virtio_payload(element: &Value) -> io::Result<u64> {
    let buffers = element["descs"].as_array().map(Vec::as_slice).unwrap_or_default();
    match buffers {
        [frame] => Ok(address(frame)? + VIRTIO_HEADER_BYTES),
        [frame, header] if header["len"] == VIRTIO_HEADER_BYTES => address(frame),
        _ => Err(unclear(element)),
    }
}

fn address(buffer: &Value) -> io::Result<u64> {
    buffer["addr"].as_u64().ok_or_else(|| unclear(buffer))
}

fn unclear(told: &Value) -> io::Error {
    io::Error::other(format!("the emulator tells something else: {told}"))
}

/// Both kinds of descriptors begin with the address of the frame.
fn igb_buffer(monitor: &mut Monitor, base: u64, index: u32) -> io::Result<u64> {
    let ring = wide(&monitor.words(base, 2)?);
    Ok(wide(&monitor.words(ring + u64::from(index) * IGB_DESCRIPTOR_BYTES, 2)?))
}

/// The lower half comes first.
fn wide(words: &[u32]) -> u64 {
    words.iter().rev().fold(0, |wide, word| wide << 32 | u64::from(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_behind_its_header() {
        let payload = |buffers: Value| virtio_payload(&json!({ "descs": buffers })).ok();
        let header = json!({ "addr": 7000, "len": 12 });
        let frame = json!({ "addr": 4352, "len": 60 });
        assert_eq!(payload(json!([frame, header])), Some(4352));
        assert_eq!(payload(json!([frame])), Some(4352 + 12));
        assert_eq!((payload(json!([frame, frame])), payload(json!([]))), (None, None));
        assert_eq!(wide(&[0x0000_1000, 0x2]), 0x2_0000_1000);
    }
}
