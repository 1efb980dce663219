//! DNS of type NULL (RFC 1035 §3.3.10): it was never of use but to carry anything.

use crate::app::{Record, Value};
use crate::flow::FlowRecord;

pub(super) fn shows(_: &FlowRecord, record: &Record, _: u32, evidence: &mut Record) -> bool {
    let is_shown = record.values().any(|(name, value)| name == "rrtype" && value == Value::Text(b"NULL"));
    if is_shown && let Some(Value::Text(name)) = record.find("rrname") {
        evidence.text("rrname", name);
    }
    is_shown
}

#[cfg(test)]
mod tests {
    use super::super::samples::{asked, flow};
    use super::*;

    #[test]
    fn the_type_shows_it() {
        assert!(shows(&flow(53), &asked("NULL"), 0, &mut Record::default()));
        assert!(!shows(&flow(53), &asked("TXT"), 0, &mut Record::default()));
    }
}
