//! The table itself.

use crate::index::Index;
use crate::wheel::Wheel;
use crate::{FlowId, FlowKey, KeyedHash};

/// At most `capacity` flows: each is in the index under its key, in the wheel no later than its deadline, and in
/// the slab, where its id points.
///
/// All memory is reserved by [`FlowTable::with_capacity`]; the slab's pages are touched when flows first fill
/// them, and nothing is allocated later.
pub struct FlowTable<V> {
    hash: KeyedHash,
    index: Index,
    wheel: Wheel,
    heads: Vec<Head>,
    /// The flow of each head; `None` where the slot is vacant.
    values: Vec<Option<V>>,
    /// Slots to use again, the one that was vacated last on top: its memory is the warmest.
    vacant: Vec<u32>,
    capacity: usize,
}

/// What a lookup reads of a slot, in one cache line.
#[repr(align(64))]
struct Head {
    key: FlowKey,
    deadline_ns: u64,
    generation: u32,
}

/// The table holds as many flows as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFull;

impl std::fmt::Display for TableFull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the flow table is full")
    }
}

impl std::error::Error for TableFull {}

impl<V> FlowTable<V> {
    /// A table for up to `capacity` flows, with a secret `seed` of 128 random bits for its hash.
    ///
    /// # Panics
    ///
    /// If `capacity` is beyond what 32-bit ids can name, some four thousand million.
    pub fn with_capacity(capacity: usize, seed: [u64; 2]) -> FlowTable<V> {
        assert!(capacity <= Wheel::SLOTS_MAX, "more flows than 32-bit ids can name");
        FlowTable {
            hash: KeyedHash::new(seed),
            index: Index::with_capacity(capacity),
            wheel: Wheel::with_capacity(capacity),
            heads: Vec::with_capacity(capacity),
            values: Vec::with_capacity(capacity),
            vacant: Vec::with_capacity(capacity),
            capacity,
        }
    }

    /// The flow with that key, whatever its deadline.
    #[inline]
    pub fn get(&self, key: &FlowKey) -> Option<FlowId> {
        let slot = self.index.find(self.hash.hash(key), |slot| self.heads[slot as usize].key == *key)?;
        Some(FlowId::new(slot, self.heads[slot as usize].generation))
    }

    /// The key of a flow; `None` when the flow is gone.
    #[inline]
    pub fn key(&self, id: FlowId) -> Option<&FlowKey> {
        self.head(id).map(|head| &head.key)
    }

    /// When a flow expires, in nanoseconds; `None` when the flow is gone.
    #[inline]
    pub fn deadline_ns(&self, id: FlowId) -> Option<u64> {
        self.head(id).map(|head| head.deadline_ns)
    }

    /// What is kept of a flow; `None` when the flow is gone.
    #[inline]
    pub fn value(&self, id: FlowId) -> Option<&V> {
        self.head(id)?;
        self.values.get(id.index() as usize)?.as_ref()
    }

    /// What is kept of a flow, to change; `None` when the flow is gone.
    #[inline]
    pub fn value_mut(&mut self, id: FlowId) -> Option<&mut V> {
        self.head(id)?;
        self.values.get_mut(id.index() as usize)?.as_mut()
    }

    /// Adds a flow that expires at `deadline_ns`.
    ///
    /// # Errors
    ///
    /// [`TableFull`] if there are as many flows as the table may hold.
    ///
    /// # Panics
    ///
    /// If there is a flow with that key: the caller did not ask [`FlowTable::get`].
    pub fn insert(&mut self, key: FlowKey, value: V, deadline_ns: u64) -> Result<FlowId, TableFull> {
        assert!(self.get(&key).is_none(), "a key is inserted once");
        let slot = self.take_vacant(key, deadline_ns)?;
        self.values[slot as usize] = Some(value);
        self.index.insert(self.hash.hash(&key), slot);
        self.wheel.arm(slot, Wheel::tick_of_deadline(deadline_ns));
        Ok(FlowId::new(slot, self.heads[slot as usize].generation))
    }

