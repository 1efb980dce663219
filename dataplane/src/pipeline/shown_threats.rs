//! [`ShownThreats`]: threats that one packet, or one request, shows: the first one, and the first one that is to be dropped.

use crate::event::{Event, EventSink, Owner, ThreatSeen};
use crate::policy::{Threat, ThreatAction};
use crate::threat::Found;

/// What is shown, as far as a flow is named by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ShownThreats {
    pub(super) first: Option<Threat>,
    pub(super) dropped: Option<Threat>,
}

impl ShownThreats {
    /// Takes in one more.
    pub(super) fn note(&mut self, found: &Found<'_>) {
        self.first.get_or_insert(found.threat);
        if found.action == ThreatAction::Drop {
            self.dropped.get_or_insert(found.threat);
        }
    }

    /// The same, and tells of it where that is to be told.
    pub(super) fn tell<S: EventSink>(
        &mut self,
        found: Found<'_>,
        owner: Owner<'_>,
        now_ns: u64,
        sink: &mut S,
    ) {
        self.note(&found);
        let Found { threat, action, evidence } = found;
        if let Some(evidence) = evidence {
            sink.emit(Event::Threat(ThreatSeen { now_ns, owner, threat, action, evidence }));
        }
    }

    /// What a flow is named by that shows this, and `before` in earlier packets: what it is stopped for, or else what came first.
    pub(super) fn of_flow(self, before: Option<Threat>) -> Option<Threat> {
        self.dropped.or(before).or(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_named_by_what_it_is_stopped_for_or_by_what_came_first() {
        let mut shown = ShownThreats::default();
        assert_eq!(shown.of_flow(None), None);
        for (threat, action) in [
            (Threat::Doh, ThreatAction::Alert),
            (Threat::SshV1, ThreatAction::Alert),
            (Threat::Beacon, ThreatAction::Drop),
            (Threat::Land, ThreatAction::Drop),
        ] {
            shown.note(&Found { threat, action, evidence: None });
        }
        assert_eq!((shown.first, shown.dropped), (Some(Threat::Doh), Some(Threat::Beacon)));
        assert_eq!(shown.of_flow(Some(Threat::SynData)), Some(Threat::Beacon));
        let told = ShownThreats { dropped: None, ..shown };
        assert_eq!(told.of_flow(Some(Threat::SynData)), Some(Threat::SynData));
        assert_eq!(told.of_flow(None), Some(Threat::Doh));
    }
}
