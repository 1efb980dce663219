//! Prints how long the XDP program takes for one frame by what it does with it: nanoseconds, the median of some turns of a
//! million frames each. And how long it takes to take a settled flow out again.

use std::{error::Error, net::IpAddr, time::Instant};

use af_xdp::{DryRun, Handling, LinkConfig, Port, SettledKey};

const TURNS: usize = 9;
const FRAMES: u32 = 1_000_000;
const FLOWS: u16 = 8192;
const UDP: u8 = 17;

/// Who sends to whom: addresses and ports.
type Ends = [(IpAddr, u16); 2];

fn main() -> Result<(), Box<dyn Error>> {
    let [v4, v6] = [["198.18.0.1", "198.18.0.2"], ["2001:db8::1", "2001:db8::2"]]
        .map(|ends| ends.map(|end| (end.parse::<IpAddr>().expect("an address"), 9)));
    println!("{:<28}{:>8}{:>8}", "ns for one frame", "IPv4", "IPv6");
    for (what, handling, settled_max) in [
        ("to the engine, no map", None, 0),
        ("to the engine", None, 1),
        ("blocked", Some(Handling::Drop), 1),
        ("bypassed", Some(Handling::PassOn { source_port: Some(Port::Outside) }), 1),
    ] {
        let [v4, v6] = [median(v4, handling, settled_max)?, median(v6, handling, settled_max)?];
        println!("{what:<28}{v4:>8}{v6:>8}");
    }
    println!("\n{:<28}{:>8}{:>8}", "ns to take out one flow", "IPv4", "IPv6");
    for (what, at_once) in [("one by one", 1), ("16 at once", 16), ("256 at once", 256)] {
        println!("{what:<28}{:>8}{:>8}", median_taken(v4, at_once)?, median_taken(v6, at_once)?);
    }
    Ok(())
}

/// Of flows that differ in a port, so many at once.
fn median_taken([source, destination]: Ends, at_once: usize) -> Result<u128, Box<dyn Error>> {
    let mut config = LinkConfig::new("cost", "inside", "outside");
    config.settled_flows_max = FLOWS.into();
    let mut settled = DryRun::load(&config)?.settled().ok_or("the link keeps settled flows")?;
    let key = |port| SettledKey::new(UDP, (source.0, port), destination, &[]);
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let keys = (0..FLOWS).filter_map(key);
        let mut inserted: Vec<_> = keys.filter(|key| settled.insert(key, Handling::Drop)).collect();
        let mut taken = 0;
        let begin = Instant::now();
        for flows in inserted.chunks_mut(at_once) {
            settled.take_all(flows, |key| Some(*key), |_, _| taken += 1);
        }
        turns.push(begin.elapsed().as_nanos() / inserted.len() as u128);
        assert_eq!(taken, inserted.len());
    }
    turns.sort_unstable();
    Ok(turns[TURNS / 2])
}

fn median(
    [source, destination]: Ends,
    handling: Option<Handling>,
    settled_max: u32,
) -> Result<u128, Box<dyn Error>> {
    let mut config = LinkConfig::new("cost", "inside", "outside");
    // So long that no pause of this machine looks like the loss of an engine.
    config.heartbeat_timeout_ns = 60_000_000_000;
    config.settled_flows_max = settled_max;
    let mut dry = DryRun::load(&config)?;
    dry.start_engine()?;
    if let Some(handling) = handling {
        let key = SettledKey::new(UDP, source, destination, &[]).ok_or("UDP has a key")?;
        dry.settled().ok_or("the link keeps settled flows")?.insert(&key, handling);
    }
    let frame = frame(source.0, destination.0);
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        turns.push(dry.time(Port::Outside, &frame, FRAMES)?.as_nanos());
    }
    turns.sort_unstable();
    Ok(turns[TURNS / 2])
}

/// A UDP datagram from port 9 to port 9, in a frame of 60 bytes or a few more.
fn frame(source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, UDP, 0, 0]);
            bytes.extend(source.octets().into_iter().chain(destination.octets()));
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 26, UDP, 64]);
            bytes.extend(source.octets().into_iter().chain(destination.octets()));
        }
        _ => unreachable!("both ends are of one family"),
    }
    bytes.extend([0, 9, 0, 9, 0, 26, 0, 0]);
    bytes.extend([0; 18]);
    bytes
}
