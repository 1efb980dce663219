//! `[threats]`: what becomes of each threat, and when it is one.

use dataplane::limits::OWN_RESOLVERS_MAX;
use dataplane::policy::{OwnResolver, Threat, ThreatAction, ThreatPolicy};
use dlp_patterns::document::{Table, Value};

pub(super) fn read(root: &Table<'_>) -> ThreatPolicy {
    let mut policy = ThreatPolicy::default();
    let Some(threats) = root.optional("threats").table() else { return policy };
    for threat in Threat::ALL {
        let value = threats.optional(threat.as_str());
        if value.is_present() && !value.is_table() {
            let hint = format!("write [threats.{}], and below it its `action`", threat.as_str());
            value.mistake("a threat is a table", Some(hint));
        } else if let Some(table) = value.table() {
            read_threat(&table, threat, &mut policy);
        }
    }
    policy
}

fn read_threat(table: &Table<'_>, threat: Threat, policy: &mut ThreatPolicy) {
    let actions = ThreatAction::ALL.map(|action| (action.as_str(), action));
    if let Some(action) = table.optional("action").one_of(&actions) {
        policy.set_action(threat, action);
    }
    if let Some(list) = threat.list() {
        policy.set_own_resolvers(read_own_resolvers(table.optional(list.name)));
    }
    for threshold in threat.spec().thresholds {
        let setting = table.optional(threshold.name);
        let Some(value) = setting.integer(threshold.range()) else { continue };
        policy.set_threshold(threat, threshold.name, value);
        if threshold.name == "block_s" && value > 0 && policy.action(threat) != ThreatAction::Drop {
            let hint = format!("write `action = \"drop\"` in [threats.{}] as well", threat.as_str());
            setting.mistake("no source is blocked of which nothing is dropped", Some(hint));
        }
    }
}

fn read_own_resolvers(value: Value<'_>) -> Vec<OwnResolver> {
    if !value.is_present() {
        return Vec::new();
    }
    let items = value.items();
    if let Some(item) = items.get(OWN_RESOLVERS_MAX) {
        item.mistake(format!("more than {OWN_RESOLVERS_MAX} resolvers"), None);
    }
    let read = |item: &Value<'_>| {
        let text = item.string()?;
        let resolver = OwnResolver::parse(text);
        if resolver.is_none() {
            let hint = "the name of a host, an address or a network: \"doh.example.org\", \"192.0.2.53\", \"192.0.2.0/24\"";
            item.mistake(format!("`{text}` is no resolver"), Some(hint.to_owned()));
        }
        resolver
    };
    items.iter().filter_map(read).collect()
}
