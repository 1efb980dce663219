//! Frames between two hosts through a link: forwarded both ways, dropped, injected, and never leaked.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::lab::{Lab, PATIENCE, Wire, engine_until, frame, number, on};
use af_xdp::{Applied, AttachMode, Heartbeat, Link, LinkConfig, Port, Queue};

/// Runs an engine in the middle while `hosts` runs, then returns what it counted and its queues.
pub(crate) fn with_engine(
    config: &LinkConfig,
    forward: impl FnMut(&mut [u8]) -> bool + Send,
    hosts: impl FnOnce(),
) -> (Applied, Link, Vec<Queue>) {
    let (link, mut queues) = on("middle", || Link::open(config)).expect("the link opens");
    let heartbeat: Heartbeat = link.heartbeat();
    let stop = AtomicBool::new(false);
    let applied = thread::scope(|scope| {
        let engine = scope.spawn(|| engine_until(&stop, &mut queues, &heartbeat, forward));
        // Also when the hosts' side panics, or the scope would wait for ever.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(hosts));
        stop.store(true, Ordering::Relaxed);
        let applied = engine.join().expect("the engine runs");
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        applied
    });
    (applied, link, queues)
}

/// Flushes until the kernel has given back every frame that was sent, and checks that none is missing.
pub(crate) fn assert_conserved(queues: &mut [Queue]) {
    let deadline = Instant::now() + PATIENCE;
    for queue in queues {
        loop {
            queue.flush();
            let census = queue.census();
            assert!(census.is_complete(), "{census:?}");
            if census.sending == [0, 0] {
                break;
            }
            assert!(Instant::now() < deadline, "frames are stuck: {census:?}");
            thread::sleep(Duration::from_millis(1));
        }
        for port in Port::BOTH {
            let statistics = queue.statistics(port).expect("readable");
            assert_eq!((statistics.rx_invalid_descs, statistics.tx_invalid_descs), (0, 0));
        }
    }
}

fn forwards_intact(attach: AttachMode, queue_count: u32) {
    let Some(lab) = Lab::new("forwards_intact", queue_count) else { return };
    let mut config = lab.config();
    config.attach = attach;
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (applied, link, mut queues) = with_engine(
        &config,
        |_| true,
        || {
            for (from, to) in [(&client, &server), (&server, &client)] {
                for (number, length) in [18, 60, 61, 127, 1000, 1499, 1514].into_iter().enumerate() {
                    let sent = frame(number as u32, length);
                    from.send(&sent);
                    assert_eq!(to.receive(PATIENCE).as_ref(), Some(&sent), "{length} bytes");
                }
            }
        },
    );
    assert_eq!(queues.len(), queue_count as usize);
    assert!(applied.forwarded >= 14 && applied.tx_full == 0, "{applied:?}");
    let [inside, outside] = link.statistics().expect("readable");
    assert!(inside.redirected >= 7 && outside.redirected >= 7, "{inside:?} {outside:?}");
    assert_conserved(&mut queues);
}

#[test]
fn forwards_both_ways_in_native_mode() {
    forwards_intact(AttachMode::Native, 1);
}

#[test]
fn forwards_both_ways_in_generic_mode() {
    forwards_intact(AttachMode::Generic, 1);
}

#[test]
fn forwards_on_every_one_of_several_queues() {
    forwards_intact(AttachMode::Auto, 2);
}

#[test]
fn forwards_the_longest_frame_of_the_longest_mtu() {
    let Some(lab) = Lab::new("forwards_the_longest_frame_of_the_longest_mtu", 1) else { return };
    for (frame_bytes, attach) in
        [(2048, AttachMode::Native), (2048, AttachMode::Generic), (4096, AttachMode::Generic)]
    {
        let config = LinkConfig { frame_bytes, attach, ..lab.config() };
        let mtu_bytes = config.mtu_bytes_max();
        for port in ["inside", "outside"] {
            lab.set_mtu(port, mtu_bytes);
        }
        let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
        let sent = frame(1, mtu_bytes as usize + 14);
        let hosts = || {
            client.send(&sent);
            assert_eq!(server.receive(PATIENCE).as_ref(), Some(&sent), "{frame_bytes} {attach:?}");
        };
        let (_, _link, mut queues) = with_engine(&config, |_| true, hosts);
        assert_conserved(&mut queues);
    }
}

#[test]
fn drops_what_the_engine_drops_and_forwards_what_it_changed() {
    let Some(lab) = Lab::new("drops_what_the_engine_drops_and_forwards_what_it_changed", 1) else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let odd_only = |bytes: &mut [u8]| {
        bytes[18] = 0xab;
        number(bytes) % 2 == 1
    };
    let hosts = || {
        for number in 0..100 {
            client.send(&frame(number, 100));
        }
        for expected in (1..100).step_by(2) {
            let got = server.receive(PATIENCE).expect("odd frames arrive");
            assert_eq!((number(&got), got[18]), (expected, 0xab));
        }
        assert_eq!(server.receive(Duration::from_millis(100)), None);
    };
    let ours = |bytes: &mut [u8]| bytes.get(12..14) == Some(&[0x88, 0xb5]) && odd_only(bytes);
    let (applied, _link, mut queues) = with_engine(&lab.config(), ours, hosts);
    assert!(applied.forwarded == 50 && applied.recycled >= 50, "{applied:?}");
    assert_conserved(&mut queues);
}

