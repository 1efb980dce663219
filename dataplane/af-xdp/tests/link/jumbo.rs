//! Frames longer than one of the UMEM: several descriptors each, which stay together whatever becomes of them.

use std::{
    thread,
    time::{Duration, Instant},
};

use af_xdp::{Action, AttachMode, LentFrame, Link, LinkConfig, Port, Queue};

use crate::forwarding::{assert_conserved, with_engine};
use crate::lab::{Lab, PATIENCE, Wire, frame, namespace, number, on};

const MTU_BYTES: u32 = 9000;

/// A lab whose links carry jumbo frames.
fn jumbo_lab(test: &str) -> Option<Lab> {
    let lab = Lab::new(test, 1)?;
    for port in ["inside", "outside"] {
        lab.set_mtu(port, MTU_BYTES);
    }
    Some(lab)
}

fn is_ours(bytes: &[u8]) -> bool {
    bytes.get(12..14) == Some(&[0x88, 0xb5])
}

/// Changes bytes everywhere behind the number.
fn change(bytes: &mut [u8]) {
    bytes.iter_mut().skip(18).step_by(7).for_each(|byte| *byte = byte.wrapping_add(1));
    if let Some(last) = bytes.get_mut(18..).and_then(<[u8]>::last_mut) {
        *last ^= 0x80;
    }
}

fn changed(mut frame: Vec<u8>) -> Vec<u8> {
    change(&mut frame);
    frame
}

fn forwards_jumbo_frames(attach: AttachMode, frame_bytes: u32) {
    let Some(lab) = jumbo_lab("forwards_jumbo_frames") else { return };
    let config = LinkConfig { attach, frame_bytes, ..lab.config() };
    // Around the ends of the first descriptors, too.
    let room = frame_bytes as usize - 256;
    let lengths = [18, 60, 1514, 3000, room - 1, room, room + 1, 5000, 2 * room, 2 * room + 1, 9013, 9014];
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let engine = |bytes: &mut [u8]| {
        let is_kept = !is_ours(bytes) || number(bytes).is_multiple_of(2);
        if is_ours(bytes) {
            change(bytes);
        }
        is_kept
    };
    let hosts = || {
        for (from, to) in [(&client, &server), (&server, &client)] {
            for length in lengths {
                from.send(&frame(3, length));
                let sent = frame(4, length);
                from.send(&sent);
                let got = to.receive(PATIENCE).expect("it arrives");
                assert!(got == changed(sent), "{length} bytes arrive changed as they were: {}", got.len());
            }
        }
    };
    let (applied, link, mut queues) = with_engine(&config, engine, hosts);
    assert!(link.is_multi_buffer());
    assert!(applied.forwarded >= 2 * lengths.len() && applied.tx_full == 0, "{applied:?}");
    assert!(applied.recycled >= 2 * lengths.len(), "{applied:?}");
    assert_conserved(&mut queues);
}

#[test]
fn forwards_jumbo_frames_in_native_mode() {
    forwards_jumbo_frames(AttachMode::Native, 4096);
    forwards_jumbo_frames(AttachMode::Native, 2048);
}

#[test]
fn forwards_jumbo_frames_in_generic_mode() {
    forwards_jumbo_frames(AttachMode::Generic, 4096);
    forwards_jumbo_frames(AttachMode::Generic, 2048);
}

/// Opens the link in the middle with few frames, and waits until what the hosts sent by themselves is gone.
fn open(lab: &Lab) -> (Link, Vec<Queue>) {
    let config = LinkConfig { frames_per_queue: 1024, ..lab.config() };
    on("middle", || Link::open(&config)).expect("the link opens")
}

/// Frames of ours that a batch holds.
fn ours(batch: &mut af_xdp::RxBatch<'_>) -> Vec<bool> {
    (0..batch.len()).map(|at| is_ours(batch.frame(at))).collect()
}

#[test]
fn a_frame_is_never_cut_by_the_end_of_a_batch_or_by_a_lack_of_room() {
    let Some(lab) = jumbo_lab("a_frame_is_never_cut") else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (_link, mut queues) = open(&lab);
    let queue = &mut queues[0];
    // 120 descriptors: a batch is 64, and a port may have 64 in sending.
    (0..40).for_each(|number| client.send(&frame(number, 9014)));
    let (mut seen, mut forwarded, mut tx_full) = (0, 0, 0);
    let deadline = Instant::now() + PATIENCE;
    while seen < 40 {
        assert!(Instant::now() < deadline, "only {seen} came");
        let mut batch = queue.receive(Port::Inside);
        let kinds = ours(&mut batch);
        let here = kinds.iter().filter(|&&is_ours| is_ours).count();
        seen += here;
        let action = |at: usize| if kinds[at] { Action::Forward } else { Action::Recycle };
        let applied = batch.apply_with(action);
        assert_eq!(applied.forwarded + applied.tx_full, here);
        forwarded += applied.forwarded;
        tx_full += applied.tx_full;
        assert!(queue.is_balanced() && queue.census().is_complete());
    }
    assert_eq!((forwarded, tx_full), (21, 19), "21 whole frames of 3 are what 64 descriptors hold");
    queue.flush();
    for expected in 0..21 {
        assert!(server.receive(PATIENCE) == Some(frame(expected, 9014)), "frame {expected}");
    }
    assert_eq!(server.receive(Duration::from_millis(100)), None);
    assert_conserved(&mut queues);
}

