//! When to look at which slot again.

/// Length of a tick, in nanoseconds: 67 ms. Flow timeouts are seconds, so that a deadline rounded up to a tick is
/// as good as the deadline; and a shift divides.
pub const TICK_NS: u64 = 1 << 26;

/// Ticks ahead that the wheel tells apart: 275 s. A deadline beyond is looked at again every so often, which costs
/// a table of a million flows some 4000 looks a second, and spares the cascades of a hierarchy.
const SPOKES: usize = 4096;

/// Slots linked into rings by the tick at which each is due for a look. A slot is looked at no later than the
/// tick it was armed for, and may be looked at earlier; whoever looks decides and arms it again.
pub(crate) struct Wheel {
    /// The rings' anchors (one a spoke), then one link for each slot.
    links: Vec<Link>,
    /// No slot is armed for an earlier tick.
    earliest: u64,
}

/// A look at every slot that was armed for tick `now` or before.
pub(crate) struct Turn {
    hand: u64,
    now: u64,
}

/// A slot's neighbours in its ring; itself where it is in none.
#[derive(Clone, Copy)]
struct Link {
    next: u32,
    previous: u32,
}

impl Wheel {
    /// Slots that a wheel can link.
    pub(crate) const SLOTS_MAX: usize = u32::MAX as usize - SPOKES;

    pub(crate) fn with_capacity(capacity: usize) -> Wheel {
        let mut links = Vec::with_capacity(SPOKES + capacity);
        links.extend((0..SPOKES as u32).map(|spoke| Link { next: spoke, previous: spoke }));
        Wheel { links, earliest: 0 }
    }

    /// The first tick at whose begin a deadline has passed.
    pub(crate) fn tick_of_deadline(deadline_ns: u64) -> u64 {
        deadline_ns.div_ceil(TICK_NS)
    }

    /// Admits the next slot.
    pub(crate) fn add_slot(&mut self) {
        let node = self.links.len() as u32;
        self.links.push(Link { next: node, previous: node });
    }

    /// Has `slot` looked at no later than at `tick`, after all that were armed for that tick before.
    pub(crate) fn arm(&mut self, slot: u32, tick: u64) {
        // A deadline before the earliest comes from a clock that went back.
        self.earliest = self.earliest.min(tick);
        self.link(slot, tick.min(last_of_turn(self.earliest)));
    }

    /// Likewise, for a slot that came up in `turn`, and for a tick behind the turn's end.
    pub(crate) fn arm_again(&mut self, turn: &Turn, slot: u32, tick: u64) {
        assert!(tick > turn.now, "a slot that is due is not put off");
        // Not into the ring at hand, which would never be done.
        self.link(slot, tick.min(last_of_turn(turn.hand)));
    }

    /// Forgets `slot` until it is armed again.
    pub(crate) fn disarm(&mut self, slot: u32) {
        let node = node_of(slot);
        let Link { next, previous } = self.links[node as usize];
        self.links[previous as usize].next = next;
        self.links[next as usize].previous = previous;
        self.links[node as usize] = Link { next: node, previous: node };
    }

    /// Begins to look at tick `now`, which may be any: going back costs nothing, as a ring then comes up before the
    /// tick that it was armed for and never after, and going far ahead turns the wheel once, which brings up every
    /// ring. A turn that is not brought to its end is begun again by the next one.
    pub(crate) fn turn(&mut self, now: u64) -> Turn {
        self.earliest = self.earliest.min(now);
        Turn { hand: self.earliest.max(now.saturating_sub(SPOKES as u64 - 1)), now }
    }

    /// The next slot to look at, `None` at the turn's end. The caller arms it again or disarms it before it asks for
    /// another.
    pub(crate) fn next_due(&mut self, turn: &mut Turn) -> Option<u32> {
        loop {
            let anchor = spoke(turn.hand);
            let first = self.links[anchor as usize].next;
            if first != anchor {
                return Some(first - SPOKES as u32);
            }
            if turn.hand == turn.now {
                self.earliest = turn.now;
                return None;
            }
            if self.earliest == turn.hand {
                self.earliest += 1;
            }
            turn.hand += 1;
        }
    }

    fn link(&mut self, slot: u32, tick: u64) {
        self.disarm(slot);
        let (node, anchor) = (node_of(slot), spoke(tick));
        let last = self.links[anchor as usize].previous;
        self.links[node as usize] = Link { next: anchor, previous: last };
        self.links[last as usize].next = node;
        self.links[anchor as usize].previous = node;
    }
}

/// The last tick that has a spoke of its own when the wheel stands at `tick`.
fn last_of_turn(tick: u64) -> u64 {
    tick.saturating_add(SPOKES as u64 - 1)
}

fn spoke(tick: u64) -> u32 {
    (tick % SPOKES as u64) as u32
}

fn node_of(slot: u32) -> u32 {
    SPOKES as u32 + slot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(wheel: &mut Wheel, now: u64) -> Vec<u32> {
        let mut looked = Vec::new();
        let mut turn = wheel.turn(now);
        while let Some(slot) = wheel.next_due(&mut turn) {
            wheel.disarm(slot);
            looked.push(slot);
        }
        looked
    }

    fn wheel(slots: u32) -> Wheel {
        let mut wheel = Wheel::with_capacity(slots as usize);
        (0..slots).for_each(|_| wheel.add_slot());
        wheel
    }

    #[test]
    fn slots_come_up_by_tick_then_in_the_order_of_arming() {
        let mut wheel = wheel(5);
        for (slot, tick) in [(0, 9), (1, 7), (2, 9), (3, 7), (4, 10)] {
            wheel.arm(slot, tick);
        }
        assert_eq!(look(&mut wheel, 6), []);
        assert_eq!(look(&mut wheel, 9), [1, 3, 0, 2]);
        assert_eq!(look(&mut wheel, 10), [4]);
    }

    #[test]
    fn arming_again_moves_a_slot_and_disarming_forgets_it() {
        let mut wheel = wheel(2);
        wheel.arm(0, 3);
        wheel.arm(1, 3);
        wheel.arm(0, 5);
        wheel.disarm(1);
        assert_eq!(look(&mut wheel, 4), []);
        assert_eq!(look(&mut wheel, 5), [0]);
    }

    #[test]
    fn a_distant_tick_comes_up_early_and_never_late() {
        let mut wheel = wheel(1);
        wheel.arm(0, u64::MAX);
        assert_eq!(look(&mut wheel, SPOKES as u64 - 2), []);
        assert_eq!(look(&mut wheel, SPOKES as u64 - 1), [0]);
    }

    #[test]
    fn a_tick_before_the_earliest_is_not_late_when_time_goes_back() {
        let mut wheel = wheel(1);
        assert_eq!(look(&mut wheel, 1_000_000), []);
        wheel.arm(0, 900);
        assert_eq!(look(&mut wheel, 899), []);
        assert_eq!(look(&mut wheel, 900), [0]);
    }

    #[test]
    fn after_a_jump_ahead_and_back_nothing_is_late() {
        let mut wheel = wheel(3);
        let far = u64::MAX >> 26;
        wheel.arm(0, 100);
        assert_eq!(look(&mut wheel, far), [0]);
        wheel.arm(1, far + 1000);
        assert_eq!(look(&mut wheel, 50), []);
        wheel.arm(2, 60);
        assert_eq!(look(&mut wheel, 59), []);
        assert_eq!(look(&mut wheel, 60), [2]);
        let looked = look(&mut wheel, 50 + SPOKES as u64);
        assert_eq!(looked, [1], "the ring of a far tick comes up within one turn");
    }
}
