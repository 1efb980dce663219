//! Whose an address is.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::group::{Group, GroupId};
use crate::selector::{Endpoint, Precision, Selector};

/// From ends to groups.
///
/// Addresses of a family are cut into spans within which all belong alike: the one that holds an address is found by a search
/// over their begins. Where the address alone does not tell, the selectors that may are asked, the one with the most to tell first.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    v4: Spans<u32>,
    v6: Spans<u128>,
    /// Selectors that ask for an address and more, and what those fall back on.
    candidates: Vec<Candidate>,
    /// Those that ask for no address: they tell least, and are asked last.
    anywhere: Vec<(GroupId, Selector)>,
    external: GroupId,
}

/// Where spans begin, and whose they are.
#[derive(Clone, Debug)]
struct Spans<K> {
    /// Begins in order, the first at 0; behind that every [`FAN_OUT`]th of the level before, until they are few.
    levels: Vec<Vec<K>>,
    belongs: Vec<Belongs>,
}

/// Keys that are compared at once: those of IPv4 are a cache line.
const FAN_OUT: usize = 16;

/// Whose the addresses of a span are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belongs {
    /// To nobody, as far as addresses tell.
    Elsewhere,
    To(GroupId),
    /// The group of the first candidate that selects the end, of those from this one to the next that is the last of its own.
    Asks(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    group: GroupId,
    selector: Selector,
    is_last: bool,
}

/// A selector as it is sorted in: more precise ones first, of those alike the group that stands first.
#[derive(Clone, Copy, Debug)]
struct Claim<'g> {
    precision: Precision,
    group: GroupId,
    selector: &'g Selector,
}

impl Membership {
    pub(crate) fn new(groups: &[Group]) -> Membership {
        let mut claims: Vec<Claim<'_>> = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            claims.extend(group.selectors.iter().map(|selector| Claim {
                precision: selector.precision(),
                group: GroupId(number as u32),
                selector,
            }));
        }
        claims.sort_by_key(|claim| (std::cmp::Reverse(claim.precision), claim.group));
        let external = GroupId(groups.len() as u32);
        let is_anywhere = |claim: &&Claim<'_>| claim.selector.network.is_none();
        let anywhere = claims.iter().filter(is_anywhere).map(|claim| (claim.group, claim.selector.clone()));
        let anywhere = anywhere.collect();
        let mut candidates = Vec::new();
        let (begins, belongs) = spans(&claims, u128::MAX, &mut candidates);
        let v6 = Spans::new(begins, belongs);
        let (begins, belongs) = spans(&claims, u32::MAX.into(), &mut candidates);
        let v4 = Spans::new(begins.into_iter().map(|begin| begin as u32).collect(), belongs);
        Membership { v4, v6, candidates, anywhere, external }
    }

    pub(crate) fn group_of(&self, end: &Endpoint) -> GroupId {
        let belongs = match end.address {
            IpAddr::V4(address) => self.v4.find(address.to_bits()),
            IpAddr::V6(address) => self.v6.find(address.to_bits()),
        };
        let by_address = match belongs {
            Belongs::Elsewhere => None,
            Belongs::To(group) => Some(group),
            Belongs::Asks(first) => self.ask(first, end),
        };
        let anywhere = || self.anywhere.iter().find(|(_, selector)| selector.selects_beside(end));
        by_address.or_else(|| Some(anywhere()?.0)).unwrap_or(self.external)
    }

    /// The group of the first candidate from this one on that selects an end.
    fn ask(&self, first: u32, end: &Endpoint) -> Option<GroupId> {
        let asked = self.candidates.get(first as usize..)?;
        let count = asked.iter().position(|candidate| candidate.is_last)? + 1;
        let mut asked = asked.iter().take(count);
        Some(asked.find(|candidate| candidate.selector.selects_beside(end))?.group)
    }
}

impl<K: Copy + Ord> Spans<K> {
    fn new(begins: Vec<K>, belongs: Vec<Belongs>) -> Spans<K> {
        let mut levels = vec![begins];
        while let Some(below) = levels.last()
            && below.len() > FAN_OUT
        {
            levels.push(below.iter().step_by(FAN_OUT).copied().collect());
        }
        Spans { levels, belongs }
    }

