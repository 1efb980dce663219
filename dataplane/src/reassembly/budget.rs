//! [`HeldBudget`]: the sum of what all streams of a worker hold never exceeds its maximum.

/// A worker's account of out-of-order data. Bookkeeping counts too, so that many tiny pieces cannot
/// take more memory than few large ones.
#[derive(Debug)]
pub(super) struct HeldBudget {
    held_bytes: usize,
    max_bytes: usize,
    refusals: u64,
}

impl HeldBudget {
    /// An empty account of at most `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        HeldBudget { held_bytes: 0, max_bytes, refusals: 0 }
    }

    /// Memory that is held now, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How many segments were refused for want of memory, by this cap or by one of a stream.
    pub(super) fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Whether `cost_bytes` more fit; takes nothing.
    pub(super) fn has_room(&self, cost_bytes: usize) -> bool {
        cost_bytes <= self.max_bytes - self.held_bytes
    }

    pub(super) fn take(&mut self, cost_bytes: usize) {
        assert!(self.has_room(cost_bytes), "room is asked for before memory is taken");
        self.held_bytes += cost_bytes;
    }

    pub(super) fn give_back(&mut self, cost_bytes: usize) {
        let rest = self.held_bytes.checked_sub(cost_bytes);
        self.held_bytes = rest.expect("a stream gives back to the budget that it took from");
    }

    pub(super) fn count_refusal(&mut self) {
        self.refusals += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_up_to_its_maximum() {
        let mut budget = HeldBudget::new(10);
        budget.take(7);
        assert!(budget.has_room(3) && !budget.has_room(4));
        budget.give_back(7);
        assert_eq!(budget.held_bytes(), 0);
        assert!(budget.has_room(10));
    }

    #[test]
    #[should_panic(expected = "the budget that it took from")]
    fn what_was_never_taken_cannot_be_given_back() {
        HeldBudget::new(10).give_back(1);
    }
}
