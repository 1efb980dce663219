//! Floods do no harm. One test alone, since the memory of the whole process is looked at.

use std::sync::Arc;

use bench::flood::{InNameOf, Outcome, flood};
use dataplane::policy::Settings;
use dlp_patterns::RuleSet;

#[test]
fn floods_of_spoofed_syns_cost_neither_established_flows_nor_new_ones() {
    let rules = Arc::new(RuleSet::compile(&[]).expect("no rules are no mistake"));
    let settings = Settings { flows_max: 1 << 15, ..Settings::default() };
    // In a few names, one of eight has the ends of another that is still half-open, and is the same flow again.
    for (name, of_source, evicted_min) in
        [(InNameOf::Anybody, false, 280_000), (InNameOf::Clients, true, 250_000)]
    {
        let outcome = flood(300_000, name, settings.clone(), Arc::clone(&rules));
        let Outcome { established_lost, segments_refused, clients_refused, counters, .. } = outcome;
        assert_eq!((established_lost, segments_refused, clients_refused), (0, 0, 0), "{name:?} {outcome:?}");
        assert!(outcome.syns >= 300_000 && outcome.clients > 70);
        assert_eq!(counters.dropped_total(), 0, "{name:?} {:?}", counters.dropped);
        assert!(counters.half_open_evicted > evicted_min, "{name:?} {}", counters.half_open_evicted);
        assert_eq!(counters.half_open_source_evicted > evicted_min, of_source, "{counters:?}");
        assert!(outcome.grown_bytes < 1 << 20, "{name:?}: {} bytes more", outcome.grown_bytes);
    }
}
