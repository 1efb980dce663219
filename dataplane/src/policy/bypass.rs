//! Which flows pass without a further look, by the operator's word.

use std::net::IpAddr;

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

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNetwork {
    address: IpAddr,
    prefix_bits: u32,
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

impl IpNetwork {
    /// The addresses that share so many leading bits with `address`. `None` where it has not so many, or where others of
    /// its bits are set.
    pub fn new(address: IpAddr, prefix_bits: u32) -> Option<IpNetwork> {
        let network = IpNetwork { address, prefix_bits };
        let (bits, width) = bits(address);
        let host_bits = width.checked_sub(prefix_bits)?;
        let is_bare = host_bits == 0 || bits << (u128::BITS - host_bits) == 0;
        is_bare.then_some(network)
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((mine, width), (theirs, their_width)) = (bits(self.address), bits(address));
        let host_bits = width - self.prefix_bits;
        width == their_width && (mine ^ theirs).checked_shr(host_bits).unwrap_or(0) == 0
    }
}

/// An address as a number, and of how many bits.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (v4.to_bits().into(), u32::BITS),
        IpAddr::V6(v6) => (v6.to_bits(), u128::BITS),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix_bits: u32) -> Option<IpNetwork> {
        IpNetwork::new(address.parse().expect("an address"), prefix_bits)
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let holds = |network: &str, bits, address: &str| {
            self::network(network, bits).expect("a network").contains(address.parse().expect("an address"))
        };
        assert!(holds("192.0.2.0", 24, "192.0.2.255") && !holds("192.0.2.0", 24, "192.0.3.0"));
        assert!(holds("192.0.2.7", 32, "192.0.2.7") && !holds("192.0.2.7", 32, "192.0.2.6"));
        assert!(holds("0.0.0.0", 0, "203.0.113.9") && !holds("0.0.0.0", 0, "2001:db8::1"));
        assert!(holds("::", 0, "2001:db8::1") && !holds("::", 0, "203.0.113.9"));
        assert!(holds("2001:db8::", 32, "2001:db8:ffff::1") && !holds("2001:db8::", 32, "2001:db9::"));
        assert!(holds("2001:db8::1", 128, "2001:db8::1") && !holds("2001:db8::1", 128, "2001:db8::2"));
        assert!(!holds("::", 96, "::ffff:1.2.3.4"), "a mapped address is none of IPv4");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for (address, bits) in
            [("192.0.2.1", 24), ("192.0.2.0", 33), ("0.0.0.1", 0), ("2001:db8::1", 64), ("::", 129)]
        {
            assert_eq!(network(address, bits), None, "{address}/{bits}");
        }
    }
}
