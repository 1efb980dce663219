//! Captures through the engine's library: what `weir replay` does with one of them, its rules compiled once for all.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use dataplane::decode::ChecksumMode;
use dataplane::pipeline::Counters;
use dataplane::policy::Settings;
use dlp_patterns::{Pack, RuleSet};
use engine::config::{Config, EventTypes};
use engine::eve::{EveFile, EveFormat};
use engine::io::pcap::Capture;
use engine::packs::Packs;
use engine::replay;
use serde_json::Value;

/// Flows that a replay tracks at once: more than any capture of the corpora has, and memory that is quickly had.
const FLOWS_MAX: usize = 1 << 14;

/// What one replay came to.
#[derive(Clone, Debug)]
pub struct Played {
    /// Why it stopped before the end of the capture, where it did.
    pub fault: Option<String>,
    /// All that was counted.
    pub counters: Counters,
    /// The object that `weir replay -o json` prints.
    pub summary: Value,
    /// The EVE events, in order.
    pub events: Vec<Value>,
}

impl Played {
    /// The `flow` events.
    pub fn flows(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(|event| event["event_type"] == "flow")
    }
}

/// One configuration, and the rules that it asks for.
#[derive(Clone, Debug)]
pub struct Player {
    settings: Settings,
    rules: Arc<RuleSet>,
    types: EventTypes,
}

impl Player {
    /// A player with the configuration `config`.
    ///
    /// # Panics
    /// Where the configuration is refused.
    pub fn new(config: &str, checksums: ChecksumMode) -> Player {
        let config = Config::parse("weir.toml", config).expect("the configuration is right");
        let rules = Arc::new(Packs::read(&config.packs).compile().expect("the packs are right"));
        Player::of(&config, checksums, rules)
    }

    /// A player with the configuration `config`, and other rules than it asks for.
    ///
    /// # Panics
    /// Where the configuration or a pack is refused.
    pub fn with_packs(config: &str, checksums: ChecksumMode, packs: &[Pack]) -> Player {
        let config = Config::parse("weir.toml", config).expect("the configuration is right");
        Player::of(&config, checksums, Arc::new(RuleSet::compile(packs).expect("the packs compile")))
    }

    fn of(config: &Config, checksums: ChecksumMode, rules: Arc<RuleSet>) -> Player {
        let settings = Settings { checksums, flows_max: FLOWS_MAX, ..config.settings() };
        Player { settings, rules, types: config.events.types }
    }

    /// Plays the bytes of one capture file, by a pipeline of its own.
    ///
    /// # Errors
    /// What the engine said when it panicked.
    pub fn play(&self, file: &[u8]) -> Result<Played, String> {
        let played = panic::catch_unwind(AssertUnwindSafe(|| self.replay(file)));
        played.map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
        })
    }

    fn replay(&self, file: &[u8]) -> Played {
        let mut lines = Vec::new();
        let sink = EveFile::new(EveFormat::new(self.types, Vec::new()), &mut lines);
        let mut replay = replay::Replay::new(self.settings.clone(), Arc::clone(&self.rules), sink, None);
        let outcome = Capture::open(file).and_then(|mut capture| replay.play(&mut capture));
        let summary = replay.finish().expect("memory takes all");
        let events = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Played {
            fault: outcome.err().map(|error| error.to_string()),
            counters: *summary.counters(),
            summary: serde_json::to_value(&summary).expect("a summary is plain"),
            events: events.map(|line| serde_json::from_slice(line).expect("an event is JSON")).collect(),
        }
    }
}
