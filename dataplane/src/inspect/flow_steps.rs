//! The work that one flow may cause, in relation to what it sends.
//!
//! It rests on bytes of fields and on steps of automata, not on frames or time, so that it hardly depends on how a stream is cut:
//! only in that the account is looked at before each chunk, and that a few steps are made again where one ends.

use crate::limits::{FLOW_STEPS_DEFAULT, FLOW_STEPS_PER_KIB_DEFAULT};

/// Bytes in a KiB, and parts of a step in which accounts are kept: each byte pays for so many of them as a KiB pays for steps.
const PARTS: u64 = 1024;

/// Steps of automata that the scans of one flow may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowSteps {
    /// Beyond what its bytes pay for, at any time.
    pub max: u64,
    /// That each KiB of its fields pays for.
    pub per_kib: u64,
}

impl Default for FlowSteps {
    fn default() -> FlowSteps {
        FlowSteps { max: FLOW_STEPS_DEFAULT, per_kib: FLOW_STEPS_PER_KIB_DEFAULT }
    }
}

/// What the scans of a flow have cost, and its bytes have not paid for.
///
/// Invariant: it is what they cost in some stretch of the flow up to now, less what the bytes of that stretch pay for: no
/// stretch of `b` bytes costs more than `max`, a packet and `b / 1024 * per_kib` steps. Bytes before such a stretch count for
/// nothing: nobody saves up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowAccount {
    unpaid_parts: u64,
}

impl FlowAccount {
    /// In whole steps.
    pub fn unpaid_steps(self) -> u64 {
        self.unpaid_parts / PARTS
    }

    /// Whether the flow may be read on.
    #[inline]
    pub(super) fn is_within(self, allowed: FlowSteps) -> bool {
        self.unpaid_parts <= allowed.max.saturating_mul(PARTS)
    }

    #[inline]
    pub(super) fn pay(&mut self, bytes: usize, allowed: FlowSteps) {
        self.unpaid_parts = self.unpaid_parts.saturating_sub(allowed.per_kib.saturating_mul(bytes as u64));
    }

    #[inline]
    pub(super) fn owe(&mut self, steps: u64) {
        self.unpaid_parts = self.unpaid_parts.saturating_add(steps.saturating_mul(PARTS));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECE_STEPS_MAX: u64 = 20_000;

    proptest! {
        /// What is read while a flow is within its steps costs, over any stretch of it, what is promised, however far the last
        /// piece of it went.
        #[test]
        fn no_stretch_costs_more_than_promised(
            pieces in prop::collection::vec((0..3000_usize, 0..PIECE_STEPS_MAX), 1..80),
            max in 0..50_000_u64,
            per_kib in 0..5000_u64,
        ) {
            let allowed = FlowSteps { max, per_kib };
            let mut account = FlowAccount::default();
            let mut read = Vec::new();
            for (bytes, steps) in pieces {
                let steps = if account.is_within(allowed) { steps } else { 0 };
                account.owe(steps);
                account.pay(bytes, allowed);
                read.push((bytes as u64, steps));
            }
            for first in 0..read.len() {
                let (mut bytes, mut steps) = (0, 0);
                for (more_bytes, more_steps) in &read[first..] {
                    (bytes, steps) = (bytes + more_bytes, steps + more_steps);
                    prop_assert!(steps * PARTS <= (max + PIECE_STEPS_MAX) * PARTS + bytes * per_kib);
                }
            }
        }

        /// Nothing is refused to a flow whose bytes pay for all, whatever the pieces that they come in.
        #[test]
        fn what_is_paid_for_is_never_refused(
            pieces in prop::collection::vec(0..3000_usize, 1..80),
            max in 0..50_000_u64,
            per_kib in 0..5000_u64,
        ) {
            let allowed = FlowSteps { max, per_kib };
            let mut account = FlowAccount::default();
            for bytes in pieces {
                account.owe(bytes as u64 * per_kib / PARTS);
                account.pay(bytes, allowed);
                prop_assert!(account.is_within(allowed));
            }
        }

        /// How the bytes of a costly stretch are cut says nothing: bytes and steps add up alike.
        #[test]
        fn costly_bytes_count_alike_however_cut(
            bytes in 1..3000_usize,
            cut in 0..3000_usize,
            before in 1_000_000..2_000_000_u64,
        ) {
            let allowed = FlowSteps { max: u64::MAX, per_kib: 333 };
            let mut whole = FlowAccount { unpaid_parts: before };
            let mut parted = whole;
            let cut = cut % bytes;
            whole.pay(bytes, allowed);
            [cut, bytes - cut].into_iter().for_each(|bytes| parted.pay(bytes, allowed));
            prop_assert_eq!(whole, parted);
        }
    }
}
