//! What leaves in pieces cannot be taken for pieces of anything else: whatever is lost behind Weir, receivers put together only
//! what was judged as one datagram.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use dataplane::decode::{Checksum, ChecksumMode, LinkType, decode, protocol};
use dataplane::pipeline::Side;
use dataplane::policy::{Exception, Exceptions, FragmentPolicy, Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use engine::sample::frame;
use proptest::collection::vec;
use proptest::prelude::*;
use tests::fragment::{cut, identification};
use tests::gate::Gate;

/// RFC 3692 §2.1.
const EXPERIMENTAL: u8 = 253;
const RECEIVER_WAITS_NS: u64 = 60 * 1_000_000_000;
const IP: usize = 14;

fn ends(is_v6: bool, pair: u8) -> [IpAddr; 2] {
    if is_v6 {
        [[0xfd00, 0, 0, 0, 0, 0, 0, u16::from(pair)], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]].map(IpAddr::from)
    } else {
        [[10, 0, 0, pair], [192, 0, 2, 1]].map(IpAddr::from)
    }
}

/// A receiver that keeps pieces for as long as any may, and looks at the protocol as little as any.
struct Receiver {
    is_newest_first: bool,
    waiting: BTreeMap<(Vec<u8>, u32), Waiting>,
    /// What it put together.
    read: Vec<Vec<u8>>,
}

/// Bytes by their place, and when the first of them came.
struct Waiting {
    since_ns: u64,
    bytes: BTreeMap<usize, u8>,
    total: Option<usize>,
}

impl Receiver {
    fn new(is_newest_first: bool) -> Receiver {
        Receiver { is_newest_first, waiting: BTreeMap::new(), read: Vec::new() }
    }

    /// RFC 791 §3.2 and RFC 8200 §4.5.
    fn take(&mut self, frame: &[u8], now_ns: u64) {
        self.waiting.retain(|_, waiting| now_ns - waiting.since_ns < RECEIVER_WAITS_NS);
        let ip = &frame[IP..];
        let (addresses, place, start) = if ip[0] >> 4 == 4 {
            let field = u16::from_be_bytes([ip[6], ip[7]]);
            (ip[12..20].to_vec(), (usize::from(field & 0x1fff) * 8, field & 0x2000 != 0), 20)
        } else {
            let field = u16::from_be_bytes([ip[42], ip[43]]);
            (ip[8..40].to_vec(), (usize::from(field & 0xfff8), field & 1 != 0), 48)
        };
        let key = (addresses, identification(frame).1);
        let new = || Waiting { since_ns: now_ns, bytes: BTreeMap::new(), total: None };
        let waiting = self.waiting.entry(key.clone()).or_insert_with(new);
        let (offset, more) = place;
        for (index, byte) in ip[start..].iter().enumerate() {
            let stored = waiting.bytes.entry(offset + index).or_insert(*byte);
            *stored = if self.is_newest_first { *byte } else { *stored };
        }
        if !more {
            waiting.total = Some(offset + ip.len() - start);
        }
        let is_whole = waiting.total.is_some_and(|total| waiting.bytes.range(..total).count() == total);
        if let Some(whole) = is_whole.then(|| self.waiting.remove(&key)).flatten() {
            self.read.push(whole.bytes.into_values().collect());
        }
    }
}

/// What is read where all pieces of a datagram arrive: that datagram, which was judged.
fn undisturbed(datagram: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut receiver = Receiver::new(false);
    datagram.iter().for_each(|frame| receiver.take(frame, 0));
    assert!(receiver.waiting.is_empty() && receiver.read.len() <= 1, "all pieces of one datagram leave");
    receiver.read.pop()
}

/// A datagram of a schedule: its version and its sender, its identification, its words, and in which order its pieces come among
/// those of others.
type Sent = (bool, u8, u16, Vec<usize>, Vec<u16>);

