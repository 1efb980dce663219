//! What suricata-verify expects of flows and alerts, compared with Weir's events.
//!
//! A case's `test.yaml` holds filters: so many events match these keys. The filters over `flow`, `netflow` and `alert` events
//! are taken, and of their keys those that say who spoke, when, how much, how it ended and, where all rules of the case can be
//! said in a pack, whether any of them matched. Keys that speak of other protocols, exception policies or transactions are
//! left out, and then the count is a minimum. Of alerts it is compared whether there are any: how often a rule tells of the
//! same bytes is up to an engine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::case_rules::{CaseRules, arguments};
use crate::flow_event::protocol_number;
use crate::scoreboard::Scoreboard;
use crate::survey::{Survey, Trait, pair};

/// Keys that are compared.
const KEYS: [&str; 31] = [
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
    "flow.state",
    "flow.reason",
    "tcp.state",
    "tcp.syn",
    "tcp.ack",
    "tcp.psh",
    "tcp.fin",
    "tcp.rst",
    "app_proto",
    "netflow.pkts",
    "netflow.bytes",
];

/// Keys that are compared where the rules of a case are those that Weir has.
const KEYS_OF_RULES: [&str; 3] = ["flow.alerted", "flow.action", "alert.signature_id"];

/// A filter over events.
#[derive(Clone, Debug)]
pub struct Filter {
    count: usize,
    keys: BTreeMap<String, Value>,
    /// Whether keys were left out.
    partial: bool,
    /// Why it cannot be compared, where it cannot.
    skip: Option<&'static str>,
}

/// The filters of a `test.yaml`, of a case with these rules.
pub fn filters(text: &str, rules: &CaseRules) -> Vec<Filter> {
    let case: Value = serde_yaml_ng::from_str(text).unwrap_or_default();
    let arguments = arguments(&case);
    let checks = case["checks"].as_array().into_iter().flatten();
    let checks = checks.filter(|check| check["filter"].is_object());
    checks
        .filter_map(|check| {
            let filter = &check["filter"];
            let requires = [&case["requires"], &check["requires"], &filter["requires"]];
            let mut filter = Filter::read(filter, rules)?;
            if requires.iter().any(|requires| is_old(requires)) {
                filter.skip = Some("written for an older release of the suite's engine");
            } else if arguments.contains("port ") {
                filter.skip = Some("capture filter");
            } else if arguments.contains("recursion-level.use-for-tracking=false") {
                filter.skip = Some("flows inside and outside of a tunnel taken for one");
            }
            Some(filter)
        })
        .collect()
}

/// Whether newer releases are excluded: then another filter of the case speaks of these.
pub(crate) fn is_old(requires: &Value) -> bool {
    requires.get("lt-version").is_some() || requires.get("version").is_some()
}

impl Filter {
    fn read(filter: &Value, rules: &CaseRules) -> Option<Filter> {
        let mut keys = BTreeMap::new();
        flatten("", &filter["match"], &mut keys);
        let kind = keys.get("event_type")?.as_str()?.to_owned();
        let is_alert = kind == "alert";
        if !is_alert && kind != "flow" && kind != "netflow" {
            return None;
        }
        let mut skip = keys.contains_key("spi").then_some("flows told apart by the SPI of ESP");
        let all = keys.len();
        // No flags at all: a connection picked up in the middle, which the suite's engine did not follow.
        let unfollowed = keys.get("tcp.tcp_flags").is_some_and(|flags| flags == "00");
        // One end alone: Weir reads nothing behind a handshake that it did not see answered.
        let is_silent = |key: &str| keys.get(key).is_some_and(|packets| *packets == 0);
        let is_one_sided = keys.get("proto").is_some_and(|name| name == "TCP")
            && (is_silent("flow.pkts_toserver") || is_silent("flow.pkts_toclient"));
        keys.retain(|key, value| {
            let is_known = KEYS.contains(&key.as_str()) && !(is_alert && key.starts_with("flow."));
            let is_of_rules = KEYS_OF_RULES.contains(&key.as_str()) && rules.can_say(key, value);
            let is_followed = !unfollowed || !key.starts_with("tcp.") && key != "flow.state";
            let is_read = !is_one_sided || !["tcp.state", "flow.state", "app_proto"].contains(&key.as_str());
            let is_other_protocol = key == "app_proto" && value != "http";
            (is_known || is_of_rules)
                && is_followed
                && is_read
                && value != "bypassed"
                && !(is_other_protocol && filter["count"] == 0)
        });
        let partial = keys.len() < all;
        let count = filter["count"].as_u64()? as usize;
        if is_alert {
            let id = filter["match"]["alert.signature_id"].as_u64();
            let id = id.or(filter["match"]["alert"]["signature_id"].as_u64());
            skip = skip
                .or(rules.unsaid(id))
                .or((partial && count == 0).then_some("alerts that are told apart by more"));
        } else {
            let empty = partial && (keys.len() == 1 || count == 0);
            let reason =
                "speaks only of exception policies, or of rules and protocols that Weir does not have";
            skip = skip.or(empty.then_some(reason));
        }
        Some(Filter { count, keys, partial, skip })
    }

