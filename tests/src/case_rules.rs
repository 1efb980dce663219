//! [`CaseRules`]: the rules of a case of suricata-verify, and which of them can be said in a pack.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dlp_patterns::Pack;
use serde_json::Value;

use crate::signature::{Signature, signatures};

/// The rules of a case, and how its engine stood in the way.
#[derive(Clone, Debug, Default)]
pub struct CaseRules {
    signatures: Vec<Signature>,
    /// Whether frames were dropped.
    is_inline: bool,
    /// Whether something else than rules decides about flows.
    has_policies: bool,
    /// Why alerts of this capture cannot be compared, whatever the rule; and those of rules about HTTP.
    unread: [Option<&'static str>; 2],
}

impl CaseRules {
    /// Those of the case in `folder`, whose capture is `file`.
    pub fn read(folder: &Path, file: &[u8]) -> CaseRules {
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let case: Value = serde_yaml_ng::from_str(&text("test.yaml")).unwrap_or_default();
        let arguments = arguments(&case);
        let rules = rule_file(folder, &arguments).and_then(|path| fs::read(path).ok()).unwrap_or_default();
        let contains = |needle: &str| {
            file.windows(needle.len()).any(|text| text.eq_ignore_ascii_case(needle.as_bytes()))
        };
        let reasons = [
            (arguments.contains("--firewall"), "rules of a firewall"),
            (arguments.contains("--set stream."), "another stream engine than the usual one"),
            (contains("PRI * HTTP/2"), "rules on HTTP/2"),
        ];
        let http = [
            (contains("Content-Encoding:"), "rules on compressed bodies"),
            (!contains("HTTP/"), "rules on files of protocols that Weir does not read"),
        ];
        let first = |reasons: &[(bool, &'static str)]| {
            reasons.iter().find(|(holds, _)| *holds).map(|(_, reason)| *reason)
        };
        CaseRules {
            signatures: signatures(&String::from_utf8_lossy(&rules)),
            is_inline: arguments.contains("simulate-ips"),
            has_policies: (arguments.clone() + &text("suricata.yaml")).contains("exception-policy"),
            unread: [first(&reasons), first(&http)],
        }
    }

    /// The rules that can be said, as a pack, if there are any.
    ///
    /// # Panics
    /// Where a rule was said in a wrong way.
    pub fn packs(&self) -> Vec<Pack> {
        let mut said = BTreeMap::new();
        for signature in self.signatures.iter().filter(|signature| signature.id > 0) {
            if let Ok(text) = &signature.text {
                said.entry(signature.id).or_insert(text.as_str());
            }
        }
        if said.is_empty() {
            return Vec::new();
        }
        let rules: Vec<&str> = said.into_values().collect();
        let pack = format!("[pack]\nname = 'case'\nversion = '1'\ndescription = 'd'\n{}", rules.concat());
        vec![Pack::parse("case.toml", &pack).expect("the pack is right")]
    }

    /// Whether frames were dropped.
    pub fn is_inline(&self) -> bool {
        self.is_inline
    }

    /// Whether an alert is one of those that its rule asks for: packs do not name ends.
    pub fn has_ends_of(&self, alert: &Value) -> bool {
        let id = &alert["alert"]["signature_id"];
        let mut named = self.signatures.iter().filter(|signature| id.as_u64() == Some(signature.id.into()));
        named.next().is_none_or(|signature| signature.is_of(alert))
    }

    /// Whether Weir can tell the same of a key, because it has all the rules that decide about it.
    pub(crate) fn can_say(&self, key: &str, value: &Value) -> bool {
        let says_all = self.signatures.iter().all(|signature| self.unsaid_of(signature).is_none());
        match key {
            "flow.alerted" => says_all,
            "flow.action" => says_all && self.is_inline && !self.has_policies && value == "drop",
            _ => true,
        }
    }

    /// Why alerts of this number are not compared, if they are not.
    pub(crate) fn unsaid(&self, id: Option<u64>) -> Option<&'static str> {
        let Some(id) = id else { return Some("alerts of any rule, or of one by its message") };
        if self.signatures.iter().any(|signature| signature.action == "pass") {
            return Some("rules that others let pass");
        }
        let is_unsaid_drop = |signature: &Signature| {
            signature.text.is_err() && !["alert", "config"].contains(&signature.action.as_str())
        };
        if self.is_inline && self.signatures.iter().any(is_unsaid_drop) {
            return Some("rules beside others that drop");
        }
        let named = self.signatures.iter().find(|signature| u64::from(signature.id) == id);
        named.map_or(Some("alerts of the decoder, or of rules that the suite does not hold"), |named| {
            self.unsaid_of(named)
        })
    }

    fn unsaid_of(&self, signature: &Signature) -> Option<&'static str> {
        let [always, of_http] = self.unread;
        let unread = always.or(of_http.filter(|_| signature.is_of_http));
        signature.text.as_ref().err().copied().or(unread)
    }
}

/// The arguments of a case.
pub(crate) fn arguments(case: &Value) -> String {
    let listed = case["args"].as_array().into_iter().flatten();
    listed.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// The file that the engine of the suite loads.
fn rule_file(folder: &Path, arguments: &str) -> Option<PathBuf> {
    let named = arguments.split_once("-S ").and_then(|(_, rest)| rest.split_whitespace().next());
    if let Some(name) = named.and_then(|path| path.rsplit('/').next()) {
        return Some(folder.join(name));
    }
    let usual = folder.join("test.rules");
    if usual.is_file() {
        return Some(usual);
    }
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "rules")).collect();
    found.sort();
    found.into_iter().next()
}
