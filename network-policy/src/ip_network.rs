//! Addresses that begin alike.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses that begin alike (RFC 4632 §3.1, RFC 4291 §2.3).
///
/// Invariant: bits behind the prefix are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpNetwork {
    address: IpAddr,
    prefix_bits: u32,
}

/// A text that is no address, or no network: its address has bits behind the prefix, or not so many in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

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

    /// One address alone.
    pub fn host(address: IpAddr) -> IpNetwork {
        IpNetwork { address, prefix_bits: bits(address).1 }
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((mine, width), (theirs, their_width)) = (bits(self.address), bits(address));
        let host_bits = width - self.prefix_bits;
        width == their_width && (mine ^ theirs).checked_shr(host_bits).unwrap_or(0) == 0
    }

    /// Whether all of another are.
    pub fn covers(&self, other: &IpNetwork) -> bool {
        self.prefix_bits <= other.prefix_bits && self.contains(other.address)
    }

    /// Leading bits that all have in common.
    pub fn prefix_bits(&self) -> u32 {
        self.prefix_bits
    }

    /// The first of them.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The first and the last of them as numbers.
    pub(crate) fn span(&self) -> (u128, u128) {
        let (first, width) = bits(self.address);
        let host_bits = width - self.prefix_bits;
        (first, first | u128::MAX.checked_shr(u128::BITS - host_bits).unwrap_or(0))
    }
}

/// An address as a number, and of how many bits.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (v4.to_bits().into(), u32::BITS),
        IpAddr::V6(v6) => (v6.to_bits(), u128::BITS),
    }
}

impl FromStr for IpNetwork {
    type Err = NotANetwork;

    /// `ADDRESS/BITS`, or `ADDRESS` for that one alone.
    fn from_str(text: &str) -> Result<IpNetwork, NotANetwork> {
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| NotANetwork);
        let Some((front, count)) = text.split_once('/') else { return address(text).map(IpNetwork::host) };
        let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|_| is_number).ok_or(NotANetwork)?;
        IpNetwork::new(address(front)?, count).ok_or(NotANetwork)
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
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

    #[test]
    fn networks_are_read_as_they_are_written() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "192.0.2.7/32"] {
            assert_eq!(text.parse::<IpNetwork>().expect("a network").to_string(), text);
        }
        assert_eq!("192.0.2.7".parse(), Ok(network("192.0.2.7", 32).expect("a host")));
        for text in ["", "web", "192.0.2.0/", "192.0.2.0/+8", "192.0.2.1/24", "192.0.2.0/33", "::/129", "/8"]
        {
            assert_eq!(text.parse::<IpNetwork>(), Err(NotANetwork), "{text}");
        }
    }

    #[test]
    fn spans_end_with_the_last_address() {
        let span = |text: &str| text.parse::<IpNetwork>().expect("a network").span();
        assert_eq!(span("192.0.2.0/24"), (0xc000_0200, 0xc000_02ff));
        assert_eq!(span("0.0.0.0/0"), (0, 0xffff_ffff));
        assert_eq!(span("::/0"), (0, u128::MAX));
        assert_eq!(span("::7/128"), (7, 7));
    }
}
