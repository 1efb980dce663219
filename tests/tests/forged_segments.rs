//! Segments of somebody who does not see the connection that they are forged for: their receiver does not take them, and its
//! connection goes on as its ends have it.

use std::sync::Arc;

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::flow::Direction::{self, ToClient, ToServer};
use dataplane::pipeline::{Pipeline, RxMeta, Side};
use dataplane::policy::Settings;
use dataplane::verdict::Verdict;
use dlp_patterns::RuleSet;
use engine::sample::frame::Tcp;
use engine::sample::{Connection, Ends};

const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
/// Of link, IP and TCP.
const HEADER_BYTES: usize = 54;

/// A connection, and the pipeline that it crosses. The client is inside.
struct Scene {
    pipeline: Pipeline,
    connection: Connection,
}

fn ends() -> Ends {
    Ends::new(([10, 0, 0, 1], 40_000).into(), ([192, 0, 2, 1], 80).into(), &[])
}

impl Scene {
    fn new() -> Scene {
        let rules = Arc::new(RuleSet::compile(&[]).expect("no rules are no mistake"));
        let pipeline = Pipeline::new(Settings { flows_max: 64, ..Settings::default() }, rules);
        Scene { pipeline, connection: Connection::new(ends(), [1000, 50_000]) }
    }

    fn opened() -> Scene {
        let mut scene = Scene::new();
        for (frame, from) in scene.connection.handshake().iter().zip([ToServer, ToClient, ToServer]) {
            assert!(scene.judge(from, frame).is_some());
        }
        scene
    }

    /// What leaves of a frame.
    fn judge(&mut self, from: Direction, frame: &[u8]) -> Option<Vec<u8>> {
        let side = Some(if from == ToServer { Side::Inside } else { Side::Outside });
        let wire_bytes = frame.len() as u32;
        let meta = RxMeta { now_ns: 1000, link: 0, link_type: LinkType::Ethernet, side, wire_bytes };
        let mut frame = frame.to_vec();
        let verdict = self.pipeline.process(&mut frame, meta, &mut ());
        (verdict == Verdict::Forward).then(|| frame.split_off(HEADER_BYTES))
    }

    /// Whether the next data of the connection leaves as it is.
    fn passes(&mut self, from: Direction, payload: &[u8]) -> bool {
        let frame = self.connection.segment(from, DATA, payload);
        self.judge(from, &frame).as_deref() == Some(payload)
    }

    /// Something in the name of the server, so far from the places at which the connection stands.
    fn forge(&mut self, ahead: u32, acknowledged_ahead: u32, payload: &[u8]) {
        let sequence = self.connection.sequence(ToClient).wrapping_add(ahead);
        let acknowledgment = self.connection.sequence(ToServer).wrapping_add(acknowledged_ahead);
        let tcp = Tcp { sequence, acknowledgment, flags: DATA };
        self.judge(ToClient, &ends().frame(ToClient, tcp, payload));
    }
}

#[test]
fn what_its_receiver_would_not_take_does_not_come_in_the_place_of_what_is_sent() {
    let mut scene = Scene::opened();
    scene.forge(8, 0u32.wrapping_sub(1 << 20), b"forged");
    assert!(scene.passes(ToClient, b"what the server says"));
    assert!(scene.passes(ToServer, b"what the client says"));
}

/// The first number behind all that was sent, and the last one that lies ahead of it and not behind.
const NEVER_SENT: [u32; 4] = [1, 5000, 1 << 29, (1 << 31) - 1];

#[test]
fn nor_does_what_answers_data_that_nobody_sent() {
    for acknowledged_ahead in NEVER_SENT {
        let mut scene = Scene::opened();
        scene.forge(8, acknowledged_ahead, b"forged");
        assert!(scene.passes(ToClient, b"what the server says"), "{acknowledged_ahead}");
        assert!(scene.passes(ToServer, b"what the client says"), "{acknowledged_ahead}");
    }
}

/// What remains: who guesses a number in either window is believed by the receiver as well. Its data then is the first copy
/// that both know, here and there.
#[test]
fn what_its_receiver_would_take_is_the_first_copy_here_too() {
    let mut scene = Scene::opened();
    scene.forge(8, 0, b"forged");
    let frame = scene.connection.segment(ToClient, DATA, b"what the server says");
    assert_eq!(scene.judge(ToClient, &frame).as_deref(), Some(&b"what theforgedr says"[..]));
}

/// Each end answers what was never seen here, and its own data is not where it is expected. One copy of it is lost by that.
#[test]
fn ends_that_both_went_on_unseen_are_believed_when_they_repeat_themselves() {
    let mut scene = Scene::opened();
    for from in [ToServer, ToClient] {
        scene.connection.segment(from, DATA, b"unseen");
    }
    let from_client = scene.connection.segment(ToServer, DATA, b"what the client says");
    assert_eq!(scene.judge(ToServer, &from_client), None);
    let sequence = scene.connection.sequence(ToClient);
    let acknowledgment = scene.connection.sequence(ToServer).wrapping_sub(20);
    let tcp = Tcp { sequence, acknowledgment, flags: DATA };
    let from_server = ends().frame(ToClient, tcp, b"what the server says");
    assert!(scene.judge(ToClient, &from_server).is_some(), "where the client stands is known now");
    assert!(scene.judge(ToServer, &from_client).is_some());
    assert!(scene.judge(ToClient, &from_server).is_some());
}

#[test]
fn an_acknowledgment_of_what_nobody_sent_does_not_make_it_past() {
    for payload in [&b""[..], b"forged"] {
        let mut scene = Scene::opened();
        scene.forge(5000, 1 << 20, payload);
        assert!(scene.passes(ToServer, b"what the client says"));
        assert!(scene.passes(ToClient, b"what the server says"));
    }
}

#[test]
fn a_connection_whose_begin_was_not_seen_stands_where_its_ends_say() {
    for (ahead, acknowledged_ahead) in [(0x7000_0000, 0x6000_0000), (0x9000_0000, 5000), (5000, 0x8000_0000)]
    {
        let mut scene = Scene::new();
        scene.connection.handshake();
        scene.forge(ahead, acknowledged_ahead, b"forged");
        for payload in [b"what is said", b"again, again", b"another time"] {
            scene.passes(ToServer, payload);
            scene.passes(ToClient, payload);
        }
        let told = format!("{ahead:x} {acknowledged_ahead:x}");
        assert!(scene.passes(ToServer, b"what the client says"), "{told}");
        assert!(scene.passes(ToClient, b"what the server says"), "{told}");
    }
}
