//! Segments of one connection, at whatever places, of whatever bytes.

use std::collections::BTreeMap;

use dataplane::app::Lane;
use dataplane::event::{Event, EventSink, Reading};
use dataplane::flow::FlowRecord;
use dataplane::pipeline::{Pipeline, Side};
use dataplane::policy::Settings;
use dataplane::verdict::Verdict;

/// Bytes that stand for one segment: flags and direction, the sequence number's and the acknowledgment's distance from the
/// first ones, the length, and what it is filled with.
const SEGMENT_BYTES: usize = 5;
const FIRST: [u32; 2] = [0xffff_ffe0, 1000];
const ENDS: [([u8; 4], u16); 2] = [([192, 0, 2, 1], 40_000), ([198, 51, 100, 1], 9_999)];
const SYN: u8 = 0x02;
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// What the rules read, by direction.
#[derive(Default)]
struct Read([Vec<u8>; 2]);

impl EventSink for Read {
    fn emit(&mut self, _event: Event<'_>) {}

    fn reads(&mut self, _flow: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        if let Reading::Data(bytes) = reading
            && lane.is_main()
        {
            self.0[lane.direction as usize].extend(bytes);
        }
    }
}

/// Checks that what a receiver takes from the frames that pass, each byte from the first that brings it, begins with what was
/// read of its stream, or the other way round. Returns how many bytes were read.
///
/// # Panics
/// If that does not hold.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let mut pipeline = Pipeline::new(Settings { flows_max: 16, ..Settings::default() }, super::rules());
    let mut read = Read::default();
    let mut taken = [BTreeMap::new(), BTreeMap::new()];
    let opening = [(0, SYN, FIRST[0], 0), (1, SYN | ACK, FIRST[1], FIRST[0].wrapping_add(1))];
    let opening = opening
        .map(|(from, flags, sequence, acknowledgment)| (from, flags, sequence, acknowledgment, vec![]));
    let script = bytes.as_chunks::<SEGMENT_BYTES>().0.iter().map(|chunk| {
        let [kind, sequence, acknowledgment, length, filling] = *chunk;
        let from = usize::from(kind >> 7);
        // What begins and resets connections would have another reading begin.
        let flags = ACK | if kind & 0x40 == 0 { 0 } else { kind & (FIN | PSH | URG) };
        let payload = vec![0xf0 + filling % 4; usize::from(length % 16)];
        let place = |first: u32, distance: u8| first.wrapping_add(1).wrapping_add(u32::from(distance % 64));
        (from, flags, place(FIRST[from], sequence), place(FIRST[1 - from], acknowledgment), payload)
    });
    for (number, (from, flags, sequence, acknowledgment, payload)) in
        opening.into_iter().chain(script).enumerate()
    {
        let mut frame = segment(from, flags, [sequence, acknowledgment], &payload);
        let side = [Side::Outside, Side::Inside][from];
        let meta = super::meta(&frame, number as u64 * 1_000_000, side);
        if pipeline.process(&mut frame, meta, &mut read) == Verdict::Forward && flags & SYN == 0 {
            let start = sequence.wrapping_sub(FIRST[from]).wrapping_sub(1) as i32;
            for (index, byte) in frame[54..].iter().enumerate() {
                taken[from].entry(start + index as i32).or_insert(*byte);
            }
        }
        assert!(pipeline.counters().is_balanced());
    }
    for (taken, read) in taken.iter().zip(&read.0) {
        let in_order = (0..).map_while(|place| taken.get(&place)).copied();
        for (place, (taken, read)) in in_order.zip(read).enumerate() {
            assert_eq!(taken, *read, "byte {place} of a stream");
        }
    }
    read.0.iter().map(Vec::len).sum()
}

/// RFC 9293 §3.1, without options, in an Ethernet frame.
pub(crate) fn segment(from: usize, flags: u8, numbers: [u32; 2], payload: &[u8]) -> Vec<u8> {
    let [(source, source_port), (destination, destination_port)] = [ENDS[from], ENDS[1 - from]];
    let ports = [source_port.to_be_bytes(), destination_port.to_be_bytes()].concat();
    let numbers = numbers.map(u32::to_be_bytes).concat();
    let mut tcp = [&ports[..], &numbers, &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0], payload].concat();
    let length = (tcp.len() as u16).to_be_bytes();
    let sum = super::checksum(&[&source, &destination, &[0, 6], &length, &tcp]);
    tcp[16..18].copy_from_slice(&sum);
    super::ipv4([0, 0, 0x40, 0], 6, [source, destination], &tcp)
}
