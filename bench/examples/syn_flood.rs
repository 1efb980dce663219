//! Spoofed SYNs over established connections: `cargo run --release -p bench --example syn_flood -- 10000000`.

use std::env;
use std::sync::Arc;

use bench::flood::{ESTABLISHED, flood};
use dataplane::policy::Settings;
use dlp_patterns::{RuleSet, default_packs};

fn main() -> anyhow::Result<()> {
    let syns = env::args().nth(1).map_or(Ok(10_000_000), |count| count.parse())?;
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let outcome = flood(syns, Settings::default(), rules);
    let rate = outcome.syns as f64 / outcome.syns_took.as_secs_f64() / 1e6;
    println!("{} spoofed SYNs at {rate:.2} M/s over {ESTABLISHED} established flows", outcome.syns);
    println!("established flows lost          {}", outcome.established_lost);
    println!("their segments, and refused     {} / {}", outcome.segments, outcome.segments_refused);
    println!("clients meanwhile, and refused  {} / {}", outcome.clients, outcome.clients_refused);
    println!("half-open flows evicted         {}", outcome.counters.half_open_evicted);
    println!("frames dropped                  {}", outcome.counters.dropped_total());
    println!("memory grown                    {} bytes", outcome.grown_bytes);
    let held = outcome.established_lost + outcome.segments_refused + outcome.clients_refused == 0;
    anyhow::ensure!(held, "the flood did harm");
    Ok(())
}
