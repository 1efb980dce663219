//! What the operator wrote, as plain data. Every mistake in the text is found at once.

use std::fs;
use std::path::{Path, PathBuf};

use dataplane::app::HttpFraming;
use dataplane::flow::Timeouts;
use dataplane::inspect::{FlowSteps, ReloadPolicy};
use dataplane::policy::{
    Bypass, Exception, Exceptions, FragmentPolicy, Mode, Settings, TcpPolicy, ThreatPolicy,
};
use dlp_patterns::document::{Document, Mistake, Place, Table, Value};

use crate::failure::Failure;
use crate::limits::{
    APP_BYTES_MAX, FLOW_STEPS, FLOW_STEPS_PER_KIB, FLOW_TIMEOUT_S, FLOWS, FRAGMENT_S, HALF_OPEN_PER_SOURCE,
    HALF_OPEN_PERCENT, HELD_BYTES_MAX, PACKET_STEPS, RETAINED_BYTES_MAX,
};

mod bypass;
mod events;
mod link;
mod tcp;
mod threats;

pub use events::{EventType, EventTypes, EventsConfig};
pub use link::LinkConfig;

/// The configuration of one engine. A text that is empty means the defaults, without any link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// The bumps in the wire, in the order of the text.
    pub links: Vec<LinkConfig>,
    /// Where the rules come from.
    pub packs: PacksConfig,
    /// How many flows are remembered, and for how long.
    pub flows: FlowsConfig,
    /// What the inspection of one packet, and of one flow, may cost.
    pub inspection: InspectionConfig,
    /// Which flows pass without a further look.
    pub bypass: Bypass,
    /// What becomes of TCP segments that receivers may read in two ways.
    pub tcp: TcpPolicy,
    /// What becomes of messages of HTTP/1 that receivers may read in several ways.
    pub http_framing: HttpFraming,
    /// What becomes of each threat, and when it is one.
    pub threats: ThreatPolicy,
    /// What happens at each cause that is no rule.
    pub exceptions: Exceptions,
    /// Where events go.
    pub events: EventsConfig,
}

/// `[packs]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacksConfig {
    /// Whether the packs that the binary carries are used.
    pub default: bool,
    /// Folders of further packs; relative ones were resolved against the folder of the config.
    pub dirs: Vec<PackDir>,
    /// Folder of compiled rule sets; a relative one was resolved against the folder of the config. `None` keeps none.
    pub cache: Option<PathBuf>,
    /// What becomes of open fields when packs are loaded anew.
    pub reload_policy: ReloadPolicy,
}

/// A folder of packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackDir {
    /// The folder.
    pub path: PathBuf,
    /// Where it is named; `None` on the command line.
    pub place: Option<Place>,
}

/// `[flows]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowsConfig {
    /// Flows that one worker tracks at once.
    pub max: usize,
    /// Share of them, in percent, that half-open flows may take.
    pub half_open_percent: u8,
    /// Half-open flows that one source may have; 0 is any number.
    pub half_open_per_source_max: usize,
    /// Out-of-order bytes that one worker holds at once.
    pub held_bytes_max: usize,
    /// Bytes that the parsers of one worker, and what they decode with, hold at once.
    pub app_bytes_max: usize,
    /// How pieces of datagrams are held, and what they leave with.
    pub fragments: FragmentPolicy,
    /// Inspected bytes that one worker keeps at once until they are acknowledged.
    pub retained_bytes_max: usize,
    /// How long silent flows are remembered.
    pub timeouts: Timeouts,
}

/// `[inspection]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectionConfig {
    /// Steps of automata that the scans of one packet may make.
    pub packet_steps_max: u64,
    /// Those that the scans of one flow may make.
    pub flow_steps: FlowSteps,
}

impl Default for InspectionConfig {
    fn default() -> InspectionConfig {
        let Settings { packet_steps_max, flow_steps, .. } = Settings::default();
        InspectionConfig { packet_steps_max, flow_steps }
    }
}

impl Default for PacksConfig {
    fn default() -> PacksConfig {
        PacksConfig { default: true, dirs: Vec::new(), cache: None, reload_policy: ReloadPolicy::default() }
    }
}

