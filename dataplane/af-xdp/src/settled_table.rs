//! The table of settled flows that the XDP programs share: a slot whose flow they find is whole, and nobody else gets it
//! before the last frame that found it is counted.

use std::{
    array, hint, io,
    os::fd::BorrowedFd,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

use crate::{
    heartbeat::monotonic_ns,
    limits::{SETTLED_SLOTS_PER_FLOW, SETTLED_VISIT_NS_MAX, STORES_SEEN_NS},
    mapped_array::{MappedArray, Shared},
    settled::RawKey,
};

/// As in `bpf/weir_xdp.c`.
const BUCKET_SLOTS: u32 = 8;
const HANDLED: u32 = 0x10;
/// The bit that tags have, and nothing else in a bucket.
const TAG: u64 = 0x80;
/// In place of a tag: the slot is free.
const FREE: u64 = 0;
/// In place of a tag: the slot is being filled or emptied.
const CLAIMED: u64 = 1;

const SEEDS: usize = 11;
/// As in `bpf/weir_xdp.c`.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

/// How large a table is, and what keys its hash.
#[derive(Debug)]
pub(crate) struct Shape {
    seeds: [u64; SEEDS],
    buckets_log2: u32,
}

impl Shape {
    /// For so many flows. Nobody outside can tell which of them share a bucket.
    pub(crate) fn new(flows_max: u32) -> Shape {
        let slots = flows_max.saturating_mul(SETTLED_SLOTS_PER_FLOW).max(2 * BUCKET_SLOTS);
        let buckets_log2 = (slots.next_power_of_two() / BUCKET_SLOTS).ilog2();
        Shape { seeds: random_words(), buckets_log2 }
    }

    pub(crate) fn buckets(&self) -> u32 {
        1 << self.buckets_log2
    }

    pub(crate) fn slots(&self) -> u32 {
        self.buckets() * BUCKET_SLOTS
    }

    /// `settled_shift` of `bpf/weir_xdp.c`.
    pub(crate) fn shift(&self) -> u32 {
        u64::BITS - self.buckets_log2
    }

    /// `settled_seeds` of `bpf/weir_xdp.c`.
    pub(crate) fn seeds(&self) -> &[u64; SEEDS] {
        &self.seeds
    }

    /// The bucket of a flow, and its tag there: as `hash` and `find` of `bpf/weir_xdp.c` have them.
    fn find(&self, key: &RawKey) -> (u32, u64) {
        let (first, pairs) = self.seeds.split_first().expect("there are eleven");
        let product = |(pair, word): (&[u64], &u64)| {
            pair[0].wrapping_add(word >> 32).wrapping_mul(pair[1].wrapping_add(word & 0xffff_ffff))
        };
        let products = pairs.chunks_exact(2).zip(key.words()).map(product);
        let sum = products.fold(*first, u64::wrapping_add);
        let hash = (sum ^ sum >> 32).wrapping_mul(MIXER);
        ((hash >> self.shift()) as u32, hash >> 32 & 0x7f | TAG)
    }
}

/// What nobody can guess, from the kernel.
fn random_words() -> [u64; SEEDS] {
    let mut bytes = [[0_u8; 8]; SEEDS];
    // SAFETY: the pointer and the length are those of the array. So few bytes are never cut short.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), size_of_val(&bytes), 0) };
    assert_eq!(got, size_of_val(&bytes).cast_signed(), "the kernel has random bytes once it is up");
    bytes.map(u64::from_ne_bytes)
}

/// `struct settled` of `bpf/weir_xdp.c`.
#[repr(C)]
#[derive(Debug)]
struct Slot {
    key: [AtomicU64; 5],
    handling: AtomicU32,
    is_concurrent: AtomicU32,
    last_seen_ns: AtomicU64,
    visitors: [AtomicU32; 2],
    /// By port, and by endpoint, the lower one first: frames and bytes.
    counts: [[[AtomicU64; 2]; 2]; 2],
}

const _: () = assert!(size_of::<Slot>() == 128, "as large as in the program, and as the sum of its fields");

// SAFETY: atomics without padding, 128 bytes in all.
unsafe impl Shared for Slot {}

// SAFETY: an atomic of eight bytes.
unsafe impl Shared for AtomicU64 {}

impl Slot {
    fn holds(&self, key: &RawKey) -> bool {
        self.handling.load(Ordering::Acquire) != 0
            && self.key.iter().zip(key.0).all(|(ours, theirs)| ours.load(Ordering::Relaxed) == theirs)
    }

    /// Of a slot that is claimed. The visitors stay: who saw a former tag of the bucket may look in at any time, and goes
    /// where nothing is to be handled.
    fn fill(&self, key: &RawKey, passes: u32, is_concurrent: bool) {
        for (ours, word) in self.key.iter().zip(key.0) {
            ours.store(word, Ordering::Relaxed);
        }
        self.counts.as_flattened().as_flattened().iter().for_each(|count| count.store(0, Ordering::Relaxed));
        self.last_seen_ns.store(0, Ordering::Relaxed);
        self.is_concurrent.store(is_concurrent.into(), Ordering::Relaxed);
        self.handling.store(HANDLED | passes, Ordering::Release);
    }

    fn is_quiet(&self) -> bool {
        self.visitors.iter().all(|visitors| visitors.load(Ordering::Acquire) == 0)
    }

    fn tally(&self) -> Tally {
        let count = |port: usize, end: usize| self.counts[port][end].each_ref().map(read);
        Tally {
            counts: array::from_fn(|port| array::from_fn(|end| count(port, end))),
            last_seen_ns: read(&self.last_seen_ns),
        }
    }
}

fn read(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}

/// What the programs counted of a flow.
#[derive(Debug)]
pub(crate) struct Tally {
    /// By port, and by endpoint, the lower one first: frames and bytes.
    pub(crate) counts: [[[u64; 2]; 2]; 2],
    /// `CLOCK_MONOTONIC` of the heartbeat before the last frame; 0 where there was none.
    pub(crate) last_seen_ns: u64,
}

/// Settled flows in memory shared with the programs. Each flow is put in and taken out by one worker; different ones may
/// do so at once.
#[derive(Debug)]
pub(crate) struct SettledTable {
    shape: Shape,
    tags: MappedArray<AtomicU64>,
    slots: MappedArray<Slot>,
    flows: AtomicU32,
    flows_max: u32,
}

impl SettledTable {
    /// Maps both arrays, which are of this shape.
    pub(crate) fn map(
        tags: BorrowedFd<'_>,
        slots: BorrowedFd<'_>,
        shape: Shape,
        flows_max: u32,
    ) -> io::Result<SettledTable> {
        let (tags, slots) =
            (MappedArray::map(tags, shape.buckets())?, MappedArray::map(slots, shape.slots())?);
        Ok(SettledTable { shape, tags, slots, flows: AtomicU32::new(0), flows_max })
    }

    /// Puts a flow in; `passes` are the bits of its handling. False where it is there already, or has no room.
    pub(crate) fn insert(&self, key: &RawKey, passes: u32, is_concurrent: bool) -> bool {
        if self.find(key).is_some() {
            return false;
        }
        let has_room = |flows: u32| (flows < self.flows_max).then_some(flows + 1);
        if self.flows.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).is_err() {
            return false;
        }
        let (bucket, tag) = self.shape.find(key);
        let Some(place) = self.claim(bucket) else {
            self.flows.fetch_sub(1, Ordering::Relaxed);
            return false;
        };
        self.slot(place).fill(key, passes, is_concurrent);
        self.change_tag(place, CLAIMED, tag);
        true
    }

    /// Has a flow handled no more, and keeps its slot until that is [freed](Self::free); `None` where it is not there.
    pub(crate) fn stop(&self, key: &RawKey) -> Option<Stopped> {
        let place = self.find(key)?;
        let (_, tag) = self.shape.find(key);
        self.slot(place).handling.store(0, Ordering::SeqCst);
        self.change_tag(place, tag, CLAIMED);
        Some(Stopped(place))
    }

    /// Waits until no program reads one of these slots on behalf of a frame that came before. Looks twice, as neither the
    /// coming of a visitor nor what it counted is seen at once.
    pub(crate) fn wait_for_visitors<'s>(&self, stopped: &(impl Iterator<Item = &'s Stopped> + Clone)) {
        fence(Ordering::SeqCst);
        let (begin_ns, mut quiet_looks) = (monotonic_ns(), 0);
        let mut look_ns = begin_ns + STORES_SEEN_NS;
        while quiet_looks < 2 {
            let now_ns = monotonic_ns();
            if now_ns > begin_ns + SETTLED_VISIT_NS_MAX {
                break;
            }
            if now_ns < look_ns {
                hint::spin_loop();
                continue;
            }
            let are_quiet = stopped.clone().all(|Stopped(place)| self.slot(*place).is_quiet());
            quiet_looks = if are_quiet { quiet_looks + 1 } else { 0 };
            look_ns = monotonic_ns() + STORES_SEEN_NS;
        }
        fence(Ordering::SeqCst);
    }

    /// Gives a slot to whoever comes next, once it was [waited](Self::wait_for_visitors) for its visitors; all that was
    /// counted of the flow.
    pub(crate) fn free(&self, Stopped(place): Stopped) -> Tally {
        let tally = self.slot(place).tally();
        self.change_tag(place, CLAIMED, FREE);
        self.flows.fetch_sub(1, Ordering::Relaxed);
        tally
    }

    /// What was counted of a flow so far; `None` where it is not there.
    pub(crate) fn tally(&self, key: &RawKey) -> Option<Tally> {
        Some(self.slot(self.find(key)?).tally())
    }

    fn find(&self, key: &RawKey) -> Option<Place> {
        let (bucket, tag) = self.shape.find(key);
        let tags = self.tags.get(bucket).load(Ordering::Acquire);
        let places = (0..BUCKET_SLOTS).map(|number| Place { bucket, number });
        places.filter(|place| tags >> place.shift() & 0xff == tag).find(|place| self.slot(*place).holds(key))
    }

    /// A slot of a bucket that nobody else has.
    fn claim(&self, bucket: u32) -> Option<Place> {
        let free = |tags: u64| {
            let places = (0..BUCKET_SLOTS).map(|number| Place { bucket, number });
            places.into_iter().find(|place| tags >> place.shift() & 0xff == FREE)
        };
        let claimed = |tags| free(tags).map(|place| tags | CLAIMED << place.shift());
        let before = self.tags.get(bucket).fetch_update(Ordering::AcqRel, Ordering::Acquire, claimed);
        before.ok().and_then(free)
    }

    /// Of a slot that we have, so that nobody else changes its tag.
    fn change_tag(&self, place: Place, from: u64, to: u64) {
        self.tags.get(place.bucket).fetch_xor((from ^ to) << place.shift(), Ordering::AcqRel);
    }

    fn slot(&self, place: Place) -> &Slot {
        self.slots.get(place.bucket * BUCKET_SLOTS + place.number)
    }
}

