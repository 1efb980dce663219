//! `[threats]`: what becomes of what several messages show together.

use dataplane::policy::{DnsTunnelPolicy, ThreatAction, ThreatPolicy};
use dlp_patterns::document::Table;

use crate::limits::{THREAT_COUNT, THREAT_SCORE, THREAT_WINDOW_S};

pub(super) fn read(root: &Table<'_>) -> ThreatPolicy {
    let Some(table) = root.optional("threats").table() else { return ThreatPolicy::default() };
    let dns_tunnel = table.optional("dns_tunnel").table();
    ThreatPolicy {
        dns_tunnel: dns_tunnel.map_or_else(DnsTunnelPolicy::default, |table| read_dns_tunnel(&table)),
    }
}

fn read_dns_tunnel(table: &Table<'_>) -> DnsTunnelPolicy {
    let default = DnsTunnelPolicy::default();
    let actions =
        [("alert", ThreatAction::Alert), ("drop", ThreatAction::Drop), ("ignore", ThreatAction::Ignore)];
    DnsTunnelPolicy {
        action: table.optional("action").one_of(&actions).unwrap_or(default.action),
        score: table.optional("score").integer(THREAT_SCORE).unwrap_or(default.score),
        names_min: table.optional("names_min").integer(THREAT_COUNT).unwrap_or(default.names_min),
        window_s: table.optional("window_s").integer(THREAT_WINDOW_S).unwrap_or(default.window_s),
    }
}
