//! What a crate may depend on, and how many faces it may have.

use super::{Finding, Source};

/// Cargo features of one crate, `default` not counted.
pub const FEATURES_MAX: usize = 2;

/// Whom each crate of the workspace may know. Nothing may know perf and tests, and only they know bench, whose
/// library makes their workloads.
const MAY_KNOW: [(&str, &[&str]); 10] = [
    ("dlp-patterns", &[]),
    ("network-policy", &[]),
    ("flow-table", &[]),
    ("af-xdp", &[]),
    ("dataplane", &["dlp-patterns", "network-policy", "flow-table"]),
    ("engine", &["dlp-patterns", "network-policy", "flow-table", "dataplane", "af-xdp"]),
    ("bench", &["dlp-patterns", "network-policy", "flow-table", "dataplane", "af-xdp", "engine"]),
    ("perf", &["dlp-patterns", "network-policy", "flow-table", "dataplane", "af-xdp", "engine", "bench"]),
    ("tests", &["dlp-patterns", "network-policy", "flow-table", "dataplane", "af-xdp", "engine", "bench"]),
    ("fuzz", &["dataplane", "dlp-patterns"]),
];

/// Each dependency of the crate on a crate of the workspace that it may not know.
pub fn crate_direction(source: &Source) -> Vec<Finding> {
    let Some(manifest) = parse(source) else {
        return vec![Finding::at(source, 0, "not TOML")];
    };
    let Some(name) = manifest.get("package").and_then(|package| package.get("name")?.as_str()) else {
        return Vec::new();
    };
    let Some((_, allowed)) = MAY_KNOW.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![Finding::at(source, 0, format!("crate {name} has no place in the order of crates"))];
    };
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(|table| table.keys())
        .filter(|dependency| MAY_KNOW.iter().any(|(crate_name, _)| crate_name == dependency))
        .filter(|dependency| !allowed.contains(&dependency.as_str()))
        .map(|dependency| Finding::at(source, 0, format!("{name} may not know {dependency}")))
        .collect()
}

/// A crate with too many features.
pub fn features(source: &Source) -> Option<Finding> {
    let manifest = parse(source)?;
    let count = manifest.get("features")?.as_table()?.keys().filter(|name| *name != "default").count();
    (count > FEATURES_MAX)
        .then(|| Finding::at(source, 0, format!("{count} features; at most {FEATURES_MAX} are allowed")))
}

fn parse(source: &Source) -> Option<toml::Table> {
    source.text.parse().ok()
}
