//! A frame that is taken into no flow is told of with whose it was, as far as it says.

use std::net::{IpAddr, SocketAddr};

use dataplane::decode::{Glimpse, LinkType, TcpFlags};
use dataplane::event::{Event, EventSink, Owner};
use dataplane::flow::Direction::ToServer;
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::policy::Settings;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends, frame};
use tests::fragment::{claim, cut};
use tests::wrapping::Wrapping;

/// Reason, side and link of each drop without a flow, and what its frame told.
#[derive(Default)]
struct Told(Vec<(DropReason, Option<Side>, u16, Glimpse)>);

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Drop(dropped) = event
            && let Owner::Nobody { link, glimpse } = dropped.owner
        {
            self.0.push((dropped.reason, dropped.side, link, glimpse.clone()));
        }
    }
}

const LINK: u16 = 3;

struct Scene {
    pipeline: Pipeline,
    told: Told,
    now_ns: u64,
}

impl Scene {
    fn new() -> Scene {
        let rules = RuleSet::compile(&[]).expect("no rules are no mistake").into();
        let settings = Settings { flows_max: 1, ..Settings::default() };
        Scene { pipeline: Pipeline::new(settings, rules), told: Told::default(), now_ns: 1 }
    }

    fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.judge_from(Side::Outside, frame)
    }

    fn judge_from(&mut self, side: Side, frame: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let (now_ns, wire_bytes) = (self.now_ns, frame.len() as u32);
        let link_type = LinkType::Ethernet;
        let meta = RxMeta { now_ns, link: LINK, link_type, side: Some(side), wire_bytes };
        self.pipeline.process(&mut frame.to_vec(), meta, &mut self.told)
    }

    fn assert_told(&mut self, reason: DropReason, ports: Option<(u16, u16)>) {
        let [client, server] = addresses();
        let told = std::mem::take(&mut self.told.0);
        let [(found, side, link, glimpse)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((*found, *side, *link), (reason, Some(Side::Outside), LINK));
        assert_eq!((glimpse.ends, glimpse.ports), (Some((client, server)), ports), "{reason:?}");
        assert!(glimpse.protocol.is_some());
    }
}

fn addresses() -> [IpAddr; 2] {
    [[10, 0, 0, 1].into(), [192, 0, 2, 1].into()]
}

fn datagram(bytes: usize) -> Vec<u8> {
    let [client, server] = addresses();
    frame::udp([SocketAddr::new(client, 5353), SocketAddr::new(server, 53)], &[], &vec![b'a'; bytes])
}

fn connection() -> Connection {
    let [client, server] = addresses();
    Connection::new(Ends::new((client, 40_000).into(), (server, 80).into(), &[]), [1, 7])
}

#[test]
fn broken_frames_and_those_that_find_no_place_say_whose_they_are() {
    let mut scene = Scene::new();
    let broken = connection().segment(ToServer, TcpFlags::ACK, b"cut off")[..50].to_vec();
    assert_eq!(scene.judge(&broken), Verdict::Drop(DropReason::Malformed));
    scene.assert_told(DropReason::Malformed, Some((40_000, 80)));
    let mut wrong = connection().segment(ToServer, TcpFlags::SYN, b"");
    wrong[50] ^= 1;
    assert_eq!(scene.judge(&wrong), Verdict::Drop(DropReason::BadChecksum));
    scene.assert_told(DropReason::BadChecksum, Some((40_000, 80)));
    // Whose it is stands in the tunnel, not around it.
    let wrapped = Wrapping::Vxlan.wrap(&wrong).expect("it is IP");
    assert_eq!(scene.judge(&wrapped), Verdict::Drop(DropReason::BadChecksum));
    scene.assert_told(DropReason::BadChecksum, Some((40_000, 80)));
    for (side, segment) in
        [Side::Outside, Side::Inside, Side::Outside].into_iter().zip(connection().handshake())
    {
        assert_eq!(scene.judge_from(side, &segment), Verdict::Forward);
    }
    assert_eq!(scene.judge(&datagram(8)), Verdict::Drop(DropReason::FlowTableFull));
    scene.assert_told(DropReason::FlowTableFull, Some((5353, 53)));
    let meta = RxMeta {
        now_ns: scene.now_ns,
        link: LINK,
        link_type: LinkType::Ethernet,
        side: Some(Side::Outside),
        wire_bytes: 50,
    };
    scene.pipeline.refuse_unowned(&mut datagram(8), meta, &mut scene.told);
    scene.assert_told(DropReason::OwnerBehind, Some((5353, 53)));
}

#[test]
fn pieces_say_what_the_begin_of_their_datagram_says() {
    let pieces = cut(&datagram(400), 7, &[64, 128, 256]);
    for (held, ports) in [([1, 0, 2], Some((5353, 53))), ([3, 2, 1], None)] {
        let mut scene = Scene::new();
        for piece in held {
            assert_eq!(scene.judge(&pieces[piece]), Verdict::Hold);
        }
        scene.now_ns += 120_000_000_000;
        scene.pipeline.expire(scene.now_ns, &mut scene.told);
        scene.assert_told(DropReason::FragmentTimeout, ports);
    }
    // None of which a datagram can have.
    let mut scene = Scene::new();
    for (held, ports) in [(0, Some((5353, 53))), (1, None)] {
        let odd = claim(&datagram(400), 9, held * 64, &pieces[held][34..][..63], true);
        assert_eq!(scene.judge(&odd), Verdict::Drop(DropReason::Fragment));
        scene.assert_told(DropReason::Fragment, ports);
    }
}
