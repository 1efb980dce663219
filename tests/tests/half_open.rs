//! Who leaves the table for a newcomer, and who is not let in.

use std::net::SocketAddr;
use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags, TunnelKind};
use dataplane::event::{Event, EventSink, FlowEndCause, FlowState};
use dataplane::flow::Direction::{ToClient, ToServer};
use dataplane::flow::Elsewhere;
use dataplane::limits::FLOWS_LEAVING_MAX;
use dataplane::pipeline::{LiveFlow, Pipeline, RxMeta, Side};
use dataplane::policy::Settings;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet};
use engine::sample::{Connection, Ends, frame};
use tests::wrapping::Wrapping;

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;

/// The last octet of the client of each flow that ended, and why.
#[derive(Default)]
struct Ended(Vec<(u8, FlowEndCause)>);

impl EventSink for Ended {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Flow(end) = event {
            self.0.push((octet(end.flow.client), end.cause));
        }
    }
}

fn octet((address, _): (std::net::IpAddr, u16)) -> u8 {
    match address {
        std::net::IpAddr::V4(v4) => v4.octets()[3],
        std::net::IpAddr::V6(v6) => v6.octets()[15],
    }
}

struct Scene {
    pipeline: Pipeline,
    ended: Ended,
    now_ns: u64,
}

impl Scene {
    /// A table of so many flows, of which half may be half-open.
    fn new(flows_max: usize, half_open_per_source_max: usize) -> Scene {
        let settings =
            Settings { flows_max, half_open_percent: 50, half_open_per_source_max, ..Settings::default() };
        let rules = Arc::new(RuleSet::compile(&[]).expect("no rules are no mistake"));
        Scene { pipeline: Pipeline::new(settings, rules), ended: Ended::default(), now_ns: 0 }
    }

    /// The same, where a datagram is dropped, and its flow may be handled elsewhere.
    fn blocking(flows_max: usize, half_open_per_source_max: usize) -> Scene {
        let pack = "[pack]\nname = 'own'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'drop'\n\
                    severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['payload']\nregex = 'a datagram'\n\
                    examples = { positive = ['a datagram'], negative = ['y'] }\n";
        let pack = Pack::parse("own.toml", pack).expect("the pack is right");
        let rules = Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"));
        let settings = Settings {
            flows_max,
            half_open_percent: 50,
            half_open_per_source_max,
            hands_over: true,
            ..Settings::default()
        };
        Scene { pipeline: Pipeline::new(settings, rules), ended: Ended::default(), now_ns: 0 }
    }

    fn judge(&mut self, frame: &[u8]) -> Verdict {
        self.judge_from(None, frame)
    }

    fn judge_from(&mut self, side: Option<Side>, frame: &[u8]) -> Verdict {
        self.now_ns += 1000;
        let (now_ns, wire_bytes) = (self.now_ns, frame.len() as u32);
        let meta = RxMeta { now_ns, link: 3, link_type: LinkType::Ethernet, side, wire_bytes };
        self.pipeline.process(&mut frame.to_vec(), meta, &mut self.ended)
    }

    fn pass(&mut self, frames: &[Vec<u8>]) {
        frames.iter().for_each(|frame| assert_eq!(self.judge(frame), Verdict::Forward));
    }

    /// A connection of that client, of whose handshake so many segments pass.
    fn opens(&mut self, client: u8, segments: usize) -> Connection {
        let mut connection = Connection::new(ends(client), [client.into(), 7]);
        self.pass(&connection.handshake()[..segments]);
        connection
    }

    fn live(&self) -> Vec<LiveFlow> {
        let mut live = Vec::new();
        assert_eq!(self.pipeline.live_flows().list(|flow| live.push(flow)), 0);
        live
    }

    /// Clients of the live flows, and whether they count as half-open.
    fn clients(&self) -> Vec<(u8, bool)> {
        let mut clients: Vec<_> =
            self.live().iter().map(|flow| (octet(flow.client), flow.standing.is_half_open)).collect();
        clients.sort_unstable();
        clients
    }
}

fn ends(client: u8) -> Ends {
    Ends::new(([10, 0, 0, client], 40_000).into(), ([192, 0, 2, 1], 80).into(), &[])
}

fn datagram(ends: [[u8; 4]; 2]) -> Vec<u8> {
    frame::udp(ends.map(|end| SocketAddr::from((end, 5000))), &[], b"a datagram")
}

