//! `[events]`: where events go, and which.

use std::path::PathBuf;

use dataplane::app::{self, AppProtocol, ProtocolInfo};
use dlp_patterns::document::{Place, Table};

use crate::limits::STATS_INTERVAL_S;

/// Where events go, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsConfig {
    /// File of EVE lines; `-` is standard output, `None` is nowhere.
    pub eve: Option<PathBuf>,
    /// Where it is named.
    pub place: Option<Place>,
    /// Which kinds are written.
    pub types: EventTypes,
    /// Period of the `stats` events of a running engine, in seconds.
    pub stats_interval_s: u32,
}

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A rule matched.
    Alert,
    /// A frame does not pass.
    Drop,
    /// A flow is over.
    Flow,
    /// The peers broke a protocol.
    Anomaly,
    /// Counters.
    Stats,
    /// Packs were loaded anew, or could not be.
    Reload,
    /// A link or one of its ports has changed.
    Link,
    /// A file was carried.
    FileInfo,
    /// A transaction of an application protocol.
    App(AppProtocol),
}

impl EventType {
    /// Every kind that is ever written: those of protocols that are parsed, under the names of their events.
    pub fn all() -> impl Iterator<Item = EventType> {
        use EventType::*;
        let told = |info: &ProtocolInfo| info.event() == Some(info.protocol.as_str());
        let protocols = app::protocols().into_iter().filter(told).map(|info| App(info.protocol));
        [Alert, Drop, Flow, Anomaly, Stats, Reload, Link, FileInfo].into_iter().chain(protocols)
    }

    /// The name that `event_type` uses.
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::Alert => "alert",
            EventType::Drop => "drop",
            EventType::Flow => "flow",
            EventType::Anomaly => "anomaly",
            EventType::Stats => "stats",
            EventType::Reload => "ruleset_reload",
            EventType::Link => "link",
            EventType::FileInfo => "fileinfo",
            EventType::App(protocol) => protocol.as_str(),
        }
    }

    fn bit(self) -> u128 {
        1 << match self {
            EventType::Alert => 0,
            EventType::Drop => 1,
            EventType::Flow => 2,
            EventType::Anomaly => 3,
            EventType::Stats => 4,
            EventType::Reload => 5,
            EventType::Link => 6,
            EventType::FileInfo => 7,
            EventType::App(protocol) => APPS_FROM_BIT + protocol as u32,
        }
    }
}

const APPS_FROM_BIT: u32 = 8;
const _: () = assert!(APPS_FROM_BIT as usize + AppProtocol::ALL.len() <= u128::BITS as usize);

/// A set of kinds: one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTypes(u128);

impl EventTypes {
    /// All kinds.
    pub const ALL: EventTypes = EventTypes(u128::MAX);
    /// No kind.
    pub const NONE: EventTypes = EventTypes(0);

    /// Whether a kind is in the set.
    pub fn has(self, kind: EventType) -> bool {
        self.0 & kind.bit() != 0
    }

    /// The set with one kind more.
    #[must_use]
    pub fn with(self, kind: EventType) -> EventTypes {
        EventTypes(self.0 | kind.bit())
    }
}

impl Default for EventsConfig {
    fn default() -> EventsConfig {
        EventsConfig { eve: None, place: None, types: EventTypes::ALL, stats_interval_s: 10 }
    }
}

pub(super) fn read(root: &Table<'_>) -> EventsConfig {
    let default = EventsConfig::default();
    let Some(table) = root.optional("events").table() else { return default };
    let eve = table.optional("eve");
    let path = eve.string().map(PathBuf::from);
    if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        eve.mistake("an empty path", Some("a file, or `-` for standard output".to_owned()));
    }
    EventsConfig {
        place: path.is_some().then(|| eve.place()),
        eve: path,
        types: read_types(&table),
        stats_interval_s: table
            .optional("stats_interval_s")
            .integer(STATS_INTERVAL_S)
            .unwrap_or(default.stats_interval_s),
    }
}

fn read_types(table: &Table<'_>) -> EventTypes {
    let types = table.optional("types");
    if !types.is_present() {
        return EventTypes::ALL;
    }
    let known: Vec<_> = EventType::all().map(|kind| (kind.as_str(), kind)).collect();
    types.items().iter().filter_map(|item| item.one_of(&known)).fold(EventTypes::NONE, EventTypes::with)
}