    fn find(&self, address: K) -> Belongs {
        let mut at = 0;
        for level in self.levels.iter().rev() {
            let first = at * FAN_OUT;
            let keys = level.get(first..).unwrap_or_default();
            let keys = keys.get(..FAN_OUT).unwrap_or(keys);
            // Keys are in order: as many as are no greater. One is, for the first of all is 0.
            let count: usize = keys.iter().map(|begin| usize::from(*begin <= address)).sum();
            at = first + count - 1;
        }
        self.belongs[at]
    }
}

/// Cuts the addresses of the family whose last one this is at all places where a network begins or ends.
fn spans(claims: &[Claim<'_>], max: u128, candidates: &mut Vec<Candidate>) -> (Vec<u128>, Vec<Belongs>) {
    let placed = |claim: &Claim<'_>| {
        let network = claim.selector.network?;
        (network.address().is_ipv6() == (max == u128::MAX)).then(|| network.span())
    };
    let mut edges: Vec<(u128, bool, u32)> = Vec::new();
    for (number, (first, last)) in
        claims.iter().enumerate().filter_map(|(number, claim)| Some((number, placed(claim)?)))
    {
        edges.push((first, true, number as u32));
        edges.extend((last < max).then(|| (last + 1, false, number as u32)));
    }
    edges.sort_unstable();
    let (mut begins, mut whose) = (vec![0], vec![Belongs::Elsewhere]);
    let mut open = BTreeSet::new();
    for (at, edge) in edges.iter().enumerate() {
        let (begin, opens, number) = *edge;
        if opens {
            open.insert(number);
        } else {
            open.remove(&number);
        }
        // All edges at one place make one cut.
        if edges.get(at + 1).is_some_and(|next| next.0 == begin) {
            continue;
        }
        let belongs = belongs(claims, &open, candidates);
        if begins.last() == Some(&begin) {
            begins.pop();
            whose.pop();
        }
        if whose.last() != Some(&belongs) {
            begins.push(begin);
            whose.push(belongs);
        }
    }
    (begins, whose)
}