#[test]
fn beyond_its_share_the_oldest_half_open_flow_makes_room() {
    let mut scene = Scene::new(4, 0);
    scene.opens(1, 3);
    for client in [2, 3] {
        scene.opens(client, 1);
    }
    assert_eq!(scene.clients(), [(1, false), (2, true), (3, true)]);
    scene.opens(4, 1);
    assert_eq!(scene.ended.0, [(2, FlowEndCause::HalfOpenEvicted)]);
    assert_eq!(scene.clients(), [(1, false), (3, true), (4, true)]);
    assert_eq!(scene.pipeline.counters().half_open_evicted, 1);
}

/// A flow that its first datagram blocked, so that nobody ever answered, and that leaves the table; and what became of it
/// elsewhere, which lets it go on.
fn departing() -> (Scene, Elsewhere) {
    departing_of(0)
}

/// The same, where a source may have so many half-open flows.
fn departing_of(half_open_per_source_max: usize) -> (Scene, Elsewhere) {
    let mut scene = Scene::blocking(4, half_open_per_source_max);
    let frame = datagram([[10, 0, 0, 1], [192, 0, 2, 1]]);
    assert_eq!(scene.judge(&frame), Verdict::Drop(DropReason::Rule));
    scene.pipeline.hand_over(|_, _| true);
    scene.now_ns += 3_600_000_000_000;
    scene.pipeline.expire(scene.now_ns, &mut scene.ended);
    let seen = Elsewhere { frames: [1, 0], bytes: [60, 0], last_ns: Some(scene.now_ns) };
    (scene, seen)
}

#[test]
fn a_half_open_flow_that_comes_back_still_makes_room() {
    let (mut scene, seen) = departing();
    scene.pipeline.take_back(|flows| flows[0].account(&seen), &mut scene.ended);
    assert_eq!(scene.clients(), [(1, true)]);
    for client in [2, 3] {
        scene.opens(client, 1);
    }
    assert_eq!(scene.ended.0, [(1, FlowEndCause::HalfOpenEvicted)]);
    assert_eq!(scene.clients(), [(2, true), (3, true)]);
}

#[test]
fn a_half_open_flow_does_not_come_back_where_others_have_its_share() {
    let (mut scene, seen) = departing();
    for client in [2, 3] {
        scene.opens(client, 1);
    }
    scene.pipeline.take_back(|flows| flows[0].account(&seen), &mut scene.ended);
    assert_eq!(scene.ended.0, [(1, FlowEndCause::Timeout)]);
    assert_eq!(scene.clients(), [(2, true), (3, true)]);
}

/// A flow whose handler was not asked yet is not forgotten, and as many as there may be of them do not become more.
#[test]
fn flows_that_wait_to_be_taken_back_have_a_cap() {
    let share = FLOWS_LEAVING_MAX + 8;
    let mut scene = Scene::blocking(2 * share, 0);
    let new = |number: usize, text: &[u8]| {
        let [.., high, middle, low] = (number as u32).to_be_bytes();
        let ends = [[10, high, middle, low], [192, 0, 2, 1]].map(|end| SocketAddr::from((end, 5000)));
        frame::udp(ends, &[], text)
    };
    for number in 0..share {
        assert_eq!(scene.judge(&new(number, b"a datagram")), Verdict::Drop(DropReason::Rule));
        scene.pipeline.hand_over(|_, _| true);
    }
    (share..share + FLOWS_LEAVING_MAX).for_each(|number| scene.pass(&[new(number, b"harmless")]));
    let late = new(2 * share, b"harmless");
    assert_eq!(scene.judge(&late), Verdict::Drop(DropReason::FlowTableFull));
    scene.pipeline.expire(scene.now_ns + 3_600_000_000_000, &mut scene.ended);
    assert_eq!((scene.pipeline.flows_active(), scene.ended.0.len()), (share, 0));
    let mut asked = 0;
    scene.pipeline.take_back(|flows| asked = flows.len(), &mut scene.ended);
    assert_eq!((asked, scene.ended.0.len()), (FLOWS_LEAVING_MAX, FLOWS_LEAVING_MAX));
    scene.pass(&[late]);
}

/// What the next pipeline, with a table of so many flows, makes of those that one has blocked: a flow of two ends, and two
/// of a single datagram each. Whether it entered each.
fn handed_on(flows_max: usize) -> (Scene, Vec<bool>) {
    let mut former = Scene::blocking(8, 0);
    let harmless = [([10, 0, 0, 1], [192, 0, 2, 1]), ([192, 0, 2, 1], [10, 0, 0, 1])];
    for (from, to) in harmless {
        let ends = [from, to].map(|end| SocketAddr::from((end, 5000)));
        former.pass(&[frame::udp(ends, &[], b"harmless")]);
    }
    for client in [1, 2, 3] {
        let blocking = datagram([[10, 0, 0, client], [192, 0, 2, 1]]);
        assert_eq!(former.judge(&blocking), Verdict::Drop(DropReason::Rule));
    }
    let mut next = Scene::blocking(flows_max, 0);
    let mut blocked: Vec<_> = former.pipeline.blocked().collect();
    blocked.sort_unstable_by_key(|flow| flow.record.client);
    let entered = blocked.iter().map(|flow| next.pipeline.block(flow, false, 0)).collect();
    (next, entered)
}

