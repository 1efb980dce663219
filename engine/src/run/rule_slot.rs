//! How rules get from the supervisor to the workers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dataplane::inspect::Epoch;
use dlp_patterns::RuleSet;

/// The latest rule set. Workers look at its epoch once a turn, and take the lock only when that has changed.
///
/// Invariant: who sees an epoch finds the set of that epoch, or a later one.
#[derive(Debug)]
pub(super) struct RuleSlot {
    epoch: AtomicU32,
    latest: Mutex<(Epoch, Arc<RuleSet>)>,
}

impl RuleSlot {
    /// A slot with the set that the engine starts with.
    pub(super) fn new(rules: Arc<RuleSet>) -> RuleSlot {
        let first = Epoch::FIRST;
        RuleSlot { epoch: AtomicU32::new(first.0), latest: Mutex::new((first, rules)) }
    }

    /// Puts a set in force, and hands back its epoch and the set before it.
    pub(super) fn put(&self, rules: Arc<RuleSet>) -> (Epoch, Arc<RuleSet>) {
        // A holder that panicked left the pair whole: it is only ever assigned.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = latest.0.next();
        let (_, former) = std::mem::replace(&mut *latest, (epoch, rules));
        self.epoch.store(epoch.0, Ordering::Release);
        (epoch, former)
    }

    /// The set in force.
    pub(super) fn latest(&self) -> (Epoch, Arc<RuleSet>) {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One worker's look at the slot.
#[derive(Debug)]
pub(super) struct RuleWatch {
    slot: Arc<RuleSlot>,
    seen: Epoch,
}

impl RuleWatch {
    /// A look from the start: the worker has the first set.
    pub(super) fn new(slot: Arc<RuleSlot>) -> RuleWatch {
        RuleWatch { slot, seen: Epoch::FIRST }
    }

    /// The latest set, where the worker does not have it yet.
    pub(super) fn newer(&mut self) -> Option<(Epoch, Arc<RuleSet>)> {
        if self.slot.epoch.load(Ordering::Acquire) == self.seen.0 {
            return None;
        }
        let (epoch, rules) = self.slot.latest();
        self.seen = epoch;
        Some((epoch, rules))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_takes_the_latest_set_once() {
        let rules = || Arc::new(RuleSet::compile(&[]).expect("no pack, no mistake"));
        let slot = Arc::new(RuleSlot::new(rules()));
        let mut watch = RuleWatch::new(Arc::clone(&slot));
        assert!(watch.newer().is_none());
        slot.put(rules());
        let (last, _) = slot.put(rules());
        assert_eq!(watch.newer().map(|(epoch, _)| epoch), Some(last));
        assert!(watch.newer().is_none());
    }
}
