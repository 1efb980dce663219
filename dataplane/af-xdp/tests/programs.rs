//! What the XDP programs decide by themselves: frames for the node, of blocked flows, and of flooding sources.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use af_xdp::{
    DryRun, Fate, Handling, LinkConfig, OnEngineLoss, Port, ProgramCounters, SettledCounts, SettledFlows,
    SettledKey,
};

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const ACK: u8 = 0x10;
const SYN: u8 = 0x02;
const FIN: u8 = 0x01;
const RST: u8 = 0x04;

/// Both programs of a link. `None`, said loudly, where this process cannot load them.
fn load(test: &str, change: impl FnOnce(&mut LinkConfig)) -> Option<DryRun> {
    if let Err(reason) = af_xdp::probe() {
        eprintln!("SKIPPED: {test}: {reason}");
        return None;
    }
    let mut config = LinkConfig::new("dry", "inside", "outside");
    change(&mut config);
    Some(DryRun::load(&config).expect("the programs load"))
}

fn end(text: &str, port: u16) -> (IpAddr, u16) {
    (text.parse().expect("an address"), port)
}

/// A header of the upper layer: for TCP with these flags and a payload of 4 bytes.
fn upper(protocol: u8, ports: [u16; 2], flags: u8) -> Vec<u8> {
    let mut bytes = ports.map(u16::to_be_bytes).concat();
    match protocol {
        TCP => bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0, 9, 9, 9, 9]),
        UDP => bytes.extend([0, 12, 0, 0, 9, 9, 9, 9]),
        _ => bytes.resize(24, 0),
    }
    bytes
}

fn packet(protocol: u8, source: (IpAddr, u16), destination: (IpAddr, u16), flags: u8) -> Vec<u8> {
    let upper = upper(protocol, [source.1, destination.1], flags);
    let mut bytes = vec![0xff; 12];
    match (source.0, destination.0) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x08, 0x00, 0x45, 0, 0, 20 + upper.len() as u8, 0, 0, 0, 0, 64, protocol, 0, 0]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, upper.len() as u8, protocol, 255]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        _ => panic!("one family"),
    }
    bytes.extend(upper);
    bytes
}

/// Puts tags behind the Ethernet addresses of a frame.
fn tagged(frame: &[u8], vlans: &[u16]) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    let tags = vlans.iter().flat_map(|id| [[0x81, 0x00], id.to_be_bytes()]).flatten();
    addresses.iter().copied().chain(tags).chain(rest.iter().copied()).collect()
}

fn settled(dry: &DryRun) -> SettledFlows {
    dry.settled().expect("the link keeps settled flows")
}

#[test]
fn a_blocked_flow_is_dropped_both_ways_and_counted_by_its_ends() {
    let test = "a_blocked_flow_is_dropped_both_ways_and_counted_by_its_ends";
    let Some(mut dry) = load(test, |config| config.on_engine_loss = OnEngineLoss::Forward) else { return };
    let pairs = [
        (end("192.0.2.1", 40_000), end("198.51.100.1", 80)),
        (end("198.51.100.1", 80), end("192.0.2.1", 40_000)),
        (end("2001:db8::2", 53), end("2001:db8::1", 53)),
    ];
    for (client, server) in pairs {
        for (protocol, vlans) in [(TCP, &[][..]), (UDP, &[7][..]), (TCP, &[7, 4095])] {
            let there = tagged(&packet(protocol, client, server, ACK), vlans);
            let back = tagged(&packet(protocol, server, client, ACK), vlans);
            let key = SettledKey::new(protocol, client, server, vlans).expect("TCP or UDP");
            let mut flows = settled(&dry);
            assert_eq!(flows.take(&key), None);
            assert_eq!(dry.run(Port::Inside, &there).expect("runs"), Fate::Passed, "not blocked yet");
            assert!(flows.insert(&key, Handling::Drop));
            assert!(!flows.insert(&key, Handling::Drop), "once");
            for (port, frame) in [(Port::Inside, &there), (Port::Outside, &back), (Port::Inside, &there)] {
                assert_eq!(dry.run(port, frame).expect("runs"), Fate::Dropped);
            }
            let so_far = settled(&dry).counts(&key).expect("it stays").frames;
            assert_eq!(so_far, [2, 1]);
            assert_eq!(dry.run(Port::Outside, &back).expect("runs"), Fate::Dropped, "still blocked");
            let counts = settled(&dry).take(&key).expect("through whichever handle");
            let bytes = [2 * there.len() as u64, 2 * back.len() as u64];
            assert_eq!((counts.frames, counts.bytes), ([2, 2], bytes));
            assert!(counts.idle_ns.is_some_and(|idle| idle < 60_000_000_000), "{counts:?}");
            assert_eq!(dry.run(Port::Outside, &back).expect("runs"), Fate::Passed, "taken out");
        }
    }
    let dropped = |port| dry.counters(port).expect("readable").dropped_flow_blocked;
    assert_eq!((dropped(Port::Inside), dropped(Port::Outside)), (2 * 9, 2 * 9));
}

