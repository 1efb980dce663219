//! What the kernel did with the frames of a port, before the engine had them and after.

use af_xdp::{Port, ProgramCounters, SocketStatistics};
use serde::Serialize;

use crate::latency::Latency;

/// Totals of one port. Of the frames `redirected`, those neither dropped nor still waiting reach the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortCounters {
    /// Queues that a worker has told of.
    pub queues: u64,
    /// Those of them whose driver puts frames straight into the engine's memory, without a copy.
    pub queues_zero_copy: u64,
    /// Those of them whose memory lies in huge pages.
    pub queues_huge_pages: u64,
    /// Frames that the XDP program handed to a queue.
    pub redirected: u64,
    /// Frames that it passed on uninspected, because no live engine took them.
    pub passed_by_engine_loss: u64,
    /// Frames that it dropped, because no live engine took them.
    pub dropped_by_engine_loss: u64,
    /// Frames for the node itself that it passed to the kernel.
    pub passed_to_host: u64,
    /// Frames of blocked flows that it dropped; events of these flows count them too.
    pub dropped_flow_blocked: u64,
    /// Frames that it dropped, because their source sends more than its rate.
    pub dropped_source_rate: u64,
    /// Frames of bypassed flows that it sent out of the other port; events of these flows count them too.
    pub bypassed: u64,
    /// Frames dropped on their way into a queue: too long for its memory, or nowhere to receive them into.
    pub rx_dropped: u64,
    /// Frames dropped, because the engine was behind and the RX ring full.
    pub rx_ring_full: u64,
    /// Times that the driver found no memory to receive into.
    pub rx_fill_ring_empty: u64,
    /// Descriptors of the fill ring that the kernel refused; above zero is a bug.
    pub rx_invalid: u64,
    /// Descriptors of the TX ring that the kernel refused; above zero is a bug.
    pub tx_invalid: u64,
}

impl PortCounters {
    /// The words and numbers, in the order of the declaration.
    pub fn entries(&self) -> [(&'static str, u64); 15] {
        [
            ("queues", self.queues),
            ("queues_zero_copy", self.queues_zero_copy),
            ("queues_huge_pages", self.queues_huge_pages),
            ("redirected", self.redirected),
            ("passed_by_engine_loss", self.passed_by_engine_loss),
            ("dropped_by_engine_loss", self.dropped_by_engine_loss),
            ("passed_to_host", self.passed_to_host),
            ("dropped_flow_blocked", self.dropped_flow_blocked),
            ("dropped_source_rate", self.dropped_source_rate),
            ("bypassed", self.bypassed),
            ("rx_dropped", self.rx_dropped),
            ("rx_ring_full", self.rx_ring_full),
            ("rx_fill_ring_empty", self.rx_fill_ring_empty),
            ("rx_invalid", self.rx_invalid),
            ("tx_invalid", self.tx_invalid),
        ]
    }

    /// Adds what the kernel tells of the socket of one queue.
    pub fn add_socket(&mut self, socket: &SocketStatistics) {
        self.queues += 1;
        self.queues_zero_copy += u64::from(socket.is_zero_copy);
        self.queues_huge_pages += u64::from(socket.has_huge_pages);
        self.rx_dropped += socket.rx_dropped;
        self.rx_ring_full += socket.rx_ring_full;
        self.rx_fill_ring_empty += socket.rx_fill_ring_empty_descs;
        self.rx_invalid += socket.rx_invalid_descs;
        self.tx_invalid += socket.tx_invalid_descs;
    }
}

impl From<ProgramCounters> for PortCounters {
    fn from(program: ProgramCounters) -> PortCounters {
        PortCounters {
            redirected: program.redirected,
            passed_by_engine_loss: program.passed_by_engine_loss,
            dropped_by_engine_loss: program.dropped_by_engine_loss,
            passed_to_host: program.passed_to_host,
            dropped_flow_blocked: program.dropped_flow_blocked,
            dropped_source_rate: program.dropped_source_rate,
            bypassed: program.bypassed,
            ..PortCounters::default()
        }
    }
}

/// Both ports of one link, and how long its frames were with the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkCounters {
    /// The link's name.
    pub name: String,
    /// By [`Port`].
    pub ports: [PortCounters; 2],
    /// Of all its workers, since these counters were taken last.
    pub latency: Latency,
}

impl LinkCounters {
    /// The counters of one port.
    pub fn port(&self, port: Port) -> &PortCounters {
        &self.ports[port as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_and_sockets_add_up_under_the_words_of_the_events() {
        let program = ProgramCounters {
            redirected: 9,
            passed_by_engine_loss: 8,
            dropped_by_engine_loss: 7,
            passed_to_host: 6,
            dropped_flow_blocked: 5,
            dropped_source_rate: 3,
            bypassed: 1,
        };
        let socket = SocketStatistics {
            is_zero_copy: true,
            has_huge_pages: true,
            rx_dropped: 1,
            rx_ring_full: 2,
            rx_fill_ring_empty_descs: 3,
            rx_invalid_descs: 4,
            tx_invalid_descs: 5,
            tx_ring_empty_descs: 100,
        };
        let mut port = PortCounters::from(program);
        port.add_socket(&socket);
        port.add_socket(&SocketStatistics { is_zero_copy: false, ..socket });
        port.add_socket(&SocketStatistics { has_huge_pages: false, ..SocketStatistics::default() });
        assert_eq!(port.entries().map(|(_, count)| count), [3, 1, 2, 9, 8, 7, 6, 5, 3, 1, 2, 4, 6, 8, 10]);
        let json = serde_json::to_value(port).expect("plain");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(port.entries().len()));
        for (word, count) in port.entries() {
            assert_eq!(json[word], count, "{word}");
        }
    }
}
