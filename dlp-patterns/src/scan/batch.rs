//! The next chunks of several flows, scanned together.

use std::cell::RefCell;

use arrayvec::ArrayVec;

use super::lanes::{Lanes, Reader};
use super::run::{BACK_BYTES, ROOM, Run};
use super::text::Text;
use super::{ScanOverflow, ScanState};
use crate::Hit;
use crate::context::Context;
use crate::limits::{BATCH_SEEN_MAX, BATCH_SLOTS_MAX, PIECE_BYTES_MAX};
use crate::rule_set::RuleSet;
use crate::sieve::WindowId;
use crate::simd::STRIPE_BYTES;

/// Chunks of at most so many bytes are looked at side by side: at least four to a stripe.
const SMALL_BYTES_MAX: usize = STRIPE_BYTES / 4 - BACK_BYTES;

/// Chunks begin at multiples of this, so that the sieve tells their windows in the same order as if they were alone.
const SLOT_ALIGN_BYTES: usize = 8;
const _: () = assert!(BACK_BYTES.is_multiple_of(SLOT_ALIGN_BYTES), "the bytes before don't shift the chunk");

thread_local! {
    /// Of the thread that scans, since it is too large to be made for each batch.
    static STAGE: RefCell<Stage> = const { RefCell::new(Stage::new()) };
}

/// A flow's next chunk in a batch.
#[derive(Debug)]
pub struct BatchItem<'b> {
    /// What the flow's scan remembers.
    pub state: &'b mut ScanState,
    /// The next bytes of its field.
    pub chunk: &'b [u8],
    /// Where its hits are appended.
    pub hits: &'b mut Vec<Hit>,
    /// How the scan came out.
    pub result: Result<(), ScanOverflow>,
}

impl<'b> BatchItem<'b> {
    /// A chunk that is still to be scanned.
    pub fn new(state: &'b mut ScanState, chunk: &'b [u8], hits: &'b mut Vec<Hit>) -> BatchItem<'b> {
        BatchItem { state, chunk, hits, result: Ok(()) }
    }
}

/// How a chunk is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Nothing of it matters.
    Over,
    /// In pieces, by itself.
    Pieces,
    /// In stripes of its own.
    Stripes,
    /// In a stripe with others.
    Staged,
}

/// A chunk in the stripe.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Its index in the batch.
    item: usize,
    /// Where in the stripe the bytes before it are, and behind them the chunk.
    begin: u16,
}

/// A window that was seen in the stripe; in the order of these, each slot's are in the order in which they were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    slot: u16,
    number: u16,
    /// In the stripe.
    place: u16,
    window: WindowId,
}

/// Small chunks side by side in one stripe.
///
/// Invariant: the slots follow each other, and none reaches into the next. A window may, but then its last byte is none
/// of the chunk that it begins in, so that it isn't followed.
struct Stage {
    slots: ArrayVec<Slot, BATCH_SLOTS_MAX>,
    /// Bytes of the stripe that are taken.
    taken: usize,
    seen: ArrayVec<Seen, BATCH_SEEN_MAX>,
}

