//! The table itself.

use std::sync::Arc;

use crate::half_open::HalfOpen;
use crate::index::Index;
use crate::prefetch::prefetch;
use crate::slots::{Head, KEY_WORDS, Slots, View};
use crate::wheel::Wheel;
use crate::{FlowId, FlowKey, KeyedHash, Reader};

/// Keys that a batch of lookups has under way at once: more than a core has cache misses under way.
pub const LOOKUP_BATCH: usize = 32;

/// Bytes of a value that are asked for ahead, from its begin on: beyond, more lines are under way than a core can have.
const VALUE_BYTES_PREFETCHED: usize = 512;

/// At most `capacity` flows: each is in the index under its key, in the wheel no later than its deadline, and in
/// the slab, where its id points. Of each flow, `WORDS` words are shown to [`Reader`]s.
///
/// All memory is reserved by [`FlowTable::with_capacity`]; the pages of values are touched when flows first fill
/// them, and nothing is allocated later.
pub struct FlowTable<V, const WORDS: usize> {
    hash: KeyedHash,
    index: Index,
    wheel: Wheel,
    half_open: HalfOpen,
    slots: Arc<Slots<WORDS>>,
    /// The flow of each slot that was ever taken; `None` where it is vacant.
    values: Vec<Option<V>>,
    /// Slots to use again, the one that was vacated last on top: its memory is the warmest.
    vacant: Vec<u32>,
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

impl<V, const WORDS: usize> FlowTable<V, WORDS> {
    /// A table for up to `capacity` flows, with a secret `seed` of 128 random bits for its hash.
    ///
    /// # Panics
    ///
    /// If `capacity` is beyond what 32-bit ids can name, some four thousand million.
    pub fn with_capacity(capacity: usize, seed: [u64; 2]) -> FlowTable<V, WORDS> {
        let slots_max = Wheel::SLOTS_MAX.min(HalfOpen::SLOTS_MAX);
        assert!(capacity <= slots_max, "more flows than 32-bit ids can name");
        FlowTable {
            hash: KeyedHash::new(seed),
            index: Index::with_capacity(capacity),
            wheel: Wheel::with_capacity(capacity),
            half_open: HalfOpen::with_capacity(capacity),
            slots: Arc::new(Slots::new(capacity)),
            values: Vec::with_capacity(capacity),
            vacant: Vec::with_capacity(capacity),
        }
    }

    /// Who sees the flows from outside, from any thread.
    pub fn reader(&self) -> Reader<WORDS> {
        Reader::new(Arc::clone(&self.slots))
    }

    /// The flow with that key, whatever its deadline.
    #[inline]
    pub fn get(&self, key: &FlowKey) -> Option<FlowId> {
        self.get_hashed(key, self.hash.hash(key))
    }

    /// The flows with these keys, as [`FlowTable::get`] finds them one by one. Several times as fast where they lie
    /// beyond the caches: the misses of up to [`LOOKUP_BATCH`] keys are under way at once.
    ///
    /// # Panics
    ///
    /// If there are not as many `ids` as `keys`.
    pub fn get_batch(&self, keys: &[FlowKey], ids: &mut [Option<FlowId>]) {
        assert_eq!(keys.len(), ids.len(), "each key has an answer");
        for (keys, ids) in keys.chunks(LOOKUP_BATCH).zip(ids.chunks_mut(LOOKUP_BATCH)) {
            let mut hashes = [0; LOOKUP_BATCH];
            for (hash, key) in hashes.iter_mut().zip(keys) {
                *hash = self.hash.hash(key);
                self.index.prefetch(*hash);
            }
            for hash in &hashes[..keys.len()] {
                if let Some(slot) = self.index.candidate(*hash) {
                    prefetch(self.slots.head(slot), size_of::<Head<KEY_WORDS>>());
                }
            }
            for ((id, key), hash) in ids.iter_mut().zip(keys).zip(hashes) {
                *id = self.get_hashed(key, hash);
            }
        }
    }

