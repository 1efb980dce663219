//! `[[link]]`: a bump in the wire between two ports.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use af_xdp::limits::{
    FRAMES_PER_QUEUE_MAX, FRAMES_PER_QUEUE_MIN, HOSTS_MAX, LINK_NAME_BYTES_MAX, SETTLED_FLOWS_MAX,
    SOURCE_PPS_MAX,
};
use af_xdp::{AttachMode, OnEngineLoss, ZeroCopy};
use dlp_patterns::document::{Place, Table, Value};

use crate::limits::{CORE_MAX, HEARTBEAT_TIMEOUT_MS, INTERFACE_NAME_BYTES_MAX, LINKS_MAX, SPIN_US};

/// Two ports, what passes between them, and where its workers run. No interface belongs to two ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// Where it stands.
    pub place: Place,
    /// What the port layer opens. Its name is what events call it (`in_iface`).
    pub ports: af_xdp::LinkConfig,
    /// Cores of the workers, one a queue; empty: the engine chooses.
    pub cores: Vec<u16>,
    /// For how long a worker without frames looks for more before it sleeps.
    pub spin: Duration,
    /// Whether both directions of a flow come in on one queue anyway, so that no frame is handed to another worker.
    pub symmetric_queues: bool,
}

const NS_PER_MS: u64 = 1_000_000;

pub(super) fn read(root: &Table<'_>) -> Vec<LinkConfig> {
    let mut names = Vec::new();
    let mut interfaces = Vec::new();
    let mut cores = Vec::new();
    let tables = root.optional("link").tables();
    if let Some(table) = tables.get(LINKS_MAX) {
        table.mistake(format!("more than {LINKS_MAX} links"), None);
    }
    tables.iter().filter_map(|table| read_link(table, &mut names, &mut interfaces, &mut cores)).collect()
}

/// A link without any mistake; `names`, `interfaces` and `cores` collect what is taken.
fn read_link(
    table: &Table<'_>,
    names: &mut Vec<String>,
    interfaces: &mut Vec<String>,
    cores: &mut Vec<u16>,
) -> Option<LinkConfig> {
    let losses = [("forward", OnEngineLoss::Forward), ("drop", OnEngineLoss::Drop)];
    // Each key is read before any is missed, so that every mistake is found.
    let name = read_name(table.need("name"), names);
    let inside = read_interface(table.need("inside"), interfaces);
    let outside = read_interface(table.need("outside"), interfaces);
    let on_engine_loss = table.need_one_of("on_engine_loss", &losses);
    let tuning = Tuning::read(table);
    let cores = read_cores(table.optional("cores"), cores);
    let spin_us = table.optional("spin_us").integer(SPIN_US);
    let symmetric_queues = table.optional("symmetric_queues").bool().unwrap_or(false);
    let mut ports = af_xdp::LinkConfig::new(&name?, &inside?, &outside?);
    ports.on_engine_loss = on_engine_loss?;
    tuning.apply(&mut ports);
    let spin = Duration::from_micros(spin_us.unwrap_or(0));
    Some(LinkConfig { place: table.place(), ports, cores, spin, symmetric_queues })
}

/// The keys of a link that have a default, which is the port layer's.
struct Tuning {
    attach: Option<AttachMode>,
    zero_copy: Option<ZeroCopy>,
    heartbeat_timeout_ms: Option<u64>,
    frame_bytes: Option<u32>,
    frames_per_queue: Option<u32>,
    hosts: Vec<IpAddr>,
    settled_flows: Option<u32>,
    source_pps_max: Option<u32>,
}

impl Tuning {
    fn read(table: &Table<'_>) -> Tuning {
        let attaches =
            [("auto", AttachMode::Auto), ("native", AttachMode::Native), ("generic", AttachMode::Generic)];
        let zero_copies =
            [("auto", ZeroCopy::Auto), ("require", ZeroCopy::Require), ("never", ZeroCopy::Never)];
        let attach = table.optional("attach").one_of(&attaches);
        let zero_copy_key = table.optional("zero_copy");
        let zero_copy = zero_copy_key.one_of(&zero_copies);
        if (attach, zero_copy) == (Some(AttachMode::Generic), Some(ZeroCopy::Require)) {
            let hint = "the generic path always copies".to_owned();
            zero_copy_key.mistake("zero-copy is required of `attach = \"generic\"`", Some(hint));
        }
        Tuning {
            attach,
            zero_copy,
            heartbeat_timeout_ms: table.optional("heartbeat_timeout_ms").integer(HEARTBEAT_TIMEOUT_MS),
            frame_bytes: read_power_of_two(table.optional("frame_bytes"), 2048..=4096),
            frames_per_queue: read_power_of_two(
                table.optional("frames_per_queue"),
                FRAMES_PER_QUEUE_MIN..=FRAMES_PER_QUEUE_MAX,
            ),
            hosts: read_hosts(table.optional("host")),
            settled_flows: table.optional("settled_flows").integer(0..=SETTLED_FLOWS_MAX),
            source_pps_max: table.optional("source_pps_max").integer(0..=SOURCE_PPS_MAX),
        }
    }

