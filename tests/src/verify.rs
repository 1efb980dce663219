//! The flow expectations of suricata-verify, compared with Weir's events.
//!
//! A case's `test.yaml` holds filters: so many events match these keys. The filters over `flow` and `netflow`
//! events are taken, and of their keys those that say who spoke, when and how much. Keys that speak of rules,
//! application protocols, exception policies or stream states are left out, and then the count is a minimum.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::flow_event::protocol_number;
use crate::scoreboard::Scoreboard;
use crate::survey::{Survey, Trait, pair};

/// Keys that are compared.
const KEYS: [&str; 22] = [
    "event_type",
    "proto",
    "src_ip",
    "src_port",
    "dest_ip",
    "dest_port",
    "vlan",
    "vlan[0]",
    "icmp_type",
    "icmp_code",
    "flow.pkts_toserver",
    "flow.pkts_toclient",
    "flow.bytes_toserver",
    "flow.bytes_toclient",
    "flow.age",
    "flow.start",
    "flow.end",
    "tcp.tcp_flags",
    "tcp.tcp_flags_ts",
    "tcp.tcp_flags_tc",
    "netflow.pkts",
    "netflow.bytes",
];

/// A filter over flow events.
#[derive(Clone, Debug)]
pub struct Filter {
    count: usize,
    keys: BTreeMap<String, Value>,
    /// Whether keys were left out.
    partial: bool,
    /// Why it cannot be compared, where it cannot.
    skip: Option<&'static str>,
}

/// The filters over flow events of a `test.yaml`.
pub fn filters(text: &str) -> Vec<Filter> {
    let case: Value = serde_yaml_ng::from_str(text).unwrap_or_default();
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let arguments: String =
        listed(&case["args"]).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    let checks = listed(&case["checks"]);
    let checks = checks.iter().filter(|check| check["filter"].is_object());
    checks
        .filter_map(|check| {
            let filter = &check["filter"];
            let requires = [&case["requires"], &check["requires"], &filter["requires"]];
            let mut filter = Filter::read(filter)?;
            if requires.iter().any(|requires| is_old(requires)) {
                filter.skip = Some("written for an older release of the suite's engine");
            } else if arguments.contains("port ") {
                filter.skip = Some("capture filter");
            }
            Some(filter)
        })
        .collect()
}

/// Whether newer releases are excluded: then another filter of the case speaks of these.
fn is_old(requires: &Value) -> bool {
    requires.get("lt-version").is_some() || requires.get("version").is_some()
}

impl Filter {
    fn read(filter: &Value) -> Option<Filter> {
        let mut keys = BTreeMap::new();
        flatten("", &filter["match"], &mut keys);
        keys.get("event_type").filter(|kind| **kind == "flow" || **kind == "netflow")?;
        let skip = keys.contains_key("spi").then_some("flows told apart by the SPI of ESP");
        let all = keys.len();
        // No flags at all: a connection picked up in the middle, which the suite's engine did not follow.
        let unfollowed = keys.get("tcp.tcp_flags").is_some_and(|flags| flags == "00");
        keys.retain(|key, _| KEYS.contains(&key.as_str()) && !(unfollowed && key.starts_with("tcp.")));
        let partial = keys.len() < all;
        let count = filter["count"].as_u64()? as usize;
        let empty = partial && (keys.len() == 1 || count == 0);
        let skip = skip.or(empty.then_some("speaks only of rules, application protocols or stream states"));
        Some(Filter { count, keys, partial, skip })
    }

    /// Compares, or says why not.
    pub fn compare(&self, name: &str, survey: &Survey, events: &[Value], board: &mut Scoreboard) {
        if let Some(reason) = self.skip.or_else(|| self.out_of_scope(survey).map(Trait::as_str)) {
            board.skip(reason);
            return;
        }
        let found = events.iter().filter(|event| self.matches(event)).count();
        if found == self.count || self.partial && found > self.count {
            board.pass();
            return;
        }
        let keys: Vec<String> = self.keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let sign = if self.partial { "at least " } else { "" };
        board.fail(format!("{name}: expected {sign}{} of {}, got {found}", self.count, keys.join(" ")));
    }

    /// Told by the capture, never by the comparison.
    fn out_of_scope(&self, survey: &Survey) -> Option<Trait> {
        let address = |key: &str| self.keys.get(key)?.as_str()?.parse::<IpAddr>().ok();
        let everywhere = [Trait::LinkType, Trait::Tunnel, Trait::Encapsulated, Trait::DeepTags];
        let whole = || everywhere.into_iter().find(|what| survey.whole.contains(what));
        let per_pair = [Trait::Fragments, Trait::Malformed];
        let (Some(a), Some(b)) = (address("src_ip"), address("dest_ip")) else {
            let of_any = |what: &Trait| survey.pairs.values().any(|traits| traits.contains(what));
            return whole().or_else(|| per_pair.into_iter().find(of_any));
        };
        match survey.pairs.get(&pair(a, b)) {
            None => whole(),
            Some(traits) => per_pair.into_iter().find(|what| traits.contains(what)),
        }
    }

    fn matches(&self, event: &Value) -> bool {
        self.keys.iter().all(|(key, wanted)| same(key, wanted, &look_up(event, key)))
    }
}

/// `{flow: {age: 0}}` and `{flow.age: 0}` mean the same.
fn flatten(prefix: &str, value: &Value, keys: &mut BTreeMap<String, Value>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        match value {
            Value::Object(_) => flatten(&format!("{path}."), value, keys),
            _ => {
                keys.insert(path, value.clone());
            }
        }
    }
}

fn look_up(event: &Value, key: &str) -> Value {
    let pointer = key.replace('.', "/").replace("[0]", "/0");
    event.pointer(&format!("/{pointer}")).cloned().unwrap_or_default()
}

fn same(key: &str, wanted: &Value, got: &Value) -> bool {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
    match key {
        "src_ip" | "dest_ip" => text(wanted).parse::<IpAddr>().ok() == text(got).parse().ok(),
        "proto" => protocol_number(&text(wanted)) == protocol_number(&text(got)),
        // YAML takes an unquoted 12 for a number; the flags are hexadecimal text.
        "tcp.tcp_flags" | "tcp.tcp_flags_ts" | "tcp.tcp_flags_tc" => text(wanted) == text(got),
        _ => wanted == got,
    }
}

/// Each flow event, and the two netflow events that say the same, one a direction that has frames.
pub fn with_netflow<'e>(flows: impl Iterator<Item = &'e Value>) -> Vec<Value> {
    let mut events = Vec::new();
    for flow in flows {
        events.push(flow.clone());
        for (direction, from, to) in [("toserver", "src", "dest"), ("toclient", "dest", "src")] {
            let counted = |name: &str| flow["flow"][format!("{name}_{direction}")].clone();
            if counted("pkts") == 0 {
                continue;
            }
            events.push(json!({
                "event_type": "netflow",
                "proto": flow["proto"],
                "src_ip": flow[format!("{from}_ip")],
                "src_port": flow[format!("{from}_port")],
                "dest_ip": flow[format!("{to}_ip")],
                "dest_port": flow[format!("{to}_port")],
                "netflow": { "pkts": counted("pkts"), "bytes": counted("bytes") },
            }));
        }
    }
    events
}