#[test]
fn a_flow_that_another_pipeline_blocked_is_as_half_open_as_it_was() {
    let (mut next, entered) = handed_on(4);
    assert_eq!(entered, [true; 3]);
    assert_eq!(next.clients(), [(1, false), (2, true), (3, true)]);
    next.opens(4, 1);
    assert_eq!(next.ended.0, [(2, FlowEndCause::HalfOpenEvicted)]);
    assert_eq!(next.clients(), [(1, false), (3, true), (4, true)]);
}

#[test]
fn blocked_flows_of_one_end_are_handed_on_into_their_share_alone() {
    let (next, entered) = handed_on(3);
    assert_eq!(entered, [true, true, false]);
    assert_eq!(next.clients(), [(1, false), (2, true)]);
    assert_eq!(next.pipeline.counters().flows, 2);
}

#[test]
fn in_a_full_table_the_half_open_make_room_and_the_established_never() {
    let mut scene = Scene::new(4, 0);
    for client in [1, 2, 3] {
        scene.opens(client, 3);
    }
    scene.opens(4, 1);
    scene.opens(5, 3);
    assert_eq!(scene.ended.0, [(4, FlowEndCause::HalfOpenEvicted)]);
    let late = Connection::new(ends(6), [6, 7]).handshake();
    assert_eq!(scene.judge(&late[0]), Verdict::Drop(DropReason::FlowTableFull));
    assert_eq!(scene.clients(), [(1, false), (2, false), (3, false), (5, false)]);
}