impl Default for FlowsConfig {
    fn default() -> FlowsConfig {
        let default = Settings::default();
        FlowsConfig {
            max: default.flows_max,
            half_open_percent: default.half_open_percent,
            half_open_per_source_max: default.half_open_per_source_max,
            held_bytes_max: default.held_bytes_max,
            app_bytes_max: default.app_bytes_max,
            fragments: default.fragments,
            retained_bytes_max: default.retained_bytes_max,
            timeouts: default.timeouts,
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is unreadable, or all mistakes in it.
    pub fn read(path: &Path) -> Result<Config, Failure> {
        let (config, mistakes) = Config::examine(path);
        if mistakes.is_empty() { Ok(config) } else { Err(Failure::Mistakes(mistakes)) }
    }

    /// What a file says as far as it can be read, with defaults for the rest, and all its mistakes.
    pub fn examine(path: &Path) -> (Config, Vec<String>) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return (Config::default(), vec![Failure::unusable(path, &error)]),
        };
        let (mut config, mistakes) = Config::take(&path.display().to_string(), &text);
        let folder = path.parent().unwrap_or(Path::new(""));
        let dirs = config.packs.dirs.iter_mut().map(|dir| &mut dir.path);
        for path in dirs.chain(&mut config.packs.cache) {
            *path = folder.join(&*path);
        }
        (config, mistakes.iter().map(ToString::to_string).collect())
    }

