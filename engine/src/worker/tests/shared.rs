//! Several workers of one link over queues in memory: together they are one worker, whatever comes in where.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;

use dataplane::decode::checksum::seal_ipv4;
use dataplane::decode::{ChecksumMode, decode};
use dataplane::pipeline::Owners;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::lending::{Lending, between};

type MemoryWorker = Worker<MemoryQueue, Lines>;

const SEED: [u64; 2] = [3, 5];
const STEPS: usize = 10;

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || Arc::new(RuleSet::compile(&default_packs()).expect("the packs compile"));
    Arc::clone(RULES.get_or_init(compile))
}

fn worker(index: usize) -> MemoryWorker {
    let first_flow_id = (index as u64) << 40 | 1;
    let settings = Settings { flows_max: 1024, first_flow_id, ..Settings::default() };
    Worker::new(MemoryQueue::default(), Pipeline::new(settings, rules()), Lines::default(), 0)
}

/// Workers of one link that may have lent so many frames to each other.
fn crew(workers: usize, lent_max: usize) -> Vec<MemoryWorker> {
    let exchanges = between(workers, lent_max * (workers - 1)).expect("there are descriptors");
    let join = |(index, exchange)| {
        let mut worker = worker(index);
        worker.share(Lending::new(Owners::new(SEED, workers, 0), exchange));
        worker
    };
    exchanges.into_iter().enumerate().map(join).collect()
}

fn owner(frame: &[u8], workers: usize) -> usize {
    let decoded = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Ignore);
    let packet = decoded.as_ref().expect("the frame is well-formed");
    Owners::new(SEED, workers, 0).of_packet(packet).expect("it is of a flow")
}

fn conversations() -> Vec<Vec<(Port, Vec<u8>)>> {
    let conversations: Vec<_> = (0..CONVERSATIONS).map(conversation).collect();
    assert!(conversations.iter().all(|frames| frames.len() == STEPS));
    conversations
}

/// All that can be told of what a crew did, but for who did it.
#[derive(Debug, Default, PartialEq)]
struct Deeds {
    counters: Counters,
    /// By client port, without what names the flow.
    lines: BTreeMap<u16, Vec<Value>>,
    /// By port, then by client port.
    left: [BTreeMap<u16, Vec<Vec<u8>>>; 2],
}

/// A worker, and what left its queue in each step, by port.
struct Member {
    worker: MemoryWorker,
    left: Vec<[Vec<Vec<u8>>; 2]>,
}

impl Member {
    fn new(worker: MemoryWorker) -> Member {
        Member { worker, left: Vec::new() }
    }

    fn end_step(&mut self) {
        self.left.push(std::mem::take(&mut self.worker.io().left));
    }
}

/// Ends a crew, in which each flow must have had one worker, its owner.
fn finish(crew: Vec<Member>) -> Deeds {
    let (mut deeds, mut told) = (Deeds::default(), BTreeSet::new());
    for (step, port) in (0..STEPS).flat_map(|step| Port::BOTH.map(|port| (step, port))) {
        for left in crew.iter().map(|member| &member.left[step][port as usize]) {
            for (client, frames) in by_connection(left) {
                let frames = frames.into_iter().map(<[u8]>::to_vec);
                deeds.left[port as usize].entry(client).or_default().extend(frames);
            }
        }
    }
    for (index, Member { worker, .. }) in crew.into_iter().enumerate() {
        let (pipeline, lines) = super::finish(worker, 2_000_000_000);
        deeds.counters.add(pipeline.counters());
        let mut clients = BTreeSet::new();
        for (flow, lines) in lines.0 {
            assert_eq!(flow >> 40, index as u64, "whose flow it is");
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let mut line: Value = serde_json::from_slice(line).expect("JSON");
                line.as_object_mut().expect("an event").remove("flow_id").expect("it names its flow");
                let ends = ["src_port", "dest_port"].map(|end| line[end].as_u64().expect("TCP"));
                let client = ends.into_iter().max().expect("two") as u16;
                clients.insert(client);
                deeds.lines.entry(client).or_default().push(line);
            }
        }
        assert_eq!(clients.intersection(&told).next(), None, "a flow has one worker");
        told.append(&mut clients);
    }
    deeds
}