#[test]
fn frames_of_several_buffers_are_read_and_counted_as_a_whole() {
    if let Err(reason) = af_xdp::probe() {
        eprintln!("SKIPPED: frames_of_several_buffers_are_read_and_counted_as_a_whole: {reason}");
        return;
    }
    let config = LinkConfig::new("dry", "inside", "outside");
    let mut dry = DryRun::load_multi_buffer(&config).expect("the programs load");
    dry.start_engine().expect("a socket");
    let (client, server) = (end("192.0.2.1", 40_000), end("198.51.100.1", 80));
    let key = SettledKey::new(TCP, client, server, &[]).expect("TCP");
    let longest = 9000 + 14;
    for length in [60, 1514, 3000, 4096, 5000, 8000, longest, longest + 5] {
        let mut frame = packet(TCP, client, server, ACK);
        frame.resize(length, 7);
        frame[16..18].copy_from_slice(&(length as u16 - 14).to_be_bytes());
        assert_eq!(dry.run(Port::Inside, &frame).expect("runs"), Fate::ToEngine, "{length} bytes");
        for handling in [Handling::Drop, Handling::PassOn { source_port: None }] {
            let mut flows = settled(&dry);
            assert!(flows.insert(&key, handling));
            let expected = match handling {
                Handling::Drop => Fate::Dropped,
                Handling::PassOn { .. } if length > longest + 4 => Fate::ToEngine,
                Handling::PassOn { .. } => Fate::PassedOn,
            };
            assert_eq!(dry.run(Port::Inside, &frame).expect("runs"), expected, "{length} bytes");
            let bytes = if expected == Fate::ToEngine { 0 } else { length as u64 };
            assert_eq!(flows.take(&key).expect("it was settled").bytes, [bytes, 0]);
        }
        // A packet that claims to be longer than its frame is no flow's.
        frame[16..18].copy_from_slice(&(length as u16 - 13).to_be_bytes());
        assert!(settled(&dry).insert(&key, Handling::Drop));
        assert_eq!(dry.run(Port::Inside, &frame).expect("runs"), Fate::ToEngine, "{length} bytes");
        assert!(settled(&dry).take(&key).is_some());
    }
}

#[test]
fn whatever_is_not_plain_or_ends_a_connection_is_left_to_the_engine() {
    let test = "whatever_is_not_plain_or_ends_a_connection_is_left_to_the_engine";
    let Some(mut dry) = load(test, |config| config.on_engine_loss = OnEngineLoss::Forward) else { return };
    let (client, server) = (end("192.0.2.1", 40_000), end("198.51.100.1", 80));
    let mut flows = settled(&dry);
    for protocol in [TCP, UDP] {
        assert!(
            flows.insert(&SettledKey::new(protocol, client, server, &[]).expect("a key"), Handling::Drop)
        );
    }
    let plain = packet(TCP, client, server, ACK);
    let changed = |at: usize, byte: u8| {
        let mut frame = plain.clone();
        frame[at] = byte;
        frame
    };
    let mut left: Vec<Vec<u8>> =
        [SYN, SYN | ACK, FIN | ACK, RST].map(|flags| packet(TCP, client, server, flags)).into();
    left.push(changed(14, 0x46)); // options
    left.push(changed(20, 0x20)); // more fragments
    left.push(changed(21, 0x01)); // a later fragment
    left.push(changed(17, 200)); // longer than the frame
    left.push(changed(46, 0x40)); // a TCP header below its minimum
    left.push(changed(46, 0xf0)); // and beyond the packet
    left.push(tagged(&plain, &[0, 0, 0])); // three tags, though none names a VLAN
    left.push(tagged(&plain, &[9])); // another VLAN
    left.push(plain[..50].to_vec()); // cut
    for frame in &left {
        assert_eq!(dry.run(Port::Inside, frame).expect("runs"), Fate::Passed, "{frame:02x?}");
    }
    let none = SettledCounts { frames: [0; 2], bytes: [0; 2], idle_ns: None };
    let key = SettledKey::new(TCP, client, server, &[]).expect("a key");
    assert_eq!(flows.take(&key), Some(none));
    assert!(flows.insert(&key, Handling::Drop));
    for frame in [plain.clone(), tagged(&plain, &[0]), tagged(&plain, &[0, 0])] {
        assert_eq!(dry.run(Port::Inside, &frame).expect("runs"), Fate::Dropped, "VLAN 0 is none");
    }
}

