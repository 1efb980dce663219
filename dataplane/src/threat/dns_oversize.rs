//! DNS oversize: a message over UDP that is longer than EDNS lets any grow in practice. What is longer by name is told by its parser.

use crate::app::Record;
use crate::flow::{FlowRecord, protocol};

pub(super) fn shows(flow: &FlowRecord, record: &Record, bytes_max: u32, evidence: &mut Record) -> bool {
    let bytes = record.message_bytes();
    if flow.protocol != protocol::UDP || bytes <= bytes_max {
        return false;
    }
    evidence.number("bytes", bytes.into());
    evidence.number("threshold", bytes_max.into());
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::{flow, record};
    use super::*;
    use crate::app::AppProtocol;

    #[test]
    fn long_datagrams_show_it_and_streams_do_not() {
        let of = |bytes| record(AppProtocol::Dns, |record| record.set_message_bytes(bytes));
        let datagrams = flow(53);
        assert!(shows(&datagrams, &of(4097), 4096, &mut Record::default()));
        assert!(!shows(&datagrams, &of(4096), 4096, &mut Record::default()));
        let stream = FlowRecord { protocol: protocol::TCP, ..datagrams };
        assert!(!shows(&stream, &of(4097), 4096, &mut Record::default()));
    }
}
