//! What no single message shows, and what no packet should be: policy over all that the flows of a worker do.
//!
//! A detector is a file: it is shown what happens (records that parsers tell), keeps a bounded table of what it has seen, and
//! says when that is more than the operator's threshold. It takes no verdict; [`Found`] says what the operator asked for. Names,
//! defaults and ranges stand in the table of [`Threat::spec`] alone.

mod dns_tunnel;
mod windows;

use self::dns_tunnel::DnsTunnels;
use crate::app::Record;
use crate::flow::FlowRecord;
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

/// Something that is part of a threat.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f> {
    /// Which one.
    pub threat: Threat,
    /// What the operator asked for: never to ignore it.
    pub action: ThreatAction,
    /// What the verdict rests on, where this is what completes it; what comes later is part of what was told.
    pub evidence: Option<&'f Record>,
}

/// The detectors of one worker.
#[derive(Debug)]
pub struct Threats {
    dns_tunnels: DnsTunnels,
    /// Room for what a verdict rests on.
    evidence: Record,
    unbooked: Unbooked,
}

/// What was found, told or not, since it was entered in the books the last time.
#[derive(Debug, Default)]
struct Unbooked {
    found: [u64; Threat::COUNT],
    is_any: bool,
}

impl Threats {
    /// Nothing seen yet. `seed` is the secret by which tables place what traffic chooses.
    pub fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Threats {
        Threats {
            dns_tunnels: DnsTunnels::new(policy, seed),
            evidence: Record::default(),
            unbooked: Unbooked::default(),
        }
    }

    /// Other thresholds and actions from now on. What was seen stays, but for threats that are not looked for any more.
    pub fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.dns_tunnels.set_policy(policy);
    }

    /// Takes in what a parser told of a flow, and tells what that is part of.
    pub fn see_record(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { dns_tunnels, evidence, unbooked, .. } = self;
        if let Some(found) = dns_tunnels.see(flow, record, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
    }

    /// Enters what was found since the last call in the books.
    #[inline]
    pub fn book(&mut self, books: &mut [u64; Threat::COUNT]) {
        if std::mem::take(&mut self.unbooked.is_any) {
            for (entered, found) in books.iter_mut().zip(&mut self.unbooked.found) {
                *entered += std::mem::take(found);
            }
        }
    }
}

impl Unbooked {
    fn tell(&mut self, found: Found<'_>, tell: &mut impl FnMut(Found<'_>)) {
        self.found[found.threat as usize] += 1;
        self.is_any = true;
        tell(found);
    }
}
