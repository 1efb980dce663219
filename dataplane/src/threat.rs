//! What no single message shows: policy over the records of many, across the flows of a worker.
//!
//! A detector is a file: it is shown every record that a parser tells, keeps a bounded table of what it has seen, and says when
//! that is more than the operator's threshold. It takes no verdict; [`Found`] says what the operator asked for.

mod dns_tunnel;

use self::dns_tunnel::DnsTunnels;
use crate::app::Record;
use crate::flow::FlowRecord;
use crate::policy::{ThreatAction, ThreatPolicy};

/// A kind of threat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threat {
    /// Data carried in names and answers of DNS.
    DnsTunnel,
}

impl Threat {
    /// The name that events use (`anomaly.event`).
    pub fn as_str(self) -> &'static str {
        match self {
            Threat::DnsTunnel => "dns_tunnel",
        }
    }
}

/// A record that is part of a threat.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f> {
    /// Which one.
    pub threat: Threat,
    /// What the operator asked for: never to ignore it.
    pub action: ThreatAction,
    /// What the verdict rests on, where this record is the one that completes it; later ones are part of what was told.
    pub evidence: Option<&'f Record>,
}

/// The detectors of one worker.
#[derive(Debug)]
pub struct Threats {
    dns_tunnels: DnsTunnels,
    /// Room for what a verdict rests on.
    evidence: Record,
}

impl Threats {
    /// Nothing seen yet. `seed` is the secret by which tables place what traffic chooses.
    pub fn new(policy: ThreatPolicy, seed: [u64; 2]) -> Threats {
        Threats { dns_tunnels: DnsTunnels::new(policy.dns_tunnel, seed), evidence: Record::default() }
    }

    /// Takes in what a parser told of a flow.
    pub fn see(&mut self, flow: &FlowRecord, record: &Record, now_ns: u64) -> Option<Found<'_>> {
        self.dns_tunnels.see(flow, record, now_ns, &mut self.evidence)
    }
}
