//! How rules, and what is a threat, get from the supervisor to the workers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dataplane::inspect::Epoch;
use dataplane::policy::ThreatPolicy;
use dlp_patterns::RuleSet;

/// What a reload puts in force, all of it at once.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    pub(super) rules: Arc<RuleSet>,
    pub(super) threats: ThreatPolicy,
}

/// The latest of what a reload puts in force. Workers look at its epoch once a turn, and take the lock only when that has changed.
///
/// Invariant: who sees an epoch finds what is in force since then, or since a later one.
#[derive(Debug)]
pub(super) struct RuleSlot {
    epoch: AtomicU32,
    latest: Mutex<(Epoch, InForce)>,
}

impl RuleSlot {
    /// A slot with what the engine starts with.
    pub(super) fn new(in_force: InForce) -> RuleSlot {
        let first = Epoch::FIRST;
        RuleSlot { epoch: AtomicU32::new(first.0), latest: Mutex::new((first, in_force)) }
    }

    /// Puts something else in force, and hands back its epoch and the rules before it.
    pub(super) fn put(&self, in_force: InForce) -> (Epoch, Arc<RuleSet>) {
        // A holder that panicked left the pair whole: it is only ever assigned.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = latest.0.next();
        let (_, former) = std::mem::replace(&mut *latest, (epoch, in_force));
        self.epoch.store(epoch.0, Ordering::Release);
        (epoch, former.rules)
    }

    /// What is in force.
    pub(super) fn latest(&self) -> (Epoch, InForce) {
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
    /// A look from the start: the worker has what was in force first.
    pub(super) fn new(slot: Arc<RuleSlot>) -> RuleWatch {
        RuleWatch { slot, seen: Epoch::FIRST }
    }

    /// What is in force, where the worker does not have it yet.
    pub(super) fn newer(&mut self) -> Option<(Epoch, InForce)> {
        if self.slot.epoch.load(Ordering::Acquire) == self.seen.0 {
            return None;
        }
        let (epoch, in_force) = self.slot.latest();
        self.seen = epoch;
        Some((epoch, in_force))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_takes_the_latest_set_once() {
        let in_force = || InForce {
            rules: Arc::new(RuleSet::compile(&[]).expect("no pack, no mistake")),
            threats: ThreatPolicy::default(),
        };
        let slot = Arc::new(RuleSlot::new(in_force()));
        let mut watch = RuleWatch::new(Arc::clone(&slot));
        assert!(watch.newer().is_none());
        slot.put(in_force());
        let (last, _) = slot.put(in_force());
        assert_eq!(watch.newer().map(|(epoch, _)| epoch), Some(last));
        assert!(watch.newer().is_none());
    }
}