#[test]
fn injects_out_of_either_port_and_refuses_what_does_not_fit() {
    let Some(lab) = Lab::new("injects_out_of_either_port_and_refuses_what_does_not_fit", 1) else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (_link, mut queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
    let queue = &mut queues[0];
    for (port, wire) in [(Port::Inside, &client), (Port::Outside, &server)] {
        let ours = frame(7, 90);
        assert!(queue.inject(port, &ours));
        queue.flush();
        assert_eq!(wire.receive(PATIENCE), Some(ours));
    }
    assert!(!queue.inject(Port::Inside, &[0; 13]), "shorter than an Ethernet header");
    assert!(!queue.inject(Port::Inside, &[0; 4096]), "longer than a frame without its headroom");
    let unsent = (0..).take_while(|&number| queue.inject(Port::Inside, &frame(number, 60))).count();
    assert_eq!(unsent, 8192 / 8 - 64, "a port's share in sending is bounded");
    assert_conserved(&mut queues);
}

#[test]
fn of_frames_that_belong_together_all_are_injected_or_none() {
    let Some(lab) = Lab::new("of_frames_that_belong_together_all_are_injected_or_none", 1) else { return };
    let client = Wire::new("client", "c0");
    let (_link, mut queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
    let queue = &mut queues[0];
    let frames: Vec<Vec<u8>> = (0..3).map(|number| frame(number, 90)).collect();
    let [a, b, c] = [0, 1, 2].map(|index| &frames[index][..]);
    assert!(!queue.inject_all(Port::Inside, &[a, &[0; 13]]), "one is shorter than an Ethernet header");
    assert!(queue.inject_all(Port::Inside, &[a, b, c]));
    queue.flush();
    for frame in &frames {
        assert!(client.receive(PATIENCE).as_ref() == Some(frame), "in order, and nothing before");
    }
    let share = 8192 / 8 - 64 - queue.census().sending[Port::Inside as usize];
    for _ in 0..share - 2 {
        assert!(queue.inject(Port::Inside, a));
    }
    assert!(!queue.inject_all(Port::Inside, &[a, b, c]), "there is room for two");
    assert!(queue.inject_all(Port::Inside, &[b, c]) && !queue.inject(Port::Inside, a));
    assert_conserved(&mut queues);
}

#[test]
fn frames_come_back_from_batches_that_are_not_answered() {
    let Some(lab) = Lab::new("frames_come_back_from_batches_that_are_not_answered", 1) else { return };
    let client = Wire::new("client", "c0");
    let mut config = lab.config();
    config.frames_per_queue = 1024;
    let (_link, mut queues) = on("middle", || Link::open(&config)).expect("the link opens");
    let mut received = 0;
    let mut turn = 0u32;
    let deadline = Instant::now() + PATIENCE;
    while received < 5_000 {
        assert!(Instant::now() < deadline, "only {received} of more than the UMEM's 1024 frames came");
        for number in 0..64 {
            client.send(&frame(number, 60));
        }
        let batch = queues[0].receive(Port::Inside);
        received += batch.len();
        // Half of them are dropped, half forgotten, which no destructor sees.
        turn += 1;
        if turn.is_multiple_of(2) {
            drop(batch);
        } else {
            std::mem::forget(batch);
        }
        assert!(queues[0].census().is_complete());
        queues[0].flush();
    }
    drop(queues[0].receive(Port::Inside));
    assert_conserved(&mut queues);
}

#[test]
fn no_frame_is_lost_or_doubled_over_a_hundred_thousand() {
    const FRAMES: u32 = 50_000;
    let Some(lab) = Lab::new("no_frame_is_lost_or_doubled_over_a_hundred_thousand", 1) else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    // Both directions at once; a window that the UMEM and the sockets' buffers hold keeps it free of loss.
    let exchange = |from: &Wire, to: &Wire| {
        for start in (0..FRAMES).step_by(50) {
            for number in start..start + 50 {
                from.send(&frame(number, 60));
            }
            for expected in start..start + 50 {
                assert_eq!(number(&to.receive(PATIENCE).expect("no loss")), expected);
            }
        }
    };
    let hosts = || {
        thread::scope(|scope| {
            scope.spawn(|| exchange(&client, &server));
            scope.spawn(|| exchange(&server, &client));
        });
    };
    let (applied, _link, mut queues) = with_engine(&lab.config(), |_| true, hosts);
    assert!(applied.forwarded >= 2 * FRAMES as usize && applied.tx_full == 0, "{applied:?}");
    assert_conserved(&mut queues);
}
