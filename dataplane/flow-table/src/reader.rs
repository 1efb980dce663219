//! The flows of a table, seen from outside while its one writer goes on.

use std::sync::Arc;

use crate::slots::{Look, Slots};
use crate::{FlowId, FlowKey};

/// Sees the flows of a table from any thread, without a lock: the writer never waits for it, nor does it wait for the
/// writer. It outlives the table, and then sees what was there last.
#[derive(Clone)]
pub struct Reader<const WORDS: usize> {
    slots: Arc<Slots<WORDS>>,
}

/// A flow as it was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowView<const WORDS: usize> {
    /// Names the flow; it may be gone by now.
    pub id: FlowId,
    /// Its key.
    pub key: FlowKey,
    /// What the writer showed of it last.
    pub words: [u64; WORDS],
}

impl<const WORDS: usize> Reader<WORDS> {
    pub(crate) fn new(slots: Arc<Slots<WORDS>>) -> Reader<WORDS> {
        Reader { slots }
    }

    /// All flows, each as it was at a moment of its own: one that comes or goes meanwhile may be among them or not, one
    /// that is there all the while is, unless it was being written at every look ([`Flows::skipped`]).
    pub fn flows(&self) -> Flows<'_, WORDS> {
        Flows { slots: &self.slots, next: 0, skipped: 0 }
    }
}

/// A walk over the slots of a table.
pub struct Flows<'r, const WORDS: usize> {
    slots: &'r Slots<WORDS>,
    next: u32,
    skipped: usize,
}

impl<const WORDS: usize> Flows<'_, WORDS> {
    /// Slots so far that were being written at each of a bounded number of looks.
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}

impl<const WORDS: usize> Iterator for Flows<'_, WORDS> {
    type Item = FlowView<WORDS>;

    fn next(&mut self) -> Option<FlowView<WORDS>> {
        while (self.next as usize) < self.slots.len() {
            let slot = self.next;
            match self.slots.look(slot) {
                Look::Unused => return None,
                Look::Vacant => {}
                Look::Busy => self.skipped += 1,
                Look::Flow { generation, key, words } => {
                    self.next += 1;
                    let (id, key) = (FlowId::new(slot, generation), FlowKey::from_words(key));
                    return Some(FlowView { id, key, words });
                }
            }
            self.next += 1;
        }
        None
    }
}