#[test]
fn beyond_its_room_a_link_settles_no_flow_and_forgets_none() {
    let test = "beyond_its_room_a_link_settles_no_flow_and_forgets_none";
    let Some(dry) = load(test, |config| config.settled_flows_max = 8) else { return };
    let key = |port| SettledKey::new(UDP, end("192.0.2.1", port), end("192.0.2.2", 9), &[]).expect("a key");
    let mut flows = settled(&dry);
    let inserted: Vec<u16> = (0..100).filter(|&port| flows.insert(&key(port), Handling::Drop)).collect();
    assert_eq!(inserted, (0..8).collect::<Vec<_>>());
    for port in inserted {
        assert!(flows.take(&key(port)).is_some());
        assert!(flows.insert(&key(1000 + port), Handling::Drop), "there is room again");
    }
    let Some(off) = load(test, |config| config.settled_flows_max = 0) else { return };
    assert!(off.settled().is_none());
}

#[test]
fn each_of_many_flows_is_found_and_no_other() {
    let test = "each_of_many_flows_is_found_and_no_other";
    let change = |config: &mut LinkConfig| {
        (config.settled_flows_max, config.on_engine_loss) = (4096, OnEngineLoss::Forward);
    };
    let Some(mut dry) = load(test, change) else { return };
    // In a row, as the ports of a busy client are.
    let ends = |flow: u16| {
        let port = 10_000 + flow / 2;
        let hosts = if flow.is_multiple_of(2) {
            ["192.0.2.1", "198.51.100.1"]
        } else {
            ["2001:db8::1", "2001:db8::2"]
        };
        (end(hosts[0], port), end(hosts[1], 53))
    };
    let key = |flow: u16| SettledKey::new(UDP, ends(flow).0, ends(flow).1, &[]).expect("a key");
    let frame = |flow: u16| packet(UDP, ends(flow).0, ends(flow).1, 0);
    let mut flows = settled(&dry);
    let (inserted, refused): (Vec<u16>, Vec<u16>) =
        (0..4096).partition(|&flow| flows.insert(&key(flow), Handling::Drop));
    // A flow whose bucket is full stays with the engine: some thirty are to be expected, wherever the hash puts them.
    assert!(refused.len() < 200, "{}", refused.len());
    for &flow in &inserted {
        assert_eq!(dry.run(Port::Inside, &frame(flow)).expect("runs"), Fate::Dropped, "{flow}");
    }
    for flow in refused.into_iter().chain(4096..8192) {
        assert_eq!(dry.run(Port::Inside, &frame(flow)).expect("runs"), Fate::Passed, "{flow}");
    }
    // Some one by one, the others at once, with one among them that is not there any more.
    let (alone, together) = inserted.split_at(100);
    let mut taken: Vec<_> = alone.iter().map(|flow| (*flow, flows.take(&key(*flow)))).collect();
    let gone = taken[0].0;
    let at = taken.len();
    taken.extend(together.iter().chain([&gone]).map(|flow| (*flow, None)));
    flows.take_all(&mut taken[at..], |(flow, _)| Some(key(*flow)), |(_, told), counts| *told = Some(counts));
    assert_eq!(taken.pop(), Some((gone, None)));
    for (flow, counts) in taken {
        let counts = counts.expect("it was inserted");
        assert_eq!((counts.frames, counts.bytes), ([1, 0], [frame(flow).len() as u64, 0]), "{flow}");
        assert_eq!(dry.run(Port::Inside, &frame(flow)).expect("runs"), Fate::Passed, "{flow}");
    }
}

/// A question of 192.0.2.9 for an address (RFC 826).
fn arp(target: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![0xff; 12];
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9]);
    frame.extend([0; 6]);
    frame.extend(target);
    frame
}

/// A neighbour solicitation (RFC 4861 section 4.3) for `target`, sent to `group`.
fn solicitation(group: &str, target: &str) -> Vec<u8> {
    let mut frame = packet(ICMPV6, end("2001:db8::9", 0x8700), end(group, 0), 0);
    let (IpAddr::V6(target), _) = end(target, 0) else { panic!("IPv6") };
    frame.splice(54 + 8..54 + 24, target.octets());
    frame
}