    fn apply(self, ports: &mut af_xdp::LinkConfig) {
        ports.attach = self.attach.unwrap_or(ports.attach);
        ports.zero_copy = self.zero_copy.unwrap_or(ports.zero_copy);
        ports.frame_bytes = self.frame_bytes.unwrap_or(ports.frame_bytes);
        ports.frames_per_queue = self.frames_per_queue.unwrap_or(ports.frames_per_queue);
        ports.hosts = self.hosts;
        ports.settled_flows_max = self.settled_flows.unwrap_or(ports.settled_flows_max);
        ports.source_pps_max = self.source_pps_max.unwrap_or(ports.source_pps_max);
        if let Some(timeout_ms) = self.heartbeat_timeout_ms {
            ports.heartbeat_timeout_ns = timeout_ms * NS_PER_MS;
        }
    }
}

/// Frames fill a page, and rings go round, only in powers of two.
fn read_power_of_two(value: Value<'_>, range: RangeInclusive<u32>) -> Option<u32> {
    let number: u32 = value.integer(range.clone())?;
    if !number.is_power_of_two() {
        let powers: Vec<String> = (0..u32::BITS)
            .map(|bit| 1 << bit)
            .filter(|power| range.contains(power))
            .map(|power: u32| power.to_string())
            .collect();
        value.mistake(format!("{number} is no power of two"), Some(format!("one of: {}", powers.join(", "))));
        return None;
    }
    Some(number)
}

/// A name that events repeat and that stands in the paths of pinned links.
fn read_name(value: Value<'_>, taken: &mut Vec<String>) -> Option<String> {
    let name = value.string()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > LINK_NAME_BYTES_MAX || !name.chars().all(is_plain) {
        let hint = format!("1 to {LINK_NAME_BYTES_MAX} letters, digits, `-` or `_`");
        value.mistake(format!("`{name}` is no name for a link"), Some(hint));
        return None;
    }
    if taken.iter().any(|other| other == name) {
        value.mistake(format!("another link is named `{name}`"), None);
        return None;
    }
    taken.push(name.to_owned());
    Some(name.to_owned())
}

fn read_interface(value: Value<'_>, taken: &mut Vec<String>) -> Option<String> {
    let name = value.string()?;
    if name.len() > INTERFACE_NAME_BYTES_MAX {
        let hint = format!("Linux allows {INTERFACE_NAME_BYTES_MAX} bytes");
        value.mistake(format!("`{name}` is too long for the name of an interface"), Some(hint));
        return None;
    }
    let is_forbidden = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name == "." || name == ".." || name.contains(is_forbidden) {
        value.mistake(format!("`{name}` cannot be the name of an interface"), None);
        return None;
    }
    if taken.iter().any(|other| other == name) {
        let hint = "an interface is one port of one link".to_owned();
        value.mistake(format!("interface `{name}` is used twice"), Some(hint));
        return None;
    }
    taken.push(name.to_owned());
    Some(name.to_owned())
}

/// The addresses of the node itself.
fn read_hosts(value: Value<'_>) -> Vec<IpAddr> {
    let mut hosts = Vec::new();
    for item in value.items() {
        let Some(text) = item.string() else { continue };
        let Ok(host) = text.parse() else {
            let hint = "one address, without a prefix length: \"192.0.2.1\" or \"2001:db8::1\"".to_owned();
            item.mistake(format!("`{text}` is no address"), Some(hint));
            continue;
        };
        if hosts.contains(&host) {
            item.mistake(format!("`{host}` stands here twice"), None);
        } else if hosts.len() == HOSTS_MAX {
            item.mistake(format!("more than {HOSTS_MAX} addresses"), None);
            break;
        } else {
            hosts.push(host);
        }
    }
    hosts
}

fn read_cores(value: Value<'_>, taken: &mut Vec<u16>) -> Vec<u16> {
    let mut cores = Vec::new();
    for item in value.items() {
        let Some(core) = item.integer(0..=CORE_MAX) else { continue };
        if taken.contains(&core) {
            item.mistake(format!("core {core} has a worker already"), None);
            continue;
        }
        taken.push(core);
        cores.push(core);
    }
    cores
}
