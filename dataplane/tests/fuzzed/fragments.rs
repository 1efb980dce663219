//! Pieces of a few datagrams, at whatever places.

use std::collections::BTreeMap;

use dataplane::pipeline::{Pipeline, Side};
use dataplane::policy::Settings;
use dataplane::verdict::Verdict;

/// Bytes that stand for one piece: which datagram, its offset and its length in 8 bytes, and what it is filled with. The
/// highest bit of the length says that more follow.
const PIECE_BYTES: usize = 4;
const ENDS: [[u8; 4]; 2] = [[192, 0, 2, 1], [198, 51, 100, 1]];
/// RFC 3692 §2.1: nothing is read in it but bytes.
const EXPERIMENTAL: u8 = 253;

/// Checks that all pieces of a datagram leave or none, and that all that leaves of one can be put together in one way only.
/// Returns how many datagrams left.
///
/// # Panics
/// If any of that does not hold.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let mut pipeline = Pipeline::new(Settings { flows_max: 16, ..Settings::default() }, super::rules());
    let mut whole = 0;
    for (number, chunk) in bytes.as_chunks::<PIECE_BYTES>().0.iter().enumerate() {
        let [id, offset, length, filling] = *chunk;
        let more = if length & 0x80 == 0 { 0 } else { 0x20 };
        let upper =
            vec![filling; usize::from(length & 0x7f) % 20 * 8 + usize::from(more == 0 && filling % 4 == 0)];
        let mut frame = super::ipv4([0, id % 4, more, offset % 32], EXPERIMENTAL, ENDS, &upper);
        let is_piece = more != 0 || offset % 32 != 0;
        let meta = super::meta(&frame, number as u64 * 1_000_000, Side::Outside);
        let verdict = pipeline.process(&mut frame, meta, &mut ());
        assert!(!is_piece || verdict != Verdict::Forward, "no piece leaves at once");
        let left: Vec<Box<[u8]>> = pipeline.take_released().flatten().map(|piece| piece.frame).collect();
        if !left.is_empty() {
            assert_eq!(verdict, Verdict::Hold);
            whole += 1;
            put_together(&left);
        }
        assert!(pipeline.counters().is_balanced());
    }
    pipeline.finish(1 << 60, &mut ());
    assert!(pipeline.counters().is_balanced() && pipeline.counters().held == 0);
    whole
}

/// One datagram, of which each byte came once.
fn put_together(frames: &[Box<[u8]>]) {
    let mut read: BTreeMap<usize, u8> = BTreeMap::new();
    let mut ends = Vec::new();
    for frame in frames {
        assert_eq!(frame[18..20], frames[0][18..20], "of one datagram");
        let place = u16::from_be_bytes([frame[20], frame[21]]);
        let offset = usize::from(place & 0x1fff) * 8;
        for (index, byte) in frame[34..].iter().enumerate() {
            assert_eq!(read.insert(offset + index, *byte), None, "a byte came twice");
        }
        if place & 0x2000 == 0 {
            ends.push(offset + frame.len() - 34);
        }
    }
    assert_eq!(ends, [read.len()], "it has one end, and nothing is absent");
}
