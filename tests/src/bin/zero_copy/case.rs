//! The case: forced zero-copy forwards and blocks, copying is told from it, and a refusal is told.

use std::ffi::OsString;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::card::Card;
use crate::checks::Checks;
use crate::guest::Guest;
use crate::probe::{PATIENCE, Probe};
use crate::traffic::{Leak, exchange, is_reset, numbered};

/// Frames followed one by one, alternating between the ports.
const PROBES: Range<u32> = 0..32;
/// Numbered frames each way: each place in the engine's memory is used several times.
const BULK: Range<u32> = 100..4_100;
const AFTERWARDS: Range<u32> = 5_000..5_050;
/// The rule of a default pack that the leak hits.
const PRIVATE_KEY: &str = "\"signature_id\":1000101,";
/// What was dropped does not come. It would have come before the numbered frame behind it.
const SILENCE: Duration = Duration::from_millis(200);

/// Runs all of it on one machine.
pub(crate) fn run(card: Card, folder: &Path, qemu: &[OsString], checks: &mut Checks) -> io::Result<()> {
    let mut guest = Guest::start(card, folder, qemu)?;
    required(&mut guest, checks)?;
    copied(&mut guest, checks)?;
    match card {
        Card::Virtio => refused(&mut guest, checks)?,
        Card::Igb => {
            on_all_queues(&mut guest, card.queues_max(), checks)?;
            narrow(&mut guest, checks)?;
        }
    }
    Ok(())
}

/// `zero_copy = "require"`.
fn required(guest: &mut Guest, checks: &mut Checks) -> io::Result<()> {
    println!("zero-copy, forced");
    let started = guest.start_engine("require")?;
    if started.code != 0 {
        return Err(io::Error::other(format!("the engine does not start:\n{}", started.text())));
    }
    checks.check("the engine logs the mode", started.text().contains("queues=1 zero_copy_queues=1"));
    let umem = guest.umem()?;
    let probes = probe(guest)?;
    let count = probes.len();
    checks.equal("frames pass, byte by byte", probes.iter().filter(|probe| probe.is_intact).count(), count);
    let uncopied = probes.iter().filter(|probe| probe.was_not_copied(&umem)).count();
    checks.equal("each is sent from where it was received, in the engine's memory", uncopied, count);
    let arrived = exchange(&mut guest.wires, BULK)?;
    checks.equal("many frames pass both ways, byte by byte, in order", arrived, [BULK.len(); 2]);
    block(guest, checks)?;
    let sent = guest.wires.iter().map(|wire| wire.sent).collect::<Vec<u64>>();
    let by_driver = guest.driver_counter("eth1", "tx0_xdp_tx")?;
    let (stopped, event) = guest.stop_engine()?;
    checks.equal("the engine ends well", stopped.code, 0);
    let stats = &event["stats"];
    tell_of_queues(stats, [1, 1], checks);
    checks.check("it tells which rule blocked", stopped.text().contains(PRIVATE_KEY));
    let seen = ["inside", "outside"].map(|port| &stats["capture"]["wire"][port]).map(|port| {
        let [given, dropped] = ["redirected", "dropped_flow_blocked"].map(|word| port[word].as_u64());
        (given.zip(dropped).map(|(given, dropped)| given + dropped), dropped)
    });
    let all = seen.map(|(all, _)| all);
    checks.equal("the program gave it every frame, or dropped it", all, [Some(sent[0]), Some(sent[1])]);
    // Once its flow is blocked, a frame is dropped by whichever of the two comes to see it.
    let by_program: u64 = seen.iter().filter_map(|(_, dropped)| *dropped).sum();
    let (passed, blocked) = (sent.iter().sum::<u64>() - 2, 2);
    let told = ["accepted", "blocked", "injected"].map(|word| stats["ips"][word].as_u64());
    let told = (told[0], told[1].map(|by_engine| by_engine + by_program), told[2]);
    checks.equal("each was forwarded or blocked", told, (Some(passed), Some(blocked), Some(2)));
    match by_driver {
        // All that came by the other port but what was blocked, and a reset.
        Some(count) => checks.equal("the driver sent them without a copy", count, sent[0] - blocked + 1),
        None => println!("      the driver's own counter is not there"),
    }
    if checks.have_failed() {
        println!("the engine said:\n{}", stopped.text());
    }
    Ok(())
}

