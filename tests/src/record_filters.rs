//! The filters of suricata-verify over records of protocols, compared with Weir's.
//!
//! A filter says how many events match its keys. Keys that number packets are left out, since two engines tell of a message at
//! different ones, and so are those that say which way it went, which records do not; then the count is a minimum.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::record_log::text;
use crate::scoreboard::Scoreboard;
use crate::verify::{flatten, is_old, look_up};

/// Kinds of events whose filters are compared.
pub const PROTOCOLS: [&str; 13] = [
    "dns",
    "fileinfo",
    "ftp",
    "http",
    "mqtt",
    "pgsql",
    "quic",
    "rtsp",
    "sip",
    "smtp",
    "ssh",
    "tls",
    "websocket",
];

/// Keys that are left out.
const LEFT_OUT: [&str; 6] = ["pcap_cnt", "pkt_src", "dns.version", "ip_v", "http.version", "tx_id"];
/// What is compared, whichever way it goes.
const ENDS: [&str; 4] = ["src_ip", "src_port", "dest_ip", "dest_port"];

/// A filter.
#[derive(Clone, Debug)]
pub struct RecordFilter {
    /// The kind of events.
    pub protocol: String,
    count: usize,
    keys: BTreeMap<String, Value>,
    is_partial: bool,
    skip: Option<&'static str>,
}

/// The filters of a `test.yaml`.
pub fn filters(yaml: &str) -> Vec<RecordFilter> {
    let case: Value = serde_yaml_ng::from_str(yaml).unwrap_or_default();
    let checks = case["checks"].as_array().into_iter().flatten();
    let filter = |check: &Value| {
        let filter = &check["filter"];
        let requires = [&case["requires"], &check["requires"], &filter["requires"]];
        let mut read = RecordFilter::read(filter)?;
        if requires.iter().any(|requires| is_old(requires)) {
            read.skip = Some("written for an older release of the suite's engine");
        }
        Some(read)
    };
    checks.filter_map(filter).collect()
}

impl RecordFilter {
    fn read(filter: &Value) -> Option<RecordFilter> {
        let mut keys = BTreeMap::new();
        flatten("", &filter["match"], &mut keys);
        let protocol = keys.remove("event_type")?.as_str()?.to_owned();
        if !PROTOCOLS.contains(&protocol.as_str()) {
            return None;
        }
        let all = keys.len();
        let is_odd = |key: &str| key.contains("__") || key.contains("has-key");
        let is_of_config = filter["count"] == 0;
        let skip = is_of_config.then_some("what is not told, as the case's rules or configuration say");
        let skip = skip.or(keys.keys().find_map(|key| match key.as_str() {
            _ if key.starts_with("http.http2.") => Some("HTTP/2 by Suricata's numbers of settings"),
            _ if key.starts_with("http.request_headers") || key.starts_with("http.response_headers") => {
                Some("headers, which are not told")
            }
            "fileinfo.md5" | "fileinfo.sha1" | "email.body_md5" => {
                Some("hashes that the case's rules or configuration ask for")
            }
            "fileinfo.stored" if keys[key] == true => {
                Some("files that are kept, as the case's rules or configuration ask for")
            }
            _ if is_odd(key) || key.starts_with("ether.") => Some("speaks of what is not told"),
            _ => None,
        }));
        keys.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
        let is_partial = keys.len() < all;
        let keys = keys.into_iter().map(|(key, value)| third_version(key, value)).collect();
        Some(RecordFilter { protocol, count: filter["count"].as_u64()? as usize, keys, is_partial, skip })
    }

    /// Compares, or says why not.
    pub fn compare(&self, name: &str, events: &[Value], board: &mut Scoreboard) {
        if let Some(reason) = self.skip {
            return board.skip(reason);
        }
        let of_kind = events.iter().filter(|event| event["event_type"] == self.protocol.as_str());
        let found = of_kind.filter(|event| self.matches(event)).count();
        if found == self.count || self.is_partial && self.count > 0 && found > self.count {
            return board.pass();
        }
        let keys: Vec<String> = self.keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        board.fail(format!(
            "{name}: expected {} {} of {}, got {found}",
            self.count,
            self.protocol,
            keys.join(" ")
        ));
    }

    fn matches(&self, event: &Value) -> bool {
        let ends = |keys: [&str; 4]| {
            ENDS.into_iter()
                .zip(keys)
                .all(|(key, of)| self.keys.get(key).is_none_or(|wanted| is_same(wanted, &event[of])))
        };
        let is_of_ends = ends(ENDS) || ends(["dest_ip", "dest_port", "src_ip", "src_port"]);
        let others = self.keys.iter().filter(|(key, _)| !ENDS.contains(&key.as_str()));
        // Addresses in mails are told in one order or another.
        let is_there = |wanted: &Value| {
            let urls = event["email"]["url"].as_array().into_iter().flatten();
            urls.into_iter().any(|url| is_same(wanted, url))
        };
        let is_told = |key: &str, wanted: &Value| match key.starts_with("email.url[") {
            true => is_there(wanted),
            false => is_same(wanted, &look_up(event, key)),
        };
        is_of_ends && others.into_iter().all(|(key, wanted)| is_told(key, wanted))
    }
}

/// Of events of DNS there are versions: in the second one, what was asked stands at the top.
fn third_version(key: String, value: Value) -> (String, Value) {
    match (key.as_str(), value.as_str()) {
        ("dns.rrname", _) => ("dns.queries[0].rrname".to_owned(), value),
        ("dns.rrtype", _) => ("dns.queries[0].rrtype".to_owned(), value),
        ("dns.type", Some("query")) => (key, "request".into()),
        ("dns.type", Some("answer")) => (key, "response".into()),
        _ => (key, value),
    }
}

/// Addresses whatever way they are spelled; text by letters of any size, as those that spell bytes are.
fn is_same(wanted: &Value, got: &Value) -> bool {
    let (wanted, got) = (text(wanted), text(got));
    let addresses = (wanted.parse::<IpAddr>(), got.parse::<IpAddr>());
    matches!(addresses, (Ok(wanted), Ok(got)) if wanted == got) || wanted.eq_ignore_ascii_case(&got)
}
