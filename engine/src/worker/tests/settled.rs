//! Blocked flows that the port layer drops by itself: their events count every frame, and they end when they are silent.

use dataplane::flow::Elsewhere;
use serde_json::Value;

use super::*;

const NS_PER_S: u64 = 1_000_000_000;
/// What the port layer says to have dropped, the newest at 50 s.
const DROPPED: Elsewhere = Elsewhere { frames: [5, 1], bytes: [500, 60], last_ns: Some(50 * NS_PER_S) };

type Arrival = (Port, Vec<u8>);
type Bench = Worker<MemoryQueue, Lines>;

/// A worker that blocked a connection within the first second and settled its flow, and that connection's frames.
fn with_a_settled_flow() -> (Bench, Vec<Arrival>) {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the packs compile"));
    let settings = Settings { flows_max: 1024, hands_over: true, ..Settings::default() };
    let queue = MemoryQueue { settled_max: 1, ..MemoryQueue::default() };
    let mut worker = Worker::new(queue, Pipeline::new(settings, rules), Lines::default(), 0);
    let frames = conversation(ATTACK);
    let mut now_ns = 0;
    for frame in &frames {
        now_ns += 1_000_000;
        arrive(&mut worker, frame, now_ns);
        if !worker.io().settled.is_empty() {
            break;
        }
    }
    assert_eq!(worker.io().settled.len(), 1, "the attack was blocked");
    (worker, frames)
}

fn arrive(worker: &mut Bench, (port, frame): &Arrival, now_ns: u64) {
    worker.io().arriving[*port as usize].push_back(frame.clone());
    worker.turn(now_ns);
}

/// Says what was dropped of every settled flow.
fn say(worker: &mut Bench, dropped: Elsewhere) {
    worker.io().settled.values_mut().for_each(|elsewhere| *elsewhere = dropped);
}

/// The flows that are over.
fn ended(worker: &mut Bench) -> Vec<Value> {
    let lines = worker.sink().0.values().flatten().copied().collect();
    let text = String::from_utf8(lines).expect("UTF-8");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter(|event| event["event_type"] == "flow").map(|event| event["flow"].clone()).collect()
}

fn assert_counts(flow: &Value, reason: &str, frames: [u64; 2]) {
    let found = [&flow["pkts_toserver"], &flow["pkts_toclient"]].map(Value::as_u64);
    assert_eq!((flow["reason"].as_str(), found), (Some(reason), frames.map(Some)), "{flow}");
}

#[test]
fn a_settled_flow_that_is_not_silent_stays_blocked_and_is_settled_again() {
    let (mut worker, frames) = with_a_settled_flow();
    say(&mut worker, DROPPED);
    // Here it was silent for longer than it may be, but not where it is dropped.
    worker.turn(70 * NS_PER_S);
    assert_eq!((ended(&mut worker).len(), worker.io().settled.len()), (0, 0));
    let passed = worker.pipeline().counters().forwarded;
    arrive(&mut worker, &frames[3], 71 * NS_PER_S);
    assert_eq!(worker.io().settled.len(), 1, "with its next frame");
    assert_eq!(worker.pipeline().counters().forwarded, passed);
    assert_eq!(worker.pipeline().counters().dropped[DropReason::FlowBlocked as usize], 1);
    worker.turn(132 * NS_PER_S);
    assert_eq!(worker.io().settled.len(), 0);
    let [flow] = &ended(&mut worker)[..] else { panic!("one flow is over") };
    // Of its own: SYN, ACK, the attack, and the frame above; and SYN with ACK.
    assert_counts(flow, "timeout", [4 + 5, 1 + 1]);
    let bytes: u64 =
        [&frames[0], &frames[2], &frames[3], &frames[3]].iter().map(|(_, f)| f.len() as u64).sum();
    assert_eq!(flow["bytes_toserver"].as_u64(), Some(bytes + 500));
    assert_eq!(flow["bytes_toclient"].as_u64(), Some(frames[1].1.len() as u64 + 60));
}

#[test]
fn a_new_connection_between_the_same_ports_ends_what_was_settled() {
    let (mut worker, frames) = with_a_settled_flow();
    say(&mut worker, DROPPED);
    // Long after its last frame here: only the port layer knows whether it was silent.
    arrive(&mut worker, &frames[0], 200 * NS_PER_S);
    assert_eq!(worker.io().settled.len(), 0);
    let [flow] = &ended(&mut worker)[..] else { panic!("one flow is over") };
    assert_counts(flow, "tcp_reuse", [3 + 5, 1 + 1]);
    let before = worker.pipeline().counters().forwarded;
    arrive(&mut worker, &frames[1], 200 * NS_PER_S + 1);
    assert_eq!(worker.pipeline().counters().forwarded, before + 1, "the new one is not blocked");
}

#[test]
fn a_worker_that_stops_tells_what_was_dropped() {
    let (mut worker, _) = with_a_settled_flow();
    say(&mut worker, DROPPED);
    let (_, mut lines) = super::finish(worker, 60 * NS_PER_S);
    let text = String::from_utf8(lines.0.pop_last().expect("one flow").1).expect("UTF-8");
    let last: Value = serde_json::from_str(text.lines().last().expect("lines")).expect("JSON");
    assert_counts(&last["flow"], "shutdown", [3 + 5, 1 + 1]);
}

#[test]
fn without_room_a_blocked_flow_stays_blocked_here() {
    let (mut worker, frames) = with_a_settled_flow();
    let other = conversation(LEAK);
    for (at, frame) in other.iter().enumerate() {
        arrive(&mut worker, frame, NS_PER_S + at as u64);
    }
    arrive(&mut worker, &frames[3], 2 * NS_PER_S);
    assert_eq!(worker.io().settled.len(), 1, "there is room for one");
    assert!(worker.pipeline().counters().dropped[DropReason::FlowBlocked as usize] > 1);
}
