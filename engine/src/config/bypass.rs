//! `[bypass]`: which flows pass without a further look.

use dataplane::flow::protocol;
use dataplane::policy::{Bypass, IpNetwork, Trusted};
use dlp_patterns::document::{Table, Value};

use crate::limits::{BYPASS_AFTER_BYTES, TRUSTED_SERVERS_MAX};

pub(super) fn read(root: &Table<'_>) -> Bypass {
    let Some(table) = root.optional("bypass").table() else { return Bypass::default() };
    let encrypted = table.optional("encrypted").bool().unwrap_or(false);
    let tables = table.optional("trusted").tables();
    if let Some(table) = tables.get(TRUSTED_SERVERS_MAX) {
        table.mistake(format!("more than {TRUSTED_SERVERS_MAX} trusted servers"), None);
    }
    Bypass { encrypted, trusted: tables.iter().filter_map(read_trusted).collect() }
}

/// A trusted server without any mistake. Each key is read before any is missed.
fn read_trusted(table: &Table<'_>) -> Option<Trusted> {
    let protocols = [("tcp", protocol::TCP), ("udp", protocol::UDP)];
    let network = read_network(table.need("server"));
    let port = table.optional("port").integer(1..=u16::MAX);
    let protocol = table.need_one_of("protocol", &protocols);
    let after_bytes = table.need("after_bytes").integer(BYPASS_AFTER_BYTES);
    Some(Trusted { network: network?, port, protocol: protocol?, after_bytes: after_bytes? })
}

fn read_network(value: Value<'_>) -> Option<IpNetwork> {
    let text = value.string()?;
    // An address alone does not say how many others are trusted with it.
    let network = text.parse::<IpNetwork>().ok().filter(|_| text.contains('/'));
    if network.is_none() {
        let hint = "an address and how many of its bits count, the others zero: \"192.0.2.0/24\" or \"2001:db8::1/128\"";
        value.mistake(format!("`{text}` is no network"), Some(hint.to_owned()));
    }
    network
}
