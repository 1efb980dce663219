//! What tells one flow from another.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::slots::KEY_WORDS;
use crate::vlans::Vlans;

/// The endpoints, protocol, VLANs and link of a flow, equal for both directions: the lower endpoint stands first.
///
/// IPv4 addresses carry a mark of their own, so that they never alias an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// Lower address (high half, low half), upper address (likewise), the fields of [`pack`], VLANs and link; within a
    /// tunnel the last word is combined with what surrounds it.
    words: [u64; KEY_WORDS],
}

/// Which way a packet travels, seen from the order of the endpoints within its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Orientation {
    /// The source is the lower endpoint, or both are equal.
    Forward,
    /// The source is the upper endpoint.
    Reverse,
}

impl Orientation {
    /// The other way.
    pub fn opposite(self) -> Orientation {
        match self {
            Orientation::Forward => Orientation::Reverse,
            Orientation::Reverse => Orientation::Forward,
        }
    }
}

const LINK_BITS: usize = 16;
const _: () = assert!(Vlans::BITS + LINK_BITS == u64::BITS as usize);

impl FlowKey {
    /// The key of a packet from `source` to `destination`, and which way round the packet travels.
    #[inline(always)]
    pub fn new(
        protocol: u8,
        source: (IpAddr, u16),
        destination: (IpAddr, u16),
        vlans: Vlans,
        link: u16,
    ) -> (FlowKey, Orientation) {
        // An end of IPv4 fits into a word, and two of them are put in order at once.
        if let ((IpAddr::V4(a), a_port), (IpAddr::V4(b), b_port)) = (source, destination) {
            let end = |address: Ipv4Addr, port| u64::from(address.to_bits()) << 16 | u64::from(port);
            let (source, destination) = (end(a, a_port), end(b, b_port));
            let (lower, upper) = (source.min(destination), source.max(destination));
            let orientation = if source <= destination { Orientation::Forward } else { Orientation::Reverse };
            let ports = (lower & 0xffff) << 16 | upper & 0xffff;
            let packed = LOWER_IS_V4 | UPPER_IS_V4 | u64::from(protocol) << 32 | ports;
            let words = [0, lower >> 16, 0, upper >> 16, packed, place(vlans, link)];
            return (FlowKey { words }, orientation);
        }
        FlowKey::of_any(protocol, Endpoint::new(source), Endpoint::new(destination), place(vlans, link))
    }

    /// The same for ends of whatever family.
    #[inline]
    fn of_any(protocol: u8, source: Endpoint, destination: Endpoint, place: u64) -> (FlowKey, Orientation) {
        let orientation = if source <= destination { Orientation::Forward } else { Orientation::Reverse };
        let (lower, upper) = match orientation {
            Orientation::Forward => (source, destination),
            Orientation::Reverse => (destination, source),
        };
        let words = [
            (lower.address >> 64) as u64,
            lower.address as u64,
            (upper.address >> 64) as u64,
            upper.address as u64,
            pack(protocol, lower, upper),
            place,
        ];
        (FlowKey { words }, orientation)
    }

    /// The key of the same ends inside of what `surroundings` stands for: a keyed digest of tunnels, or the flow would
    /// be one with whatever flow a sender finds a collision for. The key is none of a flow outside of tunnels, and
    /// VLANs and link cannot be told from it any more.
    #[inline]
    pub fn within(mut self, surroundings: u64) -> FlowKey {
        self.words[4] |= IS_WITHIN;
        self.words[5] ^= surroundings;
        self
    }

    /// Whether the flow is [within](FlowKey::within) a tunnel.
    pub fn is_within(&self) -> bool {
        self.words[4] & IS_WITHIN != 0
    }

    /// Address and port of the lower endpoint.
    pub fn lower(&self) -> (IpAddr, u16) {
        let [high, low, _, _, packed, _] = self.words;
        Endpoint::unpack(high, low, (packed >> 16) as u16, packed & LOWER_IS_V4 != 0)
    }

    /// Address and port of the upper endpoint.
    pub fn upper(&self) -> (IpAddr, u16) {
        let [_, _, high, low, packed, _] = self.words;
        Endpoint::unpack(high, low, packed as u16, packed & UPPER_IS_V4 != 0)
    }

    /// Source and destination of a packet that travels `orientation`.
    pub fn endpoints(&self, orientation: Orientation) -> ((IpAddr, u16), (IpAddr, u16)) {
        match orientation {
            Orientation::Forward => (self.lower(), self.upper()),
            Orientation::Reverse => (self.upper(), self.lower()),
        }
    }

    /// The upper-layer protocol number.
    pub fn protocol(&self) -> u8 {
        (self.words[4] >> 32) as u8
    }

    /// Its VLANs.
    pub fn vlans(&self) -> Vlans {
        Vlans::from_bits(self.words[5] >> LINK_BITS)
    }

    /// The link on which the packets travel.
    pub fn link(&self) -> u16 {
        self.words[5] as u16
    }

    #[inline]
    pub(crate) fn words(&self) -> &[u64; KEY_WORDS] {
        &self.words
    }

    /// The key with these words, which are another key's.
    pub(crate) fn from_words(words: [u64; KEY_WORDS]) -> FlowKey {
        FlowKey { words }
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowKey")
            .field("protocol", &self.protocol())
            .field("lower", &self.lower())
            .field("upper", &self.upper())
            .field("vlans", &self.vlans())
            .field("link", &self.link())
            .finish()
    }
}