    /// Whether it is over alerts.
    pub fn is_of_alerts(&self) -> bool {
        self.keys.get("event_type").is_some_and(|kind| kind == "alert")
    }

    /// Compares, or says why not.
    pub fn compare(&self, name: &str, survey: &Survey, events: &[Value], board: &mut Scoreboard) {
        let out_of_scope = || if self.is_of_alerts() { None } else { self.out_of_scope(survey) };
        if let Some(reason) = self.skip.or_else(|| out_of_scope().map(Trait::as_str)) {
            board.skip(reason);
            return;
        }
        let found = self.found(events);
        if self.is_met_by(found) {
            board.pass();
            return;
        }
        let keys: Vec<String> = self.keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let sign = if self.partial || self.is_of_alerts() && self.count > 0 { "at least " } else { "" };
        board.fail(format!("{name}: expected {sign}{} of {}, got {found}", self.count, keys.join(" ")));
    }

    /// Whether it asks for alerts, may be compared, and there are none.
    pub fn misses_alerts(&self, events: &[Value]) -> bool {
        self.is_of_alerts() && self.skip.is_none() && self.count > 0 && self.found(events) == 0
    }

    fn found(&self, events: &[Value]) -> usize {
        events.iter().filter(|event| self.matches(event)).count()
    }

    fn is_met_by(&self, found: usize) -> bool {
        match self.is_of_alerts() {
            true => (found > 0) == (self.count > 0),
            false => found == self.count || self.partial && found > self.count,
        }
    }

    /// Told by the capture, never by the comparison.
    fn out_of_scope(&self, survey: &Survey) -> Option<Trait> {
        let address = |key: &str| self.keys.get(key)?.as_str()?.parse::<IpAddr>().ok();
        // No tunnel is made of these: a flow of theirs is inside, where all read it.
        let proto = self.keys.get("proto").and_then(Value::as_str).unwrap_or_default();
        let is_inside = ["TCP", "ICMP"].contains(&proto);
        let everywhere = [Trait::LinkType, Trait::DeepTags, Trait::Tunnel, Trait::Encapsulated];
        let everywhere = &everywhere[..if is_inside { 2 } else { 4 }];
        let whole = || everywhere.iter().copied().find(|what| survey.whole.contains(what));
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
pub(crate) fn flatten(prefix: &str, value: &Value, keys: &mut BTreeMap<String, Value>) {
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

pub(crate) fn look_up(event: &Value, key: &str) -> Value {
    let pointer = key.replace(['.', '['], "/").replace(']', "");
    event.pointer(&format!("/{pointer}")).cloned().unwrap_or_default()
}

fn same(key: &str, wanted: &Value, got: &Value) -> bool {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
    match key {
        "src_ip" | "dest_ip" => text(wanted).parse::<IpAddr>().ok() == text(got).parse().ok(),
        "proto" => protocol_number(&text(wanted)) == protocol_number(&text(got)),
        // YAML takes an unquoted 12 for a number; the flags are hexadecimal text.
        "tcp.tcp_flags" | "tcp.tcp_flags_ts" | "tcp.tcp_flags_tc" => text(wanted) == text(got),
        // Of protocols, one has a name here too: the others are whatever is not that one.
        "app_proto" => (wanted == "http") == (got == "http"),
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
                "app_proto": flow["app_proto"],
                "netflow": { "pkts": counted("pkts"), "bytes": counted("bytes") },
            }));
        }
    }
    events
}
