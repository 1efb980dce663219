//! [`ThreatSpec`]: all that is said of one threat. The config, its documentation, `weir threats` and events are made from it.

use std::ops::RangeInclusive;

use super::{ThreatAction, messages};

/// Thresholds that one threat may have.
pub const THRESHOLDS_MAX: usize = 6;

/// A kind of threat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threat {
    /// Data carried in names and answers of DNS.
    DnsTunnel = 0,
}

/// What is said of a threat.
#[derive(Clone, Copy, Debug)]
pub struct ThreatSpec {
    /// As in `[threats.NAME]` and in events (`anomaly.event`).
    pub name: &'static str,
    /// What it is, in a sentence without its full stop.
    pub about: &'static str,
    /// What is done about it unless the operator says otherwise.
    pub action: ThreatAction,
    /// When it is one.
    pub thresholds: &'static [Threshold],
}

/// A number that the operator may set.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// The key of the config.
    pub name: &'static str,
    /// What it is unless the operator says otherwise.
    pub default: u32,
    /// The least and the most that it may be.
    pub bounds: [u32; 2],
    /// What it counts: `s` for seconds, `bytes`, or what a plain number is of.
    pub unit: &'static str,
    /// What it decides, in a sentence without its full stop.
    pub about: &'static str,
}

impl Threshold {
    /// What it may be.
    pub fn range(&self) -> RangeInclusive<u32> {
        self.bounds[0]..=self.bounds[1]
    }
}

impl ThreatSpec {
    /// Where a threshold stands.
    ///
    /// # Panics
    /// If there is none of that name.
    pub(super) fn index(&self, name: &str) -> usize {
        let at = self.thresholds.iter().position(|threshold| threshold.name == name);
        at.unwrap_or_else(|| panic!("the spec of {} has no threshold {name}", self.name))
    }
}

impl Threat {
    /// How many threats there are.
    pub const COUNT: usize = 1;

    /// Every threat, in index order: the order of the config and its documentation.
    pub const ALL: [Threat; Threat::COUNT] = [Threat::DnsTunnel];

    /// What is said of it.
    pub fn spec(self) -> &'static ThreatSpec {
        match self {
            Threat::DnsTunnel => &messages::DNS_TUNNEL,
        }
    }

    /// The name that config and events use (`anomaly.event`).
    pub fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The threat of that name.
    pub fn from_name(name: &str) -> Option<Threat> {
        Threat::ALL.into_iter().find(|threat| threat.as_str() == name)
    }
}
