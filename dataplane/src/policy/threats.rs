//! [`ThreatPolicy`]: what becomes of what several messages show together, by the operator's word.

/// What is done about a threat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreatAction {
    /// It is not looked for.
    Ignore,
    /// It is told.
    #[default]
    Alert,
    /// It is told, and the flow that shows it does not go on: nor does any other that shows the same.
    Drop,
}

/// One field a threat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreatPolicy {
    /// Data that is carried in names and answers of DNS.
    pub dns_tunnel: DnsTunnelPolicy,
}

/// When names and answers of DNS are taken for a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsTunnelPolicy {
    /// What is done then.
    pub action: ThreatAction,
    /// Points that one client and one parent domain come to; see `threat/dns_tunnel/weights.rs` for what counts how much.
    pub score: u32,
    /// Different names among them, at least; a name that no host can have needs no other.
    pub names_min: u32,
    /// Seconds in which they come; then all points are forgotten.
    pub window_s: u32,
}

impl Default for DnsTunnelPolicy {
    fn default() -> DnsTunnelPolicy {
        DnsTunnelPolicy { action: ThreatAction::Alert, score: 100, names_min: 6, window_s: 600 }
    }
}