#[test]
fn a_full_table_takes_flows_anew_when_those_that_it_has_fall_silent() {
    let mut scene = Scene::new(1, 0);
    let mut first = scene.opens(1, 3);
    let opening = Connection::new(ends(2), [2, 7]).handshake();
    assert_eq!(scene.judge(&opening[0]), Verdict::Drop(DropReason::FlowTableFull));
    scene.pass(&[first.segment(ToServer, DATA, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")]);
    assert_eq!(scene.clients(), [(1, false)]);
    scene.now_ns += (u64::from(Settings::default().timeouts.tcp_established_s) + 1) * 1_000_000_000;
    scene.pass(&opening);
    assert_eq!(scene.clients(), [(2, false)]);
    assert_eq!(scene.ended.0, [(1, FlowEndCause::Timeout)]);
}

/// What only one end said is no flow of two, whatever it said.
#[test]
fn a_flow_is_half_open_until_both_ends_made_it_one() {
    let mut scene = Scene::new(16, 0);
    scene.opens(1, 2);
    let mut refused = scene.opens(2, 1);
    scene.pass(&[refused.segment(ToClient, TcpFlags::RST | TcpFlags::ACK, b"")]);
    let mut picked_up = Connection::new(ends(3), [3, 7]);
    scene.pass(&[picked_up.segment(ToServer, DATA, b"from the middle")]);
    scene.pass(&[datagram([[10, 0, 0, 4], [192, 0, 2, 1]])]);
    assert_eq!(scene.clients(), [(1, true), (2, true), (3, true), (4, true)]);
    scene.pass(&[picked_up.segment(ToClient, DATA, b"an answer")]);
    scene.pass(&[datagram([[192, 0, 2, 1], [10, 0, 0, 4]])]);
    assert_eq!(scene.clients(), [(1, true), (2, true), (3, false), (4, false)]);
}

/// Whoever speaks in the names of both ends does so from one side.
#[test]
fn nobody_makes_a_flow_of_two_from_one_side_of_the_link() {
    let mut scene = Scene::new(16, 0);
    let mut forged = Connection::new(ends(1), [1, 7]);
    let segments = [ToServer, ToClient].map(|from| forged.segment(from, DATA, b"as if we spoke"));
    let datagrams = [[10, 0, 0, 2], [192, 0, 2, 1]];
    let datagrams = [datagram(datagrams), datagram([datagrams[1], datagrams[0]])];
    for frame in segments.iter().chain(&datagrams) {
        scene.judge_from(Some(Side::Outside), frame);
    }
    assert_eq!(scene.clients(), [(1, true), (2, true)]);
    let new = |flow: &LiveFlow| octet(flow.client) == 2 && flow.standing.state == FlowState::New;
    assert_eq!(scene.live().iter().filter(|flow| new(flow)).count(), 1);
    // Then those come whose names they were.
    assert_eq!(scene.judge_from(Some(Side::Inside), &datagrams[0]), Verdict::Forward);
    assert_eq!(scene.judge_from(Some(Side::Outside), &datagrams[1]), Verdict::Forward);
    assert_eq!(scene.clients(), [(1, true), (2, false)]);
}

/// The last octet of the server of each live flow, which tells those of one client apart.
fn servers(scene: &Scene) -> Vec<u8> {
    let mut servers: Vec<_> = scene.live().iter().map(|flow| octet(flow.server)).collect();
    servers.sort_unstable();
    servers
}

const OF_SOURCE: FlowEndCause = FlowEndCause::HalfOpenSourceEvicted;

#[test]
fn beyond_what_a_source_may_have_its_own_oldest_half_open_flow_makes_room() {
    let mut scene = Scene::new(64, 2);
    let udp = |client, server| datagram([[10, 0, 0, client], [192, 0, 2, server]]);
    scene.pass(&[udp(2, 9), udp(1, 1), udp(1, 2), udp(1, 3)]);
    assert_eq!((servers(&scene), &scene.ended.0[..]), (vec![2, 3, 9], &[(1, OF_SOURCE)][..]));
    // What is answered counts no longer, and stays.
    scene.pass(&[datagram([[192, 0, 2, 2], [10, 0, 0, 1]]), udp(1, 4)]);
    assert_eq!((servers(&scene), scene.ended.0.len()), (vec![2, 3, 4, 9], 1));
    scene.pass(&[udp(1, 5)]);
    assert_eq!((servers(&scene), scene.ended.0.len()), (vec![2, 4, 5, 9], 2));
    let counters = scene.pipeline.counters();
    assert_eq!((counters.half_open_evicted, counters.half_open_source_evicted), (2, 2));
    assert_eq!(counters.dropped_total(), 0);
}

/// A flood of SYNs in some client's name, as many between its own segments as it may have: each of them is forgotten by
/// the time that its answer comes, and it comes through all the same.
#[test]
fn a_flood_in_a_name_refuses_nothing_to_whose_name_it_is() {
    let mut scene = Scene::new(64, 4);
    let mut client = Connection::new(ends(1), [1, 7]);
    let request =
        |client: &mut Connection| client.segment(ToServer, DATA, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut ports = 1..;
    let mut flood = |scene: &mut Scene| {
        for port in ports.by_ref().take(8) {
            let ends = Ends::new(([10, 0, 0, 1], port).into(), ([192, 0, 2, 1], 80).into(), &[]);
            scene.pass(&Connection::new(ends, [3, 9]).handshake()[..1]);
        }
    };
    for segment in client.handshake() {
        flood(&mut scene);
        scene.pass(&[segment]);
    }
    assert_eq!(scene.live().iter().filter(|flow| flow.client.1 == 40_000).count(), 1);
    scene.pass(&[request(&mut client), client.segment(ToClient, DATA, b"HTTP/1.1 204 No Content\r\n\r\n")]);
    for _ in 0..20 {
        flood(&mut scene);
    }
    let live = scene.live();
    let own = live.iter().find(|flow| flow.client.1 == 40_000).expect("it is established, and stays");
    assert_eq!((own.standing.is_half_open, own.standing.app.as_str()), (false, "http"));
    assert_eq!(live.len(), 5, "it, and what its name may have");
}

/// Segments from the middle of nothing, in some source's name, are as easily driven out as SYNs.
#[test]
fn what_one_end_alone_said_is_half_open_and_forgotten_soon() {
    let mut scene = Scene::new(64, 1);
    let from_the_middle = |client, server: u8| {
        let ends = Ends::new(([10, 0, 0, client], 40_000).into(), ([192, 0, 2, server], 80).into(), &[]);
        Connection::new(ends, [1, 7]).segment(ToServer, DATA, b"from the middle")
    };
    scene.pass(&[from_the_middle(1, 1), from_the_middle(2, 1), from_the_middle(1, 2)]);
    assert_eq!((servers(&scene), &scene.ended.0[..]), (vec![1, 2], &[(1, OF_SOURCE)][..]));
    scene.now_ns += (u64::from(Settings::default().timeouts.tcp_new_s) + 1) * 1_000_000_000;
    scene.pipeline.expire(scene.now_ns, &mut scene.ended);
    assert!(servers(&scene).is_empty());
}

#[test]
fn a_half_open_flow_does_not_come_back_where_its_source_has_its_share() {
    let (mut scene, seen) = departing();
    scene.pass(&[Connection::new(ends(1), [1, 7]).handshake().swap_remove(0)]);
    scene.pipeline.take_back(|flows| flows[0].account(&seen), &mut scene.ended);
    assert_eq!(scene.ended.0, []);
    let (mut scene, seen) = departing_of(1);
    scene.pass(&[Connection::new(ends(1), [1, 7]).handshake().swap_remove(0)]);
    scene.pipeline.take_back(|flows| flows[0].account(&seen), &mut scene.ended);
    assert_eq!(scene.ended.0, [(1, FlowEndCause::Timeout)]);
}

#[test]
fn whoever_has_a_network_of_ipv6_is_one_source() {
    let mut scene = Scene::new(64, 1);
    let udp = |client: &str| {
        let ends = [client, "[2001:db8::1]:5000"].map(|end| end.parse().expect("it is an address"));
        frame::udp(ends, &[], b"a datagram")
    };
    scene.pass(&[udp("[2001:db8:0:1::1]:5000"), udp("[2001:db8:0:2::3]:5000")]);
    assert_eq!(scene.ended.0, []);
    scene.pass(&[udp("[2001:db8:0:1:ffff::2]:5000")]);
    assert_eq!(scene.ended.0, [(1, OF_SOURCE)]);
    assert_eq!(scene.clients(), [(2, true), (3, true)]);
}

#[test]
fn a_host_is_not_charged_for_what_comes_in_its_name_from_the_other_side() {
    let mut scene = Scene::new(64, 1);
    let syn = |port| {
        let ends = Ends::new(([10, 0, 0, 1], port).into(), ([192, 0, 2, 1], 80).into(), &[]);
        Connection::new(ends, [1, 7]).handshake().swap_remove(0)
    };
    let mut left = |side, port, expected: &[u16]| {
        assert_eq!(scene.judge_from(Some(side), &syn(port)), Verdict::Forward);
        let mut ports: Vec<u16> = scene.live().iter().map(|flow| flow.client.1).collect();
        ports.sort_unstable();
        assert_eq!(ports, expected);
    };
    left(Side::Outside, 1, &[1]);
    left(Side::Outside, 2, &[2]);
    left(Side::Inside, 3, &[2, 3]);
    left(Side::Inside, 4, &[2, 4]);
}

#[test]
fn readers_see_what_a_flow_travels_in() {
    let mut scene = Scene::new(16, 0);
    let inner = datagram([[10, 0, 0, 1], [192, 0, 2, 1]]);
    scene.pass(&[Wrapping::Vxlan.wrap(&inner).expect("it is IP")]);
    let live = scene.live();
    let [flow] = &live[..] else { panic!("one flow is there: {live:?}") };
    assert_eq!((flow.client, flow.server), (([10, 0, 0, 1].into(), 5000), ([192, 0, 2, 1].into(), 5000)));
    assert_eq!((flow.link, flow.standing.tunnel), (3, Some(TunnelKind::Vxlan)));
    assert!(flow.vlans.is_empty());
}

#[test]
fn readers_see_what_the_books_say() {
    let mut scene = Scene::new(16, 0);
    let reader = scene.pipeline.live_flows();
    let mut connection = scene.opens(1, 3);
    let request = connection.segment(ToServer, DATA, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let request_bytes = request.len() as u64;
    scene.pass(&[request]);
    let mut live = Vec::new();
    reader.list(|flow| live.push(flow));
    let [flow] = &live[..] else { panic!("one flow is there: {live:?}") };
    assert_eq!((flow.client, flow.server), (([10, 0, 0, 1].into(), 40_000), ([192, 0, 2, 1].into(), 80)));
    assert_eq!((flow.protocol, flow.link, flow.vlans.len()), (6, 3, 0));
    assert_eq!((flow.start_ns, flow.last_ns), (1000, 4000));
    assert_eq!((flow.frames, flow.bytes[0] > request_bytes, flow.bytes[1] > 0), ([3, 1], true, true));
    assert_eq!((flow.standing.state, flow.standing.app.as_str()), (FlowState::Established, "http"));
    assert!(flow.standing.blocked.is_none() && !flow.standing.is_bypassed && !flow.standing.alerted);
    scene.pipeline.finish(scene.now_ns, &mut scene.ended);
    assert_eq!(scene.live(), []);
}
