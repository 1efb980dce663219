//! Devices that change, and a link that is closed and opened again by a process that goes on.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use af_xdp::{DeviceState, DeviceWatch, Link, Reach};

use crate::lab::{Lab, PATIENCE, ip, namespace, on};

/// Looks at the inside port until it is as expected, which takes the kernel a moment.
fn becomes(expected: impl Fn(Option<DeviceState>) -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let look = || DeviceState::read("inside").expect("the kernel tells");
    while !expected(on("middle", look)) {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn what_happens_to_a_device_is_announced_and_seen() {
    let Some(lab) = Lab::new("what_happens_to_a_device_is_announced_and_seen", 2) else { return };
    assert!(becomes(|state| state.is_some_and(|state| state.reach == Reach::Up && state.rx_queues == 2)));
    let mut watch = on("middle", || DeviceWatch::open().expect("listens"));
    let mut changed = || watch.take_changed().expect("the kernel tells");
    // What the lab itself did may still be announced.
    let deadline = Instant::now() + PATIENCE;
    while changed() {
        assert!(Instant::now() < deadline, "nobody does anything");
        thread::sleep(Duration::from_millis(100));
    }
    let (middle, client) = (namespace("middle"), namespace("client"));
    ip(&format!("-n {middle} link set dev inside down"));
    assert!(changed() && !changed(), "told once");
    assert!(becomes(|state| state.is_some_and(|state| state.reach == Reach::Down)));
    ip(&format!("-n {middle} link set dev inside up"));
    ip(&format!("-n {client} link set dev c0 down"));
    assert!(becomes(|state| state.is_some_and(|state| state.reach == Reach::NoCarrier)));
    lab.set_mtu("inside", 1400);
    assert!(becomes(|state| state.is_some_and(|state| state.mtu_bytes == 1400 && state.master.is_none())));
    lab.bridge();
    assert!(becomes(|state| state.is_some_and(|state| state.master.is_some())));
    assert!(changed());
    ip(&format!("-n {middle} link delete dev inside"));
    assert!(changed());
    assert!(becomes(|state| state.is_none()));
}

#[test]
fn too_many_announcements_to_keep_are_one() {
    let Some(_lab) = Lab::new("too_many_announcements_to_keep_are_one", 1) else { return };
    let mut watch = on("middle", || DeviceWatch::open().expect("listens"));
    // Each is some 1.5 KB, and a socket keeps some 200 KB.
    for mtu_bytes in 1000..1400 {
        ip(&format!("-n {} link set dev inside mtu {mtu_bytes}", namespace("middle")));
    }
    assert!(watch.take_changed().expect("a loss of announcements is no error"));
}

#[test]
fn a_link_that_is_abandoned_and_opened_again_and_again_keeps_nothing() {
    let Some(lab) = Lab::new("a_link_that_is_abandoned_and_opened_again_and_again_keeps_nothing", 1) else {
        return;
    };
    let config = lab.config();
    let count = || fs::read_dir("/proc/self/fd").expect("a folder").count();
    let mut counts = Vec::new();
    for _ in 0..4 {
        let (link, queues) = on("middle", || Link::open(&config)).expect("opens over what was left");
        let left = link.abandon();
        drop(queues);
        let [inside, _] = left.statistics().expect("readable while the programs go on");
        assert_eq!(inside.passed_by_engine_loss, 0);
        drop(left);
        counts.push(count());
    }
    assert_eq!(counts[0], counts[3], "open files after each turn: {counts:?}");
    assert_eq!(on("middle", || af_xdp::detach_leftover(&config.name)).expect("removable"), 2);
}