#[test]
fn descriptors_come_back_from_batches_that_are_not_answered() {
    let Some(lab) = jumbo_lab("descriptors_come_back_from_batches_that_are_not_answered") else { return };
    let client = Wire::new("client", "c0");
    let (_link, mut queues) = open(&lab);
    let (mut received, mut turn) = (0, 0u32);
    let deadline = Instant::now() + PATIENCE;
    while received < 2_000 {
        assert!(Instant::now() < deadline, "only {received} came");
        for number in 0..40 {
            client.send(&frame(number, [60, 9014][number as usize % 2]));
        }
        let mut batch = queues[0].receive(Port::Inside);
        received += batch.len();
        if !batch.is_empty() {
            change(batch.frame(0));
        }
        turn += 1;
        if turn.is_multiple_of(2) {
            drop(batch);
        } else {
            std::mem::forget(batch);
        }
        assert!(queues[0].is_balanced() && queues[0].census().is_complete());
        queues[0].flush();
    }
    drop(queues[0].receive(Port::Inside));
    assert_conserved(&mut queues);
    // Of a frame that was dropped, no descriptor stays tied to others.
    while client.receive(Duration::from_millis(1)).is_some() {}
    for number in 0..60 {
        assert!(queues[0].inject(Port::Inside, &frame(number, 90)));
    }
    queues[0].flush();
    for number in 0..60 {
        assert!(client.receive(PATIENCE) == Some(frame(number, 90)), "frame {number}");
    }
    // Our own frames may be as long.
    assert!(queues[0].inject(Port::Inside, &frame(60, 9000)));
    assert!(!queues[0].inject(Port::Inside, &vec![0; 70_000]), "longer than any");
    queues[0].flush();
    assert!(client.receive(PATIENCE) == Some(frame(60, 9000)));
    assert_conserved(&mut queues);
}

/// Receives until a frame of ours came, and lends it, after a look at it where `is_seen`.
fn borrow(queue: &mut Queue, is_seen: bool) -> LentFrame {
    let deadline = Instant::now() + PATIENCE;
    loop {
        queue.flush();
        let mut batch = queue.receive(Port::Inside);
        // Without a look, it is a jumbo frame that the hosts do not send by themselves.
        if batch.len() == 1 && (!is_seen || is_ours(batch.frame(0))) {
            return batch.lend(0);
        }
        drop(batch);
        assert!(Instant::now() < deadline, "no frame came");
        thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_jumbo_frame_is_lent_as_one() {
    let Some(lab) = jumbo_lab("a_jumbo_frame_is_lent_as_one") else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (_link, mut queues) = open(&lab);
    let queue = &mut queues[0];
    assert_eq!(queue.lent_max(), 1024 / 8 * 3 / 2 / 3, "frames of three descriptors");
    for (sent, is_seen) in [(1, true), (2, false), (3, false), (4, true)] {
        let mut lent = loop {
            client.send(&frame(sent, 9014));
            let mut lent = borrow(queue, is_seen);
            if is_ours(lent.bytes_mut()) {
                break lent;
            }
            queue.give_back(lent, Action::Recycle);
        };
        let census = queue.census();
        assert!(census.is_complete() && census.lent == [3, 0] && census.received == 0, "{census:?}");
        // Others come and go meanwhile.
        client.send(&frame(100, 5000));
        let other = borrow(queue, true);
        assert!(queue.give_back(other, Action::Recycle));
        let elsewhere = thread::spawn(move || {
            change(lent.bytes_mut());
            lent
        });
        let lent = elsewhere.join().expect("it is changed");
        let action = if sent == 3 { Action::Recycle } else { Action::Forward };
        assert!(queue.give_back(lent, action));
        queue.flush();
        assert!(queue.census().is_complete() && queue.is_balanced() && queue.census().lent == [0, 0]);
        if action == Action::Forward {
            let got = server.receive(PATIENCE).expect("it arrives");
            assert!(got == changed(frame(sent, 9014)), "{sent} arrives changed");
        }
    }
    assert_eq!(server.receive(Duration::from_millis(100)), None);
    assert_conserved(&mut queues);
}

#[test]
fn a_frame_beyond_the_longest_mtu_is_dropped_and_counted() {
    let Some(lab) = jumbo_lab("a_frame_beyond_the_longest_mtu_is_dropped_and_counted") else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let config = lab.config();
    let open = || on("middle", || Link::open(&config));
    let (link, mut queues) = open().expect("the link opens");
    for port in ["inside", "outside"] {
        lab.set_mtu(port, 12_000);
    }
    client.send(&frame(1, 12_014));
    client.send(&frame(2, 9014));
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "nothing came");
        let mut batch = queues[0].receive(Port::Inside);
        let kinds = ours(&mut batch);
        batch.apply_with(|at| if kinds[at] { Action::Forward } else { Action::Recycle });
        queues[0].flush();
        if kinds.contains(&true) {
            break;
        }
    }
    assert_eq!(server.receive(PATIENCE).map(|frame| number(&frame)), Some(2));
    let statistics = queues[0].statistics(Port::Inside).expect("readable");
    assert_eq!(statistics.rx_dropped, 1, "{statistics:?}");
    assert_conserved(&mut queues);
    drop((link, queues));
    let error = open().expect_err("such an MTU is refused");
    assert!(matches!(&error, af_xdp::Error::MtuTooLong { mtu_bytes: 12_000, .. }), "{error}");
}

