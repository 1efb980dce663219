//! The page of anomalies: each that an event of the type `applayer` may tell of stands there, and no other.

use std::collections::BTreeSet;
use std::fs;

/// What stands between the first two marks.
fn between<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split(mark).nth(1)
}

#[test]
fn every_anomaly_is_on_the_page() {
    let source = fs::read_to_string("../dataplane/src/app/anomaly.rs").expect("the anomalies");
    let page = fs::read_to_string("../deploy/anomalies.md").expect("the page of them");
    // Lines such as `AppAnomaly::Gap => "gap",`.
    let told: BTreeSet<&str> = source
        .lines()
        .filter(|line| line.trim_start().starts_with("AppAnomaly::") && line.contains(" => \""))
        .filter_map(|line| between(line, "\""))
        .collect();
    let rows = page.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `anomaly.event`"));
    let listed: BTreeSet<&str> = rows.filter_map(|line| between(line, "`")).collect();
    assert!(told.len() > 50, "the anomalies are found in their source: {told:?}");
    let missing: Vec<_> = told.symmetric_difference(&listed).collect();
    assert!(missing.is_empty(), "on one side alone: {missing:?}");
}
