//! Which flows pass without a further look, by the operator's word.

use network_policy::IpNetwork;

use crate::flow::FlowRecord;

/// What the operator allows to pass unseen. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bypass {
    /// TCP streams that both ends encrypt by TLS, once both have sent protected records.
    pub encrypted: bool,
    /// Servers whose long flows are trusted.
    pub trusted: Vec<Trusted>,
}

/// Flows with a server that the operator trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Where the server is.
    pub network: IpNetwork,
    /// Its port; `None` is any.
    pub port: Option<u16>,
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// Bytes of the flow, both directions and link headers together, that are inspected before.
    pub after_bytes: u64,
}

/// Why a flow passes unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BypassCause {
    /// Both ends encrypt it.
    Encrypted = 0,
    /// Its server is trusted, and it is long.
    Trusted = 1,
    /// It could not be inspected, and [`Exception::PassFlow`](super::Exception) was said of that.
    PassFlow = 2,
    /// It could not be inspected, and [`Exception::Bypass`](super::Exception) was said of that.
    Exception = 3,
}

impl BypassCause {
    /// How many causes there are.
    pub const COUNT: usize = 4;

    /// Every cause, in index order.
    pub const ALL: [BypassCause; BypassCause::COUNT] =
        [BypassCause::Encrypted, BypassCause::Trusted, BypassCause::PassFlow, BypassCause::Exception];

    /// The name that counters and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            BypassCause::Encrypted => "encrypted",
            BypassCause::Trusted => "trusted",
            BypassCause::PassFlow => "pass_flow",
            BypassCause::Exception => "exception",
        }
    }
}

impl Bypass {
    /// After how many bytes a flow is trusted; `u64::MAX` where it never is.
    pub fn trusted_after_bytes(&self, flow: &FlowRecord) -> u64 {
        let (address, port) = flow.server;
        let speaks_of = |trusted: &&Trusted| {
            trusted.protocol == flow.protocol
                && trusted.port.is_none_or(|trusted| trusted == port)
                && trusted.network.contains(address)
        };
        self.trusted.iter().filter(speaks_of).map(|trusted| trusted.after_bytes).min().unwrap_or(u64::MAX)
    }
}
