//! A flood does no harm. One test alone, since the memory of the whole process is looked at.

use std::sync::Arc;

use bench::flood::{Outcome, flood};
use dataplane::policy::Settings;
use dlp_patterns::RuleSet;

#[test]
fn a_flood_of_spoofed_syns_costs_no_established_flow() {
    let rules = Arc::new(RuleSet::compile(&[]).expect("no rules are no mistake"));
    let settings = Settings { flows_max: 1 << 15, ..Settings::default() };
    let outcome = flood(300_000, settings, rules);
    let Outcome { established_lost, segments_refused, clients_refused, counters, .. } = outcome;
    assert_eq!((established_lost, segments_refused, clients_refused), (0, 0, 0), "{outcome:?}");
    assert!(outcome.syns >= 300_000 && outcome.clients > 70);
    assert_eq!(counters.dropped_total(), 0, "{:?}", counters.dropped);
    assert!(counters.half_open_evicted > 280_000, "{}", counters.half_open_evicted);
    assert!(outcome.grown_bytes < 1 << 20, "{} bytes more", outcome.grown_bytes);
}