/// As killed engines leave it: the programs of each link are in place when the next one opens.
#[test]
fn a_leftover_is_replaced_whatever_its_frames_were() {
    // A native program that takes no several buffers keeps the MTU from rising.
    for (attach, mtus_bytes) in
        [(AttachMode::Native, &[MTU_BYTES, 1500][..]), (AttachMode::Generic, &[1500, MTU_BYTES, 1500])]
    {
        let Some(lab) = jumbo_lab("a_leftover_is_replaced_whatever_its_frames_were") else { return };
        let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
        let config = LinkConfig { attach, ..lab.config() };
        for &mtu_bytes in mtus_bytes {
            for port in ["inside", "outside"] {
                lab.set_mtu(port, mtu_bytes);
            }
            let sent = frame(1, mtu_bytes as usize + 14);
            let hosts = || {
                client.send(&sent);
                assert!(server.receive(PATIENCE).as_ref() == Some(&sent), "{attach:?} {mtu_bytes}");
            };
            let (_, link, mut queues) = with_engine(&config, |_| true, hosts);
            assert_eq!(link.is_multi_buffer(), mtu_bytes == MTU_BYTES);
            assert_conserved(&mut queues);
            link.abandon();
        }
    }
}

#[test]
fn a_bypassed_flow_of_jumbo_frames_leaves_in_the_driver_where_the_devices_take_them() {
    let Some(lab) = jumbo_lab("a_bypassed_flow_of_jumbo_frames") else { return };
    for (host, end) in [("client", "c0"), ("server", "s0")] {
        ethtool(host, end);
    }
    let config = LinkConfig { attach: AttachMode::Native, ..lab.config() };
    let (client, server) = (Wire::of_ipv4("client", "c0"), Wire::of_ipv4("server", "s0"));
    let (link, mut queues) = on("middle", || Link::open(&config)).expect("the link opens");
    assert_eq!(link.without_bypass(), None);
    link.heartbeat().beat(0);
    let (from, to) = (([192, 0, 2, 1].into(), 1000), ([192, 0, 2, 2].into(), 2000));
    let key = af_xdp::SettledKey::new(17, from, to, &[]).expect("UDP");
    let settled = queues[0].settled().expect("the link keeps settled flows");
    assert!(settled.insert(&key, af_xdp::Handling::PassOn { source_port: Some(Port::Inside) }));
    for payload in [20, 5000, 8972] {
        let sent = datagram(payload);
        client.send(&sent);
        assert!(server.receive(PATIENCE) == Some(sent), "{payload} bytes");
    }
    let [inside, _] = link.statistics().expect("readable");
    assert_eq!(inside.bypassed, 3);
    let counts = queues[0].settled().expect("still").take(&key).expect("it was settled");
    assert_eq!((counts.frames, counts.bytes), ([3, 0], [3 * 42 + 20 + 5000 + 8972, 0]));
}

/// Has a device take redirected frames.
fn ethtool(host: &str, device: &str) {
    let done = std::process::Command::new("nsenter")
        .arg(format!("--net=/run/netns/{}", namespace(host)))
        .args(["ethtool", "-K", device, "gro", "on"])
        .status()
        .expect("nsenter and ethtool are installed");
    assert!(done.success());
}

/// A UDP datagram over IPv4, without checksums of the upper layer.
fn datagram(payload: usize) -> Vec<u8> {
    let mut bytes = vec![0xff; 6];
    bytes.extend([2, 0, 0, 0, 0, 9, 0x08, 0x00]);
    bytes.extend([0x45, 0]);
    bytes.extend((28 + payload as u16).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend([1000u16, 2000, 8 + payload as u16, 0].map(u16::to_be_bytes).concat());
    bytes.extend((0..payload).map(|at| at as u8));
    bytes
}
