//! No frame, however broken, makes the dataplane panic, and each is counted once.

use std::sync::{Arc, OnceLock};

use dataplane::decode::{LinkType, TcpFlags};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings};
use dlp_patterns::{RuleSet, default_packs};
use engine::sample::{Connection, Ends};
use proptest::prelude::*;

const LINK_TYPES: [LinkType; 5] =
    [LinkType::Ethernet, LinkType::RawIp, LinkType::Null, LinkType::LinuxSll, LinkType::LinuxSll2];

fn pipeline(mode: Mode) -> Pipeline {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let rules = || Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    let settings = Settings { mode, flows_max: 4096, ..Settings::default() };
    Pipeline::new(settings, Arc::clone(RULES.get_or_init(rules)))
}

/// Judges a frame, and checks the books.
fn judge(pipeline: &mut Pipeline, frame: &[u8], link_type: LinkType, wire_bytes: usize) {
    let frames_in = pipeline.counters().frames_in;
    let meta =
        RxMeta { now_ns: frames_in * 1000, link: 0, link_type, side: None, wire_bytes: wire_bytes as u32 };
    pipeline.process(&mut frame.to_vec(), meta, &mut ());
    let counters = pipeline.counters();
    assert_eq!(counters.frames_in, frames_in + 1);
    assert!(counters.is_balanced());
}

/// A handshake, a request and its response, between ends of every kind that is decoded.
fn conversations() -> Vec<Vec<Vec<u8>>> {
    let ends = [
        ("10.0.0.1:1025", "192.0.2.1:80", &[][..]),
        ("[fd00::1]:1025", "[2001:db8::1]:80", &[]),
        ("10.0.0.1:1026", "192.0.2.1:80", &[7, 8]),
    ];
    let conversation = |(client, server, vlans): (&str, &str, &[u16])| {
        let address = |text: &str| text.parse().expect("it is an address");
        let mut connection =
            Connection::new(Ends::new(address(client), address(server), vlans), [u32::MAX, 9]);
        let mut frames = connection.handshake();
        frames.push(connection.segment(
            Direction::ToServer,
            TcpFlags::PSH | TcpFlags::ACK,
            b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        ));
        frames.push(connection.segment(
            Direction::ToClient,
            TcpFlags::PSH | TcpFlags::ACK,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ));
        frames
    };
    ends.into_iter().map(conversation).collect()
}

#[test]
fn every_changed_byte_is_survived() {
    for mode in [Mode::Protect, Mode::Monitor] {
        let mut pipeline = pipeline(mode);
        let mut expected = 0;
        for frame in conversations().concat() {
            for place in 0..frame.len() {
                for flip in 1..=255_u8 {
                    let mut changed = frame.clone();
                    changed[place] ^= flip;
                    judge(&mut pipeline, &changed, LinkType::Ethernet, changed.len());
                    expected += 1;
                }
            }
            judge(&mut pipeline, &frame, LinkType::Ethernet, frame.len());
            expected += 1;
        }
        assert_eq!(pipeline.counters().frames_in, expected);
        assert!(expected > 200_000 && pipeline.counters().forwarded > 0);
        assert_eq!(mode == Mode::Protect, pipeline.counters().dropped_total() > 0);
        pipeline.finish(u64::MAX, &mut ());
        assert_eq!(pipeline.flows_active(), 0);
    }
}

#[test]
fn every_truncation_is_survived_as_a_short_frame_and_as_a_cut_one() {
    let mut pipeline = pipeline(Mode::Protect);
    for frame in conversations().concat() {
        for length in 0..=frame.len() {
            for link_type in LINK_TYPES {
                judge(&mut pipeline, &frame[..length], link_type, length);
                judge(&mut pipeline, &frame[..length], link_type, frame.len());
            }
        }
    }
    assert!(pipeline.counters().dropped_total() > 0 && pipeline.counters().forwarded > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_survived(
        frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..120), 0..5usize, 0..3usize), 1..40),
    ) {
        // The first bytes are made those of IP, so that noise gets behind the version.
        let mut pipeline = pipeline(Mode::Protect);
        for (mut frame, link_type, version) in frames {
            if let (Some(first), Some(byte)) = (frame.first_mut(), [0x45, 0x60].get(version)) {
                *first = *byte;
            }
            judge(&mut pipeline, &frame, LINK_TYPES[link_type], frame.len());
        }
        pipeline.finish(u64::MAX, &mut ());
    }
}