impl RuleSet {
    /// Scans the next chunks of several flows: the hits, their order, and the results are those of
    /// [`scan`](RuleSet::scan) on one after the other. Small chunks of flows in fields for which the same rules are
    /// meant cost less together.
    pub fn scan_batch(&self, items: &mut [BatchItem<'_>]) {
        let mut is_present = [false; RuleSet::CONTEXTS_MAX];
        for item in items.iter_mut() {
            item.result = Ok(());
            if let Some(index) = self.context_index_of(item.state) {
                is_present[index] = true;
            }
        }
        for index in (0..RuleSet::CONTEXTS_MAX).filter(|index| is_present[*index]) {
            self.scan_together(index, items);
        }
    }

    /// Scans those of one context.
    fn scan_together(&self, index: usize, items: &mut [BatchItem<'_>]) {
        let context = self.context_at(index);
        if !context.everywhere().is_empty() {
            self.read_every_byte_of(index, items);
        }
        STAGE.with_borrow_mut(|stage| {
            // A scan that unwound may have left chunks of another batch.
            stage.clear();
            for at in 0..items.len() {
                let item = &mut items[at];
                if self.context_index_of(item.state) != Some(index) {
                    continue;
                }
                match way(context, item) {
                    Way::Over => item.state.offset += item.chunk.len() as u64,
                    Way::Pieces => item.result = self.scan(item.state, item.chunk, item.hits),
                    Way::Stripes => self.scan_alone(context, item),
                    Way::Staged => {
                        if !stage.has_room(item.chunk) {
                            stage.scan(self, context, items);
                        }
                        stage.take(at, items[at].chunk);
                    }
                }
            }
            stage.scan(self, context, items);
        });
    }

    /// Lets the automata that read every byte read those chunks that aren't scanned by themselves, in step with each other.
    fn read_every_byte_of(&self, context_index: usize, items: &mut [BatchItem<'_>]) {
        let context = self.context_at(context_index);
        let mut lanes = Lanes::new();
        for index in 0..context.everywhere().len() {
            for owner in 0..items.len() {
                let item = &mut items[owner];
                if self.context_index_of(item.state) != Some(context_index)
                    || matches!(way(context, item), Way::Over | Way::Pieces)
                {
                    continue;
                }
                let chunk = item.chunk;
                if let Some(from) = self.reading_run(context, item).reading_from(index) {
                    let reader = Reader::new(self, context, (index, owner), from, chunk);
                    lanes.take(reader, |reader| {
                        self.reading_run(context, &mut items[reader.owner]).has_stopped(reader)
                    });
                }
            }
        }
        lanes.read_all(|reader| self.reading_run(context, &mut items[reader.owner]).has_stopped(reader));
    }

    /// A run in which only automata read that read every byte; what they spend is paid in the one that follows.
    fn reading_run<'r>(&'r self, context: &'r Context, item: &'r mut BatchItem<'_>) -> Run<'r> {
        let steps = item.state.steps_with(item.chunk);
        let ScanState { tail, offset, kept, .. } = &mut *item.state;
        Run::new(self, context, Text::new(tail.bytes(), item.chunk, *offset), kept, steps)
    }

    /// Scans a chunk that every automaton has read that reads every byte.
    fn scan_alone(&self, context: &Context, item: &mut BatchItem<'_>) {
        let BatchItem { state, chunk, hits, .. } = item;
        let result = self.take_through(context, state, chunk, |run, before| run.scan_read(before, hits));
        item.result = result.map(|_| ());
    }
}

fn way(context: &Context, item: &BatchItem<'_>) -> Way {
    match item.chunk.len() {
        _ if item.state.is_decided(context) => Way::Over,
        // There may be something to go on with nevertheless.
        0 => Way::Stripes,
        1..=SMALL_BYTES_MAX => Way::Staged,
        bytes if context.is_counting() && bytes > PIECE_BYTES_MAX => Way::Pieces,
        _ => Way::Stripes,
    }
}

impl Stage {
    const fn new() -> Stage {
        Stage { slots: ArrayVec::new_const(), taken: 0, seen: ArrayVec::new_const() }
    }

    fn has_room(&self, chunk: &[u8]) -> bool {
        !self.slots.is_full() && self.taken + BACK_BYTES + chunk.len() <= STRIPE_BYTES
    }

    /// Makes room for a chunk and what is before it.
    fn take(&mut self, item: usize, chunk: &[u8]) {
        let begin = u16::try_from(self.taken).expect("a stripe is short");
        self.slots.push(Slot { item, begin });
        self.taken = (self.taken + BACK_BYTES + chunk.len()).next_multiple_of(SLOT_ALIGN_BYTES);
    }

    /// Scans the chunks that were taken, and forgets them.
    fn scan(&mut self, rules: &RuleSet, context: &Context, items: &mut [BatchItem<'_>]) {
        let are_all_seen = self.look(context, items);
        let mut seen = self.seen.as_slice();
        for (number, slot) in (0..).zip(&self.slots) {
            let item = &mut items[slot.item];
            if !are_all_seen {
                rules.scan_alone(context, item);
                continue;
            }
            let of_others = seen.iter().position(|seen| seen.slot != number).unwrap_or(seen.len());
            let (of_slot, others) = seen.split_at(of_others);
            seen = others;
            let BatchItem { state, chunk, hits, .. } = item;
            let is_idle = || state.kept.as_ref().is_none_or(|kept| kept.is_idle());
            if of_slot.is_empty() && context.simulated().is_empty() && is_idle() {
                state.advance(chunk, state.steps_with(chunk));
                continue;
            }
            let first = (usize::from(slot.begin) + BACK_BYTES) as isize;
            let windows = of_slot.iter().map(|seen| (seen.window, seen.place as isize - first));
            let result = rules.take_through(context, state, chunk, |run, _| run.scan_seen(windows, hits));
            item.result = result.map(|_| ());
        }
        self.clear();
    }

    /// Forgets the chunks that were taken.
    fn clear(&mut self) {
        self.slots.clear();
        self.taken = 0;
    }

    /// Puts the chunks into a stripe, and looks for windows in it; `false` if there are more than it is worth to sort.
    fn look(&mut self, context: &Context, items: &[BatchItem<'_>]) -> bool {
        let Stage { slots, taken, seen } = self;
        seen.clear();
        let mut are_all_seen = true;
        ROOM.with_borrow_mut(|room| {
            for slot in slots.iter() {
                let BatchItem { state, chunk, .. } = &items[slot.item];
                let bytes = &mut room.bytes[usize::from(slot.begin)..];
                bytes[..BACK_BYTES].copy_from_slice(state.tail.last::<BACK_BYTES>());
                bytes[BACK_BYTES..][..chunk.len()].copy_from_slice(chunk);
            }
            context.sieve().look(room, (*taken).min(STRIPE_BYTES), |window, place| {
                let slot = slots.partition_point(|slot| usize::from(slot.begin) <= place) - 1;
                let [slot, number, place] = [slot, seen.len(), place].map(|number| number as u16);
                are_all_seen &= seen.try_push(Seen { slot, number, place, window }).is_ok();
            });
        });
        seen.sort_unstable();
        are_all_seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::tests::{begun, compiled};

    #[test]
    fn what_a_batch_that_unwound_has_left_is_forgotten() {
        let rules = compiled(&["literals = ['windowed']"]);
        STAGE.with_borrow_mut(|stage| stage.take(7, b"of a flow that isn't there"));
        let (mut state, mut hits) = (begun(&rules), Vec::new());
        let mut items = [BatchItem::new(&mut state, b"windowed", &mut hits)];
        rules.scan_batch(&mut items);
        assert_eq!(hits.len(), 1);
    }
}
