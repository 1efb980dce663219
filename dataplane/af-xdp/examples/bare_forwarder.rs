//! Forwards every frame between two ports without looking at it, and prints how many a second: what AF_XDP
//! alone costs, to set against an engine that inspects. Or has the XDP program drop the flow of `examples/flood.rs`, or pass
//! it on, to set against `examples/reference.rs`.

use std::{
    error::Error,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use af_xdp::{
    Action, AttachMode, Handling, Heartbeat, Link, LinkConfig, LinkLock, OnEngineLoss, Port, Queue,
    SettledKey, ZeroCopy, limits,
};
use clap::Parser;

/// Forwards every frame between two ports.
#[derive(Parser)]
struct Options {
    /// Interface of the one port.
    #[arg(long)]
    inside: String,
    /// Interface of the other port.
    #[arg(long)]
    outside: String,
    /// Name of the link, for its pins.
    #[arg(long, default_value = "bare")]
    name: String,
    /// Attach the XDP program in the kernel's generic path.
    #[arg(long)]
    generic: bool,
    /// Let the kernel copy, even where the drivers could do without.
    #[arg(long)]
    copy: bool,
    /// Pass frames to the kernel when the engine is lost; otherwise they are dropped.
    #[arg(long)]
    fail_open: bool,
    /// Frames of each queue's UMEM.
    #[arg(long, default_value_t = 8192)]
    frames: u32,
    /// Have the XDP program drop the flow of the flood.
    #[arg(long)]
    block_flood: bool,
    /// Have the XDP program pass the flow of the flood on.
    #[arg(long, conflicts_with = "block_flood")]
    bypass_flood: bool,
    /// Core of the first queue's worker; the others follow.
    #[arg(long)]
    core: Option<usize>,
    /// Seconds after which to stop; 0 waits for a signal.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
}

impl Options {
    /// What the XDP program does with the flood by itself. It comes in outside.
    fn flood_handling(&self) -> Option<Handling> {
        if self.bypass_flood {
            return Some(Handling::PassOn { source_port: Some(Port::Outside) });
        }
        self.block_flood.then_some(Handling::Drop)
    }
}

/// Frames that one worker has seen; only it writes.
#[derive(Default)]
struct Seen {
    received: AtomicU64,
    forwarded: AtomicU64,
    tx_full: AtomicU64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut config = LinkConfig::new(&options.name, &options.inside, &options.outside);
    config.attach = if options.generic { AttachMode::Generic } else { AttachMode::Auto };
    config.zero_copy = if options.copy { ZeroCopy::Never } else { ZeroCopy::Auto };
    config.on_engine_loss = if options.fail_open { OnEngineLoss::Forward } else { OnEngineLoss::Drop };
    config.frames_per_queue = options.frames;
    // Where it blocks no flow, nothing needs to be looked up.
    config.settled_flows_max =
        if options.flood_handling().is_some() { limits::SETTLED_FLOWS_DEFAULT } else { 0 };

    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let lock = LinkLock::take(&options.name).map_err(|error| format!("{error}; {}", error.hint()))?;
    // Dropped after the link.
    let _lock = lock.ok_or("another process works on the link")?;
    let (link, mut queues) = Link::open(&config).map_err(|error| format!("{error}; {}", error.hint()))?;
    if let Some(handling) = options.flood_handling() {
        let ends =
            [([198, 18, 0, 1], 4000), ([198, 18, 0, 2], 9)].map(|(host, port)| (IpAddr::from(host), port));
        let key = SettledKey::new(17, ends[0], ends[1], &[]).ok_or("UDP has a key")?;
        queues[0].settled().ok_or("the link keeps settled flows")?.insert(&key, handling);
    }
    let seen: Vec<Seen> = queues.iter().map(|_| Seen::default()).collect();
    thread::scope(|scope| {
        for (mut queue, seen) in queues.into_iter().zip(&seen) {
            let (heartbeat, stop, core) = (link.heartbeat(), &stop, options.core);
            scope.spawn(move || {
                if let Some(core) = core {
                    core_affinity::set_for_current(core_affinity::CoreId {
                        id: core + queue.index() as usize,
                    });
                }
                forward(&mut queue, &heartbeat, seen, stop);
            });
        }
        report(&options, &seen, &stop);
    });
    println!("program counters: {:?}", link.statistics()?);
    link.detach();
    Ok(())
}

fn forward(queue: &mut Queue, heartbeat: &Heartbeat, seen: &Seen, stop: &AtomicBool) {
    let forward_all = [Action::Forward; limits::BATCH_FRAMES_MAX];
    while !stop.load(Relaxed) {
        heartbeat.beat(queue.index());
        let mut received = 0;
        for port in Port::BOTH {
            let batch = queue.receive(port);
            let len = batch.len();
            let applied = batch.apply(&forward_all[..len]);
            received += len;
            seen.forwarded.fetch_add(applied.forwarded as u64, Relaxed);
            seen.tx_full.fetch_add(applied.tx_full as u64, Relaxed);
        }
        queue.flush();
        seen.received.fetch_add(received as u64, Relaxed);
        if received == 0
            && let Err(error) = queue.wait(10)
        {
            eprintln!("queue {}: {error}", queue.index());
            thread::sleep(Duration::from_millis(100));
        }
    }
    for port in Port::BOTH {
        println!("queue {} {}: {:?}", queue.index(), port.as_str(), queue.statistics(port));
    }
    println!("queue {}: zero-copy {}, {:?}", queue.index(), queue.is_zero_copy(), queue.census());
}

fn report(options: &Options, seen: &[Seen], stop: &AtomicBool) {
    let started = Instant::now();
    let sum = |field: fn(&Seen) -> &AtomicU64| seen.iter().map(|seen| field(seen).load(Relaxed)).sum::<u64>();
    let (mut before, mut at) = (0, started);
    while !stop.load(Relaxed) {
        thread::sleep(Duration::from_secs(1));
        let (forwarded, now) = (sum(|seen| &seen.forwarded), Instant::now());
        let mpps = (forwarded - before) as f64 / (now - at).as_secs_f64() / 1e6;
        let (received, tx_full) = (sum(|seen| &seen.received), sum(|seen| &seen.tx_full));
        println!(
            "{mpps:.3} Mpps forwarded; in all: received {received}, forwarded {forwarded}, tx_full {tx_full}"
        );
        (before, at) = (forwarded, now);
        if options.seconds > 0 && started.elapsed() >= Duration::from_secs(options.seconds) {
            stop.store(true, Relaxed);
        }
    }
}