fn sent() -> impl Strategy<Value = Sent> {
    (any::<bool>(), 0..2_u8, 0..2_u16, vec(0..4_usize, 2..4), vec(any::<u16>(), 4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_receiver_reads_what_was_not_judged_as_one_datagram(
        rounds in vec((vec(sent(), 1..4), 0..25_u64), 1..12),
        lost in vec(any::<bool>(), 97),
        is_newest_first: bool,
    ) {
        const WORDS: [&[u8]; 4] = [b"..forbid", b"den.....", b"harmless", b"innocent"];
        let mut gate = Gate::new(Settings::default());
        let mut receiver = Receiver::new(is_newest_first);
        let mut judged: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut lost = lost.iter().cycle();
        for (datagrams, pause_s) in rounds {
            let mut pieces = Vec::new();
            for (is_v6, pair, id, words, order) in datagrams {
                let payload = words.iter().flat_map(|word| WORDS[*word]).copied().collect::<Vec<u8>>();
                let whole = frame::ip(ends(is_v6, pair), &[], EXPERIMENTAL, &payload);
                pieces.extend(order.into_iter().zip(cut(&whole, id, &[8, 16])));
            }
            pieces.sort();
            for (_, piece) in pieces {
                gate.judge(&piece);
                let datagram = std::mem::take(&mut gate.left);
                judged.extend(undisturbed(&datagram));
                for left in datagram {
                    if !lost.next().expect("they go round") {
                        receiver.take(&left, gate.now_ns);
                    }
                }
            }
            gate.expire(pause_s);
        }
        for read in &receiver.read {
            prop_assert!(judged.contains(read), "{:?}", String::from_utf8_lossy(read));
            prop_assert!(!read.windows(9).any(|window| window == b"forbidden"));
        }
    }
}

/// Two pieces of one datagram.
fn pieces(ends: [IpAddr; 2], vlans: &[u16], of_protocol: u8) -> Vec<Vec<u8>> {
    cut(&frame::ip(ends, vlans, of_protocol, b"harmlessinnocent"), 7, &[8])
}

/// The one identification of all that left.
fn identification_of_left(gate: &mut Gate) -> u32 {
    let left: BTreeSet<u32> = gate.left.drain(..).map(|frame| identification(&frame).1).collect();
    assert_eq!(left.len(), 1, "one datagram left");
    left.into_iter().next().expect("there is one")
}

#[test]
fn between_two_hosts_all_count_together() {
    for is_v6 in [false, true] {
        let mut gate = Gate::new(Settings::default());
        let mut given = BTreeSet::new();
        for vlans in [&[][..], &[5], &[5, 6]] {
            for of_protocol in [EXPERIMENTAL, EXPERIMENTAL + 1] {
                gate.judge_all(&pieces(ends(is_v6, 1), vlans, of_protocol));
                assert!(given.insert(identification_of_left(&mut gate)));
            }
        }
        let (first, last) = (given.first(), given.last());
        let span = last.zip(first).map(|(last, first)| last - first);
        // Unless they wrapped: where they begin is fixed here.
        assert_eq!(span, Some(5), "{given:?}");
    }
}

/// Identifications of IPv4.
const ALL: usize = 1 << 16;
/// A part of them is lost, by how it is remembered when they were used.
const ENOUGH: usize = ALL - ALL / 32;

/// Judges datagrams until one is refused, or so many left. How many left, each with an identification of its own.
fn leave_until_refused(gate: &mut Gate, pieces: &[Vec<u8>], most: usize) -> usize {
    let mut given = BTreeSet::new();
    while given.len() < most {
        gate.judge_all(pieces);
        if gate.left.is_empty() {
            break;
        }
        assert!(given.insert(identification_of_left(gate)), "it was used already");
    }
    given.len()
}

#[test]
fn when_all_are_used_up_what_comes_is_refused_until_they_are_free_again() {
    let [source, destination] = ends(false, 1);
    let pieces_there = pieces([source, destination], &[], EXPERIMENTAL);
    let mut gate = Gate::new(Settings::default());
    let left = leave_until_refused(&mut gate, &pieces_there, ALL + 1);
    assert!((ENOUGH..=ALL).contains(&left), "{left}");
    assert_eq!(gate.dropped(), [(DropReason::FragmentIdentification, 2)].into());
    assert!(gate.told.drops.contains(&DropReason::FragmentIdentification));
    for others in [[destination, source], ends(false, 2), ends(true, 1)] {
        gate.judge_all(&pieces(others, &[], EXPERIMENTAL));
        identification_of_left(&mut gate);
    }
    gate.expire(59);
    assert_eq!(leave_until_refused(&mut gate, &pieces_there, 1), 0);
    gate.expire(1);
    assert!(leave_until_refused(&mut gate, &pieces_there, ALL) >= ENOUGH);
}

#[test]
fn the_operator_says_for_how_long_and_what_then() {
    let pieces = pieces(ends(false, 1), &[], EXPERIMENTAL);
    let fragments = FragmentPolicy { reuse_s: 1, ..FragmentPolicy::default() };
    let mut gate = Gate::new(Settings { fragments, ..Settings::default() });
    assert!(leave_until_refused(&mut gate, &pieces, ALL + 1) <= ALL);
    gate.expire(1);
    gate.judge_all(&pieces);
    identification_of_left(&mut gate);

    let mut exceptions = Exceptions::default();
    exceptions.set(DropReason::FragmentIdentification, Exception::PassPacket);
    let mut gate = Gate::new(Settings { exceptions, ..Settings::default() });
    for _ in 0..ALL + 10 {
        gate.judge_all(&pieces);
        identification_of_left(&mut gate);
    }
    let excepted = gate.pipeline.counters().excepted[DropReason::FragmentIdentification as usize];
    assert!(excepted >= 10 && gate.dropped().is_empty(), "{excepted}");

    let mut gate = Gate::new(Settings { mode: Mode::Monitor, ..Settings::default() });
    for piece in &pieces {
        assert_eq!(gate.judge(piece), Verdict::Forward);
    }
    assert_eq!(gate.left, pieces, "in monitor mode nothing is changed");
}

/// Its integrity check covers the identification (RFC 4302 §3.3.3.1.1.1), in IPv4.
#[test]
fn an_authentication_header_keeps_what_it_covers() {
    for (is_v6, is_kept) in [(false, true), (true, false)] {
        let mut gate = Gate::new(Settings::default());
        let header = [&[EXPERIMENTAL, 4, 0, 0][..], &[0; 20], b"harmlessinnocent"].concat();
        gate.judge_all(&cut(&frame::ip(ends(is_v6, 1), &[], protocol::AUTHENTICATION, &header), 7, &[8]));
        assert_eq!(identification_of_left(&mut gate) == 7, is_kept);
    }
}

/// A VXLAN frame (RFC 7348 §5), whose UDP checksum covers the inner frame.
fn vxlan(inner: &[u8]) -> Vec<u8> {
    let ends: [SocketAddr; 2] =
        ["198.51.100.1:50000", "198.51.100.2:4789"].map(|end| end.parse().expect("an address"));
    frame::udp(ends, &[], &[&[8, 0, 0, 0, 0, 0, 9, 0][..], inner].concat())
}

/// Where the inner frame begins.
const INNER: usize = IP + 20 + 8 + 8;

#[test]
fn checksums_of_tunnels_hold() {
    for is_v6 in [false, true] {
        let mut gate = Gate::new(Settings::default());
        let mut given = BTreeSet::new();
        for _ in 0..50 {
            for piece in pieces(ends(is_v6, 1), &[], EXPERIMENTAL) {
                gate.judge_from(Side::Inside, &vxlan(&piece));
            }
            assert_eq!(gate.left.len(), 2, "{:?}", gate.dropped());
            for frame in &gate.left {
                let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify);
                let packet = packet.expect("it is a packet");
                assert!(packet.checksum != Checksum::Bad && packet.tunnels.len() == 1);
            }
            let [first, last] = [0, 1].map(|index| identification(&gate.left[index][INNER..]).1);
            assert_eq!(first, last);
            assert!(given.insert(first), "one for each datagram");
            gate.left.clear();
        }
        // Outside of tunnels others are given.
        gate.judge_all(&pieces(ends(is_v6, 1), &[], EXPERIMENTAL));
        assert!(given.insert(identification_of_left(&mut gate)));
    }
}
