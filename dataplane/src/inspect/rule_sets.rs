//! The rule set in force, and those before it that open fields still need.

use std::sync::Arc;

use arrayvec::ArrayVec;
use dlp_patterns::{Field, Rule, RuleSet};

use super::Finding;
use super::lanes::Others;
use super::open_scan::OpenScan;
use crate::flow::Direction;
use crate::limits::{
    FIELD_SCANS_SPARE_MAX, LANES_SPARE_MAX, RULE_SETS_RETIRED_MAX, RULES_FINISH_BYTES_MAX,
    RULES_FINISH_NS_MAX,
};
use crate::spare::Spare;

/// The number of a rule set in the order in which sets came into force, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// That of the set a process starts with.
    pub const FIRST: Epoch = Epoch(1);

    /// That of the set after this one.
    #[must_use]
    pub fn next(self) -> Epoch {
        Epoch(self.0 + 1)
    }
}

/// What becomes of the fields that are open when other rules come into force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReloadPolicy {
    /// They go on under the rules they began with, for at most [`RULES_FINISH_BYTES_MAX`] bytes and
    /// [`RULES_FINISH_NS_MAX`].
    #[default]
    Finish,
    /// They come under the new rules with their next byte.
    Restart,
}

impl ReloadPolicy {
    /// Bytes that an open field goes on for.
    pub(super) fn finish_bytes(self) -> u32 {
        match self {
            ReloadPolicy::Finish => RULES_FINISH_BYTES_MAX,
            ReloadPolicy::Restart => 0,
        }
    }
}

/// The rule sets of one worker.
///
/// Invariant: a retired set is let go when no scan counts on it any more, but only between two batches, so that
/// findings can name their rules; or when there are too many, and then its scans are told that it is gone.
#[derive(Debug)]
pub struct RuleSets {
    current: InUse,
    /// The oldest first.
    retired: ArrayVec<Retired, RULE_SETS_RETIRED_MAX>,
    finish_bytes: u32,
    /// Room for the scans of fields that are still to come.
    pub(super) spare_scans: Spare<OpenScan, FIELD_SCANS_SPARE_MAX>,
    /// Room for the lanes of flows that have more fields open than one in each direction.
    pub(super) spare_lanes: Spare<Others, LANES_SPARE_MAX>,
}

#[derive(Debug)]
struct InUse {
    epoch: Epoch,
    rules: Arc<RuleSet>,
    /// Scans that read under this set.
    scans: u64,
}

impl InUse {
    #[inline]
    fn leave(&mut self) {
        self.scans = self.scans.checked_sub(1).expect("a scan entered before it leaves");
    }
}

#[derive(Debug)]
struct Retired {
    set: InUse,
    /// When it was replaced, in ns since the epoch.
    since_ns: u64,
}

impl RuleSets {
    /// A first set, and what is to become of open fields when another follows.
    pub fn new(rules: Arc<RuleSet>, policy: ReloadPolicy) -> RuleSets {
        RuleSets::finishing(rules, policy.finish_bytes())
    }

    /// A first set, under which open fields go on for so many bytes when another follows.
    pub(super) fn finishing(rules: Arc<RuleSet>, finish_bytes: u32) -> RuleSets {
        let current = InUse { epoch: Epoch::FIRST, rules, scans: 0 };
        RuleSets {
            current,
            retired: ArrayVec::new(),
            finish_bytes,
            spare_scans: Spare::default(),
            spare_lanes: Spare::default(),
        }
    }

    /// Puts another set in force, at `now_ns`; to be called between two batches. How many scans lost their set,
    /// because it was the oldest of too many: these begin anew with their next byte.
    ///
    /// # Panics
    /// If `epoch` is not later than the one in force.
    pub fn swap(&mut self, epoch: Epoch, rules: Arc<RuleSet>, now_ns: u64) -> u64 {
        assert!(epoch > self.current.epoch, "sets come into force in the order of their epochs");
        self.release_unused();
        let set = std::mem::replace(&mut self.current, InUse { epoch, rules, scans: 0 });
        if set.scans == 0 {
            return 0;
        }
        let evicted = if self.retired.is_full() { self.retired.remove(0).set.scans } else { 0 };
        self.retired.push(Retired { set, since_ns: now_ns });
        evicted
    }

    /// Lets go of the retired sets that no scan counts on; to be called between two batches.
    pub fn release_unused(&mut self) {
        self.retired.retain(|retired| retired.set.scans > 0);
    }

    /// The epoch in force.
    pub fn epoch(&self) -> Epoch {
        self.current.epoch
    }

    /// Sets that are kept because some open field needs them.
    pub fn retired(&self) -> usize {
        self.retired.len()
    }

    /// The rule that a finding of the packet at hand speaks of.
    ///
    /// # Panics
    /// If the finding is older than the last swap.
    pub fn rule(&self, finding: &Finding) -> &Rule {
        self.get(finding.epoch).expect("no set goes while its findings are told").rule(finding.hit.rule)
    }

    /// The set in force.
    pub(super) fn current(&self) -> &RuleSet {
        &self.current.rules
    }

    /// The set of an epoch; `None` where it is gone.
    pub(super) fn get(&self, epoch: Epoch) -> Option<&RuleSet> {
        if epoch == self.current.epoch {
            return Some(&self.current.rules);
        }
        self.retired.iter().find(|retired| retired.set.epoch == epoch).map(|retired| &*retired.set.rules)
    }

    /// Whether any rule speaks of a field, be it one of a former set that open fields still need.
    #[inline]
    pub fn speak_of(&self, field: Field, direction: Direction) -> bool {
        let speaks = |set: &InUse| set.rules.has_rules(field, direction);
        speaks(&self.current) || self.retired.iter().any(|retired| speaks(&retired.set))
    }

    /// Bytes that a field which is open at a swap goes on for.
    pub(super) fn finish_bytes(&self) -> u32 {
        self.finish_bytes
    }

    /// Whether the time is over in which open fields may go on under the set of an epoch.
    pub(super) fn is_overdue(&self, epoch: Epoch, now_ns: u64) -> bool {
        let is_late = |retired: &Retired| now_ns.saturating_sub(retired.since_ns) >= RULES_FINISH_NS_MAX;
        epoch != self.current.epoch
            && self.retired.iter().find(|retired| retired.set.epoch == epoch).is_none_or(is_late)
    }

    /// A scan begins, under the set in force.
    pub(super) fn enter(&mut self) -> Epoch {
        self.current.scans += 1;
        self.current.epoch
    }

    /// A scan under the set of that epoch is over.
    #[inline]
    pub(super) fn leave(&mut self, epoch: Epoch) {
        if epoch == self.current.epoch {
            self.current.leave();
        } else {
            self.leave_retired(epoch);
        }
    }

    #[cold]
    fn leave_retired(&mut self, epoch: Epoch) {
        if let Some(retired) = self.retired.iter_mut().find(|retired| retired.set.epoch == epoch) {
            retired.set.leave();
        }
    }
}