    /// Moves a flow's deadline, and says whether the flow is there. Later is one store, as the wheel finds out when
    /// it comes by; only earlier moves the flow in the wheel. A deadline long past, here as in
    /// [`FlowTable::insert`], has the next [`FlowTable::expire`] turn the wheel once, which takes microseconds: to end
    /// a flow soon, the time now serves better than 0.
    #[inline]
    pub fn set_deadline(&mut self, id: FlowId, deadline_ns: u64) -> bool {
        let Some(head) = self.heads.get_mut(id.index() as usize) else { return false };
        if head.generation != id.generation() {
            return false;
        }
        let is_earlier = deadline_ns < head.deadline_ns;
        head.deadline_ns = deadline_ns;
        if is_earlier {
            self.wheel.arm(id.index(), Wheel::tick_of_deadline(deadline_ns));
        }
        true
    }

    /// Takes out a flow; `None` when it is gone already.
    pub fn remove(&mut self, id: FlowId) -> Option<(FlowKey, V)> {
        self.head(id)?;
        self.vacate(id.index())
    }

    /// Takes out up to `max` flows whose deadline, rounded up to a multiple of [`TICK_NS`](crate::TICK_NS), is at or
    /// before `now_ns`, and returns how many; if it returns `max`, there may be more.
    ///
    /// The order is that of the ticks at which the flows came due as far as the wheel reaches, and depends on
    /// nothing but the calls made; the seed has no part in it. `now_ns` may leap ahead and go back at will: the
    /// cost is bounded by the number of flows, not by the time between.
    pub fn expire(&mut self, now_ns: u64, max: usize, mut on_flow: impl FnMut(FlowKey, V)) -> usize {
        let now = now_ns / crate::TICK_NS;
        let mut turn = self.wheel.turn(now);
        let mut expired = 0;
        while expired < max {
            let Some(slot) = self.wheel.next_due(&mut turn) else { break };
            let due = Wheel::tick_of_deadline(self.heads[slot as usize].deadline_ns);
            if due > now {
                self.wheel.arm_again(&turn, slot, due);
                continue;
            }
            let (key, value) = self.vacate(slot).expect("the wheel holds only flows that are there");
            on_flow(key, value);
            expired += 1;
        }
        expired
    }

    /// Takes out all flows, in the order of their ids' indices. Dropped early, it leaves the rest where they are.
    pub fn drain(&mut self) -> impl Iterator<Item = (FlowKey, V)> + '_ {
        let mut slots = 0..self.heads.len() as u32;
        std::iter::from_fn(move || slots.by_ref().find_map(|slot| self.vacate(slot)))
    }

    /// All flows, in the order of their ids' indices.
    pub fn iter(&self) -> impl Iterator<Item = (&FlowKey, &V)> {
        self.heads.iter().zip(&self.values).filter_map(|(head, value)| Some((&head.key, value.as_ref()?)))
    }

    /// Number of flows.
    pub fn len(&self) -> usize {
        self.heads.len() - self.vacant.len()
    }

    /// Whether there is no flow.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of flows that the table may hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The table's hash of a key.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        self.hash.hash(key)
    }

    /// The generation moves on when a flow leaves, so that no id of a vacant slot exists.
    #[inline]
    fn head(&self, id: FlowId) -> Option<&Head> {
        self.heads.get(id.index() as usize).filter(|head| head.generation == id.generation())
    }

    fn take_vacant(&mut self, key: FlowKey, deadline_ns: u64) -> Result<u32, TableFull> {
        if let Some(slot) = self.vacant.pop() {
            let head = &mut self.heads[slot as usize];
            (head.key, head.deadline_ns) = (key, deadline_ns);
            return Ok(slot);
        }
        if self.heads.len() == self.capacity {
            return Err(TableFull);
        }
        self.heads.push(Head { key, deadline_ns, generation: 0 });
        self.values.push(None);
        self.wheel.add_slot();
        Ok(self.heads.len() as u32 - 1)
    }

    /// Takes the flow out of `slot`, if there is one.
    fn vacate(&mut self, slot: u32) -> Option<(FlowKey, V)> {
        let value = self.values[slot as usize].take()?;
        let head = &mut self.heads[slot as usize];
        head.generation = head.generation.wrapping_add(1);
        let key = head.key;
        self.index.remove(self.hash.hash(&key), slot);
        self.wheel.disarm(slot);
        self.vacant.push(slot);
        Some((key, value))
    }
}