#[test]
fn frames_for_the_node_pass_whatever_became_of_the_engine() {
    let test = "frames_for_the_node_pass_whatever_became_of_the_engine";
    let hosts = ["192.0.2.1", "2001:db8::ab:cdef"].map(|text| end(text, 0).0);
    // Fail closed: without an engine, nothing else passes.
    let Some(mut dry) = load(test, |config| config.hosts = hosts.into()) else { return };
    let (v4, v6) = (end("192.0.2.1", 22), end("2001:db8::ab:cdef", 22));
    let (v4_peer, v6_peer) = (end("192.0.2.9", 5000), end("2001:db8::9", 5000));
    let mut fragment = packet(UDP, v4_peer, v4, 0);
    fragment[21] = 0x10;
    let passing = [
        packet(TCP, v4_peer, v4, SYN),
        packet(TCP, v6_peer, v6, ACK),
        tagged(&packet(TCP, v4_peer, v4, ACK), &[5]),
        fragment,
        arp([192, 0, 2, 1]),
        solicitation("ff02::1:ffab:cdef", "2001:db8::ab:cdef"),
    ];
    let others = [
        packet(TCP, v4, v4_peer, ACK),
        packet(TCP, end("::ffff:192.0.2.1", 1), end("::ffff:192.0.2.1", 2), ACK),
        arp([192, 0, 2, 2]),
        solicitation("ff02::1:ffab:cdef", "2001:db8::1:ab:cdef"),
        solicitation("2001:db8::9", "2001:db8::ab:cdef"),
    ];
    // Nor does a blocked flow lock anybody out.
    assert!(settled(&dry).insert(&SettledKey::new(TCP, v6, v6_peer, &[]).expect("a key"), Handling::Drop));
    for port in Port::BOTH {
        for frame in &passing {
            assert_eq!(dry.run(port, frame).expect("runs"), Fate::Passed, "{frame:02x?}");
        }
        for frame in &others {
            assert_eq!(dry.run(port, frame).expect("runs"), Fate::Dropped, "{frame:02x?}");
        }
        let expected = ProgramCounters {
            passed_to_host: passing.len() as u64,
            dropped_by_engine_loss: others.len() as u64,
            ..ProgramCounters::default()
        };
        assert_eq!(dry.counters(port).expect("readable"), expected);
    }
}

/// A link whose engine lives, and a flow between two ends that is passed on where its client sends from outside.
fn with_a_bypassed_flow(test: &str, loss: OnEngineLoss) -> Option<(DryRun, [Vec<u8>; 2], SettledKey)> {
    let change = |config: &mut LinkConfig| {
        (config.on_engine_loss, config.heartbeat_timeout_ns) = (loss, 50_000_000);
    };
    let mut dry = load(test, change)?;
    dry.start_engine().expect("a socket");
    let (client, server) = (end("192.0.2.1", 40_000), end("198.51.100.1", 443));
    let key = SettledKey::new(TCP, client, server, &[]).expect("a key");
    let source_port = Some(Port::Outside);
    assert!(settled(&dry).insert(&key, Handling::PassOn { source_port }));
    Some((dry, [packet(TCP, client, server, ACK), packet(TCP, server, client, ACK)], key))
}

#[test]
fn a_bypassed_flow_leaves_by_the_other_port_and_is_counted_by_its_ends() {
    let test = "a_bypassed_flow_leaves_by_the_other_port_and_is_counted_by_its_ends";
    let Some((mut dry, [there, back], key)) = with_a_bypassed_flow(test, OnEngineLoss::Drop) else { return };
    for (port, frame) in [(Port::Outside, &there), (Port::Inside, &back), (Port::Outside, &there)] {
        assert_eq!(dry.run(port, frame).expect("runs"), Fate::PassedOn);
    }
    // Whoever speaks in another's name, what begins or ends a connection, and what is too long for the other port.
    let ends = [SYN, FIN | ACK, RST]
        .map(|flags| packet(TCP, end("192.0.2.1", 40_000), end("198.51.100.1", 443), flags));
    let mut long = there.clone();
    long.resize(1519, 0);
    let left = [(Port::Inside, &there), (Port::Outside, &back), (Port::Outside, &long)];
    for (port, frame) in left.into_iter().chain(ends.iter().map(|frame| (Port::Outside, frame))) {
        assert_eq!(dry.run(port, frame).expect("runs"), Fate::ToEngine, "{frame:02x?}");
    }
    long.truncate(1518);
    assert_eq!(dry.run(Port::Outside, &long).expect("runs"), Fate::PassedOn);
    let counts = settled(&dry).take(&key).expect("it was settled");
    assert_eq!((counts.frames, counts.bytes), ([3, 1], [2 * there.len() as u64 + 1518, back.len() as u64]));
    assert_eq!(dry.run(Port::Outside, &there).expect("runs"), Fate::ToEngine, "taken out");
    let counters = Port::BOTH.map(|port| dry.counters(port).expect("readable"));
    assert_eq!(counters.map(|port| port.bypassed), [1, 3]);
    assert_eq!(counters.map(|port| port.redirected), [1, 6]);
}

