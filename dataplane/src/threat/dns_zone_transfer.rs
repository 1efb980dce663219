//! DNS zone transfer: somebody asks for all that a server knows of a domain (RFC 5936), or what changed of it (RFC 1995).

use crate::app::{Record, Value};
use crate::flow::FlowRecord;

const TRANSFERS: [&[u8]; 2] = [b"AXFR", b"IXFR"];

pub(super) fn shows(_: &FlowRecord, record: &Record, _: u32, evidence: &mut Record) -> bool {
    let transfer = record.values().find_map(|(name, value)| match value {
        Value::Text(kind) if name == "rrtype" => TRANSFERS.into_iter().find(|transfer| *transfer == kind),
        _ => None,
    });
    let Some(transfer) = transfer else { return false };
    evidence.text("rrtype", transfer);
    if let Some(Value::Text(name)) = record.find("rrname") {
        evidence.text("rrname", name);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::{asked, flow};
    use super::*;

    #[test]
    fn both_types_show_it() {
        assert!(shows(&flow(53), &asked("AXFR"), 0, &mut Record::default()));
        assert!(shows(&flow(53), &asked("IXFR"), 0, &mut Record::default()));
        assert!(!shows(&flow(53), &asked("SOA"), 0, &mut Record::default()));
    }
}
