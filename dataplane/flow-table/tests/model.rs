//! Every order in which a writer's stores can reach a reader, as far as the memory model allows it (loom), for the
//! very code of the slots.

#[path = "../src/slots.rs"]
#[allow(dead_code)]
mod slots;

/// What the slots find in place of the real primitives.
mod sync {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
}

use loom::sync::Arc;
use loom::thread;

use crate::slots::{Look, Slots};

/// A key of one word and two words to show are enough to be torn.
type Model = Slots<2, 1>;

fn flow(n: u32, word: u64) -> Look<2, 1> {
    Look::Flow { generation: n, key: [n.into()], words: [word; 2] }
}

/// Looks once at the slot that `write` changes, in all orders: nothing but `allowed` is seen, and its last one in
/// the end.
fn check(before: fn(&Model), write: fn(&Model), allowed: &[Look<2, 1>]) {
    let allowed = allowed.to_vec();
    let model = loom::model::Builder::new();
    model.check(move || {
        let slots = Arc::new(Model::new(1));
        before(&slots);
        let writer = Arc::clone(&slots);
        let writing = thread::spawn(move || write(&writer));
        let seen = slots.look(0);
        assert!(seen == Look::Busy || allowed.contains(&seen), "{seen:?} never was");
        writing.join().expect("the writer is done");
        assert_eq!(Some(&slots.look(0)), allowed.last());
    });
}

#[test]
fn a_flow_is_seen_whole_or_not_at_all() {
    let write = |slots: &Model| {
        slots.fill(0, &[0], &[1; 2], 0);
    };
    check(|_| {}, write, &[Look::Unused, flow(0, 1)]);
}

#[test]
fn words_are_of_one_moment() {
    let fill = |slots: &Model| {
        slots.fill(0, &[0], &[1; 2], 0);
    };
    check(fill, |slots| _ = slots.renew(0, &[2; 2], 0), &[flow(0, 1), flow(0, 2)]);
}

#[test]
fn a_flow_in_the_place_of_another_is_never_mixed_with_it() {
    let fill = |slots: &Model| {
        slots.fill(0, &[0], &[1; 2], 0);
    };
    let write = |slots: &Model| {
        slots.vacate(0);
        slots.fill(0, &[1], &[5; 2], 0);
    };
    check(fill, write, &[flow(0, 1), Look::Vacant, flow(1, 5)]);
}
