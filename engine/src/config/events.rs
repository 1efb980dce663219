//! `[events]`: where events go, and which.

use std::path::PathBuf;

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
    Alert = 0,
    /// A frame does not pass.
    Drop = 1,
    /// A flow is over.
    Flow = 2,
    /// A request and its response.
    Http = 3,
    /// The peers broke a protocol.
    Anomaly = 4,
    /// Counters.
    Stats = 5,
    /// Packs were loaded anew, or could not be.
    Reload = 6,
    /// A link or one of its ports has changed.
    Link = 7,
}

impl EventType {
    /// Every kind, in index order.
    pub const ALL: [EventType; 8] = [
        EventType::Alert,
        EventType::Drop,
        EventType::Flow,
        EventType::Http,
        EventType::Anomaly,
        EventType::Stats,
        EventType::Reload,
        EventType::Link,
    ];

    /// The name that `event_type` uses.
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::Alert => "alert",
            EventType::Drop => "drop",
            EventType::Flow => "flow",
            EventType::Http => "http",
            EventType::Anomaly => "anomaly",
            EventType::Stats => "stats",
            EventType::Reload => "ruleset_reload",
            EventType::Link => "link",
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTypes([bool; EventType::ALL.len()]);

impl EventTypes {
    /// All kinds.
    pub const ALL: EventTypes = EventTypes([true; EventType::ALL.len()]);
    /// No kind.
    pub const NONE: EventTypes = EventTypes([false; EventType::ALL.len()]);

    /// Whether a kind is in the set.
    pub fn has(self, kind: EventType) -> bool {
        self.0[kind as usize]
    }

    /// The set with one kind more.
    #[must_use]
    pub fn with(mut self, kind: EventType) -> EventTypes {
        self.0[kind as usize] = true;
        self
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
    let known = EventType::ALL.map(|kind| (kind.as_str(), kind));
    types.items().iter().filter_map(|item| item.one_of(&known)).fold(EventTypes::NONE, EventTypes::with)
}