/// Where a slot is.
#[derive(Clone, Copy, Debug)]
struct Place {
    bucket: u32,
    /// Of the slot in its bucket.
    number: u32,
}

impl Place {
    /// Of its tag in the bucket's word.
    fn shift(self) -> u32 {
        8 * self.number
    }
}

/// The slot of a flow that is handled no more. It is freed once: it cannot be copied.
#[derive(Debug)]
pub(crate) struct Stopped(Place);

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicBool, thread};

    use aya::programs::{TestRun, TestRunOptions};

    use super::*;
    use crate::{
        LinkConfig, Port, SettledFlows, SettledKey, probe,
        programs::{Build, Programs},
        settled::Handling,
    };

    fn programs(test: &str, flows_max: u32) -> Option<Programs> {
        if let Err(reason) = probe() {
            eprintln!("SKIPPED: {test}: {reason}");
            return None;
        }
        let config = LinkConfig { settled_flows_max: flows_max, ..LinkConfig::new("test", "a", "b") };
        Some(Programs::load(Build::Linear, &config, 1, 0).expect("loads"))
    }

    /// The slots as the programs have them.
    fn slots(programs: &Programs, flows_max: u32) -> MappedArray<Slot> {
        let slots = Shape::new(flows_max).slots();
        MappedArray::map(programs.array("settled_flows"), slots).expect("maps")
    }

    fn visitors(slot: &Slot) -> [u32; 2] {
        slot.visitors.each_ref().map(|visitors| visitors.load(Ordering::Relaxed))
    }

    fn key(port: u16) -> SettledKey {
        let end = |port| ([192, 0, 2, 1].into(), port);
        SettledKey::new(17, end(port), end(9), &[]).expect("UDP has a key")
    }

    /// A datagram of the flow `key(7)`.
    fn frame() -> Vec<u8> {
        let mut frame = vec![2; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 1]);
        frame.extend([0, 7, 0, 9, 0, 26, 0, 0]);
        frame.resize(60, 0);
        frame
    }

    /// Frames that were counted by takers, while the program of a port ran on some CPUs at once.
    fn taken_while_running(programs: &mut Programs, mut flows: SettledFlows, cpus: usize) -> u64 {
        let (frame, is_over, mut frames) = (frame(), AtomicBool::new(false), 0);
        assert!(flows.insert(&key(7), Handling::Drop));
        let program = programs.xdp(Port::Inside);
        thread::scope(|scope| {
            let taker = scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    frames += flows.take(&key(7)).expect("it is there").frames[0];
                    assert!(flows.insert(&key(7), Handling::Drop));
                }
                frames + flows.take(&key(7)).expect("it is there").frames[0]
            });
            let run = || {
                let repeat =
                    TestRunOptions { data_in: Some(&frame), repeat: 300_000, ..TestRunOptions::new() };
                program.test_run(repeat).expect("runs");
            };
            let runners: Vec<_> = (0..cpus).map(|_| scope.spawn(run)).collect();
            runners.into_iter().for_each(|runner| runner.join().expect("no panic"));
            is_over.store(true, Ordering::Relaxed);
            taker.join().expect("no panic")
        })
    }

    #[test]
    fn a_flow_is_taken_with_each_frame_that_was_dropped_of_it() {
        let test = "a_flow_is_taken_with_each_frame_that_was_dropped_of_it";
        for cpus in [1, 2] {
            let Some(mut programs) = programs(test, 8) else { return };
            let flows = programs.settled(cpus > 1, false).expect("it keeps settled flows");
            let taken: u64 = (0..10).map(|_| taken_while_running(&mut programs, flows.clone(), cpus)).sum();
            let dropped = programs.counters(Port::Inside).expect("readable").dropped_flow_blocked;
            assert!(taken > 0);
            assert_eq!(taken, dropped, "on {cpus} CPUs");
            let slots = slots(&programs, 8);
            let are_read = (0..slots.count()).any(|slot| visitors(slots.get(slot)) != [0; 2]);
            assert!(!are_read, "a program left a slot and said so no more often than it came");
        }
    }

    #[test]
    fn what_is_being_taken_out_is_not_handled_though_its_tag_still_stands() {
        let test = "what_is_being_taken_out_is_not_handled_though_its_tag_still_stands";
        let Some(mut programs) = programs(test, 8) else { return };
        let mut flows = programs.settled(false, false).expect("it keeps settled flows");
        assert!(flows.insert(&key(7), Handling::Drop));
        let slots = slots(&programs, 8);
        let is_used = |slot: &u32| slots.get(*slot).handling.load(Ordering::Relaxed) != 0;
        let slot = slots.get((0..slots.count()).find(is_used).expect("one is"));
        let mut run = |frames| {
            let options = TestRunOptions { data_in: Some(&frame()), repeat: frames, ..TestRunOptions::new() };
            programs.xdp(Port::Inside).test_run(options).expect("runs");
            programs.counters(Port::Inside).expect("readable").dropped_flow_blocked
        };
        assert_eq!(run(3), 3);
        slot.handling.store(0, Ordering::Relaxed);
        assert_eq!(run(3), 3, "these three went on");
        assert_eq!((slot.tally().counts[0][0][0], visitors(slot)), (3, [0; 2]));
    }

    #[test]
    fn workers_put_in_and_take_out_at_once_and_lose_no_slot() {
        let test = "workers_put_in_and_take_out_at_once_and_lose_no_slot";
        let Some(programs) = programs(test, 8) else { return };
        let flows = programs.settled(false, false).expect("it keeps settled flows");
        thread::scope(|scope| {
            for worker in 0..4 {
                let mut flows = flows.clone();
                scope.spawn(move || {
                    for round in 0..2000 {
                        let keys = (0..4).map(|flow| key(1000 + (round % 16) * 64 + worker * 16 + flow));
                        let inserted: Vec<_> = keys.filter(|key| flows.insert(key, Handling::Drop)).collect();
                        inserted.iter().for_each(|key| assert!(flows.take(key).is_some(), "{round}"));
                    }
                });
            }
        });
        let mut flows = flows;
        let inserted = (0..100).filter(|port| flows.insert(&key(*port), Handling::Drop)).count();
        assert_eq!(inserted, 8);
    }
}