    /// Asks for the memory that a lookup of the key with that [hash](FlowTable::hash) reads first. Changes nothing but when
    /// it arrives.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Asks for the memory that a lookup reads next, and for the flow's value; worth its while once the bucket has
    /// [arrived](FlowTable::prefetch_bucket).
    #[inline]
    pub fn prefetch_flow(&self, hash: u64) {
        if let Some(slot) = self.index.candidate(hash) {
            prefetch(self.slots.head(slot), size_of::<Head<KEY_WORDS>>());
            prefetch(self.slots.view(slot), size_of::<View<WORDS>>());
            prefetch(&self.values[slot as usize], VALUE_BYTES_PREFETCHED);
        }
    }

    #[inline]
    fn get_hashed(&self, key: &FlowKey, hash: u64) -> Option<FlowId> {
        self.id(self.index.find(hash, |slot| self.slots.has_key(slot, key.words()))?)
    }

    /// The id of the flow in a slot.
    #[inline]
    fn id(&self, slot: u32) -> Option<FlowId> {
        Some(FlowId::new(slot, self.slots.generation(slot)?))
    }

    /// The key of a flow; `None` when the flow is gone.
    #[inline]
    pub fn key(&self, id: FlowId) -> Option<FlowKey> {
        self.is_live(id).then(|| FlowKey::from_words(self.slots.key(id.index())))
    }

    /// When a flow expires, in nanoseconds; `None` when the flow is gone.
    #[inline]
    pub fn deadline_ns(&self, id: FlowId) -> Option<u64> {
        self.is_live(id).then(|| self.slots.deadline_ns(id.index()))
    }

    /// What is kept of a flow; `None` when the flow is gone.
    #[inline]
    pub fn value(&self, id: FlowId) -> Option<&V> {
        self.values.get(id.index() as usize).filter(|_| self.is_live(id))?.as_ref()
    }

    /// What is kept of a flow, to change; `None` when the flow is gone.
    #[inline]
    pub fn value_mut(&mut self, id: FlowId) -> Option<&mut V> {
        let is_live = self.is_live(id);
        self.values.get_mut(id.index() as usize).filter(|_| is_live)?.as_mut()
    }

    /// Adds a flow that expires at `deadline_ns`, and shows `words` of it.
    ///
    /// # Errors
    ///
    /// [`TableFull`] if there are as many flows as the table may hold.
    ///
    /// # Panics
    ///
    /// If there is a flow with that key: the caller did not ask [`FlowTable::get`].
    pub fn insert(
        &mut self,
        key: FlowKey,
        value: V,
        words: [u64; WORDS],
        deadline_ns: u64,
    ) -> Result<FlowId, TableFull> {
        let hash = self.hash.hash(&key);
        assert!(self.get_hashed(&key, hash).is_none(), "a key is inserted once");
        let slot = self.take_vacant()?;
        let generation = self.slots.fill(slot, key.words(), &words, deadline_ns);
        self.values[slot as usize] = Some(value);
        self.index.insert(hash, slot);
        self.wheel.arm(slot, Wheel::tick_of_deadline(deadline_ns));
        Ok(FlowId::new(slot, generation))
    }

    /// Changes what is kept of a flow; `change` says what words of it the readers see from now on, and when it expires. Whether
    /// the flow is there.
    ///
    /// To show words costs one cache line and no atomic operation but loads and stores. To expire later is one store, as the
    /// wheel finds out when it comes by; only earlier moves the flow in the wheel. A deadline long past, here as in
    /// [`FlowTable::insert`], has the next [`FlowTable::expire`] turn the wheel once, which takes microseconds: to end
    /// a flow soon, the time now serves better than 0.
    #[inline]
    pub fn renew(&mut self, id: FlowId, change: impl FnOnce(&mut V) -> ([u64; WORDS], u64)) -> bool {
        let slot = id.index();
        let is_live = self.is_live(id);
        let Some(Some(value)) = self.values.get_mut(slot as usize).filter(|_| is_live) else { return false };
        let (words, deadline_ns) = change(value);
        if self.slots.renew(slot, &words, deadline_ns) {
            self.wheel.arm(slot, Wheel::tick_of_deadline(deadline_ns));
        }
        true
    }