/// A leak among other frames.
fn block(guest: &mut Guest, checks: &mut Checks) -> io::Result<()> {
    let leak = Leak::new();
    let wires = &mut guest.wires;
    let mut passed = 0;
    for (from, frame) in &leak.harmless {
        wires[*from].send(frame)?;
        passed += usize::from(wires[1 - from].receive(PATIENCE).as_ref() == Some(frame));
    }
    checks.equal("a connection passes, byte by byte, before it leaks", passed, leak.harmless.len());
    wires[0].send(&leak.completing)?;
    let came = [0, 1].map(|port: usize| wires[port].receive(PATIENCE).is_some_and(|frame| is_reset(&frame)));
    checks.equal(
        "instead of the frame that completes a private key, a reset comes to both ends",
        came,
        [true; 2],
    );
    wires[0].send(&leak.after)?;
    let arrived = exchange(wires, AFTERWARDS)?;
    checks.equal("nothing more of it passes, and all else does", arrived, [AFTERWARDS.len(); 2]);
    let silent = wires.iter().all(|wire| wire.receive(SILENCE).is_none());
    checks.check("nothing else came", silent);
    Ok(())
}

/// `zero_copy = "never"`: what proves zero-copy must not hold here.
fn copied(guest: &mut Guest, checks: &mut Checks) -> io::Result<()> {
    println!("the control: copying, forced");
    let started = guest.start_engine("never")?;
    if started.code != 0 {
        return Err(io::Error::other(format!("the engine does not start:\n{}", started.text())));
    }
    checks.check("the engine logs the mode", started.text().contains("queues=1 zero_copy_queues=0"));
    let umem = guest.umem()?;
    let probes = probe(guest)?;
    let count = probes.len();
    checks.equal("frames pass, byte by byte", probes.iter().filter(|probe| probe.is_intact).count(), count);
    let uncopied = probes.iter().filter(|probe| probe.was_not_copied(&umem)).count();
    checks.equal("none is sent from where it was received", uncopied, 0);
    let (stopped, event) = guest.stop_engine()?;
    checks.equal("the engine ends well", stopped.code, 0);
    tell_of_queues(&event["stats"], [1, 0], checks);
    Ok(())
}

/// `zero_copy = "require"` of cards that cannot.
fn refused(guest: &mut Guest, checks: &mut Checks) -> io::Result<()> {
    println!("zero-copy, forced, on cards without iommu_platform");
    let answer = guest.start_engine("refused")?;
    checks.equal("the engine does not start", answer.code, 1);
    let told = answer.text();
    checks.check(
        "it says who refuses what",
        told.contains("eth2 refuses zero-copy on queue 0: Invalid argument"),
    );
    checks.check("and what may help", told.contains("hint: ") && told.contains("iommu_platform=on"));
    Ok(())
}

/// `frame_bytes = 2048`, of which the driver would use 1024.
fn narrow(guest: &mut Guest, checks: &mut Checks) -> io::Result<()> {
    println!("frames that are too short for the driver");
    let answer = guest.start_engine("narrow")?;
    checks.equal("the engine does not start", answer.code, 78);
    let told = answer.text();
    checks.check("it says why", told.contains("the driver of eth0 (igb) uses 1024 bytes of a frame"));
    checks.check("and what may help", told.contains("hint: `frame_bytes = 4096`"));
    Ok(())
}

/// `zero_copy = "require"`, with several queues.
fn on_all_queues(guest: &mut Guest, count: u32, checks: &mut Checks) -> io::Result<()> {
    println!("zero-copy, forced, on {count} queues");
    guest.set_queues(count)?;
    let started = guest.start_engine("require")?;
    checks.equal("the engine starts", started.code, 0);
    let told = format!("queues={count} zero_copy_queues={count}");
    checks.check("it logs that every queue got it", started.text().contains(&told));
    let (stopped, event) = guest.stop_engine()?;
    checks.equal("the engine ends well", stopped.code, 0);
    tell_of_queues(&event["stats"], [count, count], checks);
    Ok(())
}

/// Follows frames one by one.
fn probe(guest: &mut Guest) -> io::Result<Vec<Probe>> {
    PROBES
        .map(|number| {
            let from = number as usize % 2;
            Probe::send(guest, from, &numbered(from, number))
        })
        .collect()
}

/// The counters say how many queues there are, and how many of them are without a copy.
fn tell_of_queues(stats: &Value, wanted: [u32; 2], checks: &mut Checks) {
    let ports = ["inside", "outside"].map(|name| &stats["capture"]["wire"][name]);
    let told = ports.map(|port| [&port["queues"], &port["queues_zero_copy"]].map(Value::as_u64));
    checks.equal(
        "its counters tell the mode of both ports",
        told,
        [wanted.map(|count| Some(count.into())); 2],
    );
}