    /// Parses `text`; `file` is the name that mistakes carry.
    ///
    /// # Errors
    /// All mistakes, in the order of the text.
    pub fn parse(file: &str, text: &str) -> Result<Config, Vec<Mistake>> {
        let (config, mistakes) = Config::take(file, text);
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    fn take(file: &str, text: &str) -> (Config, Vec<Mistake>) {
        let document = Document::parse(file, text);
        let root = document.root();
        let modes = [("protect", Mode::Protect), ("monitor", Mode::Monitor)];
        let config = Config {
            mode: root.optional("mode").one_of(&modes).unwrap_or_default(),
            links: link::read(&root),
            packs: read_packs(&root),
            flows: read_flows(&root),
            inspection: read_inspection(&root),
            bypass: bypass::read(&root),
            tcp: tcp::read(&root),
            http_framing: read_http(&root),
            threats: threats::read(&root),
            exceptions: read_exceptions(&root),
            events: events::read(&root),
        };
        (config, document.finish().err().unwrap_or_default())
    }

    /// What every pipeline is told; seed and flow identifiers are left at their defaults.
    pub fn settings(&self) -> Settings {
        Settings {
            mode: self.mode,
            exceptions: self.exceptions,
            bypass: self.bypass.clone(),
            tcp: self.tcp,
            http_framing: self.http_framing,
            threats: self.threats.clone(),
            reload: self.packs.reload_policy,
            timeouts: self.flows.timeouts,
            flows_max: self.flows.max,
            half_open_percent: self.flows.half_open_percent,
            half_open_per_source_max: self.flows.half_open_per_source_max,
            held_bytes_max: self.flows.held_bytes_max,
            app_bytes_max: self.flows.app_bytes_max,
            fragments: self.flows.fragments,
            retained_bytes_max: self.flows.retained_bytes_max,
            packet_steps_max: self.inspection.packet_steps_max,
            flow_steps: self.inspection.flow_steps,
            ..Settings::default()
        }
    }
}

fn read_packs(root: &Table<'_>) -> PacksConfig {
    let default = PacksConfig::default();
    let policies = [("finish", ReloadPolicy::Finish), ("restart", ReloadPolicy::Restart)];
    let Some(table) = root.optional("packs").table() else { return default };
    let cache = table.optional("cache");
    if cache.string() == Some("") {
        cache.mistake("an empty path", Some("a folder; leave it out to keep no compiled rules".to_owned()));
    }
    PacksConfig {
        default: table.optional("default").bool().unwrap_or(default.default),
        dirs: read_dirs(table.optional("dirs")),
        cache: cache.string().map(PathBuf::from),
        reload_policy: table.optional("reload_policy").one_of(&policies).unwrap_or_default(),
    }
}

fn read_dirs(value: Value<'_>) -> Vec<PackDir> {
    let paths = value.strings().unwrap_or_default();
    // Asked of an array alone: anything else is a mistake already.
    let places = if paths.is_empty() { Vec::new() } else { value.items() };
    let dir = |(path, item): (&str, Value<'_>)| PackDir { path: path.into(), place: Some(item.place()) };
    paths.into_iter().zip(places).map(dir).collect()
}

fn read_flows(root: &Table<'_>) -> FlowsConfig {
    let mut flows = FlowsConfig::default();
    let Some(table) = root.optional("flows").table() else { return flows };
    if let Some(max) = table.optional("max").integer(FLOWS) {
        flows.max = max;
    }
    if let Some(percent) = table.optional("half_open_percent").integer(HALF_OPEN_PERCENT) {
        flows.half_open_percent = percent;
    }
    if let Some(max) = table.optional("half_open_per_source_max").integer(HALF_OPEN_PER_SOURCE) {
        flows.half_open_per_source_max = max;
    }
    if let Some(held) = table.optional("held_bytes_max").integer(0..=HELD_BYTES_MAX) {
        flows.held_bytes_max = held;
    }
    if let Some(held) = table.optional("app_bytes_max").integer(0..=APP_BYTES_MAX) {
        flows.app_bytes_max = held;
    }
    read_fragments(&table, &mut flows.fragments);
    if let Some(retained) = table.optional("retained_bytes_max").integer(0..=RETAINED_BYTES_MAX) {
        flows.retained_bytes_max = retained;
    }
    let timeouts = &mut flows.timeouts;
    for (key, timeout) in [
        ("tcp_new_s", &mut timeouts.tcp_new_s),
        ("tcp_established_s", &mut timeouts.tcp_established_s),
        ("tcp_closed_s", &mut timeouts.tcp_closed_s),
        ("udp_new_s", &mut timeouts.udp_new_s),
        ("udp_established_s", &mut timeouts.udp_established_s),
        ("icmp_s", &mut timeouts.icmp_s),
        ("other_s", &mut timeouts.other_s),
    ] {
        if let Some(seconds) = table.optional(key).integer(FLOW_TIMEOUT_S) {
            *timeout = seconds;
        }
    }
    flows
}

fn read_fragments(table: &Table<'_>, fragments: &mut FragmentPolicy) {
    if let Some(held) = table.optional("fragment_bytes_max").integer(0..=HELD_BYTES_MAX) {
        fragments.bytes_max = held;
    }
    for (key, time) in [("fragment_s", &mut fragments.wait_s), ("fragment_reuse_s", &mut fragments.reuse_s)] {
        if let Some(seconds) = table.optional(key).integer(FRAGMENT_S) {
            *time = seconds;
        }
    }
}

fn read_inspection(root: &Table<'_>) -> InspectionConfig {
    let mut inspection = InspectionConfig::default();
    let Some(table) = root.optional("inspection").table() else { return inspection };
    if let Some(steps) = table.optional("packet_steps_max").integer(PACKET_STEPS) {
        inspection.packet_steps_max = steps;
    }
    if let Some(steps) = table.optional("flow_steps_max").integer(FLOW_STEPS) {
        inspection.flow_steps.max = steps;
    }
    if let Some(steps) = table.optional("flow_steps_per_kib").integer(FLOW_STEPS_PER_KIB) {
        inspection.flow_steps.per_kib = steps;
    }
    inspection
}

fn read_http(root: &Table<'_>) -> HttpFraming {
    let framings = [("strict", HttpFraming::Strict), ("compat", HttpFraming::Compat)];
    let table = root.optional("http").table();
    table.and_then(|table| table.optional("framing").one_of(&framings)).unwrap_or_default()
}

fn read_exceptions(root: &Table<'_>) -> Exceptions {
    let mut exceptions = Exceptions::default();
    let Some(table) = root.optional("exceptions").table() else { return exceptions };
    for cause in Exceptions::causes() {
        let scope = Exceptions::scope(cause);
        let fitting = Exception::ALL.into_iter().filter(|exception| exception.suits(scope));
        let words: Vec<_> = [("auto", Exceptions::auto(cause))]
            .into_iter()
            .chain(fitting.map(|exception| (exception.as_str(), exception)))
            .collect();
        if let Some(exception) = table.optional(cause.as_str()).one_of(&words) {
            exceptions.set(cause, exception);
        }
    }
    exceptions
}

#[cfg(test)]
mod tests;
