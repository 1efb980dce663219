//! SSH 1: an end that speaks nothing later. Its integrity check can be forged, and its keys be had by who stands in the middle.

use crate::app::{Record, Value};
use crate::flow::FlowRecord;

/// RFC 4253 §5.1: who speaks both says so.
const BOTH: &[u8] = b"1.99";

pub(super) fn shows(_: &FlowRecord, record: &Record, _: u32, evidence: &mut Record) -> bool {
    let versions = record.values().filter_map(|(name, value)| match value {
        Value::Text(version) if name == "proto_version" => Some(version),
        _ => None,
    });
    let Some(version) = versions.into_iter().find(|version| version.starts_with(b"1.") && *version != BOTH)
    else {
        return false;
    };
    evidence.text("proto_version", version);
    if let Some(Value::Text(software)) = record.find("software_version") {
        evidence.text("software_version", software);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::{flow, record};
    use super::*;
    use crate::app::AppProtocol;

    fn is_shown(client: &str, server: &str) -> bool {
        let greetings = record(AppProtocol::Ssh, |record| {
            for (name, version) in [("client", client), ("server", server)] {
                record.object(name, |record| record.text("proto_version", version.as_bytes()));
            }
        });
        shows(&flow(22), &greetings, 0, &mut Record::default())
    }

    #[test]
    fn an_end_that_speaks_nothing_later_shows_it() {
        assert!(is_shown("1.5", "1.99"));
        assert!(is_shown("2.0", "1.5"));
        assert!(!is_shown("2.0", "1.99"));
        assert!(!is_shown("2.0", "2.0"));
    }
}