#[test]
fn a_bypassed_flow_that_is_taken_loses_no_frame() {
    let test = "a_bypassed_flow_that_is_taken_loses_no_frame";
    let Some((mut dry, [there, _], key)) = with_a_bypassed_flow(test, OnEngineLoss::Forward) else { return };
    let (mut flows, is_over) = (settled(&dry), AtomicBool::new(false));
    let taken = thread::scope(|scope| {
        let taker = scope.spawn(|| {
            let mut frames = 0;
            while !is_over.load(Ordering::Relaxed) {
                frames += flows.take(&key).expect("it is there").frames[0];
                assert!(flows.insert(&key, Handling::PassOn { source_port: None }));
            }
            frames + flows.take(&key).expect("it is there").frames[0]
        });
        for _ in 0..20 {
            dry.time(Port::Outside, &there, 200_000).expect("runs");
        }
        is_over.store(true, Ordering::Relaxed);
        taker.join().expect("no panic")
    });
    let counters = dry.counters(Port::Outside).expect("readable");
    assert_eq!((counters.bypassed, counters.dropped_flow_blocked), (taken, 0));
}

#[test]
fn without_a_live_engine_nothing_is_bypassed() {
    let test = "without_a_live_engine_nothing_is_bypassed";
    for (loss, fate) in [(OnEngineLoss::Drop, Fate::Dropped), (OnEngineLoss::Forward, Fate::Passed)] {
        let Some((mut dry, [there, _], key)) = with_a_bypassed_flow(test, loss) else { return };
        assert_eq!(dry.run(Port::Outside, &there).expect("runs"), Fate::PassedOn);
        dry.hang_engine();
        thread::sleep(Duration::from_millis(100));
        assert_eq!(dry.run(Port::Outside, &there).expect("runs"), fate, "its last beat is old");
        dry.start_engine().expect("a socket");
        assert_eq!(dry.run(Port::Outside, &there).expect("runs"), Fate::PassedOn);
        dry.kill_engine();
        assert_eq!(dry.run(Port::Outside, &there).expect("runs"), fate, "though its last beat is young");
        assert_eq!(settled(&dry).take(&key).expect("it was settled").frames, [2, 0]);
    }
}

#[test]
fn a_source_outside_has_credit_for_a_second_and_earns_more() {
    let test = "a_source_outside_has_credit_for_a_second_and_earns_more";
    let change = |config: &mut LinkConfig| {
        config.on_engine_loss = OnEngineLoss::Forward;
        config.source_pps_max = 20;
    };
    let Some(mut dry) = load(test, change) else { return };
    let victim = [end("192.0.2.1", 80), end("2001:db8::1", 80)];
    let from = |source: &str, port: u16| {
        let source = end(source, port);
        packet(UDP, source, if source.0.is_ipv4() { victim[0] } else { victim[1] }, 0)
    };
    let mut passed = |port: Port, frames: &mut dyn Iterator<Item = Vec<u8>>| {
        frames.filter(|frame| dry.run(port, frame).expect("runs") == Fate::Passed).count()
    };
    // Whichever ports it uses, and whichever address of its network. Slow machines earn a few more meanwhile.
    let v4 = passed(Port::Outside, &mut (0..1000).map(|port| from("198.51.100.7", port)));
    assert!((20..1000).contains(&v4), "{v4}");
    let v6 = passed(Port::Outside, &mut (0..1000).map(|host| from(&format!("2001:db8:1::{host:x}"), 1)));
    assert!((20..1000).contains(&v6), "{v6}");
    assert_eq!(passed(Port::Outside, &mut [from("198.51.100.8", 1)].into_iter()), 1, "another source");
    assert_eq!(passed(Port::Inside, &mut (0..100).map(|port| from("198.51.100.7", port))), 100);
    thread::sleep(Duration::from_millis(200));
    assert!(passed(Port::Outside, &mut [from("198.51.100.7", 1)].into_iter()) == 1, "it was silent");
    let counters = dry.counters(Port::Outside).expect("readable");
    assert_eq!(counters.dropped_source_rate, 2000 - (v4 + v6) as u64);
    assert_eq!(counters.passed_by_engine_loss, (v4 + v6 + 2) as u64);
    assert_eq!(dry.counters(Port::Inside).expect("readable").dropped_source_rate, 0);
}
