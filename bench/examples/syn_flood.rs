//! Spoofed SYNs over established connections: `cargo run --release -p bench --example syn_flood -- 10000000`.

use std::env;
use std::sync::Arc;

use bench::flood::{ESTABLISHED, InNameOf, Outcome, flood};
use dataplane::policy::Settings;
use dlp_patterns::{RuleSet, default_packs};

fn main() -> anyhow::Result<()> {
    let syns = env::args().nth(1).map_or(Ok(10_000_000), |count| count.parse())?;
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let mut harm = 0;
    for (name, told) in [(InNameOf::Anybody, "anybody"), (InNameOf::Clients, "the clients")] {
        let outcome = flood(syns, name, Settings::default(), Arc::clone(&rules));
        tell(told, &outcome);
        harm += outcome.established_lost + outcome.segments_refused + outcome.clients_refused;
    }
    anyhow::ensure!(harm == 0, "a flood did harm");
    Ok(())
}

fn tell(name: &str, outcome: &Outcome) {
    let rate = outcome.syns as f64 / outcome.syns_took.as_secs_f64() / 1e6;
    let counters = &outcome.counters;
    println!(
        "{} SYNs in the name of {name} at {rate:.2} M/s over {ESTABLISHED} established flows",
        outcome.syns
    );
    println!("established flows lost          {}", outcome.established_lost);
    println!("their segments, and refused     {} / {}", outcome.segments, outcome.segments_refused);
    println!("clients meanwhile, and refused  {} / {}", outcome.clients, outcome.clients_refused);
    println!("half-open flows evicted         {}", counters.half_open_evicted);
    println!("of these, for their source      {}", counters.half_open_source_evicted);
    println!("frames dropped                  {}", counters.dropped_total());
    println!("memory grown                    {} bytes", outcome.grown_bytes);
}
