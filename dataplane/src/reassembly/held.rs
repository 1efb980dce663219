//! [`HeldRanges`]: out-of-order data of one stream, sorted, without overlap, paid for in the budget.

use std::collections::VecDeque;

use super::HeldBudget;
use super::sequence::{Sequence, Span};
use crate::limits::{HELD_BYTES_PER_STREAM_MAX, HELD_SEGMENTS_PER_STREAM_MAX};
use crate::verdict::DropReason;

/// What a range costs beside its bytes: its place in the queue and the allocator's header.
pub(super) const RANGE_OVERHEAD_BYTES: usize = 64;

/// Bytes that arrived before their turn.
#[derive(Debug)]
pub(super) struct HeldRange {
    pub(super) start: Sequence,
    pub(super) bytes: Box<[u8]>,
    /// How many more the segment had that a capture cut off.
    missing_bytes: u32,
}

impl HeldRange {
    pub(super) fn end(&self) -> Sequence {
        self.known().end.plus(self.missing_bytes)
    }

    /// Where the bytes stand that are here.
    fn known(&self) -> Span {
        Span::new(self.start, self.start.plus(length_of(&self.bytes)))
    }

    fn cost_bytes(&self) -> usize {
        range_cost_bytes(self.bytes.len())
    }
}

/// All ranges of one stream. One pointer wide, and null while nothing is held.
#[derive(Debug, Default)]
pub(super) struct HeldRanges {
    queue: Option<Box<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    ranges: VecDeque<HeldRange>,
    cost_bytes: usize,
}

impl HeldRanges {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    /// Where the first range begins.
    pub(super) fn start(&self) -> Option<Sequence> {
        self.queue.as_ref()?.ranges.front().map(|range| range.start)
    }

    /// Where the last range ends.
    pub(super) fn end(&self) -> Option<Sequence> {
        self.queue.as_ref()?.ranges.back().map(HeldRange::end)
    }

    /// Whether `payload`, which begins at `start`, says the same as what is held, where they overlap.
    pub(super) fn agrees_with(&self, start: Sequence, payload: &[u8]) -> bool {
        let Some(queue) = &self.queue else { return true };
        let span = Span::new(start, start.plus(length_of(payload)));
        queue.overlapping(span).all(|range| {
            let both = range.known().overlap(span);
            both.is_empty() || slice(&range.bytes, range.start, both) == slice(payload, start, both)
        })
    }

    /// Puts what is held in the place of what `payload`, which begins at `start`, says.
    pub(super) fn restore(&self, start: Sequence, payload: &mut [u8]) {
        let Some(queue) = &self.queue else { return };
        let span = Span::new(start, start.plus(length_of(payload)));
        for range in queue.overlapping(span) {
            let both = range.known().overlap(span);
            let from = Span::new(start, both.start).len() as usize;
            if let Some(place) = payload.get_mut(from..from + both.len() as usize) {
                place.copy_from_slice(slice(&range.bytes, range.start, both));
            }
        }
    }

    /// Copies what is not held yet of `payload`, which begins at `start` and after which a capture cut
    /// off `missing_bytes`. All or nothing.
    pub(super) fn hold(
        &mut self,
        start: Sequence,
        payload: &[u8],
        missing_bytes: u32,
        budget: &mut HeldBudget,
    ) -> Result<(), DropReason> {
        let known = Span::new(start, start.plus(length_of(payload)));
        let pieces = self.uncovered(Span::new(start, known.end.plus(missing_bytes)));
        if pieces.is_empty() {
            return Ok(());
        }

        let cost_bytes =
            pieces.iter().map(|piece| range_cost_bytes(piece.overlap(known).len() as usize)).sum();
        let refused = if !self.has_room(pieces.len(), cost_bytes) {
            Some(DropReason::ReassemblyStream)
        } else {
            (!budget.has_room(cost_bytes)).then_some(DropReason::ReassemblyMemory)
        };
        if let Some(reason) = refused {
            budget.count_refusal();
            return Err(reason);
        }
        budget.take(cost_bytes);
        let queue = self.queue.get_or_insert_default();
        queue.cost_bytes += cost_bytes;
        for piece in pieces {
            let bytes = Box::from(slice(payload, start, piece.overlap(known)));
            let missing_bytes = piece.len() - length_of(&bytes);
            queue.insert(HeldRange { start: piece.start, bytes, missing_bytes });
        }
        Ok(())
    }

    fn has_room(&self, ranges: usize, cost_bytes: usize) -> bool {
        let (held_ranges, held_bytes) = match &self.queue {
            Some(queue) => (queue.ranges.len(), queue.cost_bytes),
            None => (0, 0),
        };
        held_ranges + ranges <= HELD_SEGMENTS_PER_STREAM_MAX
            && held_bytes + cost_bytes <= HELD_BYTES_PER_STREAM_MAX
    }

