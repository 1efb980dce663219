//! Database access denied: a database lets somebody not in, or not at what was asked for.

use super::refused_login;
use crate::app::{Record, Value};
use crate::flow::FlowRecord;

/// What of a record says who it was, and why: not in the words of the database, which may repeat what nobody is to see.
const TOLD: [&str; 3] = ["user", "database", "code"];

pub(super) fn shows(_: &FlowRecord, record: &Record, _: u32, evidence: &mut Record) -> bool {
    if !refused_login::is_told(record) {
        return false;
    }
    evidence.text("protocol", record.protocol().as_str().as_bytes());
    for name in TOLD {
        match record.find(name) {
            Some(Value::Text(text)) => evidence.text(name, text),
            Some(Value::Number(number)) => evidence.number(name, number),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::{denied, flow};
    use super::*;
    use crate::app::AppProtocol;

    #[test]
    fn what_it_rests_on_is_told() {
        let mut evidence = Record::default();
        evidence.begin(AppProtocol::MySql, 0);
        assert!(shows(&flow(3306), &denied(AppProtocol::MySql), 0, &mut evidence));
        assert_eq!(evidence.find("code"), Some(Value::Number(1045)));
        assert_eq!(evidence.find("protocol"), Some(Value::Text(b"mysql")));
    }
}
