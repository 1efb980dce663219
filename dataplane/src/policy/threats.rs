//! [`ThreatPolicy`]: what becomes of each threat, and when it is one, by the operator's word.

mod counts;
mod messages;
mod own_resolver;
mod packets;
mod rates;
mod spec;

pub use self::counts::ThreatCounts;
pub use self::own_resolver::OwnResolver;
pub(crate) use self::own_resolver::is_below;
pub use self::spec::{THRESHOLDS_MAX, Threat, ThreatList, ThreatSpec, Threshold};

use std::sync::Arc;

/// What is done about a threat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreatAction {
    /// It is not looked for.
    Ignore,
    /// It is told.
    #[default]
    Alert,
    /// It is told, and the packet or the flow that shows it does not go on: nor does any other that shows the same.
    Drop,
}

impl ThreatAction {
    /// Every action.
    pub const ALL: [ThreatAction; 3] = [ThreatAction::Alert, ThreatAction::Drop, ThreatAction::Ignore];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ThreatAction::Ignore => "ignore",
            ThreatAction::Alert => "alert",
            ThreatAction::Drop => "drop",
        }
    }
}

/// Action and thresholds of each threat. Detectors take theirs by name when they begin and when it changes, never for a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreatPolicy {
    settings: [Setting; Threat::COUNT],
    own_resolvers: Arc<[OwnResolver]>,
}

/// The operator's word on one threat, thresholds in the order of its [`ThreatSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Setting {
    action: ThreatAction,
    thresholds: [u32; THRESHOLDS_MAX],
}

impl Default for ThreatPolicy {
    /// What the [specs](Threat::spec) say.
    fn default() -> ThreatPolicy {
        let settings = Threat::ALL.map(|threat| {
            let spec = threat.spec();
            let mut thresholds = [0; THRESHOLDS_MAX];
            for (value, threshold) in thresholds.iter_mut().zip(spec.thresholds) {
                *value = threshold.default;
            }
            Setting { action: spec.action, thresholds }
        });
        ThreatPolicy { settings, own_resolvers: Arc::default() }
    }
}

impl ThreatPolicy {
    /// What is done about a threat.
    pub fn action(&self, threat: Threat) -> ThreatAction {
        self.settings[threat as usize].action
    }

    /// Has something else done about a threat.
    pub fn set_action(&mut self, threat: Threat, action: ThreatAction) {
        self.settings[threat as usize].action = action;
    }

    /// Resolvers of DNS over HTTPS that are the operator's own.
    pub fn own_resolvers(&self) -> &Arc<[OwnResolver]> {
        &self.own_resolvers
    }

    /// Says which those are.
    pub fn set_own_resolvers(&mut self, resolvers: impl Into<Arc<[OwnResolver]>>) {
        self.own_resolvers = resolvers.into();
    }

    /// A threshold of a threat.
    ///
    /// # Panics
    /// If its [`ThreatSpec`] has none of that name.
    pub fn threshold(&self, threat: Threat, name: &str) -> u32 {
        self.settings[threat as usize].thresholds[threat.spec().index(name)]
    }

    /// Sets a threshold of a threat.
    ///
    /// # Panics
    /// If its [`ThreatSpec`] has none of that name, or it is out of its range.
    pub fn set_threshold(&mut self, threat: Threat, name: &str, value: u32) {
        let (spec, at) = (threat.spec(), threat.spec().index(name));
        assert!(spec.thresholds[at].range().contains(&value), "{}.{name} = {value}", spec.name);
        self.settings[threat as usize].thresholds[at] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_within_its_ranges() {
        for (index, threat) in Threat::ALL.into_iter().enumerate() {
            let spec = threat.spec();
            assert_eq!(threat as usize, index, "{}", spec.name);
            assert_eq!(Threat::from_name(spec.name), Some(threat), "no two have one name");
            assert!(spec.thresholds.len() <= THRESHOLDS_MAX, "{}", spec.name);
            for (at, threshold) in spec.thresholds.iter().enumerate() {
                assert_ne!(threshold.name, "action");
                assert_eq!(spec.index(threshold.name), at, "no two have one name");
                assert!(threshold.range().contains(&threshold.default), "{}.{}", spec.name, threshold.name);
            }
        }
    }

    #[test]
    fn what_is_set_is_had_and_nothing_else_changes() {
        let mut policy = ThreatPolicy::default();
        assert_eq!(policy.threshold(Threat::DnsTunnel, "names_min"), 6);
        policy.set_threshold(Threat::DnsTunnel, "names_min", 7);
        policy.set_action(Threat::DnsTunnel, ThreatAction::Drop);
        assert_eq!(policy.threshold(Threat::DnsTunnel, "names_min"), 7);
        assert_eq!(policy.action(Threat::DnsTunnel), ThreatAction::Drop);
        policy.set_threshold(Threat::DnsTunnel, "names_min", 6);
        policy.set_action(Threat::DnsTunnel, ThreatAction::Alert);
        assert_eq!(policy, ThreatPolicy::default());
    }
}
