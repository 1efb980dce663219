//! What the kernel did with the frames of a port, before the engine had them and after.

use af_xdp::{Port, ProgramCounters, SocketStatistics};
use serde::{Serialize, Serializer};

use crate::latency::Latency;

/// Totals of one port. Of the frames that its program redirected, those neither dropped nor still waiting reach the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Queues that a worker has told of.
    pub queues: u64,
    /// Those of them whose driver puts frames straight into the engine's memory, without a copy.
    pub queues_zero_copy: u64,
    /// Those of them whose memory lies in huge pages.
    pub queues_huge_pages: u64,
    /// What the XDP program did. Events of flows count what it blocked and bypassed, too.
    pub program: ProgramCounters,
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
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let queues = [
            ("queues", self.queues),
            ("queues_zero_copy", self.queues_zero_copy),
            ("queues_huge_pages", self.queues_huge_pages),
        ];
        let sockets = [
            ("rx_dropped", self.rx_dropped),
            ("rx_ring_full", self.rx_ring_full),
            ("rx_fill_ring_empty", self.rx_fill_ring_empty),
            ("rx_invalid", self.rx_invalid),
            ("tx_invalid", self.tx_invalid),
        ];
        queues.into_iter().chain(self.program.entries()).chain(sockets)
    }

    /// Adds what was counted of the same port before.
    pub fn add(&mut self, past: &PortCounters) {
        self.queues += past.queues;
        self.queues_zero_copy += past.queues_zero_copy;
        self.queues_huge_pages += past.queues_huge_pages;
        self.program.add(&past.program);
        self.rx_dropped += past.rx_dropped;
        self.rx_ring_full += past.rx_ring_full;
        self.rx_fill_ring_empty += past.rx_fill_ring_empty;
        self.rx_invalid += past.rx_invalid;
        self.tx_invalid += past.tx_invalid;
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
        PortCounters { program, ..PortCounters::default() }
    }
}

impl Serialize for PortCounters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
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
    /// Frames that came in on the queue of another worker than the one that owns their flow, and were judged by that one.
    pub frames_lent: u64,
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
        let expected = serde_json::json!({
            "queues": 3,
            "queues_zero_copy": 1,
            "queues_huge_pages": 2,
            "redirected": 9,
            "passed_by_engine_loss": 8,
            "dropped_by_engine_loss": 7,
            "passed_to_host": 6,
            "dropped_flow_blocked": 5,
            "dropped_source_rate": 3,
            "bypassed": 1,
            "rx_dropped": 2,
            "rx_ring_full": 4,
            "rx_fill_ring_empty": 6,
            "rx_invalid": 8,
            "tx_invalid": 10,
        });
        assert_eq!(serde_json::to_value(port).expect("plain"), expected);
        let once = port;
        port.add(&once);
        let doubled: Vec<u64> = once.entries().map(|(_, count)| 2 * count).collect();
        assert_eq!(port.entries().map(|(_, count)| count).collect::<Vec<u64>>(), doubled);
    }
}
