//! `[[link]]`: a bump in the wire between two ports.

use dlp_patterns::document::{Table, Value};

use crate::limits::{INTERFACE_NAME_BYTES_MAX, LINKS_MAX};

/// Two ports, and what passes between them. No interface belongs to two ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// What events call it (`in_iface`).
    pub name: String,
    /// Interface on the protected side.
    pub inside: String,
    /// Interface on the other side.
    pub outside: String,
    /// What the link does without its engine.
    pub on_engine_loss: OnEngineLoss,
    /// How the XDP program is attached.
    pub attach: Attach,
    /// Age of a heartbeat at which the engine counts as lost, in milliseconds.
    pub heartbeat_timeout_ms: u32,
    /// Cores of the workers, one a queue; empty: the engine chooses.
    pub cores: Vec<u16>,
    /// Bytes of UMEM for one frame.
    pub frame_bytes: u32,
}

/// What a link does without its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnEngineLoss {
    /// Fail open: frames go on to the kernel, and so through the bridge under the link.
    Forward,
    /// Fail closed.
    Drop,
}

/// How the XDP program is attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attach {
    /// In the driver where it can, else generically.
    #[default]
    Auto,
    /// In the driver, or not at all.
    Native,
    /// Behind the driver (SKB mode).
    Generic,
}

const HEARTBEAT_TIMEOUT_MS: u32 = 50;
const FRAME_BYTES: u32 = 4096;

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
    let attaches = [("auto", Attach::Auto), ("native", Attach::Native), ("generic", Attach::Generic)];
    // Each key is read before any is missed, so that every mistake is found.
    let name = read_name(table.need("name"), names);
    let inside = read_interface(table.need("inside"), interfaces);
    let outside = read_interface(table.need("outside"), interfaces);
    let on_engine_loss = table.need("on_engine_loss").one_of(&losses);
    let attach = table.optional("attach").one_of(&attaches).unwrap_or_default();
    let heartbeat = table.optional("heartbeat_timeout_ms").integer(5..=60_000);
    let cores = read_cores(table.optional("cores"), cores);
    let frame_bytes = table.optional("frame_bytes");
    let frame_bytes = frame_bytes.integer(2048..=4096).inspect(|bytes: &u32| {
        if !bytes.is_power_of_two() {
            frame_bytes
                .mistake(format!("frames of {bytes} bytes do not fill a page"), Some("2048 or 4096".into()));
        }
    });
    Some(LinkConfig {
        name: name?,
        inside: inside?,
        outside: outside?,
        on_engine_loss: on_engine_loss?,
        attach,
        heartbeat_timeout_ms: heartbeat.unwrap_or(HEARTBEAT_TIMEOUT_MS),
        cores,
        frame_bytes: frame_bytes.unwrap_or(FRAME_BYTES),
    })
}

/// A name that events repeat and that stands in the paths of pinned links.
fn read_name(value: Value<'_>, taken: &mut Vec<String>) -> Option<String> {
    let name = value.string()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 32 || !name.chars().all(is_plain) {
        let hint = "1 to 32 letters, digits, `-` or `_`".to_owned();
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

fn read_cores(value: Value<'_>, taken: &mut Vec<u16>) -> Vec<u16> {
    let mut cores = Vec::new();
    for item in value.items() {
        let Some(core) = item.integer(0..=4095) else { continue };
        if taken.contains(&core) {
            item.mistake(format!("core {core} has a worker already"), None);
            continue;
        }
        taken.push(core);
        cores.push(core);
    }
    cores
}