    /// The parts of `span` that no range covers, in order.
    fn uncovered(&self, span: Span) -> Vec<Span> {
        let mut pieces = Vec::with_capacity(1);
        let mut rest = span;
        if let Some(queue) = &self.queue {
            for range in queue.overlapping(span) {
                pieces.push(Span::new(rest.start, range.start));
                rest.start = range.end();
            }
        }
        pieces.push(rest);
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    /// Takes the range that `next` lies in, after the ranges that `next` has passed are forgotten.
    pub(super) fn take_at(&mut self, next: Sequence, budget: &mut HeldBudget) -> Option<HeldRange> {
        let queue = self.queue.as_mut()?;
        let mut found = None;
        while found.is_none() && queue.ranges.front().is_some_and(|range| !range.start.is_after(next)) {
            let range = queue.ranges.pop_front()?;
            queue.cost_bytes -= range.cost_bytes();
            budget.give_back(range.cost_bytes());
            found = range.end().is_after(next).then_some(range);
        }
        self.drop_queue_if_empty();
        found
    }

    /// Forgets everything.
    pub(super) fn release(&mut self, budget: &mut HeldBudget) {
        if let Some(queue) = self.queue.take() {
            budget.give_back(queue.cost_bytes);
        }
    }

    fn drop_queue_if_empty(&mut self) {
        if self.queue.as_ref().is_some_and(|queue| queue.ranges.is_empty()) {
            self.queue = None;
        }
    }
}

impl Queue {
    fn overlapping(&self, span: Span) -> impl Iterator<Item = &HeldRange> {
        let first = self.ranges.partition_point(|range| !range.end().is_after(span.start));
        self.ranges.range(first..).take_while(move |range| range.start.is_before(span.end))
    }

    fn insert(&mut self, range: HeldRange) {
        let index = self.ranges.partition_point(|other| other.start.is_before(range.start));
        self.ranges.insert(index, range);
    }
}

fn range_cost_bytes(bytes: usize) -> usize {
    bytes + RANGE_OVERHEAD_BYTES
}

/// The bytes of `part`, where `bytes` begin at `start` and `part` lies within them.
fn slice(bytes: &[u8], start: Sequence, part: Span) -> &[u8] {
    let from = Span::new(start, part.start).len() as usize;
    bytes.get(from..from + part.len() as usize).unwrap_or_default()
}

/// Length in bytes; payloads are shorter than the sequence space.
fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("the length of a segment is checked before it is placed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u32) -> Sequence {
        Sequence::new(number)
    }

    fn hold(held: &mut HeldRanges, budget: &mut HeldBudget, start: u32, text: &str) {
        held.hold(at(start), text.as_bytes(), 0, budget).expect("there is room");
    }

    #[test]
    fn ranges_stay_sorted_and_apart_across_the_wrap() {
        let (mut held, mut budget) = (HeldRanges::default(), HeldBudget::new(1 << 20));
        hold(&mut held, &mut budget, 2, "fg");
        hold(&mut held, &mut budget, u32::MAX - 1, "bc");
        hold(&mut held, &mut budget, u32::MAX - 2, "abcdefgh");
        let starts: Vec<u32> = held.queue.iter().flat_map(|q| &q.ranges).map(|r| r.start.get()).collect();
        assert_eq!(starts, [u32::MAX - 2, u32::MAX - 1, 0, 2, 4]);
        assert_eq!(held.end(), Some(at(5)));
        assert_eq!(budget.held_bytes(), 8 + 5 * RANGE_OVERHEAD_BYTES);
    }

    #[test]
    fn what_is_held_already_costs_nothing() {
        let (mut held, mut budget) = (HeldRanges::default(), HeldBudget::new(1 << 20));
        hold(&mut held, &mut budget, 10, "abcd");
        let before = budget.held_bytes();
        hold(&mut held, &mut budget, 11, "bc");
        assert_eq!(budget.held_bytes(), before);
    }

    #[test]
    fn contradictions_are_seen_and_only_those() {
        let (mut held, mut budget) = (HeldRanges::default(), HeldBudget::new(1 << 20));
        hold(&mut held, &mut budget, 10, "abcd");
        assert!(held.agrees_with(at(8), b"..ab"));
        assert!(held.agrees_with(at(12), b"cd.."));
        assert!(held.agrees_with(at(14), b"xx") && held.agrees_with(at(8), b"xx"));
        assert!(!held.agrees_with(at(8), b"..aX"));
        assert!(!held.agrees_with(at(13), b"X"));
    }

    #[test]
    fn taking_forgets_what_was_passed_and_the_queue_with_the_last() {
        let (mut held, mut budget) = (HeldRanges::default(), HeldBudget::new(1 << 20));
        hold(&mut held, &mut budget, 10, "ab");
        hold(&mut held, &mut budget, 14, "cd");
        assert!(held.take_at(at(9), &mut budget).is_none());
        let range = held.take_at(at(15), &mut budget).expect("15 lies in the second range");
        assert_eq!((range.start, &*range.bytes), (at(14), &b"cd"[..]));
        assert!(held.is_empty());
        assert_eq!(budget.held_bytes(), 0);
    }

    #[test]
    fn a_cap_refuses_and_changes_nothing() {
        let (mut held, mut budget) = (HeldRanges::default(), HeldBudget::new(100));
        hold(&mut held, &mut budget, 10, "ab");
        let refused = held.hold(at(20), b"cd", 0, &mut budget);
        assert_eq!(refused, Err(DropReason::ReassemblyMemory));
        assert_eq!((budget.held_bytes(), budget.refusals()), (2 + RANGE_OVERHEAD_BYTES, 1));
        assert_eq!(held.end(), Some(at(12)));
        held.release(&mut budget);
        assert_eq!(budget.held_bytes(), 0);
    }

    #[test]
    fn a_refusal_of_the_first_range_leaves_no_empty_queue() {
        let (mut held, mut budget) = (HeldRanges::default(), HeldBudget::new(10));
        assert!(held.hold(at(20), b"cd", 0, &mut budget).is_err());
        assert!(held.is_empty());
    }
}
