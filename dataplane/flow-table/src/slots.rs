//! What writer and readers share of each slot.

use crate::sync::{AtomicU64, Ordering, fence, spin_loop};

/// Words of a flow's key.
pub(crate) const KEY_WORDS: usize = 6;

/// How often a reader looks at a slot that is being written, before it goes on without: a write is some ten stores,
/// so that more means a writer that was put to sleep within one.
pub(crate) const LOOKS_MAX: usize = 64;

/// The shared part of all slots: one writer changes it, any number of readers look, and neither waits for the other.
///
/// Invariant, of a sequence lock (Boehm: "Can Seqlocks Get Along With Programming Language Memory Models?", 2012): a
/// reader that finds `changes` even and unmoved has seen key and words of one moment. That the slot holds a flow,
/// and which, is one word, so that a flow leaves by one store.
pub(crate) struct Slots<const WORDS: usize, const KEY: usize = KEY_WORDS> {
    heads: Box<[Head<KEY>]>,
    views: Box<[View<WORDS>]>,
}

/// What a lookup reads of a slot, in one cache line.
#[repr(align(64))]
pub(crate) struct Head<const KEY: usize> {
    key: [AtomicU64; KEY],
    /// The writer's alone.
    deadline_ns: AtomicU64,
    /// Twice the number of flows that lay here before, plus 1 while one does; 0 where none ever did.
    identity: AtomicU64,
}

/// What the writer shows of a flow, in one cache line for up to seven words.
#[repr(align(64))]
pub(crate) struct View<const WORDS: usize> {
    /// Odd while the writer is at it.
    changes: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// What a reader found in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look<const WORDS: usize, const KEY: usize> {
    /// No flow ever lay here, nor behind: slots are taken in their order.
    Unused,
    /// None lies here now.
    Vacant,
    /// The writer was at it at every look.
    Busy,
    /// A flow, as it was at one moment.
    Flow { generation: u32, key: [u64; KEY], words: [u64; WORDS] },
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

fn load<const N: usize>(words: &[AtomicU64; N]) -> [u64; N] {
    words.each_ref().map(|word| word.load(Ordering::Relaxed))
}

fn store<const N: usize>(words: &[AtomicU64; N], values: &[u64; N]) {
    for (word, value) in words.iter().zip(values) {
        word.store(*value, Ordering::Relaxed);
    }
}

const fn generation(identity: u64) -> u32 {
    (identity >> 1) as u32
}

const fn is_taken(identity: u64) -> bool {
    identity & 1 != 0
}

/// The writer's side.
impl<const WORDS: usize, const KEY: usize> Slots<WORDS, KEY> {
    pub(crate) fn new(capacity: usize) -> Slots<WORDS, KEY> {
        let head = || Head { key: zeros(), deadline_ns: AtomicU64::new(0), identity: AtomicU64::new(0) };
        let view = || View { changes: AtomicU64::new(0), words: zeros() };
        Slots {
            heads: (0..capacity).map(|_| head()).collect(),
            views: (0..capacity).map(|_| view()).collect(),
        }
    }

    /// Places a flow in a vacant slot; returns its generation.
    pub(crate) fn fill(&self, slot: u32, key: &[u64; KEY], words: &[u64; WORDS], deadline_ns: u64) -> u32 {
        let (head, view) = (&self.heads[slot as usize], &self.views[slot as usize]);
        let identity = head.identity.load(Ordering::Relaxed);
        debug_assert!(!is_taken(identity), "a slot has one flow");
        head.deadline_ns.store(deadline_ns, Ordering::Relaxed);
        view.change(|| {
            store(&head.key, key);
            store(&view.words, words);
            head.identity.store(identity + 1, Ordering::Relaxed);
        });
        generation(identity)
    }

    /// Shows other words of a flow, and moves its deadline; whether it is earlier than before.
    #[inline]
    pub(crate) fn renew(&self, slot: u32, words: &[u64; WORDS], deadline_ns: u64) -> bool {
        let (head, view) = (&self.heads[slot as usize], &self.views[slot as usize]);
        view.change(|| store(&view.words, words));
        let is_earlier = deadline_ns < head.deadline_ns.load(Ordering::Relaxed);
        head.deadline_ns.store(deadline_ns, Ordering::Relaxed);
        is_earlier
    }

    /// Lets a flow go: its generation moves on.
    pub(crate) fn vacate(&self, slot: u32) {
        let identity = &self.heads[slot as usize].identity;
        let old = identity.load(Ordering::Relaxed);
        debug_assert!(is_taken(old), "only a flow can leave");
        identity.store(old + 1, Ordering::Relaxed);
    }

    /// What a lookup reads of a slot.
    #[inline]
    pub(crate) fn head(&self, slot: u32) -> &Head<KEY> {
        &self.heads[slot as usize]
    }

    /// What readers see of a slot.
    #[inline]
    pub(crate) fn view(&self, slot: u32) -> &View<WORDS> {
        &self.views[slot as usize]
    }

    #[inline]
    pub(crate) fn key(&self, slot: u32) -> [u64; KEY] {
        load(&self.heads[slot as usize].key)
    }

    #[inline]
    pub(crate) fn has_key(&self, slot: u32, key: &[u64; KEY]) -> bool {
        let head = &self.heads[slot as usize];
        // Without a branch a word: keys that share their tag hardly ever differ.
        let differing = head.key.iter().zip(key).map(|(mine, theirs)| mine.load(Ordering::Relaxed) ^ theirs);
        differing.fold(0, |all, bits| all | bits) == 0
    }

    #[inline]
    pub(crate) fn deadline_ns(&self, slot: u32) -> u64 {
        self.heads[slot as usize].deadline_ns.load(Ordering::Relaxed)
    }

    /// The generation of the flow in a slot, if there is one.
    #[inline]
    pub(crate) fn generation(&self, slot: u32) -> Option<u32> {
        let identity = self.heads.get(slot as usize)?.identity.load(Ordering::Relaxed);
        is_taken(identity).then_some(generation(identity))
    }
}

impl<const WORDS: usize> View<WORDS> {
    #[inline]
    fn change(&self, write: impl FnOnce()) {
        let changes = self.changes.load(Ordering::Relaxed);
        self.changes.store(changes + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        write();
        self.changes.store(changes + 2, Ordering::Release);
    }
}

/// The readers' side.
impl<const WORDS: usize, const KEY: usize> Slots<WORDS, KEY> {
    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Looks at a slot from outside.
    pub(crate) fn look(&self, slot: u32) -> Look<WORDS, KEY> {
        let (head, view) = (&self.heads[slot as usize], &self.views[slot as usize]);
        for _ in 0..LOOKS_MAX {
            let before = view.changes.load(Ordering::Acquire);
            let identity = head.identity.load(Ordering::Relaxed);
            let (key, words) = (load(&head.key), load(&view.words));
            fence(Ordering::Acquire);
            if before % 2 == 0 && view.changes.load(Ordering::Relaxed) == before {
                return match identity {
                    0 => Look::Unused,
                    _ if !is_taken(identity) => Look::Vacant,
                    _ => Look::Flow { generation: generation(identity), key, words },
                };
            }
            spin_loop();
        }
        Look::Busy
    }
}