/// Whose addresses are that so many claims, the smallest first, speak of.
fn belongs(claims: &[Claim<'_>], open: &BTreeSet<u32>, candidates: &mut Vec<Candidate>) -> Belongs {
    let first = candidates.len() as u32;
    for claim in open.iter().filter_map(|number| claims.get(*number as usize)) {
        let is_last = claim.selector.is_address_alone();
        if is_last && candidates.len() as u32 == first {
            return Belongs::To(claim.group);
        }
        candidates.push(Candidate { group: claim.group, selector: claim.selector.clone(), is_last });
        if is_last {
            break;
        }
    }
    match candidates.get_mut(first as usize..).and_then(<[_]>::last_mut) {
        None => Belongs::Elsewhere,
        Some(last) => {
            last.is_last = true;
            Belongs::Asks(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::ip_network::IpNetwork;

    fn selector(network: &str) -> Selector {
        Selector { network: Some(network.parse().expect("a network")), ..Selector::default() }
    }

    fn end(address: &str, port: u16) -> Endpoint {
        Endpoint::tcp(address.parse().expect("an address"), port)
    }

    fn of(groups: &[Group], address: &str, port: u16) -> usize {
        Membership::new(groups).group_of(&end(address, port)).index()
    }

    #[test]
    fn the_longest_network_says_whose_an_address_is() {
        let groups = [
            Group::new("site", vec![selector("10.0.0.0/8"), selector("2001:db8::/32")]),
            Group::new("web", vec![selector("10.0.1.0/24"), selector("2001:db8:1::/48")]),
            Group::new("one", vec![selector("10.0.1.7/32")]),
        ];
        for (address, group) in [
            ("10.9.9.9", 0),
            ("10.0.1.6", 1),
            ("10.0.1.7", 2),
            ("10.0.1.8", 1),
            ("11.0.0.0", 3),
            ("9.255.255.255", 3),
            ("0.0.0.0", 3),
            ("255.255.255.255", 3),
            ("2001:db8:1::9", 1),
            ("2001:db8:2::9", 0),
            ("::1", 3),
        ] {
            assert_eq!(of(&groups, address, 80), group, "{address}");
        }
    }

    #[test]
    fn a_service_of_a_host_is_none_of_its_other_ports() {
        let on_port = |ports| Selector { ports: Some((6, ports)), ..selector("10.0.1.7/32") };
        let groups = [
            Group::new("host", vec![selector("10.0.1.0/24")]),
            Group::new("db", vec![on_port(5432..=5432)]),
            Group::new("high", vec![on_port(1024..=65535)]),
        ];
        assert_eq!(of(&groups, "10.0.1.7", 5432), 1, "of two that tell alike, the first");
        assert_eq!(of(&groups, "10.0.1.7", 8080), 2);
        assert_eq!(of(&groups, "10.0.1.7", 80), 0);
        assert_eq!(of(&groups[1..2], "10.0.1.7", 80), 1, "that is external");
    }

    #[test]
    fn links_tell_where_addresses_do_not() {
        let on = |sides: &[u16]| Selector { attachments: Some(sides.to_vec()), ..Selector::default() };
        let groups = [Group::new("one", vec![on(&[1])]), Group::new("net", vec![selector("10.0.0.0/8")])];
        let membership = Membership::new(&groups);
        let at = |address: &str, attachment| {
            membership.group_of(&Endpoint { attachment, ..end(address, 1) }).index()
        };
        assert_eq!([at("192.0.2.1", 1), at("192.0.2.1", 2), at("::1", 1)], [0, 2, 0]);
        assert_eq!(at("10.1.1.1", 1), 1, "an address tells more");
    }

    #[test]
    fn a_workload_counts_before_networks() {
        let workload = |network| Selector { is_workload: true, ..selector(network) };
        let groups = [
            Group::new("host", vec![selector("10.0.1.7/32")]),
            Group::new("pods", vec![workload("10.0.1.0/24")]),
        ];
        assert_eq!(of(&groups, "10.0.1.7", 80), 1);
    }

    /// What is said of an end by asking every selector.
    fn by_all(groups: &[Group], end: &Endpoint) -> usize {
        let all = groups.iter().enumerate().flat_map(|(number, group)| {
            group
                .selectors
                .iter()
                .filter(|selector| selector.selects(end))
                .map(move |one| (one.precision(), number))
        });
        let best = all.max_by_key(|(precision, number)| (*precision, std::cmp::Reverse(*number)));
        best.map_or(groups.len(), |(_, number)| number)
    }

    fn any_selector() -> impl Strategy<Value = Selector> {
        let network = (0u32..16, 28u32..=32, any::<bool>()).prop_map(|(low, bits, is_v4)| {
            let base = low & u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let address = match is_v4 {
                true => IpAddr::from((0xffff_fff0 | base).to_be_bytes()),
                false => IpAddr::from(((u128::MAX - 15) | u128::from(base)).to_be_bytes()),
            };
            IpNetwork::new(address, if is_v4 { bits } else { bits + 96 }).expect("a network")
        });
        let ports = (0u16..3, 0u16..3).prop_map(|(first, more)| (6, first..=first + more));
        (
            prop::option::weighted(0.8, network),
            prop::option::weighted(0.3, ports),
            prop::option::weighted(0.2, vec(0u16..2, 1..2)),
            any::<bool>(),
        )
            .prop_map(|(network, ports, attachments, is_workload)| Selector {
                network,
                ports,
                attachments,
                is_workload,
            })
    }

    proptest! {
        #[test]
        fn the_search_finds_what_asking_all_finds(
            selectors in vec(vec(any_selector(), 0..4), 0..6), low in 0u32..18, is_v4 in any::<bool>(),
            port in 0u16..4, attachment in 0u16..2,
        ) {
            let groups: Vec<_> = selectors.into_iter().map(|of| Group::new("g", of)).collect();
            let address = match is_v4 {
                true => IpAddr::from(0xffff_fff0u32.wrapping_add(low).to_be_bytes()),
                false => IpAddr::from((u128::MAX - 15).wrapping_add(low.into()).to_be_bytes()),
            };
            let end = Endpoint { address, port, protocol: 6, attachment };
            prop_assert_eq!(Membership::new(&groups).group_of(&end).index(), by_all(&groups, &end));
        }
    }
}
