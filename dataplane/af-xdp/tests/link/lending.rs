//! Frames on loan: another thread has them while their queue goes on, and they come home, or are missed for good.

use std::{
    fs::File,
    os::fd::AsFd,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use af_xdp::{Action, LentFrame, Link, Port, Queue, RxBatch};

use crate::lab::{Lab, PATIENCE, Wire, frame, number, on};

/// Receives until a frame of ours is there, and has `with` answer its batch; others are dropped.
fn receive_ours<T>(queue: &mut Queue, port: Port, mut with: impl FnMut(RxBatch<'_>, usize) -> T) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        queue.flush();
        let mut batch = queue.receive(port);
        let ours = (0..batch.len()).find(|&at| batch.frame(at).get(12..14) == Some(&[0x88, 0xb5]));
        if let Some(at) = ours {
            return with(batch, at);
        }
        drop(batch);
        assert!(Instant::now() < deadline, "no frame came");
        thread::sleep(Duration::from_micros(200));
    }
}

/// Lends the next frame of ours, and drops what came beside it.
fn borrow(queue: &mut Queue, port: Port) -> LentFrame {
    receive_ours(queue, port, |mut batch, at| batch.lend(at))
}

#[test]
fn a_lent_frame_is_changed_elsewhere_and_leaves_from_its_own_queue() {
    let Some(lab) = Lab::new("a_lent_frame_is_changed_elsewhere", 2) else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (_link, mut queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
    // Which queue it comes in on is the sender's choice.
    for sent in 0..20 {
        client.send(&frame(sent, 80));
        let deadline = Instant::now() + PATIENCE;
        let (home, mut lent) = loop {
            assert!(Instant::now() < deadline, "no frame came");
            let mut found = queues.iter_mut().enumerate().filter_map(|(index, queue)| {
                let mut batch = queue.receive(Port::Inside);
                let ours = (0..batch.len()).find(|&at| batch.frame(at).get(12..14) == Some(&[0x88, 0xb5]));
                ours.map(|at| (index, batch.lend(at)))
            });
            if let Some(found) = found.next() {
                break found;
            }
        };
        let census = queues[home].census();
        assert!(census.is_complete() && census.lent == [1, 0] && census.received == 0, "{census:?}");
        let elsewhere = thread::spawn(move || {
            lent.bytes_mut()[20] = 0xcd;
            lent
        });
        let lent = elsewhere.join().expect("it is changed");
        assert!(queues[home].give_back(lent, Action::Forward));
        queues[home].flush();
        assert!(queues[home].census().is_complete() && queues[home].is_balanced());
        let got = server.receive(PATIENCE).expect("it arrives");
        assert_eq!((number(&got), got[20], got.len()), (sent, 0xcd, 80));
    }
}

#[test]
fn a_batch_is_answered_around_what_was_lent_of_it() {
    let Some(lab) = Lab::new("a_batch_is_answered_around_what_was_lent_of_it", 1) else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (_link, mut queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
    let queue = &mut queues[0];
    (0..30).for_each(|number| client.send(&frame(number, 60)));
    // Every third is lent, and every third dropped.
    let (mut lent, mut seen) = (Vec::new(), 0);
    while seen < 30 {
        receive_ours(queue, Port::Inside, |mut batch, _| {
            let kinds: Vec<_> = (0..batch.len())
                .map(|at| {
                    let bytes = batch.frame(at);
                    (bytes.get(12..14) == Some(&[0x88, 0xb5])).then(|| number(bytes) % 3)
                })
                .collect();
            seen += kinds.iter().flatten().count();
            lent.extend((0..kinds.len()).filter(|&at| kinds[at] == Some(0)).map(|at| batch.lend(at)));
            let action = |at: usize| if kinds[at] == Some(1) { Action::Forward } else { Action::Recycle };
            let applied = batch.apply_with(action);
            assert_eq!(applied.forwarded, kinds.iter().filter(|kind| **kind == Some(1)).count());
        });
        assert!(queue.census().is_complete() && queue.is_balanced());
    }
    queue.flush();
    let got: Vec<u32> =
        (0..10).map(|_| number(&server.receive(PATIENCE).expect("it was forwarded"))).collect();
    assert_eq!(got, (1..30).step_by(3).collect::<Vec<_>>());
    assert_eq!(queue.census().lent, [10, 0]);
    for lent in lent {
        assert!(queue.give_back(lent, Action::Forward));
    }
    queue.flush();
    let got: Vec<u32> = (0..10).map(|_| number(&server.receive(PATIENCE).expect("it came home"))).collect();
    assert_eq!(got, (0..30).step_by(3).collect::<Vec<_>>(), "in the order in which they came home");
    assert_eq!(queue.census().lent, [0, 0]);
}

#[test]
fn what_is_lent_counts_among_its_ports_share() {
    let Some(lab) = Lab::new("what_is_lent_counts_among_its_ports_share", 1) else { return };
    let client = Wire::new("client", "c0");
    let mut config = lab.config();
    config.frames_per_queue = 1024;
    let (_link, mut queues) = on("middle", || Link::open(&config)).expect("the link opens");
    let queue = &mut queues[0];
    let share = 1024 / 8 * 3;
    assert_eq!(queue.lent_max(), share / 2);
    let mut lent = Vec::new();
    for sent in 0..queue.lent_max() {
        client.send(&frame(sent as u32, 60));
        lent.push(borrow(queue, Port::Inside));
    }
    queue.flush();
    let census = queue.census();
    assert_eq!((census.filled, census.lent), ([share - lent.len(), share], [lent.len(), 0]), "{census:?}");
    assert!(census.is_complete());
    // One is lost: the port goes on without it.
    drop(lent.pop());
    for lent in lent {
        assert!(queue.give_back(lent, Action::Recycle));
    }
    queue.flush();
    let census = queue.census();
    assert_eq!((census.filled, census.lent), ([share - 1, share], [1, 0]), "{census:?}");
    assert!(census.is_complete() && queue.is_balanced());
}

#[test]
fn no_other_queue_takes_a_lent_frame() {
    let Some(lab) = Lab::new("no_other_queue_takes_a_lent_frame", 2) else { return };
    let client = Wire::new("client", "c0");
    let (_link, mut queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
    client.send(&frame(7, 60));
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "no frame came");
        for index in 0..2 {
            let mut batch = queues[index].receive(Port::Inside);
            if batch.is_empty() {
                continue;
            }
            let lent = batch.lend(0);
            drop(batch);
            let other = &mut queues[1 - index];
            let taken = std::panic::AssertUnwindSafe(|| other.give_back(lent, Action::Forward));
            assert!(std::panic::catch_unwind(taken).is_err(), "it is another queue's");
            return;
        }
    }
}

#[test]
fn a_lent_frame_outlives_its_queue() {
    let Some(lab) = Lab::new("a_lent_frame_outlives_its_queue", 1) else { return };
    let client = Wire::new("client", "c0");
    let open = || on("middle", || Link::open(&lab.config())).expect("the link opens");
    let (link, mut queues) = open();
    client.send(&frame(7, 60));
    let mut lent = borrow(&mut queues[0], Port::Inside);
    drop((link, queues));
    assert_eq!(number(lent.bytes_mut()), 7);
    lent.bytes_mut().fill(0xee);
    // The last of a queue to go is what frees the port's.
    drop(lent);
    open();
}

#[test]
fn whoever_waits_can_be_called() {
    let Some(lab) = Lab::new("whoever_waits_can_be_called", 1) else { return };
    let (_link, mut queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
    // Frames of the hosts themselves may wait already, and would end each wait.
    let deadline = Instant::now() + PATIENCE;
    while queues[0].wait(50).expect("the devices are there") {
        assert!(Instant::now() < deadline, "there is always a frame");
        Port::BOTH.into_iter().for_each(|port| drop(queues[0].receive(port)));
    }
    // What can be read at any time ends a wait that would take a minute.
    let zero = File::open("/dev/zero").expect("every system has it");
    let (sender, receiver) = mpsc::channel();
    let queue = queues.remove(0);
    thread::spawn(move || sender.send(queue.wait_or_called(60_000, Some(zero.as_fd()))));
    receiver.recv_timeout(PATIENCE).expect("it was called").expect("the devices are there");
}
