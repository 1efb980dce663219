//! Pieces of datagrams leave all together or not at all, whatever order they come in, and what two receivers could put
//! together in two ways never leaves.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use dataplane::decode::TcpFlags;
use dataplane::decode::checksum::{fold, sum};
use dataplane::flow::Direction;
use dataplane::limits::{FRAGMENTED_DATAGRAMS_MAX, FRAGMENTS_PER_DATAGRAM_MAX};
use dataplane::pipeline::Side;
use dataplane::policy::{Exception, Exceptions, Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use engine::sample::frame;
use engine::sample::{Connection, Ends};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use tests::fragment::{claim, cut, piece, without_identification};
use tests::gate::Gate;

const V4: [&str; 2] = ["10.0.0.1:5000", "192.0.2.1:7000"];
const V6: [&str; 2] = ["[fd00::1]:5000", "[2001:db8::1]:7000"];
/// RFC 3692 §2.1.
const EXPERIMENTAL: u8 = 253;

fn datagram(ends: [&str; 2], payload: &[u8]) -> Vec<u8> {
    frame::udp(ends.map(|end| end.parse().expect("an address")), &[], payload)
}

fn unidentified(frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    frames.iter().map(|frame| without_identification(frame)).collect()
}

/// A payload with a word across most cuts, or without.
fn payload(bytes: usize, is_forbidden: bool) -> Vec<u8> {
    let mut payload: Vec<u8> = (0..bytes).map(|index| b'a' + (index % 23) as u8).collect();
    if is_forbidden {
        let middle = bytes / 2;
        payload[middle..middle + 9].copy_from_slice(b"forbidden");
    }
    payload
}

proptest! {
    /// The verdict is that of the datagram in one piece, and what leaves are the pieces as they came, but for what tells the
    /// datagram from others.
    #[test]
    fn all_pieces_leave_or_none(
        is_v6: bool,
        is_forbidden: bool,
        bytes in 100..3000_usize,
        cuts in subsequence((7..370).map(|place| place * 8).collect::<Vec<usize>>(), 1..20),
        order in vec(any::<u64>(), 22),
    ) {
        let whole = datagram(if is_v6 { V6 } else { V4 }, &payload(bytes, is_forbidden));
        let mut pieces: Vec<(u64, Vec<u8>)> = order.into_iter().zip(cut(&whole, 7, &[&[48], &cuts[..]].concat())).collect();
        pieces.sort();
        let pieces: Vec<Vec<u8>> = pieces.into_iter().map(|(_, piece)| piece).collect();
        let mut gate = Gate::new(Settings::default());
        let (last, others) = pieces.split_last().expect("there are several");
        for piece in others {
            prop_assert_eq!(gate.judge(piece), Verdict::Hold);
            prop_assert!(gate.left.is_empty());
        }
        let verdict = gate.judge(last);
        let count = pieces.len() as u64;
        if is_forbidden {
            prop_assert_eq!(verdict, Verdict::Drop(DropReason::Rule));
            prop_assert_eq!(gate.dropped(), [(DropReason::Rule, count)].into());
            prop_assert!(gate.left.is_empty());
        } else {
            prop_assert_eq!(verdict, Verdict::Hold);
            prop_assert_eq!(unidentified(&gate.left), unidentified(&pieces));
            prop_assert_eq!(gate.pipeline.counters().forwarded, count);
        }
        prop_assert_eq!(gate.pipeline.counters().held, 0);
        gate.pipeline.finish(gate.now_ns, &mut gate.told);
        prop_assert_eq!(&gate.told.frames, &[[count, 0]], "a flow counts frames");
    }

    /// Whatever pieces are claimed, in whatever order: what leaves can be put together in one way only, and holds nothing
    /// forbidden.
    #[test]
    fn no_receiver_can_put_together_what_was_not_inspected(
        claims in vec((0..6_usize, 1..5_usize, 0..4_u8, any::<bool>()), 1..30),
    ) {
        let parts: [&[u8]; 4] = [b"..forbid", b"den.....", b"harmless", b"innocent"];
        let ends = V4.map(|end| end.parse::<SocketAddr>().expect("an address").ip());
        let whole = frame::ip(ends, &[], EXPERIMENTAL, b"");
        let mut gate = Gate::new(Settings::default());
        for (place, words, filling, more) in claims {
            let word = |word: usize| parts[(usize::from(filling) + word) % 4];
            let bytes: Vec<u8> = (0..words).flat_map(word).copied().collect();
            // What begins at 0 and has nothing behind it is no piece.
            gate.judge(&claim(&whole, 9, place * 8, &bytes, more || place == 0));
            if !gate.left.is_empty() {
                break;
            }
        }
        // Of every byte there is one reading.
        let mut read: BTreeMap<usize, u8> = BTreeMap::new();
        for frame in &gate.left {
            let offset = usize::from(u16::from_be_bytes([frame[20], frame[21]]) & 0x1fff) * 8;
            let bytes = usize::from(u16::from_be_bytes([frame[16], frame[17]])) - 20;
            for (index, byte) in frame[34..34 + bytes].iter().enumerate() {
                prop_assert_eq!(*read.entry(offset + index).or_insert(*byte), *byte);
            }
        }
        let text: Vec<u8> = read.into_values().collect();
        prop_assert!(!text.windows(9).any(|window| window == b"forbidden"));
    }
}

/// Frames, and the cause for which all of them that were held fall.
fn case(cause: DropReason) -> (Settings, Vec<Vec<u8>>) {
    let whole = datagram(V4, &payload(400, false));
    let bytes = 408;
    let other = |offset, length, more| claim(&whole, 1, offset, &vec![b'z'; length], more);
    let part = |span: std::ops::Range<usize>| piece(&whole, 1, span.clone(), span.end < bytes);
    let mut settings = Settings::default();
    let frames = match cause {
        DropReason::Fragment => vec![part(0..64), other(64, 13, true)],
        DropReason::FragmentOverlap => vec![part(0..64), other(56, 64, true)],
        DropReason::FragmentTeardrop => vec![part(0..64), other(24, 16, true)],
        // RFC 1858 §3: of TCP, the flags would be in the second one.
        DropReason::FragmentTiny => {
            let mut connection = connection();
            let segment = connection.segment(Direction::ToServer, TcpFlags::ACK, &payload(64, false));
            cut(&segment, 1, &[16])
        }
        DropReason::FragmentTooLong => vec![part(0..64), other(65_512, 48, false)],
        DropReason::FragmentMemory => {
            settings.fragments.bytes_max = 100;
            vec![part(0..64), part(64..128)]
        }
        other => panic!("{other:?} is no cause of these"),
    };
    (settings, frames)
}

const CAUSES: [DropReason; 6] = [
    DropReason::Fragment,
    DropReason::FragmentOverlap,
    DropReason::FragmentTeardrop,
    DropReason::FragmentTiny,
    DropReason::FragmentTooLong,
    DropReason::FragmentMemory,
];

#[test]
fn each_cause_has_its_name_and_fells_what_was_held() {
    for cause in CAUSES {
        let (settings, frames) = case(cause);
        let mut gate = Gate::new(settings.clone());
        gate.judge_all(&frames);
        gate.expire(100);
        assert_eq!(
            gate.dropped().get(&cause),
            Some(&(frames.len() as u64 - u64::from(cause == DropReason::FragmentMemory)))
        );
        assert_eq!((gate.left.len(), gate.pipeline.counters().held), (0, 0), "{cause:?}");
        assert!(gate.told.drops.contains(&cause), "{cause:?} is told");

        let mut exceptions = Exceptions::default();
        for each in [cause, DropReason::FragmentTimeout] {
            exceptions.set(each, Exception::Ignore);
        }
        let mut gate = Gate::new(Settings { exceptions, ..settings.clone() });
        gate.judge_all(&frames);
        gate.expire(100);
        assert_eq!(
            (gate.left.len(), gate.dropped()),
            (frames.len(), BTreeMap::new()),
            "{cause:?} fails open"
        );

        let mut gate = Gate::new(Settings { mode: Mode::Monitor, ..settings });
        assert!(frames.iter().all(|frame| gate.judge(frame) == Verdict::Forward));
        assert_eq!(gate.pipeline.counters().held, 0);
    }
}

#[test]
fn a_spoiled_datagram_stays_so_until_its_time_is_over() {
    let (_, frames) = case(DropReason::FragmentOverlap);
    let mut gate = Gate::new(Settings::default());
    gate.judge_all(&frames);
    let whole = datagram(V4, &payload(400, false));
    for piece in cut(&whole, 1, &[64, 128]) {
        assert_eq!(gate.judge(&piece), Verdict::Drop(DropReason::FragmentOverlap));
    }
    gate.expire(31);
    gate.judge_all(&cut(&whole, 1, &[64, 128]));
    assert_eq!(gate.left.len(), 3);
}

#[test]
fn a_piece_that_comes_twice_says_nothing_against_the_others() {
    let whole = datagram(V6, &payload(400, false));
    let pieces = cut(&whole, 1, &[64, 128]);
    let mut gate = Gate::new(Settings::default());
    assert_eq!(gate.judge(&pieces[1]), Verdict::Hold);
    assert_eq!(gate.judge(&pieces[1]), Verdict::Drop(DropReason::FragmentDuplicate));
    gate.judge_all(&pieces);
    assert_eq!(gate.left.len(), 3);
}

#[test]
fn what_does_not_belong_together_never_meets() {
    let whole = datagram(V4, &payload(400, false));
    let [first, second] = &cut(&whole, 1, &[64])[..] else { panic!("two pieces") };
    let mut gate = Gate::new(Settings::default());
    assert_eq!(gate.judge(first), Verdict::Hold);
    for alien in [
        cut(&whole, 2, &[64])[1].clone(),
        cut(&datagram(["10.0.0.9:1", V4[1]], &payload(400, false)), 1, &[64])[1].clone(),
    ] {
        assert_eq!(gate.judge(&alien), Verdict::Hold, "of another datagram");
    }
    assert_eq!(gate.judge_from(Side::Inside, second), Verdict::Hold, "from the other side");
    assert!(gate.left.is_empty());
    gate.judge(second);
    assert_eq!(gate.left.len(), 2);
    gate.expire(31);
    assert_eq!(gate.dropped(), [(DropReason::FragmentTimeout, 3)].into());
}

#[test]
fn a_flood_of_first_pieces_takes_no_more_than_its_room_and_the_newest_stay() {
    let whole = datagram(V4, &payload(1000, false));
    let mut gate = Gate::new(Settings::default());
    let flood = FRAGMENTED_DATAGRAMS_MAX as u64 * 3;
    for id in 0..flood {
        assert_eq!(gate.judge(&piece(&whole, id as u16, 0..800, true)), Verdict::Hold);
        assert!(gate.pipeline.counters().held <= FRAGMENTED_DATAGRAMS_MAX as u64);
    }
    assert_eq!(
        gate.dropped(),
        [(DropReason::FragmentMemory, flood - FRAGMENTED_DATAGRAMS_MAX as u64)].into()
    );
    gate.judge(&piece(&whole, flood as u16 - 1, 800..1008, false));
    assert_eq!(gate.left.len(), 2);
    gate.pipeline.finish(gate.now_ns, &mut gate.told);
    assert!(gate.pipeline.counters().held == 0 && gate.pipeline.counters().is_balanced());
}

#[test]
fn more_pieces_than_any_sender_makes_are_refused() {
    let whole = datagram(V4, &payload(4000, false));
    let mut gate = Gate::new(Settings::default());
    for index in 0..=FRAGMENTS_PER_DATAGRAM_MAX {
        gate.judge(&piece(&whole, 1, index * 8..index * 8 + 8, true));
    }
    let all = FRAGMENTS_PER_DATAGRAM_MAX as u64 + 1;
    assert_eq!(gate.dropped(), [(DropReason::FragmentMemory, all)].into());
}

fn connection() -> Connection {
    let ends =
        Ends::new(V4[0].parse().expect("an address"), "192.0.2.1:80".parse().expect("an address"), &[]);
    Connection::new(ends, [1000, 2000])
}

/// A segment in pieces is one segment: it takes its place in the stream, and the connection is reset for what is in it.
#[test]
fn segments_in_pieces_are_read_in_their_stream() {
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70\r\n\r\n";
    for is_forbidden in [false, true] {
        let mut connection = connection();
        let mut gate = Gate::new(Settings::default());
        for (index, frame) in connection.handshake().iter().enumerate() {
            let side = if index == 1 { Side::Inside } else { Side::Outside };
            assert_eq!(gate.judge_from(side, frame), Verdict::Forward);
        }
        let data = TcpFlags::PSH | TcpFlags::ACK;
        assert_eq!(gate.judge(&connection.segment(Direction::ToServer, data, request)), Verdict::Forward);
        let body = payload(70, is_forbidden);
        // The word is cut between two segments, and the second of them into pieces.
        let (early, late) = body.split_at(37);
        assert_eq!(gate.judge(&connection.segment(Direction::ToServer, data, early)), Verdict::Forward);
        let before = gate.left.len();
        let late = connection.segment(Direction::ToServer, data | TcpFlags::URG, late);
        for piece in cut(&late, 5, &[24, 32]) {
            gate.judge(&piece);
        }
        assert_eq!(gate.left.len() - before, if is_forbidden { 0 } else { 3 });
        assert_eq!(gate.told.alerts, usize::from(is_forbidden));
        if let Some(first) = gate.left.get(before) {
            assert_eq!(first[47] & TcpFlags::URG, 0, "what is changed in the whole is changed in its pieces");
        }
    }
}

#[test]
fn in_monitor_mode_pieces_pass_at_once_and_are_read_together() {
    let whole = datagram(V4, &payload(400, true));
    let mut gate = Gate::new(Settings { mode: Mode::Monitor, ..Settings::default() });
    for piece in cut(&whole, 1, &[208]) {
        assert_eq!(gate.judge(&piece), Verdict::Forward);
    }
    assert_eq!((gate.left.len(), gate.told.alerts), (2, 1));
}

/// Where a test frame's IP header begins.
const IP: usize = 14;

/// Stores a byte of the IP header, and the right checksum.
fn with_byte(mut frame: Vec<u8>, offset: usize, byte: u8) -> Vec<u8> {
    frame[IP + offset] = byte;
    if frame[IP] >> 4 == 4 {
        let header = IP..IP + usize::from(frame[IP] & 0xf) * 4;
        frame[IP + 10..IP + 12].fill(0);
        let checksum = !fold(sum(&frame[header]));
        frame[IP + 10..IP + 12].copy_from_slice(&checksum.to_be_bytes());
    }
    frame
}

/// Of a datagram whose first piece dies on its way, the second would stay with the receiver for another one.
#[test]
fn no_piece_goes_where_the_others_do_not() {
    for (ends, hops_offset) in [(V4, 8), (V6, 7)] {
        let whole = datagram(ends, &payload(400, false));
        let pieces = cut(&whole, 1, &[64, 128]);
        let mut altered = pieces.clone();
        altered[1] = with_byte(altered[1].clone(), hops_offset, 2);
        altered[1][5] ^= 0x40;
        altered[2][11] ^= 0x40;
        // The two bits of congestion are the routers'.
        altered[2] = with_byte(altered[2].clone(), 1, if ends == V4 { 0xb9 } else { 0x90 });
        let mut gate = Gate::new(Settings::default());
        gate.judge_all(&altered);
        let congested = |frame: &Vec<u8>| with_byte(frame.clone(), 1, if ends == V4 { 1 } else { 0x10 });
        let level = |frame: &Vec<u8>| with_byte(frame.clone(), hops_offset, 2);
        let right = [level(&pieces[0]), level(&pieces[1]), level(&congested(&pieces[2]))];
        assert_eq!(unidentified(&gate.left), unidentified(&right));
    }
}

/// A host discards a piece for an option that it cannot read, and keeps the others.
#[test]
fn pieces_with_other_options_than_the_others_are_refused() {
    let whole = datagram(V4, &payload(400, false));
    let mut pieces = cut(&whole, 1, &[64]);
    // A record of the route (RFC 791 §3.1) that is shorter than it says.
    pieces[1].splice(IP + 20..IP + 20, [7, 40, 4, 0]);
    pieces[1][IP] = 0x46;
    let length = (pieces[1].len() - IP) as u16;
    pieces[1][IP + 2..IP + 4].copy_from_slice(&length.to_be_bytes());
    let other_v4 = vec![pieces[0].clone(), with_byte(pieces[1].clone(), 8, 64)];
    let mut pieces = cut(&datagram(V6, &payload(400, false)), 1, &[64]);
    // Hop-by-hop options that discard the packet where they are not known (RFC 8200 §4.2).
    pieces[1].splice(IP + 40..IP + 40, [44, 0, 0x5e, 4, 0, 0, 0, 0]);
    pieces[1][IP + 6] = 0;
    let length = (pieces[1].len() - IP - 40) as u16;
    pieces[1][IP + 4..IP + 6].copy_from_slice(&length.to_be_bytes());
    for pieces in [other_v4, pieces] {
        let mut gate = Gate::new(Settings::default());
        gate.judge_all(&pieces);
        assert_eq!((gate.dropped(), gate.left.len()), ([(DropReason::Fragment, 2)].into(), 0));
    }
}

/// IPv6 counts neither its fixed header nor the fragment header (RFC 8200 §4.5).
#[test]
fn a_datagram_may_be_as_long_as_its_length_can_say() {
    for (ends, bytes, place) in [(V4, 65_507, 65_000), (V6, 65_527, 65_500)] {
        for is_forbidden in [false, true] {
            let mut payload = payload(bytes, false);
            if is_forbidden {
                payload[place..place + 9].copy_from_slice(b"forbidden");
            }
            let pieces = cut(&datagram(ends, &payload), 1, &[32_000, 65_400]);
            let mut gate = Gate::new(Settings::default());
            gate.judge_all(&pieces);
            let left = if is_forbidden { Vec::new() } else { unidentified(&pieces) };
            assert_eq!(unidentified(&gate.left), left, "{:?}", gate.dropped());
            assert_eq!(gate.told.alerts, usize::from(is_forbidden));
        }
        let whole = datagram(ends, &payload(bytes, false));
        let mut gate = Gate::new(Settings::default());
        gate.judge(&piece(&whole, 1, 0..65_400, true));
        gate.judge(&claim(&whole, 1, 65_400, &payload(bytes + 8 - 65_400 + 1, false), false));
        assert_eq!(gate.dropped(), [(DropReason::FragmentTooLong, 2)].into(), "one byte more");
    }
}

/// Stands in front of the fragment header, and of another one.
fn with_destination_options(mut piece: Vec<u8>) -> Vec<u8> {
    let next_header = std::mem::replace(&mut piece[IP + 6], 60);
    // A pad of 4 and one of 8 bytes (RFC 8200 §4.2).
    piece.splice(IP + 40..IP + 40, [60, 0, 1, 4, 0, 0, 0, 0, next_header, 1, 1, 12]);
    piece.splice(IP + 52..IP + 52, [0; 12]);
    let length = (piece.len() - IP - 40) as u16;
    piece[IP + 4..IP + 6].copy_from_slice(&length.to_be_bytes());
    piece
}

#[test]
fn headers_in_front_of_the_fragment_header_stay_with_the_whole() {
    for is_forbidden in [false, true] {
        let whole = datagram(V6, &payload(400, is_forbidden));
        let pieces: Vec<_> = cut(&whole, 1, &[208]).into_iter().map(with_destination_options).collect();
        let mut gate = Gate::new(Settings::default());
        gate.judge_all(&pieces);
        assert_eq!((gate.left.len(), gate.told.alerts), if is_forbidden { (0, 1) } else { (2, 0) });
    }
}

/// They stand first (RFC 8200 §4.1), whatever is taken away in front of them.
#[test]
fn hop_by_hop_options_behind_a_fragment_header_are_refused() {
    let mut pieces = cut(&datagram(V6, &payload(400, false)), 1, &[64]);
    pieces.iter_mut().for_each(|piece| piece[IP + 40] = 0);
    let mut gate = Gate::new(Settings::default());
    gate.judge_all(&pieces);
    assert_eq!((gate.dropped(), gate.left.len()), ([(DropReason::Fragment, 2)].into(), 0));
}