const LOWER_IS_V4: u64 = 1 << 40;
const UPPER_IS_V4: u64 = 1 << 41;
const IS_WITHIN: u64 = 1 << 42;

/// VLANs and link.
#[inline]
fn place(vlans: Vlans, link: u16) -> u64 {
    vlans.bits() << LINK_BITS | u64::from(link)
}

/// Families in bits 40 and 41, protocol in bits 32 to 39, lower port in bits 16 to 31, upper port below.
#[inline]
fn pack(protocol: u8, lower: Endpoint, upper: Endpoint) -> u64 {
    let families = if lower.is_v4 { LOWER_IS_V4 } else { 0 } | if upper.is_v4 { UPPER_IS_V4 } else { 0 };
    families | u64::from(protocol) << 32 | u64::from(lower.port) << 16 | u64::from(upper.port)
}

/// One end of a flow; compared by address first, as a person would sort.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Endpoint {
    address: u128,
    port: u16,
    is_v4: bool,
}

impl Endpoint {
    #[inline]
    fn new((address, port): (IpAddr, u16)) -> Endpoint {
        match address {
            IpAddr::V4(v4) => Endpoint { address: u128::from(v4.to_bits()), port, is_v4: true },
            IpAddr::V6(v6) => Endpoint { address: v6.to_bits(), port, is_v4: false },
        }
    }

    fn unpack(high: u64, low: u64, port: u16, is_v4: bool) -> (IpAddr, u16) {
        let address = if is_v4 {
            IpAddr::V4(Ipv4Addr::from_bits(low as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)))
        };
        (address, port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from),
            any::<[u8; 4]>().prop_map(|v4| IpAddr::V6(Ipv4Addr::from(v4).to_ipv6_mapped())),
            any::<[u8; 4]>().prop_map(|v4| IpAddr::V6(Ipv4Addr::from(v4).to_ipv6_compatible())),
        ]
    }

    proptest! {
        /// Two of IPv4, which are put in order in a way of their own.
        #[test]
        fn ends_are_in_order_whatever_their_family(a: ([u8; 4], u16), b: ([u8; 4], u16), protocol: u8, link: u16) {
            let ends = [a, b].map(|(address, port)| (IpAddr::from(address), port));
            let key = FlowKey::new(protocol, ends[0], ends[1], Vlans::default(), link);
            let [source, destination] = ends.map(Endpoint::new);
            prop_assert_eq!(key, FlowKey::of_any(protocol, source, destination, u64::from(link)));
        }

        #[test]
        fn a_key_is_symmetric_and_gives_everything_back(
            protocol: u8, a in (address(), any::<u16>()), b in (address(), any::<u16>()),
            ids in prop::collection::vec(0..4096u16, 0..=3), link: u16,
        ) {
            let vlans = Vlans::try_from(&ids[..]).expect("as many as there may be");
            let (there, way) = FlowKey::new(protocol, a, b, vlans, link);
            let (back, other_way) = FlowKey::new(protocol, b, a, vlans, link);
            prop_assert_eq!(there, back);
            prop_assert_eq!(there.endpoints(way), (a, b));
            prop_assert_eq!(back.endpoints(other_way), (b, a));
            prop_assert_eq!(way == other_way, a == b);
            prop_assert_eq!(there.protocol(), protocol);
            prop_assert_eq!(&there.vlans().ids()[..], &ids);
            prop_assert_eq!(there.link(), link);
        }

        #[test]
        fn families_never_alias(v4: [u8; 4], port: u16) {
            let v4 = Ipv4Addr::from(v4);
            let key = |address: IpAddr| FlowKey::new(6, (address, port), (address, port), Vlans::default(), 0).0;
            prop_assert_ne!(key(v4.into()), key(v4.to_ipv6_mapped().into()));
            prop_assert_ne!(key(v4.into()), key(v4.to_ipv6_compatible().into()));
        }
    }

    #[test]
    fn what_surrounds_a_flow_tells_it_from_others() {
        let (a, b) = ((IpAddr::from([10, 0, 0, 1]), 1), (IpAddr::from([10, 0, 0, 2]), 2));
        let ((there, _), (back, _)) =
            (FlowKey::new(6, a, b, Vlans::default(), 0), FlowKey::new(6, b, a, Vlans::default(), 0));
        assert_eq!(there.within(7), back.within(7));
        assert_ne!(there.within(7), there.within(8));
        assert!(there.within(0).is_within() && !there.is_within());
        assert_ne!(there.within(0), there, "an unlucky digest is no flow outside");
    }

    #[test]
    fn vlan_zero_is_not_no_vlan() {
        let end = (IpAddr::from([10, 0, 0, 1]), 1);
        let key = |ids: &[u16]| FlowKey::new(6, end, end, ids.try_into().expect("few"), 0).0;
        let keys = [key(&[]), key(&[0]), key(&[0, 0]), key(&[0, 1]), key(&[1]), key(&[1, 0])];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|b| a != b), "{a:?} aliases another");
        }
    }

    #[test]
    fn a_key_stays_small() {
        assert!(size_of::<FlowKey>() <= 48);
    }
}
