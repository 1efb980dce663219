//! What an authentication header covers (RFC 4302 §3.3.3) leaves as it came or not at all: its receiver would not take anything
//! else.

use std::net::{IpAddr, SocketAddr};

use dataplane::decode::{TcpFlags, checksum, protocol};
use dataplane::flow::Direction::ToServer;
use dataplane::pipeline::Side;
use dataplane::policy::{Exception, Exceptions, Mode, Settings};
use dataplane::verdict::{DropReason, Verdict};
use engine::sample::frame::{self, Tcp};
use engine::sample::{Connection, Ends};
use tests::fragment::cut;
use tests::gate::Gate;

const IP: usize = 14;
const IPV6_BYTES: usize = 40;
const HEADER_BYTES: usize = 24;
const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
/// RFC 3692 §2.1.
const EXPERIMENTAL: u8 = 253;

/// An authentication header in front of this protocol, with a value that nobody here can verify.
fn header(next: u8) -> Vec<u8> {
    [&[next, (HEADER_BYTES / 4 - 2) as u8, 0, 0][..], &[7; HEADER_BYTES - 4]].concat()
}

/// A frame of IPv6, with such a header behind that of IP.
fn authenticated(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let next = std::mem::replace(&mut frame[IP + 6], protocol::AUTHENTICATION);
    let bytes = u16::from_be_bytes([frame[IP + 4], frame[IP + 5]]) + HEADER_BYTES as u16;
    frame[IP + 4..IP + 6].copy_from_slice(&bytes.to_be_bytes());
    frame.splice(IP + IPV6_BYTES..IP + IPV6_BYTES, header(next));
    frame
}

/// A frame of IP, its packet behind such a header in a tunnel.
fn tunnelled(frame: &[u8]) -> Vec<u8> {
    let next = if frame[IP] >> 4 == 4 { protocol::IPV4 } else { protocol::IPV6 };
    let ends: [IpAddr; 2] = ["2001:db8::a", "2001:db8::b"].map(|end| end.parse().expect("an address"));
    frame::ip(ends, &[], protocol::AUTHENTICATION, &[&header(next)[..], &frame[IP..]].concat())
}

fn pieces(is_v6: bool) -> Vec<Vec<u8>> {
    let ends = if is_v6 { ["fd00::1", "fd00::2"] } else { ["10.0.0.1", "192.0.2.1"] };
    let ends = ends.map(|end| end.parse().expect("an address"));
    cut(&frame::ip(ends, &[], EXPERIMENTAL, b"harmlessinnocent"), 7, &[8])
}

#[test]
fn pieces_in_a_tunnel_keep_their_identification_or_do_not_pass() {
    for is_v6 in [false, true] {
        let covered: Vec<Vec<u8>> = pieces(is_v6).iter().map(|piece| tunnelled(piece)).collect();
        let mut gate = Gate::new(Settings::default());
        gate.judge_all(&covered);
        assert_eq!(gate.dropped(), [(DropReason::FragmentIdentification, 2)].into());

        let mut exceptions = Exceptions::default();
        exceptions.set(DropReason::FragmentIdentification, Exception::PassPacket);
        let passing = Settings { exceptions, ..Settings::default() };
        for settings in [passing, Settings { mode: Mode::Monitor, ..Settings::default() }] {
            let mut gate = Gate::new(settings);
            gate.judge_all(&covered);
            assert_eq!(gate.left, covered);
        }
    }
}

/// What the ends of a connection put around their segments.
type Cover = fn(&[u8]) -> Vec<u8>;

const COVERS: [Cover; 2] = [authenticated, tunnelled];

/// A connection over IPv6 behind authentication headers, which was opened.
struct Scene {
    gate: Gate,
    connection: Connection,
    ends: Ends,
    cover: Cover,
}

impl Scene {
    fn opened(mode: Mode, cover: Cover) -> Scene {
        let ends: [SocketAddr; 2] =
            ["[fd00::1]:40000", "[fd00::2]:80"].map(|end| end.parse().expect("an address"));
        let ends = Ends::new(ends[0], ends[1], &[]);
        let mut scene = Scene {
            gate: Gate::new(Settings { mode, ..Settings::default() }),
            connection: Connection::new(ends.clone(), [1000, 50_000]),
            ends,
            cover,
        };
        let sides = [Side::Inside, Side::Outside, Side::Inside];
        for (segment, side) in scene.connection.handshake().iter().zip(sides) {
            let frame = (scene.cover)(segment);
            assert_eq!(scene.gate.judge_from(side, &frame), Verdict::Forward);
        }
        scene.gate.left.clear();
        scene
    }

    /// The verdict on a segment of the client. If it passes, it does so as it was.
    fn judge(&mut self, segment: &[u8]) -> Verdict {
        let frame = (self.cover)(segment);
        let verdict = self.gate.judge_from(Side::Inside, &frame);
        let left = std::mem::take(&mut self.gate.left);
        assert_eq!(left, if verdict == Verdict::Forward { vec![frame] } else { vec![] });
        verdict
    }

    fn next(&mut self, flags: u8, payload: &[u8]) -> Vec<u8> {
        self.connection.segment(ToServer, flags, payload)
    }
}

#[test]
fn segments_that_two_receivers_may_read_differently_are_dropped() {
    for cover in COVERS {
        let mut scene = Scene::opened(Mode::Protect, cover);
        let segment = scene.next(DATA, b"POST / HTT");
        assert_eq!(scene.judge(&segment), Verdict::Forward);
        let urgent = scene.next(DATA | TcpFlags::URG, b"P/1.1\r\n");
        assert_eq!(scene.judge(&urgent), Verdict::Drop(DropReason::Urgent));
        let (sequence, acknowledgment) = (1001, 50_001);
        let other = scene.ends.frame(ToServer, Tcp { sequence, acknowledgment, flags: DATA }, b"POST / htt");
        assert_eq!(scene.judge(&other), Verdict::Drop(DropReason::OverlapConflict));
        assert_eq!(scene.judge(&segment), Verdict::Forward, "repeated as it was");
    }
}

#[test]
fn in_monitor_mode_they_are_read_and_pass() {
    for cover in COVERS {
        let mut scene = Scene::opened(Mode::Monitor, cover);
        let urgent = scene.next(DATA | TcpFlags::URG, b"it is forbidden");
        assert_eq!(scene.judge(&urgent), Verdict::Forward);
        assert_eq!(scene.gate.told.alerts, 1);
    }
}

/// No kernel authenticates what it leaves to a device to complete.
#[test]
fn a_partial_checksum_is_a_wrong_one() {
    let mut scene = Scene::opened(Mode::Protect, authenticated);
    let mut segment = scene.next(DATA, b"GET / HTTP/1.1\r\n");
    let tcp = IP + IPV6_BYTES;
    let bytes = (segment.len() - tcp) as u64;
    let pseudo = checksum::sum(&segment[IP + 8..tcp]) + u64::from(protocol::TCP) + bytes;
    segment[tcp + 16..tcp + 18].copy_from_slice(&checksum::fold(pseudo).to_be_bytes());
    assert_eq!(scene.judge(&segment), Verdict::Drop(DropReason::BadChecksum));
    assert_eq!(scene.gate.judge_from(Side::Inside, &segment), Verdict::Forward, "elsewhere it is completed");
}

#[test]
fn nobody_is_reset_by_what_is_not_authenticated() {
    let mut scene = Scene::opened(Mode::Protect, authenticated);
    let twice = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab";
    let segment = scene.next(DATA, twice);
    assert_eq!(scene.judge(&segment), Verdict::Drop(DropReason::AppError));
}