/// What one worker does that has all for itself.
fn alone() -> &'static Deeds {
    static ALONE: OnceLock<Deeds> = OnceLock::new();
    ALONE.get_or_init(|| {
        let mut member = Member::new(worker(0));
        for step in 0..STEPS {
            for (port, frame) in conversations().iter().map(|frames| &frames[step]) {
                member.worker.io().arriving[*port as usize].push_back(frame.clone());
            }
            while member.worker.turn(1_000_000_000 + step as u64) > 0 {}
            member.end_step();
        }
        finish(vec![member])
    })
}

/// Turns all until none has anything to do.
fn settle<'a>(crew: impl Iterator<Item = &'a mut MemoryWorker>, now_ns: u64) {
    let mut crew: Vec<_> = crew.collect();
    while crew.iter_mut().map(|worker| worker.turn(now_ns)).sum::<usize>() > 0 {
        for worker in &crew {
            assert!(worker.pipeline().counters().is_balanced(), "at every instant");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn wherever_frames_come_in_a_crew_does_what_one_worker_does(
        workers in 2..=5usize,
        batch_frames in 1..=64usize,
        queues in prop::collection::vec(any::<prop::sample::Index>(), 997),
    ) {
        let mut crew: Vec<Member> = crew(workers, 256).into_iter().map(Member::new).collect();
        crew.iter_mut().for_each(|member| member.worker.io().batch_frames = batch_frames);
        let conversations = conversations();
        let mut queues = queues.iter().cycle();
        for step in 0..STEPS {
            for (port, frame) in conversations.iter().map(|frames| &frames[step]) {
                let queue = queues.next().expect("they go round").index(workers);
                crew[queue].worker.io().arriving[*port as usize].push_back(frame.clone());
            }
            settle(crew.iter_mut().map(|member| &mut member.worker), 1_000_000_000 + step as u64);
            crew.iter_mut().for_each(Member::end_step);
        }
        let lent: u64 = crew.iter().map(|member| member.worker.frames_lent()).sum();
        prop_assert!(lent > 100, "{} frames were lent", lent);
        prop_assert_eq!(&finish(crew), alone());
    }
}

#[test]
fn workers_on_threads_of_their_own_do_what_one_does() {
    const WORKERS: usize = 4;
    let crew = crew(WORKERS, 256);
    let (judged, step_done) = (AtomicU64::new(0), Barrier::new(WORKERS));
    let conversations = conversations();
    let work = |(index, mut member): (usize, Member)| {
        let mut told = 0;
        for step in 0..STEPS {
            let now_ns = 1_000_000_000 + step as u64;
            let worker = &mut member.worker;
            for (conversation, frames) in conversations.iter().enumerate() {
                let (port, frame) = &frames[step];
                // The two directions of most connections come in on different queues.
                if (conversation / (1 + 3 * *port as usize)) % WORKERS == index {
                    worker.io().arriving[*port as usize].push_back(frame.clone());
                }
            }
            // Each conversation is judged up to here before its next frame comes in.
            while judged.load(Ordering::SeqCst) < (step as u64 + 1) * u64::from(CONVERSATIONS) {
                worker.turn(now_ns);
                let frames_in = worker.pipeline().counters().frames_in;
                judged.fetch_add(frames_in - told, Ordering::SeqCst);
                told = frames_in;
                thread::yield_now();
            }
            while worker.frames_away() > 0 {
                worker.turn(now_ns);
                thread::yield_now();
            }
            member.end_step();
            step_done.wait();
        }
        while !member.worker.wind_up(1_000_000_000 + STEPS as u64) {
            thread::yield_now();
        }
        member
    };
    let crew = thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = crew
            .into_iter()
            .map(Member::new)
            .enumerate()
            .map(|member| scope.spawn(move || work(member)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it works")).collect()
    });
    assert_eq!(&finish(crew), alone());
}

/// Opening segments of connections of their own, by the worker that owns them.
fn openings(workers: usize) -> Vec<(usize, Vec<u8>)> {
    let opening = |index| conversation(index).swap_remove(0).1;
    (0..CONVERSATIONS).map(opening).map(|frame| (owner(&frame, workers), frame)).collect()
}

#[test]
fn an_owner_that_hangs_stops_nobody_else() {
    const LENT_MAX: usize = 8;
    let mut crew = crew(2, LENT_MAX);
    let openings = openings(2);
    let theirs = openings.iter().filter(|(owner, _)| *owner == 1).count();
    assert!(theirs > LENT_MAX);
    crew[0].io().arriving[0].extend(openings.iter().map(|(_, frame)| frame.clone()));
    while crew[0].turn(1_000_000_000) > 0 {}
    let counters = *crew[0].pipeline().counters();
    assert!(counters.is_balanced());
    assert_eq!(crew[0].frames_away(), LENT_MAX);
    assert_eq!(counters.forwarded, (openings.len() - theirs) as u64, "its own pass");
    assert_eq!(counters.dropped[DropReason::OwnerBehind as usize], (theirs - LENT_MAX) as u64);

    // What was lent comes home in order once the owner is back, behind what left meanwhile.
    settle(crew.iter_mut(), 1_000_000_001);
    assert_eq!(crew[0].frames_away(), 0);
    let owned_by = |wanted| openings.iter().filter(move |(owner, _)| *owner == wanted);
    let expected = owned_by(0).chain(owned_by(1).take(LENT_MAX)).map(|(_, frame)| frame);
    assert!(crew[0].io().left[1].iter().eq(expected));
    assert!(crew[1].io().left.iter().all(Vec::is_empty), "frames leave where they came in");
}

#[test]
fn the_books_of_the_owner_tell_what_could_not_leave() {
    let mut crew = crew(2, 256);
    let openings = openings(2);
    let theirs = openings.iter().filter(|(owner, _)| *owner == 1).map(|(_, frame)| frame.clone());
    crew[0].io().refuse = 1;
    crew[0].io().arriving[0].extend(theirs);
    settle(crew.iter_mut(), 1_000_000_000);
    crew[1].turn(1_000_000_000);
    let [receiver, owner] = [0, 1].map(|index| *crew[index].pipeline().counters());
    assert_eq!(receiver, Counters::default());
    assert!(owner.frames_in > 0 && owner.is_balanced());
    assert_eq!((owner.forwarded, owner.dropped[DropReason::Egress as usize]), (0, owner.frames_in));
}

#[test]
fn a_worker_leaves_once_nothing_is_under_way() {
    let mut crew = crew(3, 256);
    let openings = openings(3);
    let lent = openings.iter().filter(|(owner, _)| *owner != 0).count();
    crew[0].io().arriving[0].extend(openings.iter().map(|(_, frame)| frame.clone()));
    crew[0].io().batch_frames = openings.len();
    crew[0].turn(1_000_000_000);
    assert_eq!(crew[0].frames_away(), lent);
    crew[1].io().arriving[0].push_back(openings[0].1.clone());
    assert!(!crew[0].wind_up(1), "its frames are away");
    assert!(!crew[1].wind_up(1), "another may lend it more");
    assert!(!crew[2].wind_up(1), "the first has not said that all is home");
    assert!(crew.iter_mut().all(|worker| worker.wind_up(1)));
    let judged: u64 = crew.iter().map(|worker| worker.pipeline().counters().frames_in).sum();
    assert_eq!(judged, openings.len() as u64, "nothing was received meanwhile");
    assert_eq!(crew[0].io().left[1].len(), openings.len());
}

#[test]
fn nobody_waits_for_a_worker_that_is_gone() {
    let mut crew = crew(2, 256);
    crew[0].io().arriving[0].extend(openings(2).into_iter().map(|(_, frame)| frame));
    crew[0].turn(1_000_000_000);
    assert!(crew[0].frames_away() > 0 && !crew[0].wind_up(1));
    drop(crew.pop());
    assert!(crew[0].wind_up(1));
}

#[test]
fn a_worker_that_was_left_something_does_not_sleep() {
    let mut crew = crew(2, 256);
    let slept = |worker: &mut MemoryWorker| {
        let mut slept = false;
        let outcome = worker.sleep(|_, bell| {
            slept = bell.is_some();
            Ok(false)
        });
        outcome.expect("it can");
        slept
    };
    assert!(slept(&mut crew[1]));
    let theirs = openings(2).into_iter().find(|(owner, _)| *owner == 1).expect("it owns some").1;
    crew[0].io().arriving[0].push_back(theirs);
    crew[0].turn(1_000_000_000);
    assert!(slept(&mut crew[0]) && !slept(&mut crew[1]));
    crew[1].turn(1_000_000_000);
    assert!(slept(&mut crew[1]) && !slept(&mut crew[0]));
}

/// An Ethernet frame with an IPv4 packet, cut into two pieces where it is long enough (RFC 791 §3.2).
fn in_pieces(frame: &[u8], id: u16) -> Vec<Vec<u8>> {
    const IP: usize = 14;
    const UPPER: usize = IP + 20;
    const CUT: usize = 32;
    if frame.len() < UPPER + CUT + 8 {
        return vec![frame.to_vec()];
    }
    let piece = |bytes: &[u8], place: u16| {
        let mut piece = [&frame[..UPPER], bytes].concat();
        piece[IP + 2..IP + 4].copy_from_slice(&(20 + bytes.len() as u16).to_be_bytes());
        piece[IP + 4..IP + 6].copy_from_slice(&id.to_be_bytes());
        piece[IP + 6..IP + 8].copy_from_slice(&place.to_be_bytes());
        seal_ipv4(&mut piece[IP..UPPER]);
        piece
    };
    let upper = &frame[UPPER..];
    vec![piece(&upper[CUT..], CUT as u16 / 8), piece(&upper[..CUT], 0x2000)]
}

/// Pieces go to one worker for each pair of addresses, and the datagram from there to the owner of its flow.
#[test]
fn segments_in_pieces_reach_the_owner_of_their_stream() {
    const WORKERS: usize = 3;
    let mut crew: Vec<Member> = crew(WORKERS, 256).into_iter().map(Member::new).collect();
    let (mut cut, mut next) = (0, 0);
    for step in 0..STEPS {
        for (port, frame) in conversations().iter().map(|frames| &frames[step]) {
            let pieces = in_pieces(frame, cut);
            cut += u16::from(pieces.len() > 1);
            for piece in pieces {
                crew[next % WORKERS].worker.io().arriving[*port as usize].push_back(piece);
                next += 1;
            }
            settle(crew.iter_mut().map(|member| &mut member.worker), 1_000_000_000 + step as u64);
        }
        crew.iter_mut().for_each(Member::end_step);
    }
    assert!(cut > CONVERSATIONS, "requests and responses are in pieces");
    let deeds = finish(crew);
    let told = |deeds: &Deeds| {
        let Counters { flows, alerts, resets, injected, held, .. } = deeds.counters;
        [flows, alerts, resets, injected, held]
    };
    assert_eq!(told(&deeds), told(alone()));
    assert!(told(&deeds).iter().take(4).all(|count| *count > 0));
    assert!(deeds.counters.dropped[DropReason::OwnerBehind as usize] == 0);
}

/// Pieces of a segment whose pair of addresses is one worker's of two, and whose flow is the other's. The two of them.
fn pieces_of_another() -> (Vec<Vec<u8>>, usize, usize) {
    for index in 0..CONVERSATIONS {
        for (_, frame) in conversation(index) {
            let (pieces, flow_owner) = (in_pieces(&frame, 1), owner(&frame, 2));
            let pair_owner = owner(&pieces[0], 2);
            if pieces.len() > 1 && pair_owner != flow_owner {
                return (pieces, pair_owner, flow_owner);
            }
        }
    }
    panic!("flows spread over both workers")
}

/// A worker that took nothing yet does not leave before it took what was handed over, whoever else is ready to leave.
#[test]
fn datagrams_under_way_are_waited_for() {
    let (pieces, here, there) = pieces_of_another();
    let mut crew = crew(2, 256);
    crew[here].io().arriving[0].extend(pieces.clone());
    crew[here].turn(1_000_000_000);
    assert_eq!(crew[here].frames_away(), 2);
    assert!(!crew[here].wind_up(1), "what it handed over is not taken");
    let lending = crew[there].lending.as_ref().expect("it shares the link");
    assert!(!lending.exchange.may_leave(), "something waits for it");
    assert!(!crew[there].wind_up(1), "the other has not said that all is taken");
    assert_eq!((crew[here].frames_away(), crew[here].wind_up(1)), (0, true));
    assert!(crew[there].wind_up(1));
    let [giver, taker] = [here, there].map(|index| *crew[index].pipeline().counters());
    assert_eq!([giver.frames_in, taker.frames_in, taker.forwarded], [0, 2, 2]);
    assert_eq!(crew[there].io().left[1].len(), 2);
}

#[test]
fn a_datagram_leaves_whole_or_not_at_all() {
    let (pieces, ..) = pieces_of_another();
    for room in 0..=2 {
        let mut worker = worker(0);
        worker.io().injected_max = room;
        worker.io().arriving[0].extend(pieces.clone());
        while worker.turn(1_000_000_000) > 0 {}
        let counters = *worker.pipeline().counters();
        let left = if room < 2 { 0 } else { 2 };
        assert!(counters.is_balanced());
        assert_eq!(worker.io().left[1].len(), left);
        let egress = counters.dropped[DropReason::Egress as usize];
        assert_eq!([counters.forwarded, egress], [left as u64, 2 - left as u64]);
    }
}