    /// Takes out a flow; `None` when it is gone already.
    pub fn remove(&mut self, id: FlowId) -> Option<(FlowKey, V)> {
        self.is_live(id).then(|| self.vacate(id.index()))?
    }

    /// Counts a flow as half-open from now on, the newest one of its source, and says whether the flow is there. It is
    /// so until it is [established](FlowTable::establish), or gone.
    pub fn begin_half_open(&mut self, id: FlowId, source_hash: u64) -> bool {
        let is_live = self.is_live(id);
        if is_live {
            self.half_open.insert(id.index(), source_hash);
        }
        is_live
    }

    /// Counts a flow as half-open no longer, and says whether it was.
    #[inline]
    pub fn establish(&mut self, id: FlowId) -> bool {
        self.is_live(id) && self.half_open.remove(id.index())
    }

    /// The flow that has been half-open for the longest.
    pub fn oldest_half_open(&self) -> Option<FlowId> {
        self.id(self.half_open.oldest()?)
    }

    /// The flow of a source that has been half-open for the longest, or of another one whose hash is close.
    pub fn oldest_half_open_of(&self, source_hash: u64) -> Option<FlowId> {
        self.id(self.half_open.oldest_of(source_hash)?)
    }

    /// Number of half-open flows.
    pub fn half_open(&self) -> usize {
        self.half_open.len()
    }

    /// Number of half-open flows that one source has, or somewhat more: sources whose hashes are close share a count.
    pub fn half_open_of(&self, source_hash: u64) -> usize {
        self.half_open.len_of(source_hash)
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
            let due = Wheel::tick_of_deadline(self.slots.deadline_ns(slot));
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
        let mut slots = 0..self.values.len() as u32;
        std::iter::from_fn(move || slots.by_ref().find_map(|slot| self.vacate(slot)))
    }

    /// All flows, in the order of their ids' indices.
    pub fn iter(&self) -> impl Iterator<Item = (FlowKey, &V)> {
        let key = |slot| FlowKey::from_words(self.slots.key(slot));
        (0..).zip(&self.values).filter_map(move |(slot, value)| Some((key(slot), value.as_ref()?)))
    }

    /// Number of flows.
    pub fn len(&self) -> usize {
        self.values.len() - self.vacant.len()
    }

    /// Whether there is no flow.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of flows that the table may hold.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The table's hash of a key.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        self.hash.hash(key)
    }

    /// The generation moves on when a flow leaves.
    #[inline]
    fn is_live(&self, id: FlowId) -> bool {
        self.slots.generation(id.index()) == Some(id.generation())
    }

    /// A slot to use, in their order as long as some were never used.
    fn take_vacant(&mut self) -> Result<u32, TableFull> {
        if let Some(slot) = self.vacant.pop() {
            return Ok(slot);
        }
        if self.values.len() == self.slots.len() {
            return Err(TableFull);
        }
        self.values.push(None);
        self.wheel.add_slot();
        self.half_open.add_slot();
        Ok(self.values.len() as u32 - 1)
    }

    /// Takes the flow out of `slot`, if there is one.
    fn vacate(&mut self, slot: u32) -> Option<(FlowKey, V)> {
        let value = self.values[slot as usize].take()?;
        let key = FlowKey::from_words(self.slots.key(slot));
        self.slots.vacate(slot);
        self.index.remove(self.hash.hash(&key), slot);
        self.wheel.disarm(slot);
        self.half_open.remove(slot);
        self.vacant.push(slot);
        Some((key, value))
    }
}
