//! Hits by rule, as the engine tells of them.

use std::collections::BTreeMap;
use std::io;

use dataplane::event::{Event, EventSink};
use dlp_patterns::RuleSet;
use engine::config::EventTypes;
use engine::eve::{EveFile, EveFormat};

/// Counts alerts, and writes all events to nowhere as the engine would to a file.
pub(super) struct Tally {
    eve: EveFile<io::Sink>,
    /// By the id that the pack gives the rule.
    alerts: BTreeMap<u32, u64>,
}

impl Tally {
    /// Nothing was told yet.
    pub(super) fn new() -> Tally {
        let eve = EveFile::new(EveFormat::new(EventTypes::ALL, Vec::new()), io::sink());
        Tally { eve, alerts: BTreeMap::new() }
    }
}

impl EventSink for Tally {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Alert(alert) = &event {
            *self.alerts.entry(alert.rule.id()).or_default() += 1;
        }
        self.eve.emit(event);
    }
}

/// Where the engine's alerts are not the hits of the matcher, which are in the order of the rules; `unlisted` more were
/// found by the engine than are told of.
pub(super) fn differences(rules: &RuleSet, engine: &Tally, matcher: &[u64], unlisted: u64) -> Vec<String> {
    let mut missing = 0;
    let mut differences = Vec::new();
    for (rule, hits) in rules.rules().iter().zip(matcher) {
        let alerts = engine.alerts.get(&rule.id()).copied().unwrap_or_default();
        missing += hits.saturating_sub(alerts);
        if alerts > *hits || (unlisted == 0 && alerts < *hits) {
            differences.push(format!("rule {}: {alerts} hits in the engine, {hits} alone", rule.id()));
        }
    }
    if missing != unlisted && differences.is_empty() {
        differences.push(format!("{unlisted} hits that the engine does not list, {missing} found alone"));
    }
    differences
}
