//! A queue in memory: what a worker is tested with.

use std::collections::{BTreeMap, VecDeque};

use af_xdp::limits::BATCH_FRAMES_MAX;
use dataplane::flow::{Elsewhere, FlowRecord};
use dataplane::pipeline::{Handling, LeavingFlow};
use dataplane::verdict::Verdict;

use super::{Applied, Batch, PacketIo, Port};

/// Frames wait in `arriving`, and leave to `left`, by port.
#[derive(Debug)]
pub struct MemoryQueue {
    /// What will be received, by port.
    pub arriving: [VecDeque<Vec<u8>>; 2],
    /// What was sent, by port.
    pub left: [Vec<Vec<u8>>; 2],
    /// Frames of one batch at most.
    pub batch_frames: usize,
    /// How many frames of one batch, and of those that come back one by one, find no room on the way out.
    pub refuse: usize,
    /// How many frames of our own find room on the way out.
    pub injected_max: usize,
    /// What was done with each settled flow, by its identifier. Nothing but a test does anything here.
    pub settled: BTreeMap<u64, Elsewhere>,
    /// How each flow was settled, the first one first.
    pub handlings: Vec<Handling>,
    /// How many flows may be settled.
    pub settled_max: usize,
}

impl Default for MemoryQueue {
    /// An empty queue with the batches of a real one.
    fn default() -> MemoryQueue {
        MemoryQueue {
            arriving: Default::default(),
            left: Default::default(),
            batch_frames: BATCH_FRAMES_MAX,
            refuse: 0,
            injected_max: usize::MAX,
            settled: BTreeMap::new(),
            handlings: Vec::new(),
            settled_max: 0,
        }
    }
}

/// Frames taken from a [`MemoryQueue`].
pub struct MemoryBatch<'q> {
    port: Port,
    /// `None` where one was lent.
    frames: Vec<Option<Vec<u8>>>,
    to: &'q mut Vec<Vec<u8>>,
    refuse: usize,
}

/// A frame taken out of a [`MemoryBatch`].
#[derive(Debug)]
pub struct MemoryLent {
    port: Port,
    frame: Vec<u8>,
}

impl AsMut<[u8]> for MemoryLent {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.frame
    }
}

impl PacketIo for MemoryQueue {
    type Batch<'q> = MemoryBatch<'q>;
    type Lent = MemoryLent;

    fn receive(&mut self, port: Port) -> MemoryBatch<'_> {
        let waiting = &mut self.arriving[port as usize];
        let frames = waiting.drain(..waiting.len().min(self.batch_frames)).map(Some).collect();
        MemoryBatch { port, frames, to: &mut self.left[port.other() as usize], refuse: self.refuse }
    }

    fn inject_all(&mut self, port: Port, frames: &[&[u8]]) -> bool {
        let has_room = frames.len() <= self.injected_max;
        if has_room {
            self.injected_max -= frames.len();
            self.left[port as usize].extend(frames.iter().map(|frame| frame.to_vec()));
        }
        has_room
    }

    fn give_back(&mut self, lent: MemoryLent, verdict: Verdict) -> bool {
        let is_forward = verdict == Verdict::Forward;
        let has_room = self.refuse == 0;
        if is_forward && has_room {
            self.left[lent.port.other() as usize].push(lent.frame);
        }
        has_room || !is_forward
    }

    fn flush(&mut self) {}

    fn settle(&mut self, flow: &FlowRecord, handling: Handling) -> bool {
        let is_taken = self.settled.len() < self.settled_max && !self.settled.contains_key(&flow.id);
        if is_taken {
            self.handlings.push(handling);
            self.settled.insert(flow.id, Elsewhere::default());
        }
        is_taken
    }

    fn unsettle(&mut self, flows: &mut [LeavingFlow], _now_ns: u64) {
        for flow in flows {
            let id = flow.record().id;
            flow.account(&self.settled.remove(&id).expect("only what was settled is asked for"));
        }
    }
}

impl Batch for MemoryBatch<'_> {
    type Lent = MemoryLent;

    fn len(&self) -> usize {
        self.frames.len()
    }

    fn frame(&mut self, index: usize) -> &mut [u8] {
        self.frames[index].as_mut().expect("it was not lent")
    }

    fn lend(&mut self, index: usize) -> MemoryLent {
        MemoryLent { port: self.port, frame: self.frames[index].take().expect("it was not lent") }
    }

    fn apply(self, verdicts: &[Verdict]) -> Applied {
        let mut applied = Applied::default();
        for (frame, verdict) in self.frames.into_iter().flatten().zip(verdicts) {
            if *verdict != Verdict::Forward {
                continue;
            }
            if applied.refused < self.refuse as u64 {
                applied.refused += 1;
                continue;
            }
            applied.forwarded += 1;
            self.to.push(frame);
        }
        applied
    }
}
